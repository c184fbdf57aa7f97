//! Triggers: conditions that hold for a while and then undo, hold or tell.
//!
//! Beside the comparison of the two versions, which has an error budget of its own, a plan may name the classical limits that
//! teams know from their runbooks. None is on unless it is named: each of them adds false rollbacks that no budget covers. Those on
//! error rate, latency, success, throughput and overload are judged from what the filters report; the others from a query.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::{Findings, minutes};
use super::error::PlanRule;
use super::quantity::{Proportion, Span};
use super::queries::Query;
use super::raw;
use crate::Severity;

/// Custom triggers of one plan.
const CUSTOM: usize = 64;
/// Longest time for which a condition can be asked to hold.
const FOR_MAX: Duration = Duration::from_hours(1);

/// A condition, and what follows when it holds for long enough.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    /// Name, unique in the plan.
    pub name: String,
    /// What must hold.
    pub condition: Condition,
    /// For how long; of an overload, within what time.
    pub hold_for: Duration,
    /// Fires before its limit is crossed, too.
    pub ahead: Option<Ahead>,
    /// How urgent it is when it fires.
    pub severity: Severity,
    /// What is done then.
    pub action: TriggerAction,
    /// The component that it is about, and that is undone. `None`: the whole version.
    pub component: Option<String>,
    /// Requests of an arm without which what the filters report says nothing.
    pub min_requests: u64,
}

/// How far a trigger on a query looks ahead.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ahead {
    /// It fires when the limit will be crossed within this time.
    pub within: Duration,
    /// What spans a garbage collection, over which only the lowest value says where it is going. Zero: there is none.
    pub collection: Duration,
}

/// What must hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// The canary's share of failures is above so many times the baseline's.
    ErrorRatio {
        /// Times.
        above: f64,
        /// The baseline's share counts as this at the least.
        floor: f64,
    },
    /// A quantile of the canary's latency is above so many times the baseline's.
    LatencyRatio {
        /// Which.
        quantile: f64,
        /// Times.
        above: f64,
    },
    /// The canary's share of requests that do not fail.
    SuccessRate {
        /// Below this.
        below: f64,
    },
    /// The canary's requests beside those that its weight lets expect.
    ThroughputRatio {
        /// Below this part.
        below: f64,
    },
    /// Requests of the canary that were refused for load.
    Overload {
        /// More than so many.
        above: u64,
    },
    /// The value of a query.
    Query {
        /// Its name.
        query: String,
        /// Where it is beyond.
        bound: Bound,
    },
}

/// A limit of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// Values above.
    Above(f64),
    /// Values below.
    Below(f64),
}

/// What a trigger does.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PlanTriggerAction")]
pub enum TriggerAction {
    /// Undoes what it is about.
    #[default]
    Rollback,
    /// Holds the rollout.
    Hold,
    /// Tells people, and decides nothing.
    Notify,
}

impl TriggerAction {
    /// In snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rollback => "rollback",
            Self::Hold => "hold",
            Self::Notify => "notify",
        }
    }

    /// Whether what cannot be told stops progress.
    #[must_use]
    pub const fn decides(self) -> bool {
        match self {
            Self::Rollback | Self::Hold => true,
            Self::Notify => false,
        }
    }
}

impl Bound {
    /// Whether the value is beyond.
    #[must_use]
    pub fn holds(self, value: f64) -> bool {
        match self {
            Self::Above(limit) => value > limit,
            Self::Below(limit) => value < limit,
        }
    }

    /// The limit.
    #[must_use]
    pub const fn limit(self) -> f64 {
        match self {
            Self::Above(limit) | Self::Below(limit) => limit,
        }
    }
}

impl Condition {
    /// The query that it needs. `None`: it is judged from what the filters report.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        match self {
            Self::Query { query, .. } => Some(query),
            Self::ErrorRatio { .. }
            | Self::LatencyRatio { .. }
            | Self::SuccessRate { .. }
            | Self::ThroughputRatio { .. }
            | Self::Overload { .. } => None,
        }
    }
}

/// As they are written. A trigger that is absent is off; `{}` is one with the defaults.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "PlanTriggers")]
pub(super) struct RawTriggers {
    /// The share of the canary's requests that fails, in times the baseline's. Default: above 1.5 for 5m.
    error_ratio: Option<RawTrigger>,
    /// A quantile of the canary's latency, in times the baseline's. Default: the 99% quantile, above 2 for 5m.
    latency_ratio: Option<RawTrigger>,
    /// The share of the canary's requests that does not fail. Default: below 95% for 3m.
    success_rate: Option<RawTrigger>,
    /// The canary's requests in times those that its weight lets expect. Default: below 50% for 10m.
    throughput_ratio: Option<RawTrigger>,
    /// A query for security events. Default: above 0, at once.
    security_events: Option<RawTrigger>,
    /// A query for errors in the data. Default: above 0, at once.
    data_integrity: Option<RawTrigger>,
    /// A query for the memory in use as a part of what is allowed. Default: above 95% for 5m.
    memory: Option<RawTrigger>,
    /// Requests of the canary that were refused for load, or a query for trips of a circuit breaker. Default: above 10 within 5m.
    circuit_breaker: Option<RawTrigger>,
    /// Others, each with a query, at most 64.
    custom: Vec<RawTrigger>,
}

/// One trigger. Which fields it takes depends on what it judges.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "PlanTrigger")]
pub(super) struct RawTrigger {
    /// Name of a custom trigger, unique: letters, digits, '.', '_', '-', at most 64.
    name: Option<String>,
    /// The query whose value is judged.
    query: Option<String>,
    /// The condition holds above this: a number, or a percentage, which is a part of 1.
    above: Option<Quantity>,
    /// The condition holds below this.
    below: Option<Quantity>,
    /// Of `latency_ratio`: which quantile, 50% to 99.9%.
    quantile: Option<Proportion>,
    /// Of `error_ratio`: the baseline's share of failures counts as this at the least, 0.01% to 10%. Default: 0.1%.
    floor: Option<Proportion>,
    /// How long the condition must hold without a break, at most 1h. What the filters report: 10s at the least.
    #[serde(rename = "for")]
    hold_for: Option<Span>,
    /// Of a query: it fires, too, when its value will in all likelihood be beyond the limit within this time, 1m to 6h. A value that
    /// comes with a trend only, such as memory that leaks, is foreseen. Default: it does not look ahead.
    ahead: Option<Span>,
    /// With `ahead`: a time that spans a garbage collection, at most 1h; only the lowest value over it counts then. Default: 0s.
    collection: Option<Span>,
    /// Of `circuit_breaker` without a query: the time that is counted over, 10s to 1h.
    within: Option<Span>,
    /// Of what the filters report: requests of each arm without which nothing is said, 1 to 1000000. Default: 50.
    min_requests: Option<u64>,
    /// The component that it is about: its requests are judged, and it is undone. Default: the whole version.
    component: Option<String>,
    /// How urgent it is: info, warning or critical. Default: critical of a rollback, warning of a hold, info else.
    severity: Option<Severity>,
    /// What is done: rollback, hold or notify. Default: rollback.
    action: Option<TriggerAction>,
}

/// A number or a percentage.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(untagged, expecting = "must be a number, or a percentage such as 95%")]
#[schemars(rename = "PlanTriggerLimit")]
enum Quantity {
    /// A number.
    Number(f64),
    /// A percentage, which is a part of 1.
    Text(String),
}

impl Quantity {
    fn value(&self) -> Option<f64> {
        match self {
            Self::Number(number) => number.is_finite().then_some(*number),
            Self::Text(text) => {
                let part = Proportion::Text(text.clone()).value()?;
                Some(f64::from(part.ppm()) / 1e6)
            }
        }
    }
}

mod kind;

/// The triggers of a plan, the named ones first.
pub(super) fn check(raw: &raw::Plan, queries: &[Query], findings: &mut Findings) -> Vec<Trigger> {
    let Some(triggers) = &raw.triggers else { return Vec::new() };
    let mut checked: Vec<Trigger> = kind::named(triggers)
        .filter_map(|(kind, given)| {
            let field = format!("triggers.{}", kind.name());
            kind::check(kind, &field, given?, (raw, queries), findings)
        })
        .collect();
    if triggers.custom.len() > CUSTOM {
        findings.add("triggers.custom", PlanRule::TooLong { limit: CUSTOM });
    }
    for (index, given) in triggers.custom.iter().enumerate() {
        let field = format!("triggers.custom[{index}]");
        let Some(trigger) = kind::check(kind::Kind::Custom, &field, given, (raw, queries), findings) else {
            continue;
        };
        let is_taken = |name: &str| checked.iter().any(|other| other.name == name) || kind::is_named(name);
        if is_taken(&trigger.name) {
            let rule = serin_proto::assignment::Rule::Duplicate { name: trigger.name.clone() };
            findings.add(&format!("{field}.name"), rule.into());
        }
        checked.push(trigger);
    }
    checked
}

/// Longest and shortest time for which a condition must hold.
const fn range_of_for(from_query: bool) -> (Duration, Duration) {
    (if from_query { Duration::ZERO } else { Duration::from_secs(10) }, FOR_MAX)
}

const fn default_for(seconds: u64) -> Duration {
    if seconds.is_multiple_of(60) { minutes(seconds / 60) } else { Duration::from_secs(seconds) }
}

#[cfg(test)]
mod tests;
