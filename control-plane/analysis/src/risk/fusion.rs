//! Evidence of several sources as one.
//!
//! A weighted average of e-processes with weights that were fixed before is an e-process: so the sources' weights
//! give an exact test (Vovk and Wang 2021). Which sources are there is therefore settled when a rollout begins. A
//! source that falls silent later keeps its weight and says nothing: its evidence is 1.

use serde::{Deserialize, Serialize};

use super::share;

/// One value for each source of evidence.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct BySource<T> {
    /// Requests: errors, latency, traffic.
    pub metrics: T,
    /// What users do.
    pub behaviour: T,
    /// What services write.
    pub logs: T,
}

impl<T> BySource<T> {
    fn pairs<U>(self, other: BySource<U>) -> [(T, U); 3] {
        [(self.metrics, other.metrics), (self.behaviour, other.behaviour), (self.logs, other.logs)]
    }
}

/// How much each source counts.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(transparent)]
pub struct SourceWeights(pub BySource<f64>);

impl Default for SourceWeights {
    fn default() -> Self {
        Self(BySource { metrics: 0.4, behaviour: 0.3, logs: 0.3 })
    }
}

/// The weights of the sources that a rollout began with; they sum to 1, or to 0 if it began with none.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Fusion {
    weights: BySource<f64>,
}

impl Fusion {
    /// Shares the weights of absent sources out among those `present`. A weight that is negative or no number is 0.
    pub fn start(weights: SourceWeights, present: BySource<bool>) -> Self {
        const MOST: f64 = 1e9;
        let usable = |weight: f64| if weight.is_nan() { 0.0 } else { weight.clamp(0.0, MOST) };
        let [metrics, behaviour, logs] =
            weights.0.pairs(present).map(|(weight, present)| if present { usable(weight) } else { 0.0 });
        let sum = metrics + behaviour + logs;
        let part = |weight: f64| if sum > 0.0 { weight / sum } else { 0.0 };
        Self { weights: BySource { metrics: part(metrics), behaviour: part(behaviour), logs: part(logs) } }
    }

    /// The weights.
    pub fn weights(&self) -> BySource<f64> {
        self.weights
    }

    /// Natural logarithm of Σ weight · evidence, from the logarithms; no number counts as evidence of 1.
    pub fn log_evidence(&self, log_evidence: BySource<f64>) -> f64 {
        let terms = self.weights.pairs(log_evidence).map(|(weight, log)| {
            let log = if log.is_nan() { 0.0 } else { log };
            if weight > 0.0 { weight.ln() + log } else { f64::NEG_INFINITY }
        });
        let most = terms.into_iter().fold(f64::NEG_INFINITY, f64::max);
        if most == f64::NEG_INFINITY && self.total() == 0.0 {
            return 0.0;
        }
        if most.is_infinite() {
            return most;
        }
        most + terms.iter().map(|term| (term - most).exp()).sum::<f64>().ln()
    }

    /// Weighted mean of the sources' risks, each and the result 0 to 100.
    pub fn risk(&self, risk: BySource<f64>) -> f64 {
        self.weights.pairs(risk).into_iter().map(|(weight, risk)| weight * 100.0 * share(risk / 100.0)).sum()
    }

    fn total(&self) -> f64 {
        self.weights.metrics + self.weights.behaviour + self.weights.logs
    }
}
