//! Counts of both arms over the time that a trigger looks at, in buckets of equal length.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serin_analysis::config::Failures;
use serin_analysis::verdict::Category;
use serin_analysis::{Arm, ByArm, Increment, LatencyHistogram};

use super::counts::Seen;

/// Buckets of the time for which a condition must hold.
const BUCKETS: u64 = 20;
/// Seconds after the end of a bucket until its requests are reported.
const SETTLE_S: u64 = 3;
/// Changes of the weight that are remembered.
const WEIGHTS: usize = 64;
/// Parts of a window, in each of which a condition must hold. One of them is beyond the time that is asked for: a part holds as soon
/// as enough of it does, so the oldest one may have begun to hold at its end only.
const PARTS: u64 = 6;

/// What an increment adds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counted {
    started: u64,
    failed: u64,
    overload: u64,
    /// Requests of the canary that these of the baseline let expect. `None`: not known.
    expected: Option<f64>,
}

impl Counted {
    pub(super) fn of(increment: &Increment, failures: &Failures, canary_ppm: Option<u32>) -> Self {
        let counting = Category::ALL.into_iter().filter(|category| failures.counts(*category));
        let failed = counting.map(|category| increment.outcomes.of(category)).fold(0, u64::saturating_add);
        let expected = canary_ppm.filter(|ppm| (1..1_000_000).contains(ppm)).map(|ppm| {
            let share = f64::from(ppm) / 1e6;
            increment.started as f64 * share / (1.0 - share)
        });
        Self { started: increment.started, failed, overload: increment.outcomes.overload, expected }
    }
}

/// One arm of a window, or of a part of it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(super) struct Counts {
    pub(super) started: u64,
    pub(super) failed: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) overload: u64,
    #[serde(skip_serializing_if = "LatencyHistogram::is_empty")]
    pub(super) latency: LatencyHistogram,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Both arms.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(super) struct Sum {
    pub(super) arms: ByArm<Counts>,
    /// Requests of the canary that the baseline's let expect.
    pub(super) expected: f64,
    /// Some of the baseline's requests let expect nothing.
    pub(super) unsplit: bool,
}

impl Sum {
    fn add(&mut self, other: &Self) {
        for arm in [Arm::Baseline, Arm::Canary] {
            let (into, from) = (self.arms.of_mut(arm), other.arms.of(arm));
            into.started = into.started.saturating_add(from.started);
            into.failed = into.failed.saturating_add(from.failed);
            into.overload = into.overload.saturating_add(from.overload);
            into.latency.merge(&from.latency);
        }
        self.expected += other.expected;
        self.unsplit |= other.unsplit;
    }
}

/// What a trigger looks at.
pub(super) struct Window {
    /// All of it.
    pub(super) total: Sum,
    /// Its parts, the oldest first.
    pub(super) parts: Vec<Sum>,
    /// Whether it is as long as it should be.
    pub(super) is_whole: bool,
}

impl Window {
    /// What was counted within the time that is asked for, and not beyond it.
    pub(super) fn within(&self) -> Sum {
        let mut sum = Sum::default();
        self.parts.iter().skip(1).for_each(|part| sum.add(part));
        sum
    }
}

/// The buckets of one trigger.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Ring {
    width_s: u64,
    count: u64,
    /// By their first second, which is a multiple of the width.
    buckets: VecDeque<(u64, Sum)>,
    /// Where the oldest bucket since the beginning began.
    first: Option<u64>,
    /// What was seen last, and the end of its window.
    #[serde(skip)]
    seen: Option<(u64, Seen)>,
}

impl Ring {
    pub(super) fn new(hold_for: Duration) -> Self {
        let seconds = hold_for.as_secs().max(1);
        let width_s = seconds.div_ceil(BUCKETS);
        let count = (seconds * PARTS).div_ceil(width_s * (PARTS - 1));
        Self { width_s, count, ..Self::default() }
    }

    pub(super) fn clear(&mut self) {
        *self = Self { width_s: self.width_s, count: self.count, ..Self::default() };
    }

    pub(super) fn add(
        &mut self,
        second: u64,
        arm: Arm,
        counted: &Counted,
        latency: Option<&LatencyHistogram>,
    ) {
        let start = second - second % self.width_s.max(1);
        let newest = self.buckets.back().map_or(start, |(start, _)| *start);
        let kept = self.width_s * (self.count + 1);
        if start + kept < newest {
            return;
        }
        let place = self.buckets.partition_point(|(other, _)| *other < start);
        if self.buckets.get(place).is_none_or(|(other, _)| *other != start) {
            self.buckets.insert(place, (start, Sum::default()));
        }
        if let Some((_, sum)) = self.buckets.get_mut(place) {
            let into = sum.arms.of_mut(arm);
            into.started = into.started.saturating_add(counted.started);
            into.failed = into.failed.saturating_add(counted.failed);
            into.overload = into.overload.saturating_add(counted.overload);
            if let Some(latency) = latency {
                into.latency.merge(latency);
            }
            if arm == Arm::Baseline && counted.started > 0 {
                match counted.expected {
                    Some(expected) => sum.expected += expected,
                    None => sum.unsplit = true,
                }
            }
        }
        self.first = Some(self.first.map_or(start, |first| first.min(start)));
        let newest = newest.max(start);
        while self.buckets.front().is_some_and(|(start, _)| start + kept < newest) {
            self.buckets.pop_front();
        }
    }

    /// What `judge` says of the window that ends with the newest bucket which is complete; asked once for each such window.
    pub(super) fn seen(&mut self, now_s: u64, judge: impl FnOnce(&Window) -> Seen) -> Seen {
        let width = self.width_s.max(1);
        let end = now_s.saturating_sub(SETTLE_S) / width * width;
        if let Some((_, seen)) = self.seen.as_ref().filter(|(of, _)| *of == end) {
            return seen.clone();
        }
        let seen = judge(&self.window(end));
        self.seen = Some((end, seen.clone()));
        seen
    }

    fn window(&self, end: u64) -> Window {
        let begin = end.saturating_sub(self.width_s * self.count);
        let mut parts: Vec<Sum> = (0..PARTS).map(|_| Sum::default()).collect();
        let mut total = Sum::default();
        for (start, sum) in self.buckets.iter().filter(|(start, _)| (begin..end).contains(start)) {
            total.add(sum);
            let at = (start - begin) * PARTS / (end - begin).max(1);
            if let Some(part) = usize::try_from(at).ok().and_then(|at| parts.get_mut(at)) {
                part.add(sum);
            }
        }
        Window { total, parts, is_whole: self.first.is_some_and(|first| first <= begin) }
    }
}

/// The canary's weight over time, as far back as windows reach.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub(super) struct Weights(VecDeque<(u64, Option<u32>)>);

impl Weights {
    pub(super) fn set(&mut self, second: u64, canary_ppm: Option<u32>) {
        if self.0.back().is_some_and(|(_, last)| *last == canary_ppm) {
            return;
        }
        self.0.push_back((second, canary_ppm));
        while self.0.len() > WEIGHTS {
            self.0.pop_front();
        }
    }

    pub(super) fn at(&self, second: u64) -> Option<u32> {
        self.0.iter().rev().find(|(since, _)| *since <= second).and_then(|(_, ppm)| *ppm)
    }
}
