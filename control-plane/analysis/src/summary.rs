//! What happened in the last minute, for people to read. Never part of a test.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::chance::least_beyond;
use crate::histogram::{Bin, DenseHistogram, LatencyHistogram, PackedHistogram, quantiles};
use crate::increment::{Arm, ByArm};

const P99: f64 = 0.99;
const SLOT_S: u64 = 5;
const SLOTS: u64 = 12;
/// With the one that is about to leave.
const MOST_SLOTS: usize = SLOTS as usize + 1;

/// One arm of a scope over the last 55 to 60 closed seconds.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ArmSummary {
    /// Requests that started.
    pub requests: u64,
    /// Of these, those that failed.
    pub errors: u64,
    /// Median latency in µs of the requests that did not fail, rounded up by at most 1.6 %; `None` if there were none.
    pub p50_us: Option<u64>,
    /// 99th percentile of latency in µs, rounded alike; `None` if there were no requests.
    pub p99_us: Option<u64>,
}

/// What one arm of a component saw in one second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tally<'a> {
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    pub(crate) latency: &'a LatencyHistogram,
}

/// One arm over a slot. Packed: it is only read when it leaves the window. The present one's latencies are in [`Open`].
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
struct SlotArm {
    requests: u64,
    errors: u64,
    latency: PackedHistogram,
}

/// One arm over the whole window.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
struct Sum {
    requests: u64,
    errors: u64,
    latency: DenseHistogram,
}

/// Latencies of the present slot, which neither the slots nor the sum hold yet: adding them to all of these once in 5 s
/// costs a fraction of doing so each second.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
struct Open {
    slot: u64,
    latency: ByArm<DenseHistogram>,
}

/// One arm over the last slots that are complete.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Recent {
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    pub(crate) latency: DenseHistogram,
}

/// The last minute of one component, in slots of 5 seconds, with a running sum.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct SummaryWindow {
    slots: VecDeque<(u64, ByArm<SlotArm>)>,
    sum: ByArm<Sum>,
    #[serde(default)]
    open: Open,
    /// The summary, while nothing has changed since it was computed.
    #[serde(skip)]
    known: Option<ByArm<ArmSummary>>,
}

impl SummaryWindow {
    /// Adds what started in `second`; ignored if the window has moved beyond it. Latencies of the baseline go to `lessons`
    /// too, at the latest when their slot is over.
    pub(crate) fn add(&mut self, second: u64, arm: Arm, tally: Tally<'_>, lessons: &mut DenseHistogram) {
        self.known = None;
        let slot = second / SLOT_S;
        let sum = self.sum.of_mut(arm);
        sum.requests = sum.requests.saturating_add(tally.requests);
        sum.errors = sum.errors.saturating_add(tally.errors);
        let is_open = slot == self.open.slot;
        if is_open {
            self.open.latency.of_mut(arm).add(tally.latency.bins());
        } else {
            sum.latency.add(tally.latency.bins());
            if arm == Arm::Baseline {
                lessons.add(tally.latency.bins());
            }
        }
        let into = self.slot_mut(slot).map(|arms| arms.of_mut(arm));
        if let Some(into) = into {
            into.requests = into.requests.saturating_add(tally.requests);
            into.errors = into.errors.saturating_add(tally.errors);
            if !is_open {
                into.latency.add(tally.latency.bins());
            }
        }
    }

    /// Forgets what is older than a minute at `second`, and begins its slot.
    pub(crate) fn slide(&mut self, second: u64, lessons: &mut DenseHistogram) {
        let slot = second / SLOT_S;
        if slot != self.open.slot {
            self.fold(lessons);
            self.open.slot = slot;
        }
        let oldest = slot.saturating_sub(SLOTS - 1);
        while self.slots.front().is_some_and(|(slot, _)| *slot < oldest) {
            let Some((_, arms)) = self.slots.pop_front() else { return };
            for (sum, slot) in [(&mut self.sum.baseline, arms.baseline), (&mut self.sum.canary, arms.canary)]
            {
                sum.requests = sum.requests.saturating_sub(slot.requests);
                sum.errors = sum.errors.saturating_sub(slot.errors);
                sum.latency.subtract(slot.latency.bins());
            }
            self.known = None;
        }
    }

    /// Adds the latencies of the present slot to all that should hold them.
    pub(crate) fn fold(&mut self, lessons: &mut DenseHistogram) {
        lessons.merge(&self.open.latency.baseline);
        for arm in [Arm::Baseline, Arm::Canary] {
            let mut latency = std::mem::take(self.open.latency.of_mut(arm));
            if latency.count() > 0 {
                self.sum.of_mut(arm).latency.merge(&latency);
                if let Some(arms) = self.slot_mut(self.open.slot) {
                    arms.of_mut(arm).latency.add(latency.bins());
                }
            }
            latency.clear();
            *self.open.latency.of_mut(arm) = latency;
        }
    }

    /// Baseline latencies that [`SummaryWindow::fold`] would add to the lessons.
    pub(crate) fn unlearned(&self) -> &DenseHistogram {
        &self.open.latency.baseline
    }

    /// What the slots saw that begin `seconds` or less before the end of `second`.
    pub(crate) fn recent(&self, second: u64, seconds: u64) -> ByArm<Recent> {
        let first = (second + 1).saturating_sub(seconds) / SLOT_S;
        let mut recent = ByArm::<Recent>::default();
        for (_, arms) in self.slots.iter().filter(|(slot, _)| *slot >= first) {
            for (into, arm) in [(&mut recent.baseline, &arms.baseline), (&mut recent.canary, &arms.canary)] {
                into.requests = into.requests.saturating_add(arm.requests);
                into.errors = into.errors.saturating_add(arm.errors);
                into.latency.add(arm.latency.bins());
            }
        }
        if self.open.slot >= first {
            recent.baseline.latency.merge(&self.open.latency.baseline);
            recent.canary.latency.merge(&self.open.latency.canary);
        }
        recent
    }

    /// Computes the summary, so that reading it costs nothing until the next change.
    pub(crate) fn refresh(&mut self) {
        self.known = Some(self.summary());
    }

    /// All latencies of one arm in the window.
    pub(crate) fn latency(&self, arm: Arm) -> impl Iterator<Item = &DenseHistogram> + Clone {
        [&self.sum.of(arm).latency, self.open.latency.of(arm)].into_iter()
    }

    fn slot_mut(&mut self, slot: u64) -> Option<&mut ByArm<SlotArm>> {
        let at = match self.slots.binary_search_by_key(&slot, |entry| entry.0) {
            Ok(at) => at,
            Err(at) => {
                self.slots.reserve_exact(MOST_SLOTS.saturating_sub(self.slots.len()));
                self.slots.insert(at, (slot, ByArm::default()));
                at
            }
        };
        self.slots.get_mut(at).map(|(_, arms)| arms)
    }

    pub(crate) fn summary(&self) -> ByArm<ArmSummary> {
        self.known.unwrap_or_else(|| summarise(std::iter::once(self)))
    }
}

/// Sums several windows.
pub(crate) fn summarise<'a>(windows: impl Iterator<Item = &'a SummaryWindow> + Clone) -> ByArm<ArmSummary> {
    let arm = |arm: Arm| summarise_arm(windows.clone(), arm);
    ByArm { baseline: arm(Arm::Baseline), canary: arm(Arm::Canary) }
}

fn summarise_arm<'a>(windows: impl Iterator<Item = &'a SummaryWindow> + Clone, arm: Arm) -> ArmSummary {
    let mut summary = ArmSummary::default();
    for sum in windows.clone().map(|window| window.sum.of(arm)) {
        summary.requests = summary.requests.saturating_add(sum.requests);
        summary.errors = summary.errors.saturating_add(sum.errors);
    }
    let quantiles = quantiles(windows.flat_map(|window| window.latency(arm)), [0.5, P99]);
    let [p50_us, p99_us] = quantiles.map(|bin| bin.map(Bin::highest_us));
    ArmSummary { p50_us, p99_us, ..summary }
}

/// What the 99th percentile of all `latency` is at the least, in µs, but for chance: the percentile itself where there are
/// 1,000 requests or more. `None` if there are none.
pub(crate) fn p99_least_us<'a>(latency: impl Iterator<Item = &'a DenseHistogram> + Clone) -> Option<u64> {
    let timed: u64 = latency.clone().map(DenseHistogram::count).sum();
    // The middle between two ranks, so that rounding does not reach the next.
    let least = timed as f64 + 0.5 - least_beyond(timed, 1.0 - P99) as f64;
    let [bin] = quantiles(latency, [least / timed.max(1) as f64]);
    bin.map(Bin::highest_us)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_says_what_was_added_in_the_last_minute() {
        let mut window = SummaryWindow::default();
        let (mut added, mut lessons) = (Vec::new(), DenseHistogram::default());
        for second in 0..400_u64 {
            let mut latency = LatencyHistogram::new();
            (0..second % 40).for_each(|request| latency.record(1_000 + 7_919 * request * (second % 13)));
            window.slide(second, &mut lessons);
            let tally = Tally { requests: second, errors: 1, latency: &latency };
            window.add(second, Arm::Canary, tally, &mut lessons);
            window.refresh();
            added.push(latency);
            if second % (2 * SLOT_S) == 2 * SLOT_S - 1 {
                let recent = window.recent(second, 2 * SLOT_S).canary;
                assert_eq!(recent.requests, (second - 9..=second).sum::<u64>());
                assert_eq!(recent.errors, 10);
                let mut last = DenseHistogram::default();
                added.iter().skip(second as usize - 9).for_each(|latency| last.add(latency.bins()));
                assert_eq!(recent.latency.to_sparse(), last.to_sparse());
            }
            let first = (second / SLOT_S + 1).saturating_sub(SLOTS) * SLOT_S;
            let mut sum = LatencyHistogram::new();
            added.iter().skip(first as usize).for_each(|latency| sum.merge(latency));
            let expected = ArmSummary {
                requests: (first..=second).sum(),
                errors: second - first + 1,
                ..ArmSummary::default()
            };
            let summary = window.summary().canary;
            assert_eq!(ArmSummary { p50_us: None, p99_us: None, ..summary }, expected);
            let least = 1.0 - (least_beyond(sum.count(), 0.01) as f64 - 0.5) / sum.count().max(1) as f64;
            let p99_least_us = p99_least_us(window.latency(Arm::Canary));
            assert!(sum.count() < 1_000 || p99_least_us == summary.p99_us, "{summary:?}");
            for (value, quantile) in [(summary.p50_us, 0.5), (summary.p99_us, 0.99), (p99_least_us, least)] {
                let (value, exact) = (value.unwrap_or(0), sum.quantile_us(quantile).unwrap_or(0));
                assert!((exact..=exact + exact / 64 + 1).contains(&value), "{value} instead of {exact}");
            }
        }
        window.slide(1_000, &mut lessons);
        window.open.slot = 0;
        assert_eq!(window, SummaryWindow::default(), "all that was added is taken back");
        assert_eq!(lessons.count(), 0, "lessons are of the baseline");
    }
}
