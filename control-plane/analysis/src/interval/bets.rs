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
/// What the mixture costs beside the best bet, about; where searches start.
const MIXING: f64 = 2.5;
/// Steps of a search, and how large the last one is beside the way to it.
const STEPS: usize = 60;
const PRECISION: f64 = 1e-6;

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
pub(super) struct Mixture([Bet; BETS]);

impl Mixture {
    pub(super) fn new() -> Self {
        let weight = |bet: usize| (HEAD + bet as f64).powi(-2);
        let ln_all = (0..BETS).map(weight).sum::<f64>().ln();
        let mut strength = 2.0 * STRONGEST;
        Self(std::array::from_fn(|bet| {
            strength /= 2.0;
            Bet { strength, stake: -(-strength).exp_m1(), ln_weight: weight(bet).ln() - ln_all }
        }))
    }
}

/// Logarithm of evidence, and its slope.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogE {
    pub(super) log: f64,
    pub(super) slope: f64,
}

impl LogE {
    /// Of bets with these logarithms, and the slopes of these.
    fn sum(logs: [f64; BETS], slopes: [f64; BETS]) -> Self {
        let high = logs.into_iter().fold(f64::NEG_INFINITY, f64::max);
        let parts = logs.map(|log| (log - high).exp());
        let sum: f64 = parts.iter().sum();
        let slope = parts.iter().zip(slopes).map(|(part, slope)| part * slope).sum::<f64>();
        Self { log: high + sum.ln(), slope: slope / sum }
    }
}

/// Events among requests, and the bets that their mean is smaller than is said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bets<'a> {
    events: f64,
    of: f64,
    mixture: &'a Mixture,
}

impl<'a> Bets<'a> {
    /// `events` among `of`, which is above 0.
    pub(super) fn new(mixture: &'a Mixture, events: f64, of: f64) -> Self {
        Self { events, of, mixture }
    }

    pub(super) fn seen(&self) -> f64 {
        self.events / self.of
    }

    /// Logarithm of the evidence against "the mean is `share`" (0 to 1), and its slope in `share`. Rises with `share`, and is
    /// convex in it.
    pub(super) fn log_e(&self, share: f64) -> LogE {
        let log =
            |bet: Bet| bet.ln_weight - bet.strength * self.events - self.of * (-share * bet.stake).ln_1p();
        let slope = |bet: Bet| self.of * bet.stake / (1.0 - share * bet.stake);
        LogE::sum(self.mixture.0.map(log), self.mixture.0.map(slope))
    }

    /// The smallest mean with evidence of `bound` against it, and the slope there; 1 if there is none. Newton's method from
    /// beyond on a convex function: every step is beyond, so an early end only widens.
    pub(super) fn most(&self, bound: f64) -> (f64, f64) {
        let (seen, nats) = (self.seen(), (bound + MIXING).max(1.0));
        let variance = (seen * (1.0 - seen)).max(0.0);
        let mut reach = nats / self.of + (2.0 * nats * variance / self.of).sqrt();
        let mut share = (seen + reach).min(1.0);
        let mut at = self.log_e(share);
        for _ in 0..STEPS {
            if at.log >= bound {
                break;
            }
            if share >= 1.0 {
                return (1.0, f64::INFINITY);
            }
            reach *= 1.5;
            share = (seen + reach).min(1.0);
            at = self.log_e(share);
        }
        for _ in 0..STEPS {
            let step = (at.log - bound) / at.slope;
            share = (share - step.max(0.0)).max(0.0);
            if step.is_nan() || step <= PRECISION * (share - seen).abs() || share <= 0.0 {
                break;
            }
            at = self.log_e(share);
        }
        (share, at.slope)
    }
}

/// The smallest number of events among `of` against which, their mean being `share`, the evidence is at most `bound`; 0 if
/// none is too small. Newton's method from below, so an early end only widens.
pub(super) fn least(mixture: &Mixture, of: f64, share: f64, bound: f64) -> f64 {
    let mean = of * share;
    let offsets = mixture.0.map(|bet| bet.ln_weight - of * (-share * bet.stake).ln_1p());
    let log_e = |events: f64| {
        let mut logs = offsets;
        logs.iter_mut().zip(&mixture.0).for_each(|(log, bet)| *log -= events * bet.strength);
        LogE::sum(logs, mixture.0.map(|bet| bet.strength))
    };
    let mut reach = (2.0 * (bound + MIXING).max(1.0) * mean * (1.0 - share)).sqrt();
    let mut events = (mean - reach).max(0.0);
    let mut at = log_e(events);
    for _ in 0..STEPS {
        if at.log >= bound {
            break;
        }
        if events <= 0.0 {
            return 0.0;
        }
        reach *= 1.5;
        events = (mean - reach).max(0.0);
        at = log_e(events);
    }
    for _ in 0..STEPS {
        let step = (at.log - bound) / at.slope;
        events += step.max(0.0);
        if step.is_nan() || step <= PRECISION * (mean - events).abs() {
            break;
        }
        at = log_e(events);
    }
    events
}
