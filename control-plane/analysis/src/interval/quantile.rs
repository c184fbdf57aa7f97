//! The ratio of two latency quantiles.

use super::bets::{Mixture, least};
use super::{ArmTotals, Conclusion, Difference, Interval};
use crate::histogram::{Bin, LatencyHistogram, MAX_LATENCY_US};

/// The quantiles that are compared.
const QUANTILES: [f64; 3] = [0.5, 0.9, 0.99];

/// A quantile of one arm, in µs.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    seen: f64,
    low: f64,
    high: f64,
}

/// The arm's quantiles over the control's. `None` without requests in both.
pub(super) fn compare(
    mixture: &Mixture,
    control: &ArmTotals,
    arm: &ArmTotals,
    alpha: f64,
    phi: f64,
) -> [Option<Difference>; 3] {
    let bound = (4.0 / alpha).ln();
    let (control, arm) = (Ranks::new(control.latency()), Ranks::new(arm.latency()));
    QUANTILES.map(|quantile| {
        let control = control.bounds(mixture, quantile, bound, phi)?;
        let arm = arm.bounds(mixture, quantile, bound, phi)?;
        let interval = Interval {
            estimate: arm.seen / control.seen,
            low: arm.low / control.high,
            high: arm.high / control.low,
        };
        let conclusion = Conclusion::of(&interval, 1.0);
        Some(Difference { control: control.seen, arm: arm.seen, interval, conclusion })
    })
}

/// Each bin that holds something, with the rank of its slowest request, from 1 on.
#[derive(Clone, Debug)]
struct Ranks(Vec<(u64, Bin)>);

impl Ranks {
    fn new(latency: &LatencyHistogram) -> Self {
        let mut rank = 0_u64;
        let ranked = latency.bins().map(|(bin, count)| {
            rank = rank.saturating_add(count);
            (rank, bin)
        });
        Self(ranked.collect())
    }

    /// The bin of the request with this rank, or the nearest. `None` without requests.
    fn bin(&self, rank: f64) -> Option<Bin> {
        let at = self.0.partition_point(|(of_slowest, _)| (*of_slowest as f64) < rank);
        self.0.get(at).or(self.0.last()).map(|(_, bin)| *bin)
    }

    /// Where the quantile lies, at `bound` for each end.
    fn bounds(&self, mixture: &Mixture, quantile: f64, bound: f64, phi: f64) -> Option<Bounds> {
        let count = self.0.last()?.0 as f64;
        // At least so many are at or below the quantile, and so many at or beyond it.
        let least = |share: f64| (least(mixture, count / phi, share, bound) * phi).ceil();
        let (below, beyond) = (least(quantile), least(1.0 - quantile));
        let highest = |rank: f64| self.bin(rank).map(|bin| bin.highest_us().max(1) as f64);
        let seen = highest((quantile * count).ceil())?;
        let low = if below >= 1.0 { self.bin(below)?.lowest_us().max(1) as f64 } else { 1.0 };
        let high = if beyond >= 1.0 { highest(count - beyond + 1.0)? } else { MAX_LATENCY_US as f64 };
        Some(Bounds { seen, low: low.min(seen), high: high.max(seen) })
    }
}
