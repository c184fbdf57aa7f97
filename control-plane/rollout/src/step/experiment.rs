//! What follows in an experiment.
//!
//! Its weights are fixed: nothing here raises one, and there is no promotion. An arm that is shown to harm is stopped, and its
//! part of the users goes to the control. Once no arm is left, or its time is over, the experiment ends. Missing data and
//! vetoes are told and stop nothing, as in a rollout.

use std::collections::BTreeSet;
use std::time::Duration;

use serin_analysis::Veto;

use super::Change;
use super::assess::{end_warm_up, note};
use crate::event::Fact;
use crate::plan::Experiment;
use crate::{Cause, DATA_AGE_MAX_S, HoldReason, Judgement, Order, Phase, Refused, RollbackScope, State};

/// The time is over, or the warm-up is.
pub(super) fn time_passes(change: &mut Change<'_>, experiment: &Experiment) {
    if change.state.phase.is_terminal() || !change.state.is_current() {
        return;
    }
    if let Some(cause) = over(change, experiment) {
        change.record(Fact::ExperimentEnded { cause, evidence: None });
    } else if change.state.phase == Phase::WarmingUp {
        end_warm_up(change, None);
    }
}

/// Of an experiment that is neither over nor followed by another.
pub(super) fn assess(change: &mut Change<'_>, experiment: &Experiment, judgement: Box<Judgement>) {
    if let Some(cause) = over(change, experiment) {
        return change.record(Fact::ExperimentEnded { cause, evidence: Some(judgement) });
    }
    let harmful = harmful(&change.state, experiment, &judgement);
    let arms: Vec<String> = harmful.iter().cloned().collect();
    if !harmful.is_empty() && change.plan.automatic_rollback() {
        return stop(change, &harmful, Cause::ArmsRegressed { arms }, Some(judgement));
    }
    let regressed = (!arms.is_empty()).then_some(HoldReason::Regressed { components: arms });
    let obstacle = regressed.or_else(|| obstacle(change, &judgement));
    note(change, obstacle.as_ref(), &judgement);
    // Its weights stay as they are, so nothing that is told holds it up.
    if change.state.phase == Phase::WarmingUp {
        end_warm_up(change, Some(judgement));
    }
}

/// Stops arms, none of which was before. Without any that goes on the experiment ends.
pub(super) fn stop(
    change: &mut Change<'_>,
    arms: &BTreeSet<String>,
    cause: Cause,
    evidence: Option<Box<Judgement>>,
) {
    let Some(experiment) = change.plan.experiment() else { return };
    let goes_on = |name: &str| !arms.contains(name) && !change.state.stopped.contains_key(name);
    let weight_ppm = experiment.weight(|name| goes_on(name) && change.state.arm_runs(name));
    let is_last = !experiment.arms().iter().any(|arm| goes_on(&arm.name));
    change.record(Fact::ArmsStopped { arms: arms.iter().cloned().collect(), weight_ppm, cause, evidence });
    if is_last {
        change.record(Fact::ExperimentEnded { cause: Cause::AllArmsStopped, evidence: None });
    }
}

/// Refuses what makes no sense in an experiment.
pub(super) fn check(order: &Order) -> Result<(), Refused> {
    let order = match order {
        Order::SetWeight(_)
        | Order::Promote
        | Order::HandOver
        | Order::OverrideWindows
        | Order::Approve(_) => order.name(),
        Order::Rollback { scope: RollbackScope::Component(_) } => "roll back a component",
        Order::Rollback { scope: RollbackScope::Block(_) } => "roll back a block",
        Order::Rollback { scope: RollbackScope::Version | RollbackScope::Arm(_) }
        | Order::Pause
        | Order::Resume => return Ok(()),
    };
    Err(Refused::Experiment { order })
}

/// Commands that can change something in a phase.
pub(super) const fn possible(phase: Phase) -> &'static [&'static str] {
    if phase.is_terminal() { &[] } else { &["pause", "resume", "rollback"] }
}

/// Why its time is over. `None`: it is not.
fn over(change: &Change<'_>, experiment: &Experiment) -> Option<Cause> {
    let (duration, began_at) = (experiment.duration()?, change.state.began_at?);
    let is_over = change.now.since(began_at) >= duration;
    is_over.then_some(Cause::DurationOver { duration_s: duration.as_secs() })
}

/// The arms, not stopped yet, against which the evidence crossed its threshold: as a whole or in any component.
fn harmful(state: &State, experiment: &Experiment, judgement: &Judgement) -> BTreeSet<String> {
    let alarmed = judgement.arms.iter().filter(|arm| arm.judgement.alarm.is_some());
    let running = alarmed.filter(|arm| !state.stopped.contains_key(&arm.name));
    running.filter(|arm| experiment.arm(&arm.name).is_some()).map(|arm| arm.name.clone()).collect()
}

/// What people should know of: no fresh evidence, or something that looks worse and is not an arm's known fault.
fn obstacle(change: &Change<'_>, judgement: &Judgement) -> Option<HoldReason> {
    if change.state.phase != Phase::Progressing {
        return None;
    }
    if !judgement.is_fresh() {
        let patience = Duration::from_secs(DATA_AGE_MAX_S);
        return (change.now.since(change.state.evaluating_since) >= patience)
            .then_some(HoldReason::MissingData);
    }
    let (mut components, mut vetoes) = (Vec::new(), BTreeSet::<Veto>::new());
    for arm in judgement.arms.iter().filter(|arm| !change.state.stopped.contains_key(&arm.name)) {
        let parts = arm.judgement.components.iter().map(|component| &component.assessment);
        let found: Vec<Veto> =
            parts.chain([&arm.judgement.version]).flat_map(|scope| scope.vetoes.iter().copied()).collect();
        if !found.is_empty() {
            components.push(arm.name.clone());
            vetoes.extend(found);
        }
    }
    let vetoes = vetoes.into_iter().collect();
    (!components.is_empty()).then_some(HoldReason::Vetoed { components, vetoes })
}
