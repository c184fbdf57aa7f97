//! How bad a situation is, from 0 to 100, and what to do about it short of proof.
//!
//! Each anomaly has a severity s, a frequency f, an impact on the business b and a confidence c, all from 0 to 1; a
//! scope's risk is 100 (1 - Π (1 - s f b c)), so that several small harms add up and none counts twice. Evidence of
//! several sources is fused as a weighted average of e-values, which is again an e-value ([`fusion`]). A table of
//! rows, the first that fits, turns both into an action ([`decision`]).
//!
//! The risk ranks and holds; what rolls back is evidence beyond its threshold, or, if the plan says so, a prediction.
//! A factor that is no number counts as 0: what is not known is no reason.

use serde::{Deserialize, Serialize};

pub mod decision;
pub mod fusion;
mod impact;

pub use decision::{Action, Prediction, Situation, decide};
pub use fusion::{BySource, Fusion, SourceWeights};
pub use impact::{ImpactRule, Impacts};

/// A kind of harm, by how bad it is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HarmClass {
    /// The process dies.
    Crash,
    /// Requests fail by fault of the service.
    ServerError,
    /// Requests take longer than the objective allows.
    Slow,
    /// Errors in the user's browser.
    ScriptError,
    /// Warnings in the log.
    Warning,
}

impl HarmClass {
    /// Severity of the full effect, 0 to 1.
    pub fn severity(self) -> f64 {
        match self {
            Self::Crash => 1.0,
            Self::ServerError => 0.8,
            Self::Slow => 0.5,
            Self::ScriptError => 0.4,
            Self::Warning => 0.2,
        }
    }
}

/// One kind of harm in an anomaly.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Harm {
    /// The kind.
    pub class: HarmClass,
    /// The measured effect divided by the margin; from 1 on it counts in full.
    pub effect_to_margin: f64,
}

/// Something that is not as it was.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Anomaly {
    /// What it does; the worst counts.
    pub harms: Vec<Harm>,
    /// Bad events per minute beyond what the baseline would have had.
    pub excess_per_minute: f64,
    /// Requests per minute that it can touch.
    pub requests_per_minute: f64,
    /// What the scope means for the business, 0 to 1: 1 for checkout, less for what users can do without.
    pub impact: f64,
    /// Natural logarithm of the evidence for it.
    pub log_evidence: f64,
    /// How often what was found with full evidence proved right, 0 to 1. `None`: it is not known, and counts as always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned_confidence: Option<f64>,
}

/// The four factors of a risk, each 0 to 1.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Factors {
    /// How bad one event is.
    pub severity: f64,
    /// How many there are, on a logarithmic scale.
    pub frequency: f64,
    /// What they mean for the business.
    pub impact: f64,
    /// How sure they are: what evidence says, times what was learned of findings with full evidence.
    pub confidence: f64,
}

impl Factors {
    /// Their product.
    pub fn product(&self) -> f64 {
        self.severity * self.frequency * self.impact * self.confidence
    }
}

impl Anomaly {
    /// The factors, where evidence of `log_threshold` makes certain.
    pub fn factors(&self, log_threshold: f64) -> Factors {
        let severity = self.harms.iter().map(|harm| harm.class.severity() * share(harm.effect_to_margin));
        Factors {
            severity: severity.fold(0.0, f64::max),
            frequency: frequency(self.excess_per_minute, self.requests_per_minute),
            impact: share(self.impact),
            confidence: confidence(self.log_evidence, log_threshold)
                * self.learned_confidence.map_or(1.0, share),
        }
    }
}

/// Risk of a scope with these anomalies, 0 to 100: 100 (1 - Π (1 - s f b c)).
pub fn scope_risk(anomalies: &[Anomaly], log_threshold: f64) -> f64 {
    let spared: f64 =
        anomalies.iter().map(|anomaly| 1.0 - anomaly.factors(log_threshold).product()).product();
    100.0 * (1.0 - spared)
}

/// ln E / ln(1/α), 0 to 1.
pub fn confidence(log_evidence: f64, log_threshold: f64) -> f64 {
    if log_threshold > 0.0 { share(log_evidence / log_threshold) } else { 0.0 }
}

/// Share of requests that an event in ten thousand makes 0 and each factor of ten lifts by a quarter, to 1 where
/// every request is touched.
fn frequency(excess: f64, requests: f64) -> f64 {
    const DECADES: f64 = 4.0;
    let touched = share(excess / requests);
    if touched > 0.0 { share(1.0 + touched.log10() / DECADES) } else { 0.0 }
}

/// `value` within 0 to 1, 0 if it is no number.
pub(crate) fn share(value: f64) -> f64 {
    if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) }
}

#[cfg(test)]
mod tests;
