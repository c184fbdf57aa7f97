//! The control plane: listeners, store and effects around the pure cores `serin-analysis` and `serin-rollout`.
//!
//! Reports come in by [`fleet`], are counted, and feed the one task that owns all rollouts ([`rollouts`]). What it
//! decides is written ([`store`]), then offered to the Envoys ([`ecds`], from the [`assignment`]), then told
//! ([`notify`]). People ask by [`admin`] and look by [`http`], code asks by [`ofrep`]; all show the same [`snapshot`]. Which
//! versions there are, and which of them are live, the [`registry`] knows; who calls whom, [`calls`].
//!
//! It never stands in the path of a user's request, and decides nothing that the cores do not: this crate moves
//! bytes, keeps bounds and deadlines, and performs effects.

pub mod access;
pub mod admin;
pub mod assignment;
pub(crate) mod audit;
pub mod calls;
pub mod clock;
pub mod components;
pub mod config;
pub mod ecds;
pub mod evidence;
pub mod failpoint;
pub mod fleet;
mod hooks;
pub mod http;
pub mod listener;
pub mod metrics;
pub mod notify;
pub mod ofrep;
pub mod otlp;
pub mod probe;
pub mod registry;
pub mod rollouts;
mod series;
pub mod server;
pub mod shutdown;
pub mod snapshot;
pub mod store;
pub mod train_key;
mod words;

pub use config::Config;
pub use server::{Addresses, Running, start};
