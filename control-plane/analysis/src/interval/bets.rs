//! Bets that a mean of probabilities is smaller than it is said to be.
//!
//! One mixture serves all: with failures and successes exchanged it bounds a share from below, and with a known share it
//! bounds a count.

/// Strength of the strongest bet. `1 - exp(-4)` is 0.98, so of an arm without failures it loses 2 % of what is known.
const STRONGEST: f64 = 4.0;
/// Each bet is half as strong as the one before. The weakest, 5e-7, is right for some 1e13 failures.
const BETS: usize = 24;
/// Weights fall as the square of this plus the number of the bet: most for one to a million failures.
const HEAD: f64 = 8.0;

/// One bet: the failures are fewer than their mean says.
#[derive(Clone, Copy, Debug)]
struct Bet {
    /// m.
    strength: f64,
    /// 1 - exp(-m).
    stake: f64,
    ln_weight: f64,
}

/// The mixture, the same for all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bets([Bet; BETS]);

impl Bets {
    pub(super) fn new() -> Self {
        let weight = |bet: usize| (HEAD + bet as f64).powi(-2);
        let ln_all = (0..BETS).map(weight).sum::<f64>().ln();
        let mut strength = 2.0 * STRONGEST;
        Self(std::array::from_fn(|bet| {
            strength /= 2.0;
            Bet { strength, stake: -(-strength).exp_m1(), ln_weight: weight(bet).ln() - ln_all }
        }))
    }

    /// Logarithm of the evidence against "the mean is `share`" (0 to 1) of `failed` among `of`, and its slope in `share`.
    /// Rises with `share`, and is convex in it.
    pub(super) fn log_e(&self, failed: f64, of: f64, share: f64) -> LogE {
        let logs =
            self.0.map(|bet| bet.ln_weight - bet.strength * failed - of * (-share * bet.stake).ln_1p());
        let high = logs.into_iter().fold(f64::NEG_INFINITY, f64::max);
        let (mut sum, mut slope) = (0.0, 0.0);
        for (log, bet) in logs.into_iter().zip(&self.0) {
            let part = (log - high).exp();
            sum += part;
            slope += part * of * bet.stake / (1.0 - share * bet.stake);
        }
        LogE { log: high + f64::ln(sum), slope: slope / sum }
    }

    /// The smallest share, from the observed one to 1, at which the evidence is `bound` or more; 1 if there is none.
    /// Newton's method from beyond on a convex function: every step is beyond, so an early end only widens.
    pub(super) fn most(&self, failed: f64, of: f64, bound: f64) -> f64 {
        const STEPS: usize = 60;
        let seen = failed / of;
        let variance = (seen * (1.0 - seen)).max(0.0);
        let bound = bound.max(self.log_e(failed, of, 0.0).log);
        let room = 2.0 * (bound + 2.0).max(1.0);
        let mut reach = room / of + (2.0 * room * variance / of).sqrt();
        let mut share = (seen + reach).min(1.0);
        let mut at = self.log_e(failed, of, share);
        for _ in 0..STEPS {
            if at.log >= bound {
                break;
            }
            if share >= 1.0 {
                return 1.0;
            }
            reach *= 2.0;
            share = (seen + reach).min(1.0);
            at = self.log_e(failed, of, share);
        }
        for _ in 0..STEPS {
            let step = (at.log - bound) / at.slope;
            if step.is_nan() || step <= 1e-9 * (1.0 / of + (share - seen).abs()) {
                break;
            }
            share = (share - step).max(0.0);
            at = self.log_e(failed, of, share);
        }
        share
    }

    /// The smallest count among `of` against which, their mean being `share`, the evidence is at most `bound`; 0 if none is
    /// too small. Newton's method from below, so an early end only widens.
    pub(super) fn least(&self, of: f64, share: f64, bound: f64) -> f64 {
        const STEPS: usize = 60;
        let offsets = self.0.map(|bet| bet.ln_weight - of * (-share * bet.stake).ln_1p());
        let log_e = |count: f64| {
            let logs: [f64; BETS] = std::array::from_fn(|at| {
                offsets.get(at).copied().unwrap_or(0.0)
                    - count * self.0.get(at).map_or(0.0, |bet| bet.strength)
            });
            let high = logs.into_iter().fold(f64::NEG_INFINITY, f64::max);
            let parts = logs.map(|log| (log - high).exp());
            let sum: f64 = parts.iter().sum();
            let fall = parts.iter().zip(&self.0).map(|(part, bet)| part * bet.strength).sum::<f64>();
            LogE { log: high + sum.ln(), slope: fall / sum }
        };
        let mean = of * share;
        let mut reach = (4.0 * bound.max(1.0) * mean * (1.0 - share)).sqrt() + 1.0;
        let mut count = (mean - reach).max(0.0);
        let mut at = log_e(count);
        while at.log <= bound {
            if count <= 0.0 {
                return 0.0;
            }
            reach *= 2.0;
            count = (mean - reach).max(0.0);
            at = log_e(count);
        }
        for _ in 0..STEPS {
            let step = (at.log - bound) / at.slope;
            if step.is_nan() || step <= 1e-9 * (1.0 + mean - count) {
                break;
            }
            count += step;
            at = log_e(count);
        }
        count
    }
}

/// Logarithm of evidence, and its slope.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogE {
    pub(super) log: f64,
    pub(super) slope: f64,
}
