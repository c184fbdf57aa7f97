//! A stratum: both arms of one component (or of all thin ones together) over a second or a few.
//!
//! A stratum closes as soon as both arms started enough requests, else at a maximal age, so thin traffic is not
//! cut into seconds that hold one arm only. The rule looks at exposures alone, never at outcomes.
//!
//! Failed requests are left out of the latency cells: a fast failure must not look like a speed-up, and a slow one
//! is counted as an error already. The latency test is then about the requests that did not fail, for which the
//! counts by cell are their own exposures, so it stays exact. Requests still open count at their age.
//!
//! Failures come in clusters: one bad moment, or one client that tries again, fails several requests. Error rates are bet
//! on twice. Once with all failures and the evidence divided by the overdispersion. And once with the canary's first
//! failure of the stratum alone, and all of the baseline's: if clusters, of whatever size, come as requests do, then
//! `E a^min(k, 1) <= exp(rate (a - 1))` and `E D^-k <= exp(rate (1/D - 1))`, so that is an e-value without any division. It
//! is the faster of the two where the canary has a few requests a second.

use serde::{Deserialize, Serialize};

use crate::cells::{ARCHETYPES, Archetypes, CELLS, HEALTH_EDGES};
use crate::config::RawEngineConfig;
use crate::evalue::{Counts, Margin, log_e, log_e_runs};
use crate::failures::FailureCounts;
use crate::increment::ByArm;
use crate::ledger::{ClosedStratum, LateFailures};
use crate::noninferiority::{ERROR_HEALTH_BETS, LATENCY_HEALTH_BETS};
use crate::placebo::Phi;
use crate::verdict::Signal;

/// Error rates that are bet on, relative to the margin's.
pub(crate) const RATES: [f64; ERROR_BET_COUNT] = [1.3, 1.7, 2.5, 4.0, 7.0, 15.0, 40.0, 150.0];
pub(crate) const ERROR_BET_COUNT: usize = 8;
/// How much each of [`RATES`] is believed in, relative to the others: outages and small rises are rarer than what lies
/// between.
const ERROR_BELIEF: [f64; ERROR_BET_COUNT] = [0.06, 0.08, 0.12, 0.16, 0.18, 0.16, 0.14, 0.10];
/// Bets against "within the margins": first the error rates by all failures, then the error rates by each stratum's first
/// failure alone, then the latency archetypes.
pub(crate) const BETS: usize = ERROR_BETS + ARCHETYPES;
/// Bets on errors, which come first.
pub(crate) const ERROR_BETS: usize = 2 * ERROR_BET_COUNT;
/// Prior weight of all latency bets; the two kinds of error bets share the rest.
const LATENCY_BELIEF: f64 = 0.46;

/// What one arm of a stratum saw.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct ArmStratum {
    pub(crate) started: u64,
    /// Failures of requests that started in it, known when it closed.
    pub(crate) failed: u64,
    /// The same by category.
    pub(crate) categories: FailureCounts,
    pub(crate) cells: [u64; CELLS],
}

impl ArmStratum {
    /// More of its requests failed than were known to.
    pub(crate) fn fail(&mut self, failed: &FailureCounts) {
        self.failed = self.failed.saturating_add(failed.total());
        self.categories.add(failed);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.started = self.started.saturating_add(other.started);
        self.failed = self.failed.saturating_add(other.failed);
        self.categories.add(&other.categories);
        for (into, count) in self.cells.iter_mut().zip(other.cells) {
            *into = into.saturating_add(count);
        }
    }
}

/// A stratum that is still being filled with closed seconds.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Stratum {
    pub(crate) arms: ByArm<ArmStratum>,
    /// The first second that it covers, once it covers one.
    first_second: Option<u64>,
    last_second: u64,
    /// Some of its requests were open when their second closed.
    pub(crate) had_open: bool,
}

impl Stratum {
    pub(crate) fn cover(&mut self, second: u64) {
        self.first_second.get_or_insert(second);
        self.last_second = second;
    }

    pub(crate) fn covers(&self, second: u64) -> bool {
        self.first_second.is_some_and(|first| (first..=self.last_second).contains(&second))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first_second.is_none()
    }

    /// `alone`: the canary's requests are the only ones.
    pub(crate) fn is_full(&self, config: &RawEngineConfig, alone: bool) -> bool {
        let ByArm { baseline, canary } = &self.arms;
        let least = if alone { canary.started } else { baseline.started.min(canary.started) };
        least >= config.min_exposure || self.age_s() >= config.max_stratum_age_s
    }

    /// Seconds that it covers.
    pub(crate) fn age_s(&self) -> u64 {
        self.first_second.map_or(0, |first| self.last_second - first + 1)
    }

    /// Empties the stratum and gives what it was.
    pub(crate) fn close(&mut self) -> (ByArm<ArmStratum>, ClosedStratum) {
        let closed = std::mem::take(self);
        let exposures = ByArm { baseline: closed.arms.baseline.started, canary: closed.arms.canary.started };
        let first = closed.first_second.unwrap_or(closed.last_second);
        let canary_failed = closed.arms.canary.categories;
        (closed.arms, ClosedStratum::new(first, closed.last_second, exposures, &canary_failed))
    }
}

/// Log e-values of a stratum, for every bet.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Evidence {
    pub(crate) harm: [f64; BETS],
    pub(crate) healthy_errors: [f64; ERROR_HEALTH_BETS.len()],
    pub(crate) healthy_latency: [[f64; LATENCY_HEALTH_BETS.len()]; HEALTH_EDGES.len()],
}

impl Evidence {
    pub(crate) fn none() -> Self {
        Self {
            harm: [0.0; BETS],
            healthy_errors: [0.0; ERROR_HEALTH_BETS.len()],
            healthy_latency: [[0.0; LATENCY_HEALTH_BETS.len()]; HEALTH_EDGES.len()],
        }
    }

    /// What `arms` and failures that came in late for earlier strata say, were requests independent. Without
    /// `archetypes` latency is silent.
    pub(crate) fn of(
        arms: &ByArm<ArmStratum>,
        late: &[LateFailures],
        archetypes: Option<&Archetypes>,
        config: &RawEngineConfig,
    ) -> Self {
        let mut evidence = Self::none();
        let (errors, latency) = evidence.harm.split_at_mut(ERROR_BETS);
        let (errors, firsts) = errors.split_at_mut(ERROR_BET_COUNT);
        let harm_margin =
            Margin { ratio: config.margins.error_ratio, absolute: config.margins.error_absolute };
        let healthy_margin =
            Margin { ratio: config.healthy.error_ratio, absolute: config.healthy.error_absolute };
        let error_bets = errors.iter_mut().zip(RATES).map(|(into, psi)| (into, psi, harm_margin));
        let healthy_bets = evidence.healthy_errors.iter_mut().zip(ERROR_HEALTH_BETS);
        let now = failures(arms);
        for (into, psi, margin) in
            error_bets.chain(healthy_bets.map(|(into, psi)| (into, psi, healthy_margin)))
        {
            *into = log_e(&now, psi, margin) + late_log_e(late, psi, margin);
        }
        for (into, psi) in firsts.iter_mut().zip(RATES) {
            *into =
                log_e(&with_first_failure(now), psi, harm_margin) + late_first_log_e(late, psi, harm_margin);
        }
        let cells =
            ByArm { baseline: as_floats(&arms.baseline.cells), canary: as_floats(&arms.canary.cells) };
        if let Some(archetypes) = archetypes {
            let (baseline, canary) = (cells.baseline.iter().sum::<f64>(), cells.canary.iter().sum::<f64>());
            if baseline > 0.0 && canary > 0.0 {
                let share = canary / (baseline + canary);
                let mut runs = archetypes.runs();
                for into in latency {
                    *into = log_e_runs(&cells.baseline, &cells.canary, share, &mut runs);
                }
            }
        }
        let slow_margin = Margin { ratio: config.healthy.slow_ratio, absolute: config.healthy.slow_absolute };
        for (row, edge) in evidence.healthy_latency.iter_mut().zip(HEALTH_EDGES) {
            let slow = slower_than(&cells, edge);
            for (into, psi) in row.iter_mut().zip(LATENCY_HEALTH_BETS) {
                *into = log_e(&slow, psi, slow_margin);
            }
        }
        evidence
    }

    /// The same for counts that vary `phi` times as much: a power of an e-value between 0 and 1 is still one.
    pub(crate) fn scaled(&self, phi: Phi) -> Self {
        let (mut scaled, phi) = (self.clone(), phi.max(Phi { errors: 1.0, firsts: 1.0, latency: 1.0 }));
        let (errors, latency) = scaled.harm.split_at_mut(ERROR_BETS);
        let (errors, firsts) = errors.split_at_mut(ERROR_BET_COUNT);
        firsts.iter_mut().for_each(|log_e| *log_e /= phi.firsts);
        errors.iter_mut().chain(&mut scaled.healthy_errors).for_each(|log_e| *log_e /= phi.errors);
        let slow = scaled.healthy_latency.iter_mut().flatten();
        latency.iter_mut().chain(slow).for_each(|log_e| *log_e /= phi.latency);
        scaled
    }

    /// Without what it says for the canary's health.
    pub(crate) fn harm_alone(self) -> Self {
        Self { harm: self.harm, ..Self::none() }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        let sums = self.harm.iter_mut().chain(&mut self.healthy_errors);
        for (into, value) in sums.zip(other.harm.iter().chain(&other.healthy_errors)) {
            *into += value;
        }
        for (into, value) in
            self.healthy_latency.iter_mut().flatten().zip(other.healthy_latency.iter().flatten())
        {
            *into += value;
        }
    }

    /// The signal that a bet against harm is about.
    pub(crate) fn signal_of(bet: usize) -> Signal {
        if bet < ERROR_BETS { Signal::ErrorRate } else { Signal::Latency }
    }

    /// Prior weight of a bet; all of them sum to 1.
    pub(crate) fn bet_weight(bet: usize) -> f64 {
        match Self::signal_of(bet) {
            Signal::ErrorRate => {
                let belief = ERROR_BELIEF.get(bet % ERROR_BET_COUNT).copied().unwrap_or_default();
                (1.0 - LATENCY_BELIEF) / 2.0 * belief
            }
            Signal::Latency | Signal::Share => LATENCY_BELIEF / ARCHETYPES as f64,
        }
    }
}

fn failures(arms: &ByArm<ArmStratum>) -> Counts {
    Counts {
        events: ByArm { baseline: arms.baseline.failed as f64, canary: arms.canary.failed as f64 },
        exposures: ByArm { baseline: arms.baseline.started as f64, canary: arms.canary.started as f64 },
    }
}

/// Failures of requests whose exposure was paid for when their own stratum closed: the same bet at the odds of that
/// stratum, so the product is what it would have been had they been known in time.
fn late_log_e(late: &[LateFailures], psi: f64, margin: Margin) -> f64 {
    let paid = Margin { absolute: 0.0, ..margin };
    late.iter().map(|late| log_e(&late.counts(), psi, paid)).sum()
}

/// The same with the canary's first failure alone.
pub(crate) fn with_first_failure(counts: Counts) -> Counts {
    Counts { events: ByArm { canary: counts.events.canary.min(1.0), ..counts.events }, ..counts }
}

/// As [`late_log_e`] with the canary's first failure of the stratum alone.
fn late_first_log_e(late: &[LateFailures], psi: f64, margin: Margin) -> f64 {
    let paid = Margin { absolute: 0.0, ..margin };
    late.iter().map(|late| log_e(&late.counts_to_first(), psi, paid)).sum()
}

pub(crate) fn as_floats(cells: &[u64; CELLS]) -> [f64; CELLS] {
    cells.map(|count| count as f64)
}

/// Requests beyond `edge`, of those sorted into cells.
pub(crate) fn slower_than(cells: &ByArm<[f64; CELLS]>, edge: usize) -> Counts {
    let beyond = |cells: &[f64; CELLS]| cells.iter().skip(edge + 1).sum::<f64>();
    Counts {
        events: ByArm { baseline: beyond(&cells.baseline), canary: beyond(&cells.canary) },
        exposures: ByArm { baseline: cells.baseline.iter().sum(), canary: cells.canary.iter().sum() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weights_of_all_bets_sum_to_one() {
        let sum: f64 = (0..BETS).map(Evidence::bet_weight).sum();
        assert!((sum - 1.0).abs() < 1e-12, "{sum}");
    }

    fn poisson(mean: f64) -> Vec<f64> {
        let mut probability = (-mean).exp();
        (0..60)
            .map(|count| {
                let this = probability;
                probability *= mean / f64::from(count + 1);
                this
            })
            .collect()
    }

    /// Expectation over clusters that come as a Poisson process and have `sizes` (probabilities of 1, 2, ...).
    #[test]
    fn a_first_failure_is_fair_evidence_whatever_the_clusters() {
        let margin = Margin { ratio: 1.0, absolute: 0.0 };
        let exposures = ByArm { baseline: 90.0, canary: 10.0 };
        for sizes in [vec![1.0], vec![0.2, 0.2, 0.6], vec![0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5]] {
            for (rate, psi) in [0.001, 0.01, 0.05].into_iter().flat_map(|rate| RATES.map(|psi| (rate, psi))) {
                let e = |canary: f64, baseline: f64| {
                    log_e(&Counts { events: ByArm { baseline, canary }, exposures }, psi, margin).exp()
                };
                let one = e(0.0, 1.0) / e(0.0, 0.0);
                // Generating function of the compound count: exp(rate (E one^size - 1)).
                let per_cluster: f64 =
                    sizes.iter().enumerate().map(|(at, p)| p * one.powi(at as i32 + 1)).sum();
                let baseline = (rate * exposures.baseline * (per_cluster - 1.0)).exp();
                let none = poisson(rate * exposures.canary)[0];
                let expected = baseline * (none * e(0.0, 0.0) + (1.0 - none) * e(1.0, 0.0));
                assert!(expected <= 1.0 + 1e-12, "{sizes:?} {rate} {psi}: {expected}");
            }
        }
    }
}
