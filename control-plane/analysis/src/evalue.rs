//! The ratio e-process: one formula for counts and for whole histograms.
//!
//! An e-value is a number that is at most 1 in expectation when the canary is within its margin; the product over
//! strata is a bet whose gain can be looked at every second (Ville's inequality). Both arms of a stratum are seen
//! side by side, so nothing is assumed about the baseline but that it is the same second's. The formula is in the
//! family of stratified two-sample e-variables (Turner and Grünwald 2023, arXiv 2302.11401) with a Poisson bound
//! that makes it closed. It needs exposures that do not depend on outcomes.

use serde::{Deserialize, Serialize};

use crate::increment::ByArm;

/// A linear margin: the canary's share of events may be `ratio` times the baseline's plus `absolute`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Margin {
    /// At least 1.
    pub ratio: f64,
    /// A share, 0 to 1.
    pub absolute: f64,
}

/// Events among exposures in one stratum.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    /// Requests in which the event happened.
    pub events: ByArm<f64>,
    /// Requests in which it could have.
    pub exposures: ByArm<f64>,
}

/// Logarithm of the e-value of one stratum for the bet that the canary's share is `psi` times the margin's.
///
/// `psi` above 1 bets against "at most the margin", `psi` below 1 against "at least the margin" (which is evidence
/// for health). Zero without exposure in both arms.
pub fn log_e(counts: &Counts, psi: f64, margin: Margin) -> f64 {
    let Counts { events, exposures } = counts;
    if exposures.baseline <= 0.0 || exposures.canary <= 0.0 {
        return 0.0;
    }
    let canary = margin.ratio * exposures.canary;
    let share = canary / (exposures.baseline + canary);
    let spread = 1.0 - share + share * psi;
    // Most strata hold no event, and logarithms are what an update costs.
    let times_ln = |count: f64, of: f64| if count > 0.0 { count * of.ln() } else { 0.0 };
    let gain = times_ln(events.canary, psi) - times_ln(events.baseline + events.canary, spread);
    gain - exposures.canary * margin.absolute * (psi / spread - 1.0)
}

/// Logarithm of the e-value of one stratum for requests sorted into cells, for the bet that the canary's density in
/// each cell is `ratios` times the baseline's.
///
/// With non-decreasing ratios it tests "the canary's values are not larger" (stochastic order); the three slices
/// have one entry per cell. Zero without exposure in both arms.
pub fn log_e_cells(baseline: &[f64], canary: &[f64], ratios: &[f64]) -> f64 {
    let (total_baseline, total_canary) = (baseline.iter().sum::<f64>(), canary.iter().sum::<f64>());
    if total_baseline <= 0.0 || total_canary <= 0.0 {
        return 0.0;
    }
    let share = total_canary / (total_baseline + total_canary);
    log_e_runs(baseline, canary, share, &mut Run::of(ratios))
}

/// The same at the canary's share of all requests, by as many of `runs` as have those cells.
pub(crate) fn log_e_runs(
    baseline: &[f64],
    canary: &[f64],
    share: f64,
    runs: &mut impl Iterator<Item = Run>,
) -> f64 {
    let mut sum = 0.0;
    let mut cells = baseline.iter().zip(canary);
    while cells.len() > 0 {
        let Some(Run { ratio, ln_ratio, cells: count }) = runs.next() else { break };
        let (mut a, mut b) = (0.0, 0.0);
        for (next_a, next_b) in cells.by_ref().take(count.into()) {
            a += next_a;
            b += next_b;
        }
        if b > 0.0 {
            sum += b * ln_ratio;
        }
        if a + b > 0.0 {
            sum -= (a + b) * (1.0 - share + share * ratio).ln();
        }
    }
    sum
}

/// Neighbouring cells with the same ratio, and its logarithm: logarithms are what an update costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Run {
    pub(crate) ratio: f64,
    pub(crate) ln_ratio: f64,
    /// How many.
    pub(crate) cells: u8,
}

impl Run {
    /// The runs of `ratios`, which may be cut into several where they are long.
    pub(crate) fn of(ratios: &[f64]) -> impl Iterator<Item = Self> {
        let runs = ratios.chunk_by(|left, right| left == right).flat_map(|run| run.chunks(u8::MAX.into()));
        runs.filter_map(|run| {
            let ratio = *run.first()?;
            Some(Self { ratio, ln_ratio: ratio.ln(), cells: u8::try_from(run.len()).unwrap_or(u8::MAX) })
        })
    }
}

/// Logarithm of a quantity that is zero. Finite, so that it survives any sum and any text format.
pub(crate) const LOG_ZERO: f64 = -1e300;

/// Log evidence as it is told: even odds while there is none.
pub(crate) fn told(log_e: f64) -> f64 {
    if log_e <= LOG_ZERO / 2.0 { 0.0 } else { log_e }
}

/// `ln(exp(a) + exp(b))` without overflow.
pub(crate) fn log_add(a: f64, b: f64) -> f64 {
    let (high, low) = if a >= b { (a, b) } else { (b, a) };
    if low <= LOG_ZERO / 2.0 { high } else { high + (low - high).exp().ln_1p() }
}

/// `ln(sum(exp(x)))` without overflow.
pub(crate) fn log_sum(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let high = values.clone().fold(LOG_ZERO, f64::max);
    if high <= LOG_ZERO / 2.0 {
        return LOG_ZERO;
    }
    high + values.map(|value| (value - high).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests;
