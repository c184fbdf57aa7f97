//! PipeCD: the last interval's points of canary and baseline, by a one-sided Mann-Whitney test at 5 %, each time
//! anew.
//!
//! Rules of `metrics_analyzer.go`: looks at each interval; p ≤ 0.05 is a failure, and so are points on one side
//! only; one failure more than the limit rolls back. Nothing corrects for looking often. Points that are all equal
//! are no difference.

use std::collections::VecDeque;

use super::gathered::Gathered;
use super::ranks::Ranks;
use super::schedule::Schedule;
use super::traffic::Traffic;
use super::{Judge, JudgeDecision, SecondAggregate};
use crate::increment::ByArm;
use crate::normal;

/// Above this p a difference counts as chance.
const SIGNIFICANT: f64 = 0.05;
/// Largest samples whose distribution is counted out exactly.
const EXACT_UP_TO: usize = 25;
/// Most points of one arm in an interval.
const MAX_POINTS: usize = 512;

/// How the analysis is set up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PipeCdSettings {
    /// Seconds between tests, and of the points that each looks at.
    pub interval_s: u64,
    /// Seconds of one point.
    pub step_s: u64,
    /// Failures that are allowed.
    pub failure_limit: u32,
    /// Seconds after which the stage has passed.
    pub duration_s: u64,
}

impl PipeCdSettings {
    /// The documentation's example: each 5 min on points of 1 min, no failure allowed, 30 min.
    pub fn docs() -> Self {
        Self { interval_s: 300, step_s: 60, failure_limit: 0, duration_s: 1_800 }
    }
}

/// PipeCD's judge over error rate and 99th percentile of latency.
#[derive(Clone, Debug)]
pub struct PipeCd {
    settings: PipeCdSettings,
    schedule: Schedule,
    exposed_from: u64,
    traffic: Traffic,
    points: VecDeque<(u64, ByArm<[f64; 2]>)>,
    next_point: u64,
    failures: u32,
}

impl PipeCd {
    /// A judge that has seen nothing yet.
    pub fn new(settings: PipeCdSettings) -> Self {
        Self {
            settings,
            schedule: Schedule::new(settings.interval_s),
            exposed_from: 0,
            traffic: Traffic::new(settings.step_s),
            points: VecDeque::new(),
            next_point: 0,
            failures: 0,
        }
    }

    /// Closes the point that ends at or before `time`; a point in which nothing was measured does not exist.
    fn close_point(&mut self, time: u64) {
        let step = self.settings.step_s.max(1);
        if time < self.next_point {
            return;
        }
        let end = time - (time - self.next_point) % step;
        if let Some(arms) = self.traffic.between(end.saturating_sub(step), end) {
            let point = |arm: &Gathered| [arm.failure_share(), arm.quantile_ms(0.99)];
            self.points
                .push_back((end, ByArm { baseline: point(&arms.baseline), canary: point(&arms.canary) }));
            if self.points.len() > MAX_POINTS {
                self.points.pop_front();
            }
        }
        self.next_point = end.saturating_add(step);
    }

    fn look(&mut self, time: u64) -> JudgeDecision {
        let from = time.saturating_sub(self.settings.interval_s);
        let fails = (0..2).any(|metric| {
            let of = |arm: fn(&ByArm<[f64; 2]>) -> &[f64; 2]| -> Vec<f64> {
                let within = self.points.iter().filter(|(end, _)| *end > from && *end <= time);
                let values = within.filter_map(|(_, point)| arm(point).get(metric).copied());
                values.filter(|value| value.is_finite()).collect()
            };
            let (canary, baseline) = (of(|point| &point.canary), of(|point| &point.baseline));
            match (canary.is_empty(), baseline.is_empty()) {
                (true, true) => false,
                (true, false) | (false, true) => true,
                (false, false) => p_greater(&canary, &baseline) <= SIGNIFICANT,
            }
        });
        self.failures = self.failures.saturating_add(u32::from(fails));
        if self.failures > self.settings.failure_limit {
            JudgeDecision::Rollback
        } else if time.saturating_sub(self.exposed_from) >= self.settings.duration_s {
            JudgeDecision::Promote
        } else {
            JudgeDecision::Hold
        }
    }
}

impl Judge for PipeCd {
    fn observe(
        &mut self,
        second: u64,
        arms: &ByArm<SecondAggregate>,
        weight_ppm: u32,
    ) -> Option<JudgeDecision> {
        if !self.schedule.accepts(second) {
            return None;
        }
        if !self.schedule.has_begun() {
            if weight_ppm == 0 {
                return None;
            }
            self.exposed_from = second;
            self.next_point = second.saturating_add(self.settings.step_s.max(1));
            self.schedule.begin(second.saturating_add(self.settings.interval_s.max(1)));
        }
        self.close_point(second);
        self.traffic.push(second, arms);
        let end = second.saturating_add(1);
        self.close_point(end);
        let mut decision = None;
        while let Some(look) = self.schedule.due(end) {
            let now = self.look(look);
            decision = self.schedule.decided(now);
        }
        decision
    }
}

/// p of the one-sided test that `first` tends to be greater than `second`; both hold finite values, at least one
/// each. The exact distribution up to [`EXACT_UP_TO`] a side, else the normal one with ties and continuity corrected.
fn p_greater(first: &[f64], second: &[f64]) -> f64 {
    let ranks = Ranks::of(first, second);
    if ranks.ties.len() < 2 {
        return 1.0;
    }
    let (n, m) = (first.len() as f64, second.len() as f64);
    let statistic = ranks.first_sum - n * (n + 1.0) / 2.0;
    if first.len() <= EXACT_UP_TO && second.len() <= EXACT_UP_TO {
        return exact_p(&ranks.ties, first.len(), ranks.first_sum);
    }
    let z = (statistic - n * m / 2.0 - 0.5) / ranks.variance(first.len(), second.len()).sqrt();
    normal::cumulative(-z)
}

/// Probability that the rank sum of `size` values drawn from groups of `ties` exceeds `rank_sum - 1`, counted over
/// all draws (Klotz 1966). The whole step, where ties allow half ones, is the original's.
fn exact_p(ties: &[usize], size: usize, rank_sum: f64) -> f64 {
    let all: usize = ties.iter().sum();
    let widest = size * 2 * all;
    let mut ways = vec![vec![0.0_f64; widest + 1]; size + 1];
    if let Some(empty) = ways.first_mut().and_then(|row| row.first_mut()) {
        *empty = 1.0;
    }
    let mut below = 0;
    for &tie in ties {
        let doubled_rank = 2 * below + tie + 1;
        below += tie;
        for _ in 0..tie {
            for taken in (1..=size).rev() {
                let (fewer, more) = ways.split_at_mut(taken);
                let (Some(from), Some(to)) = (fewer.last(), more.first_mut()) else { continue };
                for (to, from) in to.iter_mut().skip(doubled_rank).zip(from) {
                    *to += from;
                }
            }
        }
    }
    let counts = ways.pop().unwrap_or_default();
    let total: f64 = counts.iter().sum();
    let limit = 2.0 * (rank_sum - 1.0);
    let above: f64 =
        counts.iter().enumerate().filter(|(sum, _)| *sum as f64 > limit).map(|(_, ways)| ways).sum();
    above / total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_and_approximate_p_agree_with_scipy() {
        let check = |first: &[f64], second: &[f64], expected: f64| {
            let p = p_greater(first, second);
            assert!((p / expected - 1.0).abs() < 1e-9, "{first:?} {second:?}: {p} instead of {expected}");
        };
        check(&[4.0, 5.0, 6.0], &[1.0, 2.0, 3.0], 0.05);
        check(&[3.0, 5.0, 6.0, 8.0, 9.0], &[1.0, 2.0, 4.0, 7.0, 7.5], 0.154_761_904_761_904_77);
        let first: Vec<f64> = (0..40).map(|at| f64::from(at * 7 % 31)).collect();
        let second: Vec<f64> = (0..40).map(|at| f64::from(at * 5 % 23)).collect();
        check(&first, &second, 0.020_372_006_254_969_776);
    }

    #[test]
    fn equal_points_are_no_difference() {
        assert!(p_greater(&[0.0; 5], &[0.0; 5]) == 1.0);
    }
}
