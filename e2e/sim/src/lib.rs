//! Simulated rollouts: seeded, replayable, on no clock.
//!
//! * [`scenario`] lists the situations: a service, what happens to both arms, what is wrong with the canary, and what
//!   a right decision is;
//! * [`latency`] is the law of latencies; [`random`] gives the same numbers for the same seed.
//!
//! Everything is a function of scenario and seed. Nothing here reads a clock, the environment or a file.
#![forbid(unsafe_code)]

pub mod latency;
pub mod random;
pub mod scenario;
