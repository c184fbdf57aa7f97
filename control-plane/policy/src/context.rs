//! What a policy can ask about: a snapshot of one rollout at one moment.
//!
//! Parts of the whole (rates, ratios, weights) go from 0 to 1. What is not known has no value, and is left out.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::bounds;

/// The phases of a rollout, as `phase` says them.
pub const PHASES: [&str; 5] = ["warming_up", "progressing", "paused", "completing", "promoted"];
/// What a health check may say.
pub const STATES: [&str; 4] = ["healthy", "unhealthy", "shared", "unknown"];
/// Where a trigger may stand.
pub const TRIGGERS: [&str; 6] = ["fired", "pending", "quiet", "shared", "idle", "inconclusive"];

/// Everything that expressions can name.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Context {
    /// Name of the service.
    pub service: String,
    /// What was measured.
    pub signals: Signals,
    /// What the evidence says about the version.
    pub verdict: &'static str,
    /// Whether something speaks against acting on the verdict.
    pub vetoed: bool,
    /// What the verdicts rest on.
    pub reasons: Vec<ReasonFacts>,
    /// The components, by name.
    pub components: BTreeMap<String, ComponentFacts>,
    /// Risk of the version, 0 to 100.
    pub risk: f64,
    /// The plan's limits.
    pub limits: LimitFacts,
    /// Canary weight.
    pub weight: f64,
    /// The step of the plan.
    pub step: StepFacts,
    /// One of [`PHASES`].
    pub phase: &'static str,
    /// The time in the plan's zone.
    pub time: TimeFacts,
    /// Windows of the plan's calendar that are open.
    pub windows: Vec<String>,
    /// Health checks, each with one of [`STATES`].
    pub health: BTreeMap<String, String>,
    /// Quotas, each with the part of it that is used.
    pub quota: BTreeMap<String, f64>,
    /// Triggers, each with one of [`TRIGGERS`].
    pub triggers: BTreeMap<String, String>,
}

/// What was measured over the last minute.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Signals {
    /// Of the canary.
    pub canary: Arm,
    /// Of the baseline.
    pub baseline: Arm,
    /// Error rate of the canary, in times the baseline's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_ratio: Option<f64>,
    /// 99th percentile of the canary, in times the baseline's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ratio: Option<f64>,
    /// Requests of the canary, in times what its weight lets expect beside the baseline's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throughput_ratio: Option<f64>,
    /// Age of the newest evidence in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_age_s: Option<i64>,
}

/// One version over the last minute. Without fresh evidence nothing has a value, without requests no rate.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Arm {
    /// Requests that started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<i64>,
    /// Requests that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<i64>,
    /// Requests a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_second: Option<f64>,
    /// Part of the requests that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_rate: Option<f64>,
    /// Part of the requests that did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success_rate: Option<f64>,
    /// Part of the requests that were refused as wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_error_rate: Option<f64>,
    /// 99th percentile of latency in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_p99_ms: Option<f64>,
}

/// One signal's part in a verdict.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ReasonFacts {
    /// The component; empty for the version.
    pub component: String,
    /// `error_rate`, `latency` or `share`.
    pub signal: &'static str,
    /// What the signal says alone.
    pub verdict: &'static str,
    /// In words.
    pub text: String,
}

/// One component.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ComponentFacts {
    /// What the evidence says about it.
    pub verdict: &'static str,
    /// Requests of both versions over the last minute.
    pub requests: i64,
    /// Risk, 0 to 100.
    pub risk: f64,
    /// Whether it was returned to the baseline.
    pub returned: bool,
}

/// The plan's limits, as they are at this time.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LimitFacts {
    /// Highest error rate.
    pub error_rate: f64,
    /// Lowest success rate.
    pub success_rate: f64,
    /// Highest 99th percentile of latency in milliseconds.
    pub latency_p99_ms: f64,
    /// Whether the canary exceeds one, beyond chance.
    pub exceeded: bool,
    /// Whether the baseline does.
    pub baseline_exceeded: bool,
}

/// The step of the plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct StepFacts {
    /// From 1.
    pub number: i64,
    /// How many there are.
    pub count: i64,
    /// How long it is evaluated, in seconds.
    pub elapsed_s: i64,
    /// How long it is to be evaluated at least.
    pub bake_s: i64,
}

/// A time in a zone.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TimeFacts {
    /// 0 to 23.
    pub hour: i64,
    /// 0 to 59.
    pub minute: i64,
    /// Monday is 1, Sunday 7.
    pub weekday: i64,
    /// Day of the month, from 1.
    pub day: i64,
    /// Month, from 1.
    pub month: i64,
    /// Year.
    pub year: i64,
    /// As `2026-12-24`.
    pub date: String,
    /// Name of the zone.
    pub zone: String,
}

impl Context {
    /// The same with no list or map longer than [`bounds::ENTRIES`]: what an expression costs was reckoned by that.
    #[must_use]
    pub(crate) fn bounded(&self) -> Self {
        let mut context = self.clone();
        context.reasons.truncate(bounds::ENTRIES);
        context.windows.truncate(bounds::ENTRIES);
        cut(&mut context.components);
        cut(&mut context.health);
        cut(&mut context.quota);
        cut(&mut context.triggers);
        context
    }
}

fn cut<V>(map: &mut BTreeMap<String, V>) {
    while map.len() > bounds::ENTRIES {
        map.pop_last();
    }
}
