//! Gaps in what is reported.

use serde::{Deserialize, Serialize};

use crate::increment::ByArm;

/// Seconds in which nothing was seen although requests should have come.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(super) struct Gaps {
    /// Requests a second, smoothed.
    rate: f64,
    silent_s: u64,
    pub(super) ended: Option<u64>,
}

impl Gaps {
    const RATE_WEIGHT: f64 = 0.05;
    /// Silence of so many expected requests, and seconds, is no chance.
    const LEAST_EXPECTED: f64 = 20.0;
    const LEAST_S: u64 = 3;

    pub(super) fn see(&mut self, second: u64, started: ByArm<u64>) {
        let requests = started.baseline as f64 + started.canary as f64;
        if requests > 0.0 {
            let expected = self.rate * self.silent_s as f64;
            if self.silent_s >= Self::LEAST_S && expected >= Self::LEAST_EXPECTED {
                self.end_at(second);
            }
            self.silent_s = 0;
            self.rate += Self::RATE_WEIGHT * (requests - self.rate);
        } else {
            self.silent_s = self.silent_s.saturating_add(1);
        }
    }

    pub(super) fn end_at(&mut self, second: u64) {
        self.ended = Some(second);
    }
}
