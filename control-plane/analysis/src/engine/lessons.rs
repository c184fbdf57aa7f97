//! What the cells of a component are learned from.

use serde::{Deserialize, Serialize};

use crate::cells::Cells;
use crate::histogram::{DenseHistogram, LatencyHistogram};

/// Baseline latencies before cells are learned for the first time.
const FIRST_LESSON: u64 = 200;
/// Each further lesson is of this many times as many, until there are `ENOUGH`.
const LESSON_GROWTH: u64 = 2;
/// Latencies that are enough for the rarest cell; once there are so many, each lesson halves the weight of the older.
const ENOUGH: u64 = 100_000;
/// Least time between two lessons, in seconds: while they grow, and then.
const GROWING_INTERVAL_S: u64 = 5;
const INTERVAL_S: u64 = 60;

/// All baseline latencies, of which those of long ago fade. Cells learned from few are poor: the shapes of a slow-down in
/// the tail are then chance, and bets on them lose.
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
    /// What latencies are to be added to.
    pub(super) fn seen_mut(&mut self) -> &mut DenseHistogram {
        &mut self.seen
    }

    /// All that was seen, with what is to be added, if it is enough to learn from.
    pub(super) fn latencies(&self, to_add: &DenseHistogram) -> Option<LatencyHistogram> {
        let mut seen = self.seen.clone();
        seen.merge(to_add);
        (seen.count() >= FIRST_LESSON).then(|| seen.to_sparse())
    }

    /// Enough was seen to learn from.
    pub(super) fn are_enough(&self) -> bool {
        self.seen.count() >= FIRST_LESSON
    }

    /// Whether so many latencies are enough once `to_add` are added.
    pub(super) fn is_due(&self, second: u64, to_add: u64) -> bool {
        self.seen.count() + to_add >= self.needed && second >= self.earliest
    }

    pub(super) fn take(&mut self, second: u64, latency_ratio: f64) -> Option<Cells> {
        let cells = Cells::learn(&self.seen.to_sparse(), latency_ratio);
        let count = self.seen.count();
        let is_enough = count >= ENOUGH;
        self.needed = if is_enough { ENOUGH / 2 } else { count.saturating_mul(LESSON_GROWTH).min(ENOUGH) };
        self.earliest = second.saturating_add(if is_enough { INTERVAL_S } else { GROWING_INTERVAL_S });
        if is_enough {
            self.seen.halve();
        }
        cells
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taught(lessons: &mut Lessons, second: u64, us: u64, requests: u64) -> bool {
        let mut latency = LatencyHistogram::new();
        latency.record_n(us, requests);
        lessons.seen_mut().add(latency.bins());
        lessons.is_due(second, 0) && lessons.take(second, 0.1).is_some()
    }

    #[test]
    fn lessons_grow_quickly_and_then_fade_within_minutes() {
        let mut lessons = Lessons::default();
        let taken: Vec<u64> =
            (0..2_000).filter(|second| taught(&mut lessons, *second, 50_000, 250)).collect();
        assert!(taken.starts_with(&[0, 5, 11, 23, 47]), "{taken:?}");
        assert!(taken.windows(2).skip(9).all(|pair| pair[1] - pair[0] <= 400), "{taken:?}");
        assert!(lessons.seen.count() < 2 * ENOUGH, "{}", lessons.seen.count());
        assert!((2_000..6_000).any(|second| {
            taught(&mut lessons, second, 500_000, 250)
                && lessons.seen.to_sparse().quantile_us(0.3).is_some_and(|us| us > 400_000)
        }));
    }
}
