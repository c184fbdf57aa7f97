//! What a plan says, field by field.

use std::collections::BTreeSet;
use std::time::Duration;

use serin_analysis::chart::RuleSet;
use serin_analysis::config::Failures;
use serin_policy::Policy;
use serin_proto::assignment::Weight;

use super::{
    Behaviour, Beside, Block, Calendar, Concurrency, Escalation, Experiment, Forecast, Gradual, Health,
    Hooks, Impact, Learned, Limits, Logs, Margins, Migrations, OnRollback, Plan, PlanErrors,
    PlannedComponent, Query, Quota, ReleasePrediction, RollbackWindow, Step, Trigger, Undone, check,
};

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

    /// What harms mean for the business, beside the components' weights.
    #[must_use]
    pub const fn impact(&self) -> &Impact {
        &self.impact
    }

    /// What is forecast, and what follows.
    #[must_use]
    pub const fn forecast(&self) -> &Forecast {
        &self.forecast
    }

    /// What was predicted of the release, by which its steps are shaped. `None`: nothing.
    #[must_use]
    pub const fn prediction(&self) -> Option<&ReleasePrediction> {
        self.prediction.as_ref()
    }

    /// What finished rollouts taught. `None`: the defaults hold.
    #[must_use]
    pub const fn learned(&self) -> Option<&Learned> {
        self.learned.as_ref()
    }

    /// What is made of logs. `None`: they are no evidence.
    #[must_use]
    pub const fn logs(&self) -> Option<&Logs> {
        self.logs.as_ref()
    }

    /// What people do on the pages of the service may come to. `None`: it is not counted.
    #[must_use]
    pub const fn behaviour(&self) -> Option<&Behaviour> {
        self.behaviour.as_ref()
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

    /// Values from outside, in the order of their names.
    #[must_use]
    pub fn queries(&self) -> &[Query] {
        &self.queries
    }

    /// Conditions that undo, hold or tell.
    #[must_use]
    pub fn triggers(&self) -> &[Trigger] {
        &self.triggers
    }

    /// What is asked whether it lives.
    #[must_use]
    pub const fn health(&self) -> &Health {
        &self.health
    }

    /// False: what would be rolled back is held and reported instead.
    #[must_use]
    pub const fn automatic_rollback(&self) -> bool {
        self.automatic_rollback
    }

    /// Limits beside the baseline.
    #[must_use]
    pub const fn beside(&self) -> &Beside {
        &self.beside
    }

    /// What a team decides beside the rules, in the order of the plan.
    #[must_use]
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// The same plan with other policies, for asking what they would have done.
    #[must_use]
    pub fn with_policies(&self, policies: Vec<Policy>) -> Self {
        Self { policies, ..self.clone() }
    }

    /// The same plan at one weight, and for ever, with nothing but the evidence to decide.
    #[must_use]
    pub(crate) fn at(&self, weight: Weight) -> Self {
        let steps = vec![Step { weight, bake: super::bounds::DURATION }];
        Self { steps, warm_up: Duration::ZERO, policies: Vec::new(), ..self.clone() }
    }

    /// Shortest time of a step that a policy may end early.
    #[must_use]
    pub const fn minimum_evaluation(&self) -> Duration {
        self.minimum_evaluation
    }

    /// Windows of time, and the zone that they are told in.
    #[must_use]
    pub const fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// The stages in which the whole version returns by itself. `None`: at once.
    #[must_use]
    pub const fn gradual_rollback(&self) -> Option<&Gradual> {
        self.gradual.as_ref()
    }

    /// The quota that the weight minds.
    #[must_use]
    pub const fn quota(&self) -> Option<&Quota> {
        self.quota.as_ref()
    }

    /// The group in which the rollout takes its turn.
    #[must_use]
    pub const fn concurrency(&self) -> Option<&Concurrency> {
        self.concurrency.as_ref()
    }

    /// What is done at named points.
    #[must_use]
    pub const fn hooks(&self) -> &Hooks {
        &self.hooks
    }

    /// Schema changes of the release.
    #[must_use]
    pub const fn migrations(&self) -> Option<&Migrations> {
        self.migrations.as_ref()
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
