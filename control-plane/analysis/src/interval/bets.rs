//! Bets that a mean of probabilities is smaller than it is said to be.
//!
//! One mixture serves all: with failures and successes exchanged it bounds a share from below, and with a known share it
//! bounds a count. Bets much weaker than counts call for are summed in one term that is no larger: the logarithm of a bet is
//! concave in its strength and 0 without, and of a mean of exponentials the exponential of the mean is no larger (Jensen).
//! That widens by a tenth where one arm has 100,000 times the requests of the other, and by less than 0.1 % at nine times.

/// Strength of the strongest bet. `1 - exp(-4)` is 0.98, so of an arm without failures it loses 2 % of what is known.
const STRONGEST: f64 = 4.0;
/// Each bet is half as strong as the one before. The weakest, 5e-7, is right for some 1e13 failures.
const BETS: usize = 24;
/// Weights fall as the square of this plus the number of the bet: most for one to a million failures.
const HEAD: f64 = 8.0;
/// Weight of no bet at all, which keeps the evidence of an arm above a floor, so that a small arm is judged alike beside any
/// large one.
const KEPT: f64 = 0.05;
/// Bets that are summed, the last of them with all that are weaker, and how many are stronger than what counts call for.
const SUMMED: usize = 10;
/// With what is kept.
const TERMS: usize = SUMMED + 1;
const STRONGER: usize = 3;
/// What the mixture costs beside the best bet, about; where searches start.
const MIXING: f64 = 2.5;
/// Steps of a search, and how large the last one is beside the way to it.
const STEPS: usize = 60;
const PRECISION: f64 = 1e-6;

/// One bet: the failures are fewer than their mean says.
#[derive(Clone, Copy, Debug, Default)]
struct Bet {
    /// m.
    strength: f64,
    /// 1 - exp(-m).
    stake: f64,
    ln_weight: f64,
    /// What the logarithm of the bet is multiplied by: below 1 where it stands for weaker ones too.
    scale: f64,
}

/// The mixture, the same for all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mixture {
    bets: [Bet; BETS],
    /// Each with all that are weaker.
    tails: [Bet; BETS],
}

impl Mixture {
    pub(super) fn new() -> Self {
        let weight = |bet: usize| (HEAD + bet as f64).powi(-2);
        let all: f64 = (0..BETS).map(weight).sum();
        let mut strength = 2.0 * STRONGEST;
        let bets = std::array::from_fn(|bet| {
            strength /= 2.0;
            Bet {
                strength,
                stake: -(-strength).exp_m1(),
                ln_weight: ((1.0 - KEPT) * weight(bet) / all).ln(),
                scale: 1.0,
            }
        });
        let mut tails = bets;
        let (mut weights, mut strengths) = (0.0, 0.0);
        for tail in tails.iter_mut().rev() {
            let weight = tail.ln_weight.exp();
            weights += weight;
            strengths += weight * tail.strength;
            tail.ln_weight = f64::ln(weights);
            tail.scale = strengths / weights / tail.strength;
        }
        Self { bets, tails }
    }

    /// The terms for counts with this variance. The best bet on a deviation of z standard deviations is as strong as z over
    /// the standard deviation, and z is about 4 where intervals end.
    fn terms(&self, variance: f64) -> [Bet; TERMS] {
        let halvings = (1.0 + variance.max(0.0)).log2() / 2.0;
        let first = (halvings as usize).saturating_sub(STRONGER).min(BETS - SUMMED);
        let bets = self.bets.iter().skip(first).take(SUMMED - 1).chain(self.tails.get(first + SUMMED - 1));
        let mut terms = [Bet { ln_weight: KEPT.ln(), ..Bet::default() }; TERMS];
        let into = terms.iter_mut().zip(bets);
        into.for_each(|(into, bet)| *into = *bet);
        terms
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
    fn sum(logs: [f64; TERMS], slopes: [f64; TERMS]) -> Self {
        let high = logs.into_iter().fold(f64::NEG_INFINITY, f64::max);
        let parts = logs.map(|log| (log - high).exp());
        let sum: f64 = parts.iter().sum();
        let slope = parts.iter().zip(slopes).map(|(part, slope)| part * slope).sum::<f64>();
        Self { log: high + sum.ln(), slope: slope / sum }
    }
}

/// Events among requests, and the bets that their mean is smaller than is said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bets {
    events: f64,
    of: f64,
    terms: [Bet; TERMS],
}

impl Bets {
    /// `events` among `of`, which is above 0.
    pub(super) fn new(mixture: &Mixture, events: f64, of: f64) -> Self {
        Self { events, of, terms: mixture.terms(events * (1.0 - events / of)) }
    }

    pub(super) fn seen(&self) -> f64 {
        self.events / self.of
    }

    /// Logarithm of the evidence against "the mean is `share`" (0 to 1), and its slope in `share`. Rises with `share`, and is
    /// convex in it.
    pub(super) fn log_e(&self, share: f64) -> LogE {
        let log = |bet: Bet| {
            let log = -bet.strength * self.events - self.of * (-share * bet.stake).ln_1p();
            bet.ln_weight + bet.scale * log
        };
        let slope = |bet: Bet| bet.scale * self.of * bet.stake / (1.0 - share * bet.stake);
        LogE::sum(self.terms.map(log), self.terms.map(slope))
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
    let terms = mixture.terms(mean * (1.0 - share));
    let offsets = terms.map(|bet| bet.ln_weight - bet.scale * of * (-share * bet.stake).ln_1p());
    let falls = terms.map(|bet| bet.scale * bet.strength);
    let log_e = |events: f64| {
        let mut logs = offsets;
        logs.iter_mut().zip(falls).for_each(|(log, fall)| *log -= events * fall);
        LogE::sum(logs, falls)
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
