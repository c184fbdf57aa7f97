//! What speaks against acting on a regression that shows.
//!
//! Evidence says that the canary is worse than the baseline beside it. It does not say why. Here the ways are listed in
//! which a good canary can look worse; each holds, is told to people, and undoes nothing.

use crate::failures::FailureCounts;
use crate::scope::ErrorTotals;
use crate::verdict::{Signal, Veto};
use crate::watch::Watch;

/// Least canary requests, and failures of them, since the harm began.
const LEAST_REQUESTS: u64 = 3;
const LEAST_FAILURES: u64 = 3;
/// The baseline's share of failures that makes a comparison meaningless, unless the canary's is this many times that.
const UNHEALTHY_SHARE: f64 = 0.25;
const PLAINLY_WORSE: f64 = 2.0;
/// The baseline became worse too if it did so by at least this part of what the canary did, and by this much, and to this
/// many times what is usual.
const SHARED_PART: f64 = 1.0 / 3.0;
const SHARED_RISE: f64 = 0.02;
const SHARED_RATIO: f64 = 3.0;
const SHARED_FAILURES: u64 = 10;
/// A fault that moved with its users shows within this time of the step that moved them, in seconds.
const MOVED_WITHIN_S: u64 = 120;
/// Odds at which the minute before the step is taken to have had the fault already.
const OLDER_ODDS: f64 = 100.0;
/// A gap in the data counts for as long after it, in seconds.
const AFTER_GAP_S: u64 = 10;

/// All that a veto on one scope depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances<'a> {
    /// The signal with the most evidence.
    pub(crate) signal: Signal,
    /// Requests and failures since the harm began.
    pub(crate) since: &'a ErrorTotals,
    pub(crate) watch: &'a Watch,
    /// Overdispersion of failures.
    pub(crate) phi: f64,
    /// The last closed second.
    pub(crate) second: u64,
    /// When the last gap in the data ended.
    pub(crate) gap_ended: Option<u64>,
    /// The failures are those of very few users, and nothing else is wrong.
    pub(crate) few_users: bool,
}

impl Circumstances<'_> {
    /// What speaks against acting, in the order of [`Veto`].
    pub(crate) fn vetoes(&self) -> Vec<Veto> {
        let of_errors = self.signal == Signal::ErrorRate;
        let shared = if of_errors { self.is_shared() } else { self.watch.is_worse() };
        [
            (Veto::OlderThanExposure, of_errors && self.is_older()),
            (Veto::BothArmsWorse, shared),
            (Veto::BaselineUnhealthy, of_errors && self.is_unhealthy()),
            (Veto::TooLittleTraffic, of_errors && self.is_little()),
            (Veto::DataGap, self.gap_ended.is_some_and(|end| self.second < end.saturating_add(AFTER_GAP_S))),
            (Veto::FewUsers, of_errors && self.few_users),
        ]
        .into_iter()
        .filter_map(|(veto, holds)| holds.then_some(veto))
        .collect()
    }

    /// The baseline rose as well, since the harm began.
    fn is_shared(&self) -> bool {
        let Some(usual) = self.watch.usual() else { return false };
        let (baseline, canary) = self.shares();
        let (rise, beside) = (baseline - usual, canary - usual);
        self.since.failures().baseline >= SHARED_FAILURES
            && rise >= SHARED_RISE
            && baseline >= SHARED_RATIO * usual
            && rise >= SHARED_PART * beside
    }

    fn is_unhealthy(&self) -> bool {
        let (baseline, canary) = self.shares_of_service();
        self.since.failures().baseline >= SHARED_FAILURES
            && baseline >= UNHEALTHY_SHARE
            && canary < PLAINLY_WORSE * baseline
    }

    fn is_little(&self) -> bool {
        let since = self.since;
        since.requests.canary < LEAST_REQUESTS || since.failures().canary < LEAST_FAILURES
    }

    /// Users bring their faults along: when a step moves them, failures move from the baseline to the canary and all
    /// together stay as they were. A fault of the canary adds to them. Which of the two the minute before the step fits
    /// is told by the ratio of its Poisson likelihoods, at the share of all requests that fails since and at the
    /// baseline's.
    fn is_older(&self) -> bool {
        let Some((step, before)) = self.watch.before_step() else { return false };
        if self.second > step.saturating_add(MOVED_WITHIN_S) {
            return false;
        }
        let (requests, failed) = (&self.since.requests, self.since.failures());
        let all = (failed.baseline as f64 + failed.canary as f64)
            / (requests.baseline as f64 + requests.canary as f64).max(1.0);
        let baseline = (failed.baseline as f64 + 0.5) / (requests.baseline as f64 + 1.0);
        let had = before.share * before.requests;
        let log_odds = (had * (all / baseline).ln() - before.requests * (all - baseline)) / self.phi;
        all > baseline && log_odds >= OLDER_ODDS.ln()
    }

    /// The same of failures that are not the clients': how many of those there are tells nothing about how well a service is.
    fn shares_of_service(&self) -> (f64, f64) {
        let (requests, failed) = (&self.since.requests, &self.since.failed);
        let share = |failed: &FailureCounts, of: u64| failed.of_service() as f64 / of.max(1) as f64;
        (share(&failed.baseline, requests.baseline), share(&failed.canary, requests.canary))
    }

    /// Shares of failed requests since the harm began.
    fn shares(&self) -> (f64, f64) {
        let (requests, failed) = (&self.since.requests, self.since.failures());
        let share = |failed: u64, of: u64| failed as f64 / of.max(1) as f64;
        (share(failed.baseline, requests.baseline), share(failed.canary, requests.canary))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::increment::ByArm;

    /// A minute of 100 baseline requests a second of which `usual` fail, then a step, and since then both arms as given.
    fn vetoes(usual: u64, baseline: (u64, u64), canary: (u64, u64)) -> Vec<Veto> {
        let mut watch = Watch::default();
        for second in 0..120 {
            watch.add(second, ByArm { baseline: 100, canary: 0 }, ByArm { baseline: usual, canary: 0 });
        }
        watch.step_started(120);
        let counts = |failed| FailureCounts::unnamed(failed);
        let since = ErrorTotals {
            requests: ByArm { baseline: baseline.1, canary: canary.1 },
            failed: ByArm { baseline: counts(baseline.0), canary: counts(canary.0) },
        };
        let circumstances = Circumstances {
            signal: Signal::ErrorRate,
            since: &since,
            watch: &watch,
            phi: 2.0,
            second: 140,
            gap_ended: None,
            few_users: false,
        };
        circumstances.vetoes()
    }

    #[test]
    fn a_fault_of_the_canary_alone_stands() {
        assert_eq!(vetoes(0, (2, 1_800), (60, 200)), []);
        assert_eq!(vetoes(1, (18, 1_800), (60, 200)), []);
        assert_eq!(vetoes(0, (0, 27), (3, 3)), []);
    }

    #[test]
    fn failures_that_moved_to_the_canary_with_their_users_are_older() {
        assert_eq!(vetoes(4, (18, 1_800), (62, 200)), [Veto::OlderThanExposure]);
    }

    #[test]
    fn a_fault_that_the_baseline_shares_is_not_the_canarys() {
        assert_eq!(vetoes(0, (180, 1_800), (50, 200)), [Veto::BothArmsWorse]);
        assert_eq!(vetoes(0, (180, 1_800), (200, 200)), [], "the canary's is far worse");
    }

    #[test]
    fn nothing_is_compared_with_a_baseline_that_fails_most_of_the_time() {
        assert_eq!(vetoes(40, (900, 1_800), (160, 200)), [Veto::BaselineUnhealthy]);
    }

    #[test]
    fn two_failures_are_too_few() {
        assert_eq!(vetoes(0, (0, 1_800), (2, 20)), [Veto::TooLittleTraffic]);
    }
}
