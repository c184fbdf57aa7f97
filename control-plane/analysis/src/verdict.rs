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

impl Signal {
    fn words(self) -> &'static str {
        match self {
            Self::ErrorRate => "error rate",
            Self::Latency => "99th percentile of latency",
        }
    }

    fn value(self, value: f64) -> String {
        match self {
            Self::ErrorRate => format!("{:.2} %", value * 100.0),
            Self::Latency => format!("{:.1} ms", value / 1000.0),
        }
    }
}

impl Reason {
    /// The reason in words: one sentence without a full stop.
    pub fn sentence(&self) -> String {
        let Self { signal, baseline, canary, baseline_requests, canary_requests, .. } = self;
        let (name, baseline, canary) = (signal.words(), signal.value(*baseline), signal.value(*canary));
        let seen = format!(
            "{name} {canary} over {canary_requests} canary requests, {baseline} over {baseline_requests} on the baseline"
        );
        let judged = match self.verdict {
            Verdict::Regressed => format!("worse than the margin allows ({})", odds(self.log_evidence)),
            Verdict::Healthy => format!("within the margin ({})", odds(self.log_evidence_healthy)),
            Verdict::Inconclusive => match self.canary_requests_needed {
                Some(needed) => format!("not decided, about {needed} more canary requests needed"),
                None => "not decided".to_owned(),
            },
        };
        format!("{seen}: {judged}")
    }
}

fn odds(log_evidence: f64) -> String {
    const MOST: f64 = 1e6;
    let odds = log_evidence.exp();
    if odds >= MOST { "odds over 1000000 to 1".to_owned() } else { format!("odds {odds:.0} to 1") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(verdict: Verdict) -> Reason {
        Reason {
            signal: Signal::ErrorRate,
            verdict,
            log_evidence: 8.0,
            log_threshold: 5.8,
            log_evidence_healthy: 4.7,
            log_threshold_healthy: 4.6,
            baseline: 0.001,
            canary: 0.301,
            baseline_requests: 2_790,
            canary_requests: 310,
            canary_requests_needed: Some(1_200),
        }
    }

    #[test]
    fn a_reason_says_what_was_seen_and_what_it_means() {
        let seen = "error rate 30.10 % over 310 canary requests, 0.10 % over 2790 on the baseline: ";
        let check = |verdict, judged: &str| assert_eq!(reason(verdict).sentence(), format!("{seen}{judged}"));
        check(Verdict::Regressed, "worse than the margin allows (odds 2981 to 1)");
        check(Verdict::Healthy, "within the margin (odds 110 to 1)");
        check(Verdict::Inconclusive, "not decided, about 1200 more canary requests needed");
    }

    #[test]
    fn overwhelming_odds_are_not_spelled_out() {
        let reason = Reason { log_evidence: 900.0, ..reason(Verdict::Regressed) };
        assert!(reason.sentence().ends_with("(odds over 1000000 to 1)"), "{}", reason.sentence());
    }
}
