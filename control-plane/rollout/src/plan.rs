//! The plan: what is rolled out, in which steps and within which limits.
//!
//! A plan is YAML of the shape in [`json_schema`]. [`Plan::parse`] either gives a value whose every number is within
//! its bound and whose components, rules and identity the filters accept, or all that is wrong with it, each with
//! field, rule, line and column. A plan once accepted stays accepted by later versions: the journal holds its text.

mod accessors;
mod assignment;
mod behaviour;
mod beside;
mod blocks;
mod calendar;
mod check;
mod concurrency;
mod dependencies;
mod error;
mod escalation;
mod experiment;
mod failures;
mod gradual;
mod health;
mod hooks;
mod impact;
mod kubernetes;
mod learned;
mod logs;
mod migrations;
mod policies;
mod prediction;
mod quantity;
mod queries;
mod quota;
mod raw;
mod schedule;
mod tags;
mod taken;
mod triggers;
mod window;

use std::collections::BTreeSet;
use std::time::Duration;

use serin_analysis::chart::RuleSet;
use serin_analysis::config::Failures;
use serin_policy::Policy;
use serin_proto::assignment::{Granularity, Weight, raw as proto};

pub use behaviour::Behaviour;
pub use beside::Beside;
pub use blocks::{Block, FlagValue};
pub use calendar::{Calendar, Effect, Stricter, TighterMargins, Window};
pub use concurrency::Concurrency;
use dependencies::Dependencies;
pub use dependencies::{OnRollback, Undone};
pub use error::{PlanError, PlanErrors, PlanRule};
pub use escalation::Escalation;
pub use experiment::{Experiment, PlannedArm};
pub use gradual::Gradual;
pub use health::{
    Check, GrpcProbe, Health, HttpProbe, KafkaProbe, PostgresProbe, Probe, PrometheusProbe, TcpProbe,
};
pub(crate) use hooks::MIGRATIONS;
pub use hooks::{Hook, HookAction, HookPoint, Hooks, OnFailure};
pub use impact::{Impact, PlannedImpact};
pub use kubernetes::{Kubernetes, KubernetesAct, RouteKind, RoutePatch, RouteVersion, Share, is_label};
pub use learned::Learned;
pub use logs::Logs;
pub use migrations::Migrations;
pub use policies::parse_policies;
pub use prediction::ReleasePrediction;
pub use queries::{Query, QuerySource};
pub use quota::Quota;
pub use tags::Said;
pub use taken::{NotTaken, ObservedCalls, Omitted, TakeRule, Taken, TakenFrom, TakenTag};
pub use triggers::{Ahead, Bound, Condition, Trigger, TriggerAction};
pub use window::RollbackWindow;

/// Bounds of a plan. What exceeds one is refused.
pub mod bounds {
    use std::time::Duration;

    /// Bytes of the YAML text.
    pub const YAML_BYTES: usize = 1024 * 1024;
    /// Steps.
    pub const STEPS: usize = 100;
    /// Longest duration of anything: 30 days.
    pub const DURATION: Duration = Duration::from_hours(30 * 24);
    /// Bytes of a version label.
    pub const VERSION_BYTES: usize = 128;
    /// Previous versions of one block.
    pub const BLOCK_VERSIONS: usize = 10;
    /// Bytes of the owner of a component.
    pub const OWNER_BYTES: usize = 128;
    /// Tags that a rollout takes from elsewhere when it is created.
    pub const TAKEN: usize = 1_024;
    /// Arms of an experiment beside the control.
    pub const EXPERIMENT_ARMS: usize = 8;
    /// Least part of the users that an experiment leaves to its control, in parts per million.
    pub const CONTROL_PPM_MIN: u32 = 50_000;
    /// Policies.
    pub const POLICIES: usize = 8;
    /// Windows of the calendar.
    pub const WINDOWS: usize = 32;
}

/// A plan that was checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    source: String,
    service: String,
    baseline: String,
    canary: String,
    experiment: Option<Experiment>,
    /// What the filters are told in every state: name, hosts, identity, rules, components.
    template: proto::Service,
    business_weights: Vec<f64>,
    /// By component.
    said: Vec<Said>,
    /// By component.
    owners: Vec<Option<String>>,
    /// By component.
    blocks: Vec<Vec<Block>>,
    /// By component.
    features: Vec<Option<String>>,
    dependencies: Dependencies,
    needed_services: BTreeSet<String>,
    observed_calls: ObservedCalls,
    taken: Vec<Taken>,
    steps: Vec<Step>,
    warm_up: Duration,
    promotion: Duration,
    failures: Failures,
    limits: Limits,
    margins: Margins,
    forecast: Forecast,
    /// `None`: nothing was predicted.
    prediction: Option<ReleasePrediction>,
    /// `None`: nothing was learned.
    learned: Option<Learned>,
    /// `None`: they are no evidence.
    logs: Option<Logs>,
    /// `None`: what people do is not counted.
    behaviour: Option<Behaviour>,
    chart_rules: RuleSet,
    false_rollback: Weight,
    wrong_promotion: Weight,
    escalation: Escalation,
    recovery: Duration,
    rollback_window: RollbackWindow,
    queries: Vec<Query>,
    triggers: Vec<Trigger>,
    health: Health,
    automatic_rollback: bool,
    beside: Beside,
    policies: Vec<Policy>,
    minimum_evaluation: Duration,
    calendar: Calendar,
    impact: Impact,
    /// `None`: the whole version returns at once.
    gradual: Option<Gradual>,
    quota: Option<Quota>,
    concurrency: Option<Concurrency>,
    hooks: Hooks,
    migrations: Option<Migrations>,
}

/// One step: the canary's weight beside the baseline, below 100 %.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Step {
    /// Canary weight.
    pub weight: Weight,
    /// Shortest time at this weight.
    pub bake: Duration,
}

/// Absolute limits of the canary, judged over 60 seconds. While one is exceeded, nothing is promoted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Lowest part of the requests that the service answers: all but failures, so client errors count as answered unless
    /// the plan says that they are failures.
    pub success_rate: Weight,
    /// Highest part of requests that fail.
    pub error_rate: Weight,
    /// Highest 99th percentile of latency.
    pub latency_p99: Duration,
    /// Requests that the window must hold before the limits speak.
    pub min_requests: u64,
    /// How long a limit must be exceeded at full weight before the version is rolled back.
    pub sustained: Duration,
}

/// How much worse than the baseline the canary may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Margins {
    /// Highest ratio of the error rates, at least 1.
    pub error_ratio: f64,
    /// Added to the error rate.
    pub error_absolute: Weight,
    /// Part by which latencies may be longer.
    pub latency_ratio: Weight,
}

/// What the canary must not become beside the baseline, judged by where it is going.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Forecast {
    /// Part by which the median and the 90th percentile of latency may be longer.
    pub latency_ratio: Weight,
    /// Part of the requests that may fail beyond the baseline's.
    pub error_absolute: Weight,
    /// What is in sight is undone before it is proved; else it is held.
    pub rollback: bool,
}

/// A component of the plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlannedComponent<'a> {
    /// Name, unique.
    pub name: &'a str,
    /// What a rollback of it undoes.
    pub granularity: Granularity,
    /// Its relative share of the error budget, above 0.
    pub business_weight: f64,
    /// Blocks of its code.
    pub blocks: &'a [Block],
    /// Flag by which it is switched off when what it needs is undone.
    pub feature: Option<&'a str>,
    /// Who answers for it.
    pub owner: Option<&'a str>,
    /// Which of its tags the plan itself gives.
    pub said: &'a Said,
}

/// A duration as plans write it: `500ms`, `90s`, `1h30m`, `2d`. `None`: not of the form.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    quantity::Span(text.to_owned()).value()
}

/// A percentage as plans write it: `5%`, `0.01%`. `None`: not of the form.
#[must_use]
pub fn percentage(text: &str) -> Option<serin_proto::assignment::Weight> {
    quantity::percentage(text)
}

/// JSON Schema of the YAML form.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(raw::Plan).to_value()
}

#[cfg(test)]
mod tests;
