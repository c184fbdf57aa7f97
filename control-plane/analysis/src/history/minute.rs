//! A minute of one arm, or as many as it takes to have enough requests: a value of profiles and control charts.

use serde::{Deserialize, Serialize};

/// A minute makes a value.
pub(crate) const VALUE_S: u64 = 60;
/// With fewer requests a value takes more minutes.
const LEAST_REQUESTS: u64 = 30;

/// The minute that is being filled.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Minute {
    since: Option<u64>,
    requests: u64,
    failed: u64,
}

/// A minute that is over: at least one request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct FullMinute {
    /// Its last second.
    pub(crate) second: u64,
    pub(crate) requests: u64,
    failed: u64,
    median_us: Option<u64>,
}

impl Minute {
    /// Takes in a second; gives the minute once it is over. Only then `median_us` is asked for.
    pub(crate) fn add(
        &mut self,
        second: u64,
        requests: u64,
        failed: u64,
        median_us: impl FnOnce() -> Option<u64>,
    ) -> Option<FullMinute> {
        if requests == 0 && self.requests == 0 {
            return None;
        }
        let since = *self.since.get_or_insert(second);
        self.requests = self.requests.saturating_add(requests);
        self.failed = self.failed.saturating_add(failed.min(requests));
        if second.saturating_sub(since) + 1 < VALUE_S || self.requests < LEAST_REQUESTS {
            return None;
        }
        let Self { requests, failed, .. } = std::mem::take(self);
        Some(FullMinute { second, requests, failed, median_us: median_us() })
    }
}

impl FullMinute {
    /// Share of requests that failed.
    pub(crate) fn failing(self) -> f64 {
        self.failed as f64 / self.requests as f64
    }

    /// Logarithm of the median in µs.
    pub(crate) fn log_median(self) -> Option<f64> {
        self.median_us.map(|us| (us.max(1) as f64).ln())
    }
}
