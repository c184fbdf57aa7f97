//! Interval and point estimate of a shift between two samples, by inverting the Mann-Whitney test with the normal
//! approximation, ties and continuity corrected.

use super::root;
use crate::judge::ranks::{Ranks, sorted};
use crate::normal;

/// How far the canary's values lie above the baseline's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shift {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) estimate: f64,
}

/// The roots are found to this distance, in the metric's unit.
const TOLERANCE: f64 = 1e-4;

/// The shift with an interval of `confidence`. `None`: the samples are tied throughout, so the statistic has no
/// spread. Both samples hold finite values, at least one each.
pub(super) fn shift(canary: &[f64], baseline: &[f64], confidence: f64) -> Option<Shift> {
    // Moving all of one sample keeps its order, so each needs to be sorted only once.
    let (canary, baseline) = (&sorted(canary), &sorted(baseline));
    let low = canary.first()? - baseline.last()?;
    let high = canary.last()? - baseline.first()?;
    let z = normal::quantile((1.0 + confidence) / 2.0);
    // The statistic has no spread exactly where all values are tied, which can only be seen at the ends.
    statistic(low, canary, baseline)?;
    statistic(high, canary, baseline)?;
    let at = |shift: f64, z: f64| statistic(shift, canary, baseline).map_or(f64::NAN, |value| value - z);
    let bound = |z: f64| {
        if at(low, z) <= 0.0 {
            low
        } else if at(high, z) >= 0.0 {
            high
        } else {
            root::find(low, high, TOLERANCE, |shift| at(shift, z))
        }
    };
    let estimate = root::find(low, high, TOLERANCE, |shift| at(shift, 0.0));
    Some(Shift { low: bound(z), high: bound(-z), estimate })
}

/// The standardised statistic after the canary is moved down by `shift`. Both samples rise.
fn statistic(shift: f64, canary: &[f64], baseline: &[f64]) -> Option<f64> {
    let ranks = Ranks::of_rising(canary.iter().map(|value| value - shift), baseline.iter().copied());
    let (n, m) = (canary.len() as f64, baseline.len() as f64);
    let above = ranks.first_sum - n * (n + 1.0) / 2.0 - n * m / 2.0;
    let correction = if above == 0.0 { 0.0 } else { 0.5_f64.copysign(above) };
    let variance = ranks.variance(canary.len(), baseline.len());
    (variance > 0.0).then(|| (above - correction) / variance.sqrt())
}
