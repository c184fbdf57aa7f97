//! An experiment: arms that run beside the baseline at fixed weights and are compared with it.
//!
//! The baseline is its control. Each arm has a part of the users for as long as the experiment runs; none is promoted, and an
//! arm that harms is stopped, which returns its users to the control. A component of an experiment has no rollback of its own.

use std::time::Duration;

use serin_proto::assignment::{BASELINE, Rule, Weight};

use super::check::{Findings, version};
use super::error::PlanRule;
use super::{Plan, bounds, raw};
use crate::text::Percent;

/// What is compared.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Experiment {
    control: String,
    arms: Vec<PlannedArm>,
    duration: Option<Duration>,
    confidence: Weight,
}

/// An arm beside the control.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PlannedArm {
    /// Name, unique: what Envoy's routes are asked for.
    pub name: String,
    /// Version that it runs.
    pub version: String,
    /// Part of the users.
    pub weight: Weight,
}

impl Experiment {
    /// What people call the control.
    #[must_use]
    pub fn control(&self) -> &str {
        &self.control
    }

    /// The arms beside the control, in the order of the plan; at least one.
    #[must_use]
    pub fn arms(&self) -> &[PlannedArm] {
        &self.arms
    }

    /// An arm by name.
    #[must_use]
    pub fn arm(&self, name: &str) -> Option<&PlannedArm> {
        self.arms.iter().find(|arm| arm.name == name)
    }

    /// How long it runs. `None`: until a person ends it.
    #[must_use]
    pub const fn duration(&self) -> Option<Duration> {
        self.duration
    }

    /// Probability with which each interval holds the true value at all times.
    #[must_use]
    pub const fn confidence(&self) -> Weight {
        self.confidence
    }

    /// Weight of the arms together for which `runs` is true.
    #[must_use]
    pub fn weight(&self, runs: impl Fn(&str) -> bool) -> Weight {
        let arms = self.arms.iter().filter(|arm| runs(&arm.name));
        sum(arms.map(|arm| arm.weight))
    }
}

impl Plan {
    /// True when users or sessions are read from requests, so that they keep what they get.
    #[must_use]
    pub fn has_identity(&self) -> bool {
        !self.template.identity.user.is_empty() || !self.template.identity.session.is_empty()
    }
}

/// The sum, which a plan that was checked keeps below the whole.
fn sum(weights: impl Iterator<Item = Weight>) -> Weight {
    let total = weights.map(Weight::ppm).fold(0, u32::saturating_add);
    Weight::from_ppm(total).unwrap_or(Weight::FULL)
}

/// What the plan says of arms. `None`: it is for a rollout.
pub(super) fn check(raw: &raw::Plan, findings: &mut Findings) -> Option<Experiment> {
    match raw.kind {
        raw::Kind::Rollout => {
            refuse_in_rollout(raw, findings);
            None
        }
        raw::Kind::Experiment => {
            refuse_in_experiment(raw, findings);
            Some(experiment(raw, findings))
        }
    }
}

fn refuse_in_rollout(raw: &raw::Plan, findings: &mut Findings) {
    let given = [
        ("arms", raw.arms.is_some()),
        ("control", raw.control.is_some()),
        ("duration", raw.duration.is_some()),
        ("confidence", raw.confidence.is_some()),
    ];
    for (field, _) in given.iter().filter(|(_, given)| *given) {
        findings.add(field, PlanRule::OnlyInExperiment);
    }
}

fn refuse_in_experiment(raw: &raw::Plan, findings: &mut Findings) {
    const FIXED: &str = "its weights are fixed";
    const NO_PROMOTION: &str = "no arm is promoted";
    const WHOLE_ARM: &str = "an arm that harms is stopped as a whole";
    const BY_EVIDENCE: &str = "an arm is stopped by evidence alone";
    let given = [
        ("canary", raw.canary.is_some(), "its versions on trial are those of `arms`"),
        ("steps", raw.steps.is_some(), FIXED),
        ("initial_weight", raw.initial_weight.is_some(), FIXED),
        ("increment", raw.increment.is_some(), FIXED),
        ("max_weight", raw.max_weight.is_some(), FIXED),
        ("evaluation", raw.evaluation.is_some(), FIXED),
        ("promotion", raw.promotion.is_some(), NO_PROMOTION),
        ("wrong_promotion", raw.wrong_promotion.is_some(), NO_PROMOTION),
        ("forecast", raw.forecast.is_some(), BY_EVIDENCE),
        ("logs", raw.logs.is_some(), "its arms are compared by requests alone"),
        ("behaviour", raw.behaviour.is_some(), BY_EVIDENCE),
        ("charts", raw.charts.is_some(), "its arms are compared with each other, not with what is usual"),
        ("escalation", raw.escalation.is_some(), WHOLE_ARM),
        ("recovery", raw.recovery.is_some(), WHOLE_ARM),
        ("rollback_window", raw.rollback_window.is_some(), FIXED),
        ("observed_calls", raw.observed_calls.is_some(), WHOLE_ARM),
        ("hooks", raw.hooks.is_some(), "they belong to the stages of a rollout"),
        ("migrations", raw.migrations.is_some(), "its arms share one database"),
        ("queries", !raw.queries.is_empty(), BY_EVIDENCE),
        ("triggers", raw.triggers.is_some(), BY_EVIDENCE),
        ("health", raw.health.is_some(), BY_EVIDENCE),
        ("limits.sustained", raw.limits.sustained.is_some(), "no arm has full weight"),
        ("policies", raw.policies.is_some(), "an arm is stopped by evidence alone"),
        ("minimum_evaluation", raw.minimum_evaluation.is_some(), FIXED),
        ("calendar", raw.calendar.is_some(), FIXED),
        ("rollback", raw.rollback.is_some(), WHOLE_ARM),
        ("quota", raw.quota.is_some(), FIXED),
        ("concurrency", raw.concurrency.is_some(), "it does not wait for a turn"),
        ("limits.error_ratio", raw.limits.error_ratio.is_some(), NO_PROMOTION),
        ("limits.latency_ratio", raw.limits.latency_ratio.is_some(), NO_PROMOTION),
        ("limits.throughput_ratio", raw.limits.throughput_ratio.is_some(), NO_PROMOTION),
        ("limits.throughput_min", raw.limits.throughput_min.is_some(), NO_PROMOTION),
    ];
    for (field, _, because) in given.iter().filter(|(_, given, _)| *given) {
        findings.add(field, PlanRule::NotInExperiment { because });
    }
    for (index, component) in raw.components.iter().enumerate() {
        let coarse =
            component.granularity.is_none_or(|one| one == serin_proto::assignment::Granularity::Coarse);
        let given = [
            ("granularity", !coarse),
            ("blocks", !component.blocks.is_empty()),
            ("depends_on", component.depends_on.as_ref().is_some_and(|all| !all.is_empty())),
            ("feature", component.feature.is_some()),
        ];
        for (field, _) in given.iter().filter(|(_, given)| *given) {
            let field = format!("components[{index}].{field}");
            findings.add(&field, PlanRule::NotInExperiment { because: WHOLE_ARM });
        }
    }
}

fn experiment(raw: &raw::Plan, findings: &mut Findings) -> Experiment {
    let written = raw.arms.as_deref().unwrap_or_default();
    if raw.arms.is_none() {
        findings.add("arms", PlanRule::Missing { name: "arms" });
    } else if written.is_empty() {
        findings.add("arms", PlanRule::Empty);
    } else if written.len() > bounds::EXPERIMENT_ARMS {
        findings.add("arms", PlanRule::TooLong { limit: bounds::EXPERIMENT_ARMS });
    }
    let arms: Vec<PlannedArm> =
        written.iter().enumerate().map(|(index, one)| arm(index, one, findings)).collect();
    let left = Weight::FULL.ppm() - bounds::CONTROL_PPM_MIN;
    let total: u64 = arms.iter().map(|arm| u64::from(arm.weight.ppm())).sum();
    if total > u64::from(left) {
        let percent =
            |ppm: u64| Percent(u32::try_from(ppm).ok().and_then(Weight::from_ppm).unwrap_or(Weight::FULL));
        let total = if total > u64::from(Weight::FULL.ppm()) {
            "more than 100 %".to_owned()
        } else {
            percent(total).to_string()
        };
        let least = percent(u64::from(bounds::CONTROL_PPM_MIN)).to_string();
        findings.add("arms", PlanRule::NoControl { total, least });
    }
    Experiment {
        control: control(raw.control.as_deref(), &arms, findings),
        arms,
        duration: raw.duration.as_ref().map(|duration| {
            let range = (Duration::from_secs(1), bounds::DURATION);
            findings.duration("duration", Some(duration), bounds::DURATION, range)
        }),
        confidence: findings.weight("confidence", raw.confidence.as_ref(), 950_000, (500_000, 999_900)),
    }
}

/// Whether its name is one, and given once, is checked with what the filters are told.
fn arm(index: usize, raw: &raw::Arm, findings: &mut Findings) -> PlannedArm {
    let field = |name: &str| format!("arms[{index}].{name}");
    if raw.name == BASELINE {
        findings.add(&field("name"), Rule::Reserved { name: raw.name.clone() }.into());
    }
    version(&field("version"), &raw.version, findings);
    let range = (1, Weight::FULL.ppm() - bounds::CONTROL_PPM_MIN);
    let weight = findings.weight(&field("weight"), Some(&raw.weight), 0, range);
    PlannedArm { name: raw.name.clone(), version: raw.version.clone(), weight }
}

fn control(raw: Option<&str>, arms: &[PlannedArm], findings: &mut Findings) -> String {
    let Some(name) = raw else { return BASELINE.to_owned() };
    let found = || name.chars().take(64).collect();
    if !super::blocks::is_name(name) {
        let expected = "made of letters, digits, '.', '_' and '-', 1 to 64 of them";
        findings.add("control", PlanRule::Form { found: found(), expected });
    } else if arms.iter().any(|arm| arm.name == name) {
        findings.add("control", Rule::Duplicate { name: found() }.into());
    }
    name.to_owned()
}
