//! What the analysis says, as data. Words are made in one place: [`Reason::sentence`].

use serde::{Deserialize, Serialize};

/// What the evidence says about a scope.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Not enough evidence either way: hold, never promote.
    #[default]
    Inconclusive,
    /// Shown to be within the margins.
    Healthy,
    /// Shown to be worse than the margins allow.
    Regressed,
}

/// One stream of evidence.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// Share of requests that failed by fault of the service.
    ErrorRate,
    /// Distribution of latency.
    Latency,
}

/// Why a verdict is what it is: one signal's evidence.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Reason {
    /// The signal.
    pub signal: Signal,
    /// What this signal says alone.
    pub verdict: Verdict,
    /// Natural logarithm of the evidence against "within the margin".
    pub log_evidence: f64,
    /// Value of `log_evidence` at which the scope counts as regressed.
    pub log_threshold: f64,
    /// Natural logarithm of the evidence for "not worse than the margin" (non-inferiority).
    pub log_evidence_healthy: f64,
    /// Value of `log_evidence_healthy` at which the scope counts as healthy.
    pub log_threshold_healthy: f64,
    /// The signal's value on the baseline: a share (0 to 1) for errors, the 99th percentile in µs for latency.
    pub baseline: f64,
    /// The same on the canary.
    pub canary: f64,
    /// Requests behind `baseline`.
    pub baseline_requests: u64,
    /// Requests behind `canary`.
    pub canary_requests: u64,
    /// Canary requests still needed, at the present difference, before this signal can be healthy or regressed.
    /// `None`: decided, or not to be foreseen.
    pub canary_requests_needed: Option<u64>,
}

/// The verdict on one scope: the whole version or one component.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ScopeAssessment {
    /// All signals together: regressed if one is, healthy only if all are.
    pub verdict: Verdict,
    /// One entry per signal.
    pub reasons: Vec<Reason>,
}

/// What should be undone.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Alarm {
    /// The whole version.
    Version,
    /// These components alone, by name, sorted.
    Components(Vec<String>),
}
