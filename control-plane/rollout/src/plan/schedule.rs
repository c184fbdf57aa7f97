//! The steps of a plan, given one by one or as first weight, increment and highest weight.

use std::time::Duration;

use serin_proto::assignment::Weight;

use super::check::{Findings, minutes};
use super::error::PlanRule;
use super::{Experiment, Step, bounds, raw};
use crate::text::Percent;

const ANY: (Duration, Duration) = (Duration::ZERO, bounds::DURATION);
/// A step's weight is more than nothing.
const POSITIVE: (u32, u32) = (1, 1_000_000);

/// The steps beside the baseline, and the time at full weight that follows.
pub(super) struct Schedule {
    pub(super) steps: Vec<Step>,
    pub(super) promotion: Duration,
}

pub(super) fn check(raw: &raw::Plan, experiment: Option<&Experiment>, findings: &mut Findings) -> Schedule {
    if let Some(experiment) = experiment {
        let step = Step { weight: experiment.weight(|_| true), bake: Duration::ZERO };
        return Schedule { steps: vec![step], promotion: Duration::ZERO };
    }
    let bake = findings.duration("evaluation", raw.evaluation.as_ref(), minutes(10), ANY);
    let promotion = findings.duration("promotion", raw.promotion.as_ref(), minutes(15), ANY);
    match &raw.steps {
        Some(steps) => {
            let both = [
                ("initial_weight", raw.initial_weight.is_some()),
                ("increment", raw.increment.is_some()),
                ("max_weight", raw.max_weight.is_some()),
            ];
            for (field, _) in both.iter().filter(|(_, given)| *given) {
                findings.add(field, PlanRule::StepsGiven);
            }
            explicit(steps, bake, (promotion, raw.promotion.is_some()), findings)
        }
        None => Schedule { steps: regular(raw, bake, findings), promotion },
    }
}

fn explicit(
    raw: &[raw::Step],
    default_bake: Duration,
    (mut promotion, promotion_given): (Duration, bool),
    findings: &mut Findings,
) -> Schedule {
    if raw.is_empty() {
        findings.add("steps", PlanRule::Empty);
    }
    if raw.len() > bounds::STEPS {
        findings.add("steps", PlanRule::TooLong { limit: bounds::STEPS });
    }
    let mut steps = Vec::new();
    let mut before: Option<Weight> = None;
    for (index, step) in raw.iter().take(bounds::STEPS).enumerate() {
        let field = format!("steps[{index}].weight");
        let weight = findings.weight(&field, Some(&step.weight), 0, POSITIVE);
        if let Some(before) = before.filter(|before| weight <= *before && step.weight.value().is_some()) {
            findings.add(&field, PlanRule::NotRising { before: Percent(before).to_string() });
        }
        before = Some(weight);
        let field = format!("steps[{index}].bake");
        let bake = findings.duration(&field, step.bake.as_ref(), default_bake, ANY);
        if weight < Weight::FULL {
            steps.push(Step { weight, bake });
        } else if step.bake.is_some() {
            if promotion_given {
                findings.add(&field, PlanRule::PromotionGiven);
            }
            promotion = bake;
        }
    }
    Schedule { steps, promotion }
}

fn regular(raw: &raw::Plan, bake: Duration, findings: &mut Findings) -> Vec<Step> {
    let first = findings.weight("initial_weight", raw.initial_weight.as_ref(), 50_000, POSITIVE);
    let increment = findings.weight("increment", raw.increment.as_ref(), 100_000, POSITIVE);
    let max = findings.weight("max_weight", raw.max_weight.as_ref(), 1_000_000, POSITIVE);
    if first > max {
        let (field, low, high) = match raw.initial_weight {
            Some(_) => ("initial_weight", Weight::from_ppm(1).unwrap_or_default(), max),
            None => ("max_weight", first, Weight::FULL),
        };
        findings
            .add(field, PlanRule::Range { min: Percent(low).to_string(), max: Percent(high).to_string() });
    }
    let mut steps = Vec::new();
    let mut weight = first.min(max);
    while steps.len() <= bounds::STEPS && weight < Weight::FULL {
        steps.push(Step { weight, bake });
        if weight == max || increment == Weight::ZERO {
            break;
        }
        weight =
            Weight::from_ppm(weight.ppm().saturating_add(increment.ppm())).unwrap_or(Weight::FULL).min(max);
    }
    if steps.len() > bounds::STEPS {
        findings.add("increment", PlanRule::TooLong { limit: bounds::STEPS });
    }
    steps
}
