//! The plan: what is rolled out, in which steps and within which limits.
//!
//! A plan is YAML of the shape in [`json_schema`]. [`Plan::parse`] either gives a value whose every number is within
//! its bound and whose components, rules and identity the filters accept, or all that is wrong with it, each with
//! field, rule, line and column. A plan once accepted stays accepted by later versions: the journal holds its text.

mod assignment;
mod blocks;
mod check;
mod dependencies;
mod error;
mod escalation;
mod experiment;
mod failures;
mod quantity;
mod raw;
mod schedule;
mod tags;
mod taken;
mod window;

use std::collections::BTreeSet;
use std::time::Duration;

use serin_analysis::chart::RuleSet;
use serin_analysis::config::Failures;
use serin_proto::assignment::{Granularity, Weight, raw as proto};

pub use blocks::{Block, FlagValue};
use dependencies::Dependencies;
pub use dependencies::{OnRollback, Undone};
pub use error::{PlanError, PlanErrors, PlanRule};
pub use escalation::Escalation;
pub use experiment::{Experiment, PlannedArm};
pub use tags::Said;
pub use taken::{NotTaken, ObservedCalls, Omitted, TakeRule, Taken, TakenFrom, TakenTag};
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
    chart_rules: RuleSet,
    false_rollback: Weight,
    wrong_promotion: Weight,
    escalation: Escalation,
    recovery: Duration,
    rollback_window: RollbackWindow,
    automatic_rollback: bool,
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

impl Plan {
    /// Parses YAML text.
    ///
    /// # Errors
    /// All that is wrong. What is not YAML or not of the right shape ends the search, so it is reported alone.
    pub fn parse(yaml: &str) -> Result<Self, PlanErrors> {
        check::parse(yaml)
    }

    /// The text it was parsed from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// True when both say the same, however they were written.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        Self { source: String::new(), ..self.clone() } == Self { source: String::new(), ..other.clone() }
    }

    /// Service that is rolled out.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Version that carries the traffic before the rollout.
    #[must_use]
    pub fn baseline(&self) -> &str {
        &self.baseline
    }

    /// Version on trial. Empty in an experiment, whose arms have the versions.
    #[must_use]
    pub fn canary(&self) -> &str {
        &self.canary
    }

    /// The arms that are compared. `None`: the plan is for a rollout.
    #[must_use]
    pub const fn experiment(&self) -> Option<&Experiment> {
        self.experiment.as_ref()
    }

    /// Host names of the service. Empty: every host that no other service claims.
    #[must_use]
    pub fn hosts(&self) -> &[String] {
        &self.template.hosts
    }

    /// The steps below 100 %, weights rising. Empty: the first weight is 100 %. An experiment has one, of all its arms together.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Canary weight of the warm-up and the first step.
    #[must_use]
    pub fn first_weight(&self) -> Weight {
        self.steps.first().map_or(Weight::FULL, |step| step.weight)
    }

    /// Time at the first weight before evidence speaks for promotion.
    #[must_use]
    pub const fn warm_up(&self) -> Duration {
        self.warm_up
    }

    /// Time at full weight before completion.
    #[must_use]
    pub const fn promotion(&self) -> Duration {
        self.promotion
    }

    /// Which outcomes count as failures.
    #[must_use]
    pub const fn failures(&self) -> &Failures {
        &self.failures
    }

    /// Absolute limits.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How much worse than the baseline the canary may be.
    #[must_use]
    pub const fn margins(&self) -> &Margins {
        &self.margins
    }

    /// What is forecast, and what follows.
    #[must_use]
    pub const fn forecast(&self) -> &Forecast {
        &self.forecast
    }

    /// Run rules that control charts watch beside the EWMA and the CUSUM.
    #[must_use]
    pub const fn chart_rules(&self) -> RuleSet {
        self.chart_rules
    }

    /// Highest probability that a rollout of a canary within the margins is rolled back.
    #[must_use]
    pub const fn false_rollback(&self) -> Weight {
        self.false_rollback
    }

    /// Highest probability that a canary at the margin is promoted.
    #[must_use]
    pub const fn wrong_promotion(&self) -> Weight {
        self.wrong_promotion
    }

    /// From where on several regressed components mean the whole version.
    #[must_use]
    pub const fn escalation(&self) -> &Escalation {
        &self.escalation
    }

    /// How long what something was undone for may recover before it is judged again.
    #[must_use]
    pub const fn recovery(&self) -> Duration {
        self.recovery
    }

    /// When automatic rollback is prioritised.
    #[must_use]
    pub const fn rollback_window(&self) -> &RollbackWindow {
        &self.rollback_window
    }

    /// False: what would be rolled back is held and reported instead.
    #[must_use]
    pub const fn automatic_rollback(&self) -> bool {
        self.automatic_rollback
    }

    /// True when no rule sends requests to a version before the weights are asked.
    #[must_use]
    pub const fn splits_by_weight_alone(&self) -> bool {
        self.template.rules.is_empty()
    }

    /// The components, in the order of the plan.
    pub fn components(&self) -> impl ExactSizeIterator<Item = PlannedComponent<'_>> {
        let code = self.blocks.iter().zip(&self.features);
        let said = self.said.iter().zip(&self.owners);
        let tags = self.business_weights.iter().zip(said).zip(code);
        self.template.components.iter().zip(tags).map(|(component, tags)| {
            let ((business_weight, (said, owner)), (blocks, feature)) = tags;
            PlannedComponent {
                name: &component.name,
                granularity: component.granularity,
                business_weight: *business_weight,
                blocks,
                feature: feature.as_deref(),
                owner: owner.as_deref(),
                said,
            }
        })
    }

    /// A block by name, with the component that it is part of.
    #[must_use]
    pub fn block(&self, name: &str) -> Option<(PlannedComponent<'_>, &Block)> {
        let of = |component: PlannedComponent<'_>| component.blocks.iter().any(|block| block.name == name);
        let component = self.components().find(|component| of(*component))?;
        component.blocks.iter().find(|block| block.name == name).map(|block| (component, block))
    }

    /// What a component needs, by name and directly, and what becomes of it when that is undone. `SERVICE/COMPONENT` is of
    /// another service.
    pub fn depends_on(&self, component: &str) -> impl Iterator<Item = (&str, OnRollback)> {
        self.dependencies.of(component)
    }

    /// Other services of which a component needs one.
    #[must_use]
    pub const fn needed_services(&self) -> &BTreeSet<String> {
        &self.needed_services
    }

    /// What goes when `components` return to the baseline: they, and everything that cannot work without what goes.
    #[must_use]
    pub fn undone_with(&self, components: &BTreeSet<String>) -> Undone {
        self.dependencies.undone(components)
    }

    /// Those of `components` that `component` needs, directly or through others.
    #[must_use]
    pub fn needs_of(&self, component: &str, components: &BTreeSet<String>) -> BTreeSet<String> {
        self.dependencies.needs_of(component, components)
    }

    /// Of `components` that regress together, the likely cause: those that the others need.
    #[must_use]
    pub fn causes_among(&self, components: &BTreeSet<String>) -> BTreeSet<String> {
        self.dependencies.causes(components)
    }

    /// A component by name.
    #[must_use]
    pub fn component(&self, name: &str) -> Option<PlannedComponent<'_>> {
        self.components().find(|component| component.name == name)
    }
}

/// A duration as plans write it: `500ms`, `90s`, `1h30m`, `2d`. `None`: not of the form.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    quantity::Span(text.to_owned()).value()
}

/// JSON Schema of the YAML form.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(raw::Plan).to_value()
}

#[cfg(test)]
mod tests;
