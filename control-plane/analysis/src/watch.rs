//! Does the baseline fail as it usually does?
//!
//! The comparison of the arms says which is worse, not whether either is well. So the baseline's failures are also
//! compared with its own of the last minutes. What is usual is learned slowly and not while it is left, so that an
//! incident of half an hour does not become usual.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::increment::{Arm, ByArm};

const SLOT_S: u64 = 5;
/// Slots that are "now": 30 s.
const RECENT_SLOTS: usize = 6;
/// Slots that are remembered: a minute before now, too.
const SLOTS: usize = 18;
/// What is usual is halved in weight in ten minutes.
const HALF_LIFE_SLOTS: f64 = 120.0;
/// Incidents longer than this become usual after all, in slots: half an hour.
const PATIENCE_SLOTS: u32 = 360;
/// Requests and failures without which nothing is said.
const LEAST_REQUESTS: f64 = 200.0;
const LEAST_FAILURES: u64 = 10;
/// Worse: this many times the usual share, and this much more.
const WORSE_RATIO: f64 = 3.0;
const WORSE_ABSOLUTE: f64 = 0.02;
/// Worse for longer than this is no burst, in slots: 45 s.
const LASTING_SLOTS: u32 = 9;

/// Requests and failures of both arms in 5 s.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
struct Slot {
    number: u64,
    requests: ByArm<u64>,
    failed: ByArm<u64>,
}

/// A share of failed requests with the requests behind it.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Rate {
    pub(crate) requests: f64,
    pub(crate) share: f64,
}

/// The last minutes of one scope.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Watch {
    slots: VecDeque<Slot>,
    /// The baseline's usual share of failures.
    usual: Rate,
    /// Slots for which the baseline has been worse than usual.
    worse_slots: u32,
    /// The baseline's typical share in the minute before the latest step.
    before_step: Option<(u64, Rate)>,
}

impl Watch {
    /// Takes in a closed second.
    pub(crate) fn add(&mut self, second: u64, requests: ByArm<u64>, failed: ByArm<u64>) {
        let number = second / SLOT_S;
        if self.slots.back().is_none_or(|slot| slot.number != number) {
            self.turn();
            self.slots.reserve_exact(SLOTS.saturating_sub(self.slots.len()));
            self.slots.push_back(Slot { number, ..Slot::default() });
        }
        if let Some(slot) = self.slots.back_mut() {
            for (into, count) in [(&mut slot.requests, requests), (&mut slot.failed, failed)] {
                into.baseline = into.baseline.saturating_add(count.baseline);
                into.canary = into.canary.saturating_add(count.canary);
            }
        }
    }

    /// A step begins: what is known of the minute before it is kept.
    pub(crate) fn step_started(&mut self, second: u64) {
        let mut shares: Vec<f64> = Vec::new();
        let mut requests = 0.0;
        for slot in self.slots.iter().filter(|slot| slot.requests.baseline > 0) {
            shares.push(slot.failed.baseline as f64 / slot.requests.baseline as f64);
            requests += slot.requests.baseline as f64;
        }
        shares.sort_unstable_by(f64::total_cmp);
        // The median: a burst of a few seconds is not what was there before.
        let share = shares.get(shares.len() / 2);
        self.before_step = share.map(|share| (second, Rate { requests, share: *share }));
    }

    /// The baseline's typical share of failures in the minute before the latest step, and when that was.
    pub(crate) fn before_step(&self) -> Option<(u64, Rate)> {
        self.before_step.filter(|(_, rate)| rate.requests >= LEAST_REQUESTS)
    }

    /// The baseline's usual share of failures.
    pub(crate) fn usual(&self) -> Option<f64> {
        (self.usual.requests >= LEAST_REQUESTS).then_some(self.usual.share)
    }

    /// Whether the baseline has just been failing more than it usually does.
    pub(crate) fn is_worse(&self) -> bool {
        let Some(usual) = self.usual() else { return false };
        let recent = self.slots.iter().rev().take(RECENT_SLOTS);
        let (requests, failed) = recent.fold((0_u64, 0_u64), |(requests, failed), slot| {
            (requests.saturating_add(slot.requests.baseline), failed.saturating_add(slot.failed.baseline))
        });
        let share = failed as f64 / requests.max(1) as f64;
        failed >= LEAST_FAILURES && share > (WORSE_RATIO * usual).max(usual + WORSE_ABSOLUTE)
    }

    /// The same for so long that it is no burst.
    pub(crate) fn is_worse_for_long(&self) -> bool {
        self.worse_slots >= LASTING_SLOTS
    }

    /// Whether the canary has just been failing more than the baseline usually does, by at least half as much more as the
    /// baseline.
    pub(crate) fn is_canary_worse_too(&self) -> bool {
        let recent = || self.slots.iter().rev().take(RECENT_SLOTS);
        let share = |arm: Arm| {
            let requests = recent().fold(0_u64, |sum, slot| sum.saturating_add(*slot.requests.of(arm)));
            let failed = recent().fold(0_u64, |sum, slot| sum.saturating_add(*slot.failed.of(arm)));
            failed as f64 / requests.max(1) as f64
        };
        let usual = self.usual.share;
        share(Arm::Canary) - usual >= 0.5 * (share(Arm::Baseline) - usual)
    }

    /// A slot ends.
    fn turn(&mut self) {
        if self.slots.is_empty() {
            return;
        }
        self.worse_slots = if self.is_worse() { self.worse_slots.saturating_add(1) } else { 0 };
        let leaving = self.slots.len().checked_sub(RECENT_SLOTS).and_then(|at| self.slots.get(at));
        if let Some(slot) = leaving
            && (self.worse_slots == 0 || self.worse_slots > PATIENCE_SLOTS)
        {
            let requests = slot.requests.baseline as f64;
            let kept = 0.5_f64.powf(1.0 / HALF_LIFE_SLOTS) * self.usual.requests;
            let failed = kept * self.usual.share + slot.failed.baseline.min(slot.requests.baseline) as f64;
            let all = kept + requests;
            self.usual = Rate { requests: all, share: if all > 0.0 { failed / all } else { 0.0 } };
        }
        if self.slots.len() >= SLOTS {
            self.slots.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(watch: &mut Watch, seconds: std::ops::Range<u64>, failed: u64) {
        for second in seconds {
            watch.add(second, ByArm { baseline: 100, canary: 10 }, ByArm { baseline: failed, canary: 0 });
        }
    }

    #[test]
    fn a_baseline_that_fails_more_than_it_did_is_worse_until_it_recovers() {
        let mut watch = Watch::default();
        run(&mut watch, 0..120, 1);
        assert!(!watch.is_worse() && (watch.usual().unwrap() - 0.01).abs() < 1e-9);
        run(&mut watch, 120..140, 20);
        assert!(watch.is_worse() && !watch.is_worse_for_long());
        run(&mut watch, 140..200, 20);
        assert!(watch.is_worse_for_long());
        assert!(watch.usual().unwrap() < 0.03, "an incident does not become usual: {:?}", watch.usual());
        run(&mut watch, 200..260, 1);
        assert!(!watch.is_worse() && !watch.is_worse_for_long());
    }

    #[test]
    fn what_was_there_before_a_step_is_its_typical_second_not_its_burst() {
        let mut watch = Watch::default();
        run(&mut watch, 0..50, 1);
        run(&mut watch, 50..60, 60);
        run(&mut watch, 60..90, 1);
        watch.step_started(90);
        assert_eq!(watch.before_step().map(|(_, rate)| rate.share), Some(0.01));
    }

    #[test]
    fn nothing_is_said_of_little() {
        let mut watch = Watch::default();
        for second in 0..60 {
            watch.add(
                second,
                ByArm { baseline: 1, canary: 1 },
                ByArm { baseline: u64::from(second > 55), canary: 0 },
            );
        }
        assert!(!watch.is_worse() && watch.usual().is_none());
    }
}
