//! The ratio of two latency quantiles.

use super::bets::Bets;
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
pub(super) fn compare(control: &ArmTotals, arm: &ArmTotals, alpha: f64, phi: f64) -> [Option<Difference>; 3] {
    let bets = Bets::new();
    let bound = (4.0 / alpha).ln();
    QUANTILES.map(|quantile| {
        let control = bounds(&bets, control.latency(), quantile, bound, phi)?;
        let arm = bounds(&bets, arm.latency(), quantile, bound, phi)?;
        let interval = Interval {
            estimate: arm.seen / control.seen,
            low: arm.low / control.high,
            high: arm.high / control.low,
        };
        let conclusion = Conclusion::of(&interval, 1.0);
        Some(Difference { control: control.seen, arm: arm.seen, interval, conclusion })
    })
}

/// Where the quantile lies, at `bound` for each end.
fn bounds(bets: &Bets, latency: &LatencyHistogram, quantile: f64, bound: f64, phi: f64) -> Option<Bounds> {
    let count = latency.count() as f64;
    let seen = ranked(latency, (quantile * count).ceil())?.highest_us().max(1) as f64;
    // At least so many are at or below the quantile, and so many at or beyond it.
    let below = (bets.least(count / phi, quantile, bound) * phi).ceil();
    let beyond = (bets.least(count / phi, 1.0 - quantile, bound) * phi).ceil();
    let low = if below >= 1.0 { ranked(latency, below)?.lowest_us().max(1) as f64 } else { 1.0 };
    let high = if beyond >= 1.0 {
        ranked(latency, count - beyond + 1.0)?.highest_us().max(1) as f64
    } else {
        MAX_LATENCY_US as f64
    };
    Some(Bounds { seen, low: low.min(seen), high: high.max(seen) })
}

/// The bin of the request that is number `rank` by latency, from 1 on. `None` without requests.
fn ranked(latency: &LatencyHistogram, rank: f64) -> Option<Bin> {
    let (mut seen, mut last) = (0_u64, None);
    for (bin, in_bin) in latency.bins() {
        seen = seen.saturating_add(in_bin);
        last = Some(bin);
        if seen as f64 >= rank {
            break;
        }
    }
    last
}
