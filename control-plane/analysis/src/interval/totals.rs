//! What an arm of an experiment has seen since the experiment began.

use serde::{Deserialize, Serialize};

use crate::config::Failures;
use crate::histogram::LatencyHistogram;
use crate::increment::Increment;

/// Totals of one component and arm. Adding is addition, in any order.
///
/// Memory is bounded: 8 bytes for each bin of latency that holds something, so 26 KiB with all 3,328 bins, and some 8 KiB for
/// a million log-normal latencies.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct ArmTotals {
    requests: u64,
    failed: u64,
    latency: LatencyHistogram,
}

impl ArmTotals {
    /// Adds what one source measured, with the outcomes that count as failures. Its component and arm are not looked at.
    pub fn add(&mut self, increment: &Increment, failures: &Failures) {
        self.requests = self.requests.saturating_add(increment.started);
        self.failed = self.failed.saturating_add(failures.among(&increment.outcomes).total());
        if let Some(latency) = &increment.latency {
            self.latency.merge(latency);
        }
    }

    /// Adds counts: requests that started, those that failed, and latencies of those that did not.
    pub fn add_counts(&mut self, requests: u64, failed: u64, latency: &LatencyHistogram) {
        self.requests = self.requests.saturating_add(requests);
        self.failed = self.failed.saturating_add(failed);
        self.latency.merge(latency);
    }

    /// Adds all that `other` holds.
    pub fn merge(&mut self, other: &Self) {
        self.add_counts(other.requests, other.failed, &other.latency);
    }

    /// Requests that started.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// Of these, those that failed.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.failed.min(self.requests)
    }

    /// Share of the requests that failed, 0 to 1. `None` without requests.
    #[must_use]
    pub fn error_rate(&self) -> Option<f64> {
        (self.requests > 0).then(|| self.failed() as f64 / self.requests as f64)
    }

    /// Latencies of the requests that did not fail.
    #[must_use]
    pub fn latency(&self) -> &LatencyHistogram {
        &self.latency
    }

    /// Median latency in µs of the requests that did not fail, rounded up by at most 0.8 %. `None` if there were none.
    #[must_use]
    pub fn p50_us(&self) -> Option<u64> {
        self.latency.quantile_us(0.5)
    }

    /// 90th percentile of latency, alike.
    #[must_use]
    pub fn p90_us(&self) -> Option<u64> {
        self.latency.quantile_us(0.9)
    }

    /// 99th percentile of latency, alike.
    #[must_use]
    pub fn p99_us(&self) -> Option<u64> {
        self.latency.quantile_us(0.99)
    }
}
