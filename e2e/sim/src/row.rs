//! Rows of the table: what one method made of one scenario over all its runs.

use serde::Serialize;
use statrs::distribution::{Beta, ContinuousCDF};

use crate::bound::information_bound_s;
use crate::method::Method;
use crate::run::Outcome;
use crate::scenario::{Scenario, Truth};

/// Probability that a rate lies outside its bounds.
const BOUNDS_MISS: f64 = 0.05;

/// Median and 95th percentile over the runs. `None`: it is not reached, as where most runs were not rolled back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Quantiles {
    /// Half of the runs lie at or below it.
    pub median: Option<f64>,
    /// 95 % of the runs lie at or below it.
    pub p95: Option<f64>,
}

/// One method in one scenario.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The scenario's id.
    pub scenario: &'static str,
    /// The method's name.
    pub method: &'static str,
    /// Rollouts.
    pub runs: u64,
    /// Share that was rolled back; where there is harm, after it began.
    pub rollback_rate: f64,
    /// From the onset of the harm, over all runs: one without rollback took longer than any other.
    pub delay_s: Quantiles,
    /// Canary requests that the fault struck before the rollback, or before the end where there was none.
    pub bad_requests: Quantiles,
    /// Share of the rollbacks that named what was at fault. Absent without rollback or fault.
    pub localised_rate: Option<f64>,
    /// Share that was rolled back before the harm began, where it begins later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_rate: Option<f64>,
    /// Until the version was found healthy, over all runs. Only where there is no harm, of methods that say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthy_s: Option<Quantiles>,
    /// Share in which the method held, and said so, before it rolled anything back. Only of methods that hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_rate: Option<f64>,
    /// Share in which a limit was seen about to be exceeded before anything was rolled back. Only of methods that forecast.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicted_rate: Option<f64>,
    /// When, from the onset of the harm if there is one, over all runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicted_s: Option<Quantiles>,
    /// No rule with the same bound on false rollbacks has a smaller mean delay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub information_bound_s: Option<f64>,
    /// Clopper-Pearson bounds of `rollback_rate`, where each rollback is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback_rate_95: Option<(f64, f64)>,
}

impl Row {
    /// The row of `method` from the outcomes of all its runs of `scenario`.
    pub fn new(scenario: &Scenario, method: Method, outcomes: &[Outcome]) -> Self {
        let runs = outcomes.len() as u64;
        let onset = scenario.onset().unwrap_or(0);
        let is_harmful = scenario.truth != Truth::Good;
        let is_found = |outcome: &&Outcome| outcome.rolled_back_at.is_some_and(|at| at > onset);
        let found: Vec<_> = outcomes.iter().filter(is_found).collect();
        let early = outcomes.iter().filter(|outcome| outcome.rolled_back_at.is_some_and(|at| at <= onset));
        let part = |count: usize| count as f64 / runs as f64;
        let mut row = Self {
            scenario: scenario.id,
            method: method.name(),
            runs,
            rollback_rate: part(found.len()),
            delay_s: Quantiles::default(),
            bad_requests: Quantiles::default(),
            localised_rate: None,
            early_rate: (onset > 0).then(|| part(early.count())),
            healthy_s: None,
            held_rate: None,
            predicted_rate: None,
            predicted_s: None,
            information_bound_s: information_bound_s(scenario),
            rollback_rate_95: None,
        };
        if method == Method::Serin {
            row.held_rate = Some(part(outcomes.iter().filter(|outcome| outcome.held).count()));
            let predicted: Vec<u64> = outcomes.iter().filter_map(|outcome| outcome.predicted_at).collect();
            row.predicted_rate = Some(part(predicted.len()));
            let since = predicted.into_iter().map(|at| at.saturating_sub(onset)).collect();
            row.predicted_s = Some(Quantiles::of(since, outcomes.len()));
            let healthy = outcomes.iter().filter_map(|outcome| outcome.healthy_at);
            row.healthy_s = (!is_harmful).then(|| Quantiles::of(healthy.collect(), outcomes.len()));
        }
        if is_harmful {
            let delays = found.iter().filter_map(|outcome| outcome.rolled_back_at).map(|at| at - onset);
            row.delay_s = Quantiles::of(delays.collect(), outcomes.len());
            let struck = outcomes.iter().map(|outcome| outcome.struck).collect();
            row.bad_requests = Quantiles::of(struck, outcomes.len());
            let localised = found.iter().filter(|outcome| outcome.localised).count();
            row.localised_rate = (!found.is_empty()).then(|| localised as f64 / found.len() as f64);
        } else {
            row.rollback_rate_95 = Some(clopper_pearson(found.len() as u64, runs));
        }
        row
    }
}

impl Quantiles {
    /// Of `runs` values, of which those that are not in `values` are larger than all.
    fn of(mut values: Vec<u64>, runs: usize) -> Self {
        values.sort_unstable();
        let at = |part: f64| {
            let rank = (part * runs as f64).ceil() as usize;
            values.get(rank.saturating_sub(1)).map(|value| *value as f64)
        };
        Self { median: at(0.5), p95: at(0.95) }
    }
}

/// Exact bounds of a probability of which `hits` of `runs` trials came true; each is missed half of 5 % of the time.
fn clopper_pearson(hits: u64, runs: u64) -> (f64, f64) {
    // No distribution where a count is zero: there the bound is the end of the range.
    let quantile = |hits: u64, others: u64, share: f64| {
        Beta::new(hits as f64, others as f64).ok().map(|bound| bound.inverse_cdf(share))
    };
    let low = quantile(hits, runs - hits + 1, BOUNDS_MISS / 2.0);
    let high = quantile(hits + 1, runs - hits, 1.0 - BOUNDS_MISS / 2.0);
    (low.unwrap_or(0.0), high.unwrap_or(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of another implementation: sums of exact binomial coefficients, bisected.
    #[test]
    fn bounds_of_a_rate_are_the_exact_ones() {
        for (hits, runs, low, high) in
            [(0, 200, 0.0, 0.018_275_34), (2, 200, 0.001_213_35, 0.035_654_67), (200, 200, 0.981_724_66, 1.0)]
        {
            let bounds = clopper_pearson(hits, runs);
            assert!((bounds.0 - low).abs() < 1e-6 && (bounds.1 - high).abs() < 1e-6, "{hits}: {bounds:?}");
        }
    }

    #[test]
    fn a_run_without_rollback_took_longer_than_any_other() {
        let quantiles = Quantiles::of(vec![30, 10, 20], 4);
        assert_eq!(quantiles, Quantiles { median: Some(20.0), p95: None });
        assert_eq!(Quantiles::of(vec![10], 4).median, None);
    }
}
