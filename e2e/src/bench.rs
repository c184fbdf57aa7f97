//! Benchmarks: Serin beside its peers, measured in one run on one machine.
//!
//! Absolute figures depend on the machine; the ratios are what is compared. Each bench prints a table for people and, with
//! `--json`, one JSON object as its last line.

mod counts;
pub mod dashboard;
pub mod detect;
pub mod filter;
pub mod fleet;
pub mod learn;
pub mod live;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Time since 1970, as data of seconds are named by it.
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
