//! The way back of the whole version, at once or in stages.
//!
//! In stages the weight only falls: by what the plan says, never beyond what the baseline can carry, and not while the baseline
//! itself exceeds its limits. All of it returns at once where the canary fails too much, where the evidence is against more
//! than before, when a person asks, and at the deadline.

use serin_proto::assignment::Weight;

use super::{Change, limits};
use crate::event::Fact;
use crate::plan::Gradual;
use crate::{Cause, Judgement};

const WHOLE: u64 = 1_000_000;
/// Seconds that the windows of a judgement hold.
const WINDOW_S: u128 = 60;

/// An automatic rollback begins.
pub(super) fn roll_back(change: &mut Change<'_>, cause: Cause, judgement: Box<Judgement>) {
    let weight = change.state.weight;
    let staged = change.plan.gradual_rollback().filter(|gradual| !is_severe(gradual, &judgement));
    let weight_ppm = match staged {
        Some(gradual) => next(gradual, (weight, weight), Some(&judgement)),
        None => Weight::ZERO,
    };
    let evidence = Some(judgement);
    change.record(if weight_ppm == Weight::ZERO {
        Fact::RolledBack { cause, evidence }
    } else {
        Fact::RollbackBegan { weight_ppm, cause, evidence }
    });
}

/// The next stage, when it is due. `judgement` is missing where only time passes.
pub(super) fn go_on(change: &mut Change<'_>, judgement: Option<Box<Judgement>>) {
    let Some(returning) = change.state.returning.clone() else { return };
    let is_over = |gradual: &Gradual| change.now.since(returning.since) >= gradual.deadline;
    let worse = |gradual: &Gradual| {
        judgement.as_ref().is_some_and(|judgement| {
            is_severe(gradual, judgement) || returning.is_exceeded_by(judgement.alarm.as_ref())
        })
    };
    let staged = change.plan.gradual_rollback().filter(|gradual| !is_over(gradual) && !worse(gradual));
    let Some(gradual) = staged else {
        return change.record(Fact::RolledBack { cause: returning.cause, evidence: judgement });
    };
    let struggles = judgement.as_ref().is_some_and(|judgement| {
        judgement.is_fresh() && limits::exceeded(change.plan.limits(), &judgement.baseline).is_some()
    });
    if change.now.since(returning.stage_since) < gradual.stage || struggles {
        return;
    }
    let weight_ppm = next(gradual, (returning.from_ppm, change.state.weight), judgement.as_deref());
    if weight_ppm == Weight::ZERO {
        change.record(Fact::RolledBack { cause: returning.cause, evidence: judgement });
    } else if weight_ppm < change.state.weight {
        change.record(Fact::RollbackLowered { weight_ppm, evidence: judgement });
    }
}

/// What is left at the next stage of a way back that began at the weight `from`: at most what is left `now`.
fn next(gradual: &Gradual, (from, now): (Weight, Weight), judgement: Option<&Judgement>) -> Weight {
    let of = |stage: &Weight| u64::from(from.ppm()) * u64::from(stage.ppm()) / WHOLE;
    let stage = gradual.stages.iter().map(of).find(|left| *left < u64::from(now.ppm())).unwrap_or_default();
    let least = carried(gradual, judgement).max(grown(gradual, now));
    let left = stage.max(least).min(u64::from(now.ppm()));
    u32::try_from(left).ok().and_then(Weight::from_ppm).unwrap_or_default()
}

/// The weight that the canary has to keep so that the baseline gets no more than it can carry.
fn carried(gradual: &Gradual, judgement: Option<&Judgement>) -> u64 {
    let seen = judgement.filter(|judgement| judgement.is_fresh());
    let (Some(capacity), Some(seen)) = (gradual.capacity_millirps, seen) else { return 0 };
    let requests = u128::from(seen.baseline.requests) + u128::from(seen.canary.requests);
    let carried = u128::from(capacity) * WINDOW_S * u128::from(WHOLE);
    let part = carried.checked_div(requests * 1_000).unwrap_or_default();
    WHOLE.saturating_sub(u64::try_from(part).unwrap_or(WHOLE)) * u64::from(requests > 0)
}

/// The weight that the canary has to keep so that the baseline's load grows by no more than the plan says. One that has none
/// yet has nothing to grow from.
fn grown(gradual: &Gradual, now: Weight) -> u64 {
    let baseline = WHOLE - u64::from(now.ppm());
    match gradual.growth {
        Some(growth) if baseline > 0 => {
            let most = baseline.saturating_mul(WHOLE + u64::from(growth.ppm())) / WHOLE;
            WHOLE.saturating_sub(most)
        }
        Some(_) | None => 0,
    }
}

/// Whether so many requests of the canary fail that no stage is worth it.
fn is_severe(gradual: &Gradual, judgement: &Judgement) -> bool {
    judgement.is_fresh() && limits::is_beyond(&judgement.canary, gradual.instant_above.ppm())
}
