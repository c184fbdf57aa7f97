//! How the whole version returns to the baseline: at once, or in stages.
//!
//! In stages the baseline takes its load back piece by piece, never more at once than it can carry. The way goes down only, and
//! ends at a deadline, whatever happens. What is undone for a component, a block or an arm is undone at once.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serin_proto::assignment::Weight;

use super::check::{Findings, minutes};
use super::error::PlanRule;
use super::quantity::{Proportion, Rate, Span};
use crate::text::Percent;

/// As it is written.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "PlanRollback")]
pub(super) struct RawRollback {
    /// How the whole version returns by itself. Default: instant.
    mode: Mode,
    /// What is left of the weight at each stage, falling, at most 10; 0% comes last of itself. Default: 50%, 20%.
    stages: Option<Vec<Proportion>>,
    /// Time between two stages, 1s to 10m. Default: 10s.
    stage: Option<Span>,
    /// What the baseline can carry.
    baseline_capacity: Option<RawCapacity>,
    /// Error rate of the canary beyond which all of it returns at once, whatever the stage. Default: 20%.
    instant_above: Option<Proportion>,
    /// All of it has returned by then, 1s to 1h. Default: 2m.
    deadline: Option<Span>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PlanRollbackMode")]
enum Mode {
    /// At once.
    #[default]
    Instant,
    /// In stages.
    Gradual,
}

/// What the baseline can carry.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "PlanCapacity")]
pub(super) struct RawCapacity {
    /// Requests a second, as 500rps. Absent: any.
    requests_per_second: Option<Rate>,
    /// Part by which its load may grow with each stage, 1% to 100%. Absent: any.
    growth: Option<Proportion>,
}

/// A way back in stages.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Gradual {
    /// What is left of the weight, falling.
    pub stages: Vec<Weight>,
    /// Time between two stages.
    pub stage: Duration,
    /// Requests in a thousand seconds that the baseline can carry. `None`: any number.
    pub capacity_millirps: Option<u64>,
    /// Part by which the baseline's load may grow with each stage. `None`: any.
    pub growth: Option<Weight>,
    /// Error rate of the canary beyond which all of it returns at once.
    pub instant_above: Weight,
    /// How long it may take.
    pub deadline: Duration,
}

/// `None`: at once.
pub(super) fn check(raw: Option<&RawRollback>, findings: &mut Findings) -> Option<Gradual> {
    let raw = raw?;
    if raw.mode == Mode::Instant {
        let given = [
            ("stages", raw.stages.is_some()),
            ("stage", raw.stage.is_some()),
            ("baseline_capacity", raw.baseline_capacity.is_some()),
            ("instant_above", raw.instant_above.is_some()),
            ("deadline", raw.deadline.is_some()),
        ];
        for (field, _) in given.iter().filter(|(_, given)| *given) {
            findings.add(&format!("rollback.{field}"), PlanRule::OnlyGradual);
        }
        return None;
    }
    let second = Duration::from_secs(1);
    let capacity = raw.baseline_capacity.as_ref();
    let rps = capacity.and_then(|capacity| capacity.requests_per_second.as_ref());
    let growth = capacity.and_then(|capacity| capacity.growth.as_ref());
    let (stage, deadline) = (raw.stage.as_ref(), raw.deadline.as_ref());
    Some(Gradual {
        stages: stages(raw.stages.as_deref(), findings),
        stage: findings.duration("rollback.stage", stage, Duration::from_secs(10), (second, minutes(10))),
        capacity_millirps: rps
            .map(|rps| findings.rate("rollback.baseline_capacity.requests_per_second", rps)),
        growth: growth.map(|growth| {
            findings.weight("rollback.baseline_capacity.growth", Some(growth), 0, (10_000, 1_000_000))
        }),
        instant_above: findings.weight(
            "rollback.instant_above",
            raw.instant_above.as_ref(),
            200_000,
            (1, 1_000_000),
        ),
        deadline: findings.duration("rollback.deadline", deadline, minutes(2), (second, minutes(60))),
    })
}

fn stages(raw: Option<&[Proportion]>, findings: &mut Findings) -> Vec<Weight> {
    const MOST: usize = 10;
    let part = |ppm| Weight::from_ppm(ppm).unwrap_or_default();
    let Some(raw) = raw else { return vec![part(500_000), part(200_000)] };
    if raw.is_empty() {
        findings.add("rollback.stages", PlanRule::Empty);
    }
    if raw.len() > MOST {
        findings.add("rollback.stages", PlanRule::TooLong { limit: MOST });
    }
    let mut stages: Vec<Weight> = Vec::new();
    for (index, raw) in raw.iter().take(MOST).enumerate() {
        let field = format!("rollback.stages[{index}]");
        let weight = findings.weight(&field, Some(raw), 0, (0, 999_999));
        if let Some(before) = stages.last().filter(|before| weight >= **before && raw.value().is_some()) {
            findings.add(&field, PlanRule::NotFalling { before: Percent(*before).to_string() });
        }
        stages.push(weight);
    }
    stages.retain(|weight| *weight > Weight::ZERO);
    stages
}
