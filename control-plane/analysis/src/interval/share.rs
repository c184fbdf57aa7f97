//! The difference of two error rates.

use super::bets::{Bets, Mixture};
use super::{ArmTotals, Conclusion, Difference, Interval};

/// Steps to the pair of means with the largest sum, and how precisely its distance from what was seen is found.
const STEPS: usize = 60;
const PRECISION: f64 = 1e-6;

/// Failures and successes among requests, each divided by the overdispersion.
#[derive(Clone, Copy, Debug)]
struct Counts {
    failed: Bets,
    succeeded: Bets,
}

impl Counts {
    fn new(mixture: &Mixture, totals: &ArmTotals, phi: f64) -> Option<Self> {
        let (failed, requests) = (totals.failed(), totals.requests());
        let of = requests as f64 / phi;
        let bets = |count: u64| Bets::new(mixture, count as f64 / phi, of);
        (requests > 0).then(|| Self { failed: bets(failed), succeeded: bets(requests - failed) })
    }
}

/// The arm's error rate minus the control's. `None` without requests in both.
pub(super) fn compare(
    mixture: &Mixture,
    control: &ArmTotals,
    arm: &ArmTotals,
    alpha: f64,
    phi: f64,
) -> Option<Difference> {
    let (of_control, of_arm) = (Counts::new(mixture, control, phi)?, Counts::new(mixture, arm, phi)?);
    let bound = (2.0 / alpha).ln();
    let (control, arm) = (control.error_rate()?, arm.error_rate()?);
    let estimate = arm - control;
    let interval = Interval {
        estimate,
        low: (1.0 - largest_sum(&of_control.failed, &of_arm.succeeded, bound)).clamp(-1.0, estimate),
        high: (largest_sum(&of_arm.failed, &of_control.succeeded, bound) - 1.0).clamp(estimate, 1.0),
    };
    Some(Difference { control, arm, interval, conclusion: Conclusion::of(&interval, 0.0) })
}

/// The largest sum of two means against which the evidence of both together stays below `bound`. The difference of two
/// shares is the sum of one and the other's complement, less 1.
///
/// The pairs are a convex set: beside a mean x of the one, the largest y of the other is concave in x. So the sum is largest
/// where the evidence rises alike in both, and never larger than where its tangents on both sides meet, which is returned.
fn largest_sum(one: &Bets, other: &Bets, bound: f64) -> f64 {
    let seen = one.seen();
    let most = |y: f64| Pair::new(one, other, bound, one.most(bound - other.log_e(y).log).0);
    let (at_seen, near) = (Pair::new(one, other, bound, seen), most(other.seen()));
    let (mut low, mut high) = if at_seen.lead >= 0.0 {
        (Pair::new(one, other, bound, 0.0), at_seen)
    } else if near.lead >= 0.0 {
        (at_seen, near)
    } else {
        (near, most(0.0))
    };
    for step in 0..STEPS {
        let best = low.sum.max(high.sum);
        let summit = low.summit(&high);
        if summit.sum - best <= PRECISION * (best - seen - other.seen()) {
            return summit.sum.max(best);
        }
        // By halves now and then, so that the way shrinks whatever the tangents say.
        let x = if step % 3 < 2 { summit.x } else { low.x + (high.x - low.x) / 2.0 };
        let pair = Pair::new(one, other, bound, x.clamp(low.x, high.x));
        *(if pair.lead < 0.0 { &mut low } else { &mut high }) = pair;
    }
    low.summit(&high).sum
}

/// A mean x of the one, with the largest of the other beside it.
#[derive(Clone, Copy, Debug)]
struct Pair {
    x: f64,
    sum: f64,
    /// How much faster the evidence rises in x than in y, as a share of the latter: minus the slope of the sum.
    lead: f64,
}

impl Pair {
    fn new(one: &Bets, other: &Bets, bound: f64, x: f64) -> Self {
        let of_x = one.log_e(x);
        let (y, slope) = other.most(bound - of_x.log);
        Self { x, sum: x + y, lead: of_x.slope / slope - 1.0 }
    }

    /// Where the tangents here and at `high` meet.
    fn summit(&self, high: &Self) -> Self {
        let bend = high.lead - self.lead;
        let width = high.x - self.x;
        let way = (high.sum - self.sum + high.lead * width) / bend;
        let way = if bend > 0.0 && way.is_finite() { way.clamp(0.0, width) } else { width / 2.0 };
        Self { x: self.x + way, sum: self.sum - self.lead * way, lead: 0.0 }
    }
}
