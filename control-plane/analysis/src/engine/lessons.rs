//! What the cells of a component are learned from.

use serde::{Deserialize, Serialize};

use crate::cells::Cells;
use crate::histogram::{DenseHistogram, LatencyHistogram};

/// Baseline latencies before cells are learned for the first time.
const FIRST_LESSON: u64 = 200;
/// Each further lesson takes this many times more, up to `LARGEST_LESSON`.
const LESSON_GROWTH: u64 = 4;
const LARGEST_LESSON: u64 = 20_000;
/// Least time between two lessons, in seconds.
const LESSON_INTERVAL_S: u64 = 60;

/// Baseline latencies from which the next cells are learned.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Lessons {
    seen: DenseHistogram,
    needed: u64,
    earliest: u64,
}

impl Default for Lessons {
    fn default() -> Self {
        Self { seen: DenseHistogram::default(), needed: FIRST_LESSON, earliest: 0 }
    }
}

impl Lessons {
    pub(super) fn add(&mut self, latency: &LatencyHistogram) {
        if self.seen.count() < self.needed {
            self.seen.add(latency.bins());
        }
    }

    pub(super) fn is_due(&self, second: u64) -> bool {
        self.seen.count() >= self.needed && second >= self.earliest
    }

    pub(super) fn take(&mut self, second: u64, latency_ratio: f64) -> Option<Cells> {
        let seen = std::mem::take(&mut self.seen);
        self.needed = self.needed.saturating_mul(LESSON_GROWTH).min(LARGEST_LESSON);
        self.earliest = second.saturating_add(LESSON_INTERVAL_S);
        Cells::learn(&seen.to_sparse(), latency_ratio)
    }
}
