//! Serin on a real Envoy, one module for each behaviour that is promised.
//!
//! Scenarios about the filter alone drive it from a stand-in for the control plane that sends what the real one never
//! would and records reports exactly; scenarios about the whole loop run the real `serin-control-plane`. Build both first:
//! `cargo xtask build`. Everything random comes from fixed seeds.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests")]
#![expect(clippy::print_stdout, reason = "what was measured, for people")]

mod beacons;
mod behaviour;
mod break_glass;
mod cold_start;
mod counting;
mod crashes;
mod experiment;
mod fleet;
mod foreign;
mod granularity;
mod openfeature;
mod recording;
mod refusals;
mod routing;
mod speed;
mod spoofing;
mod stickiness;
mod storm;
mod support;
mod tags;
mod train;
mod upgrade;
mod verdicts;
mod watch;
