//! A minute of one arm, or as many as it takes to have enough requests.

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

/// Requests of a minute that is over: at least one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct FullMinute {
    pub(crate) requests: u64,
    failed: u64,
}

impl Minute {
    /// Takes in a second; gives the minute once it is over.
    pub(crate) fn add(&mut self, second: u64, requests: u64, failed: u64) -> Option<FullMinute> {
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
        Some(FullMinute { requests, failed })
    }
}

impl FullMinute {
    /// Share of requests that failed.
    pub(crate) fn failing(self) -> f64 {
        self.failed as f64 / self.requests as f64
    }
}
