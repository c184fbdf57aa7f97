//! Live traffic.

use std::time::Duration;

/// What a service got lately.
#[derive(Clone, Debug)]
pub(crate) struct LiveTraffic {
    /// Seconds that were looked at. 0: nothing was reported.
    pub(crate) seconds: u32,
    pub(crate) arms: Vec<LiveArm>,
    /// Median latency of the baseline. `None`: not known.
    pub(crate) latency: Option<Duration>,
}

/// What one arm got.
#[derive(Clone, Debug)]
pub(crate) struct LiveArm {
    pub(crate) arm: String,
    pub(crate) requests: u64,
    pub(crate) errors: u64,
}
