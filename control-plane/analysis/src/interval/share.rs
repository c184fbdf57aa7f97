//! The difference of two error rates.

use super::bets::Bets;
use super::{ArmTotals, Conclusion, Difference, Interval};

/// Steps to the pair of means with the largest difference. It is found where slopes agree, so an error of one part in
/// 10,000 in the place is one in 100 million in the difference.
const STEPS: usize = 60;
const PRECISION: f64 = 1e-4;

/// Failures among requests, each divided by the overdispersion.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    pub(super) failed: f64,
    pub(super) of: f64,
}

impl Counts {
    fn new(totals: &ArmTotals, phi: f64) -> Option<Self> {
        let (failed, of) = (totals.failed() as f64 / phi, totals.requests() as f64 / phi);
        (of > 0.0).then_some(Self { failed, of })
    }

    fn share(self) -> f64 {
        self.failed / self.of
    }

    /// With failures and successes exchanged.
    fn exchanged(self) -> Self {
        Self { failed: (self.of - self.failed).max(0.0), of: self.of }
    }
}

/// The arm's error rate minus the control's. `None` without requests in both.
pub(super) fn compare(control: &ArmTotals, arm: &ArmTotals, alpha: f64, phi: f64) -> Option<Difference> {
    let (of_control, of_arm) = (Counts::new(control, phi)?, Counts::new(arm, phi)?);
    let bets = Bets::new();
    let bound = (2.0 / alpha).ln();
    let estimate = of_arm.share() - of_control.share();
    let interval = Interval {
        estimate,
        low: (-most_difference(&bets, of_arm, of_control, bound)).clamp(-1.0, estimate),
        high: most_difference(&bets, of_control, of_arm, bound).clamp(estimate, 1.0),
    };
    let conclusion = Conclusion::of(&interval, 0.0);
    Some(Difference { control: of_control.share(), arm: of_arm.share(), interval, conclusion })
}

/// The largest of `more`'s mean minus `less`'s against which the evidence of both together stays below `bound`.
///
/// A minus B is A plus (1 - B) minus 1, so both means are bounded from above: x of failures of `more`, y of successes of
/// `less`. The pairs are a convex set, and the largest y for an x is concave in it.
fn most_difference(bets: &Bets, less: Counts, more: Counts, bound: f64) -> f64 {
    let other = less.exchanged();
    let at = |x: f64| {
        let of_x = bets.log_e(more.failed, more.of, x);
        let y = bets.most(other.failed, other.of, bound - of_x.log);
        let is_rising = y >= 1.0 || of_x.slope < bets.log_e(other.failed, other.of, y).slope;
        (x + y, is_rising)
    };
    let seen = more.share();
    let most = |of_other: f64| {
        bets.most(more.failed, more.of, bound - bets.log_e(other.failed, other.of, of_other).log)
    };
    let near = most(other.share());
    let ((mut best, rises_seen), (at_near, rises_near)) = (at(seen), at(near));
    best = best.max(at_near);
    let (mut low, mut high) = match (rises_seen, rises_near) {
        (false, _) => (0.0, seen),
        (true, false) => (seen, near),
        (true, true) => (near, most(0.0)),
    };
    for _ in 0..STEPS {
        if high - low <= PRECISION * (near - seen) {
            break;
        }
        let x = low + (high - low) / 2.0;
        let (sum, is_rising) = at(x);
        best = best.max(sum);
        (low, high) = if is_rising { (x, high) } else { (low, x) };
    }
    best - 1.0
}
