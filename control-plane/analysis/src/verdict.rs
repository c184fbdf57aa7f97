//! What the analysis says, as data. Words are made in one place, [`Reason::sentence`] and [`Veto::sentence`].

use serde::{Deserialize, Serialize};

use crate::risk::{Action, Prediction};

mod block;
mod category;
mod control;
mod trend;
mod words;

pub use block::BlockEvidence;
pub use category::{Category, CategoryFailures};
pub use control::ControlChart;
pub use trend::Trend;
pub(crate) use words::{odds, percent};

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
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// Share of requests that failed by fault of the service.
    #[default]
    ErrorRate,
    /// Distribution of latency.
    Latency,
    /// Share of the requests that reach the canary, beside the configured weight.
    Share,
}

impl Signal {
    /// Its name in interfaces.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ErrorRate => "error_rate",
            Self::Latency => "latency",
            Self::Share => "share",
        }
    }
}

/// What the canary was compared with.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BaselineUsed {
    /// The baseline that ran beside it in the same seconds.
    #[default]
    Concurrent,
    /// What is usual for the component at this hour of the week.
    Profile,
    /// The previous deployment, at the same time since it began.
    PreviousDeployment,
    /// The plan's limits; nothing else was known.
    Thresholds,
    /// Nothing: no baseline ran beside it, and neither a profile nor a previous deployment nor a limit was known.
    Nothing,
}

/// How different the canary is.
///
/// The difference of the shares of failed requests (-1 to 1) for errors, the ratio of the 99th percentiles for latency,
/// the canary's share of requests relative to the configured one for the share. The interval is for one look and
/// one scope, at 95 %: it tells the size of an effect, the evidence tells whether there is one.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct EffectSize {
    /// Most likely value.
    pub estimate: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// Why something that looks like a regression is not undone. It holds, and people are told.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Veto {
    /// The failures were there before the canary got these requests: they only moved to it.
    OlderThanExposure,
    /// The baseline became worse too, in the same seconds: something shared is broken.
    BothArmsWorse,
    /// The baseline fails so much that a comparison means nothing.
    BaselineUnhealthy,
    /// Too few requests since the harm began.
    TooLittleTraffic,
    /// Seconds are missing, or clocks jumped, where the harm began.
    DataGap,
    /// One or two users fail, and the others fare no worse than on the baseline.
    FewUsers,
}

impl Veto {
    /// True when users suffer although nothing is undone.
    pub fn tells_of_harm(self) -> bool {
        match self {
            Self::OlderThanExposure | Self::BothArmsWorse | Self::BaselineUnhealthy | Self::FewUsers => true,
            Self::TooLittleTraffic | Self::DataGap => false,
        }
    }
}

/// Why a verdict is what it is: one signal's evidence.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Reason {
    /// The signal.
    pub signal: Signal,
    /// What this signal says alone.
    pub verdict: Verdict,
    /// Natural logarithm of the evidence against "within the margin". 0 while there is none.
    pub log_evidence: f64,
    /// Value of `log_evidence` at which the scope counts as regressed.
    pub log_threshold: f64,
    /// Natural logarithm of the evidence for "not worse than the margin" (non-inferiority).
    pub log_evidence_healthy: f64,
    /// Value of `log_evidence_healthy` at which the scope counts as healthy.
    pub log_threshold_healthy: f64,
    /// The signal's value on the baseline: a share (0 to 1) for errors, the 99th percentile in µs for latency, the
    /// configured share of requests for the share.
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
    /// What `canary` was compared with.
    #[serde(default)]
    pub baseline_used: BaselineUsed,
    /// How different the canary is. `None`: nothing to compare.
    #[serde(default)]
    pub effect: Option<EffectSize>,
    /// Overdispersion that the evidence was divided by: variance of the counts relative to independent requests. At
    /// least 1 where it is used; 0 in records from before it was stored.
    #[serde(default)]
    pub overdispersion: f64,
    /// Failures by category, those that speak most against the canary first. Empty unless the signal is errors.
    #[serde(default)]
    pub categories: Vec<CategoryFailures>,
}

/// The verdict on one scope: the whole version or one component.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ScopeAssessment {
    /// All signals together: regressed if one is, healthy only if all are.
    pub verdict: Verdict,
    /// One entry per signal.
    pub reasons: Vec<Reason>,
    /// Why a regression that shows is not undone. Empty: nothing stands against it.
    #[serde(default)]
    pub vetoes: Vec<Veto>,
    /// From 0 to 100 ([`crate::risk`]): ranks and holds, never undoes alone.
    #[serde(default)]
    pub risk: f64,
    /// Where it is going, by the signal that is most likely to get worse. `None`: not known.
    #[serde(default)]
    pub trend: Option<Trend>,
    /// What the risk, the evidence and the trend ask for together.
    #[serde(default)]
    pub action: Action,
    /// Of a component: what failures that named blocks of its code say, for each block that the canary's named.
    #[serde(default)]
    pub blocks: Vec<BlockEvidence>,
    /// Of a component: it recovers from what was undone for it, and is not judged meanwhile.
    #[serde(default)]
    pub recovering: bool,
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

impl ScopeAssessment {
    /// What it is called regressed for, if that is not proved yet but in sight.
    #[must_use]
    pub fn predicted(&self) -> Option<&Trend> {
        let is_proved = self.reasons.iter().any(|reason| reason.verdict == Verdict::Regressed);
        let trend = self.trend.as_ref().filter(|trend| trend.prediction != Prediction::Quiet);
        trend.filter(|_| self.verdict == Verdict::Regressed && !is_proved)
    }

    /// Makes every number finite, so that it can be written in any text format: NaN becomes 0, infinities the largest
    /// numbers there are.
    pub fn make_finite(&mut self) {
        let of_reasons = self.reasons.iter_mut().flat_map(Reason::numbers);
        let of_trend = self.trend.iter_mut().flat_map(Trend::numbers);
        let of_blocks =
            self.blocks.iter_mut().flat_map(|block| [&mut block.log_evidence, &mut block.log_threshold]);
        for number in of_reasons.chain(of_trend).chain(of_blocks).chain([&mut self.risk]) {
            *number = if number.is_nan() { 0.0 } else { number.clamp(f64::MIN, f64::MAX) };
        }
    }
}

/// Odds against "within the margins" from which nothing is promoted.
const DOUBTFUL_ODDS: f64 = 20.0;

/// Whether evidence against a scope keeps it from being healthy.
pub(crate) fn is_doubtful(log_evidence: f64) -> bool {
    log_evidence >= DOUBTFUL_ODDS.ln()
}

impl Reason {
    /// Whether it speaks against the canary, though not yet so much that it is regressed.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        is_doubtful(self.log_evidence)
    }

    fn numbers(&mut self) -> impl Iterator<Item = &mut f64> {
        let effects = self.effect.iter_mut();
        let effect = effects.flat_map(|effect| [&mut effect.estimate, &mut effect.low, &mut effect.high]);
        let own = [
            &mut self.log_evidence,
            &mut self.log_threshold,
            &mut self.log_evidence_healthy,
            &mut self.log_threshold_healthy,
            &mut self.baseline,
            &mut self.canary,
            &mut self.overdispersion,
        ];
        let categories = self.categories.iter_mut().map(|failures| &mut failures.log_evidence);
        own.into_iter().chain(effect).chain(categories)
    }
}
