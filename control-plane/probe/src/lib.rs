//! Health checks and queries: what services, databases and Prometheus say when asked.
//!
//! A [`Prober`] asks one thing once and gives an answer in words of the rollout, whatever the other side does: a server that hangs,
//! refuses, redirects, sends too much or speaks another protocol is an answer like any other, and comes by the deadline. Who may
//! be called is the address policy's to say; what may not be called is *not asked*, which says nothing of its health.
//!
//! [`Schedule`] says what is due, pure and by the time that it is given: one question of a kind is under way at a time, and a bounded
//! number of questions to one target, so a slow target is asked less often and never flooded. Nothing here decides anything, and no answer holds a secret: tokens and
//! passwords stay in [`Targets`].

#![forbid(unsafe_code)]

mod bounded;
mod grpc;
mod http;
mod kafka;
mod postgres;
mod prober;
mod prometheus;
mod schedule;
mod targets;

pub use prober::{Prober, target_of_probe, target_of_query};
pub use schedule::{Due, Schedule};
pub use targets::{Database, Kafka, Prometheus, Targets};
