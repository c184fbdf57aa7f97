//! What becomes known of a second after it has closed.

use super::Component;
use crate::failures::FailureCounts;
use crate::histogram::LatencyHistogram;
use crate::increment::{Arm, Increment};
use crate::summary::Tally;

impl Component {
    /// Takes in outcomes of requests whose second has closed; gives the failures that count, and whether they count
    /// for the thin components too.
    pub(in crate::engine) fn merge_late(
        &mut self,
        increment: &Increment,
        finished: u64,
        failed: FailureCounts,
    ) -> (FailureCounts, bool) {
        let Increment { start_second, arm, .. } = *increment;
        let none = LatencyHistogram::new();
        let latency = increment.latency.as_ref().unwrap_or(&none);
        let all = failed.total();
        let tally = Tally { requests: increment.started, errors: all, latency };
        self.summary.add(start_second, arm, tally, self.lessons.seen_mut());
        let (booked, pooled) = self.open.settle(start_second, arm, finished, all);
        let categories = failed.first(booked);
        if booked > 0 && arm == Arm::Canary {
            self.users.fail_late(booked, increment.users.with_failures(all).failed);
        }
        if booked > 0 && self.stratum.covers(start_second) {
            self.stratum.arms.of_mut(arm).fail(&categories);
        } else if booked > 0 {
            self.strata.fail(start_second, arm, &categories);
            self.fail_blocks_late(start_second, arm, booked);
        }
        (categories, pooled)
    }
}
