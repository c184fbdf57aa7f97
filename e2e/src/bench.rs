//! Benchmarks: Serin beside its peers, measured in one run on one machine.
//!
//! Absolute figures depend on the machine; the ratios are what is compared. Each bench prints a table for people and, with
//! `--json`, one JSON object as its last line.

pub mod detect;
pub mod filter;
pub mod fleet;
pub mod live;
