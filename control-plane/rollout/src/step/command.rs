//! What follows from what people ask for.

use std::collections::BTreeSet;

use super::alarm::{Restore, Return};
use super::{Change, calendar, experiment};
use crate::event::Fact;
use crate::hook;
use crate::plan::Experiment;
use crate::{Cause, Command, Judgement, Order, Phase, Refused, RollbackScope};

/// Obeys, does nothing when the command already took effect, or refuses.
pub(super) fn obey(
    change: &mut Change<'_>,
    command: &Command,
    evidence: Option<Box<Judgement>>,
) -> Result<(), Refused> {
    check(change, command)?;
    change.actor.clone_from(&command.actor);
    let reason = command.reason.clone();
    let cause = || Cause::Person { reason: reason.clone() };
    let is_paused = matches!(change.state.phase, Phase::Paused { .. });
    match &command.order {
        Order::SetWeight(weight) if is_paused && change.state.weight == *weight => {}
        Order::SetWeight(weight) => {
            let before_ppm = change.state.weight;
            change.record(Fact::WeightSet { weight_ppm: *weight, before_ppm, reason });
        }
        Order::Pause if is_paused => {}
        Order::Pause => change.record(Fact::Paused { reason }),
        Order::Resume if is_paused => {
            let (step, weight_ppm) = change.place();
            change.record(Fact::Resumed { reason, step, weight_ppm });
        }
        Order::Resume => {}
        Order::Promote if change.state.phase == Phase::Promoted && !change.state.is_handed_over() => {}
        Order::Promote => change.promote(cause(), evidence),
        Order::HandOver if change.state.is_handed_over() => {}
        Order::HandOver => change.record(Fact::HandedOver { reason }),
        Order::OverrideWindows => calendar::override_open(change, &reason),
        Order::Approve(approval) => hook::approve(change, *approval, reason),
        Order::Rollback { .. } if is_on_baseline(change.state.phase) => {}
        Order::Rollback { scope } => roll_back(change, scope, cause(), evidence),
    }
    Ok(())
}

/// Does nothing where that was done before.
fn roll_back(change: &mut Change<'_>, scope: &RollbackScope, cause: Cause, evidence: Option<Box<Judgement>>) {
    match scope {
        RollbackScope::Version if change.state.experiment => {
            change.record(Fact::ExperimentEnded { cause, evidence });
        }
        RollbackScope::Arm(name) if change.state.stopped.contains_key(name) => {}
        RollbackScope::Arm(name) => {
            experiment::stop(change, &BTreeSet::from([name.clone()]), cause, evidence);
        }
        RollbackScope::Version => change.record(Fact::RolledBack { cause, evidence }),
        RollbackScope::Component(name) if change.state.pinned.contains_key(name) => {}
        RollbackScope::Component(name) => {
            let together = Return::of(change.plan, &change.state, &BTreeSet::from([name.clone()]));
            change.record(together.fact(change.plan, cause, evidence));
        }
        RollbackScope::Block(name) if change.state.blocks.contains_key(name) => {}
        RollbackScope::Block(name) => {
            let component = change.plan.block(name).map(|(component, _)| component.name.to_owned());
            if let Some(component) = component {
                let blocks = Restore { component, blocks: vec![name.clone()] };
                change.record(blocks.fact(change.plan, cause, evidence));
            }
        }
    }
}

fn check(change: &Change<'_>, command: &Command) -> Result<(), Refused> {
    command.check_reason()?;
    if let Order::Rollback { scope } = &command.order {
        check_scope(change, scope)?;
    }
    let order = command.order.name();
    if change.state.experiment {
        experiment::check(&command.order)?;
    }
    if let Some(train) = change.state.waits_in().filter(|_| moves(&command.order)) {
        return Err(Refused::Waits { order, train: train.to_owned() });
    }
    if let Some(by) = &change.state.superseded_by {
        return Err(Refused::Superseded { order, by: by.clone() });
    }
    if let Order::Approve(approval) = command.order {
        return hook::check_approval(change, approval);
    }
    let waits = change.state.waiting && !change.state.phase.is_terminal();
    if waits && matches!(command.order, Order::SetWeight(_) | Order::Promote) {
        return Err(Refused::NotBegun { order });
    }
    let phase = change.state.phase;
    if change.state.is_handed_over() && !matches!(command.order, Order::Promote | Order::HandOver) {
        return Err(Refused::HandedOver { order });
    }
    let possible = if change.state.experiment { experiment::possible(phase) } else { possible(phase) };
    let overrides = command.order == Order::OverrideWindows && phase.active().is_some();
    if !possible.contains(&order) && !took_effect(&command.order, phase) && !overrides {
        return Err(Refused::Phase { order, phase, possible });
    }
    if calendar::raises(change, &command.order) {
        calendar::check(change.plan, &change.state, order, change.now)?;
    }
    Ok(())
}

/// Whether an order gives the canary requests.
fn moves(order: &Order) -> bool {
    match order {
        Order::SetWeight(_) | Order::Resume | Order::Promote => true,
        Order::Pause
        | Order::HandOver
        | Order::OverrideWindows
        | Order::Approve(_)
        | Order::Rollback { .. } => false,
    }
}

fn check_scope(change: &Change<'_>, scope: &RollbackScope) -> Result<(), Refused> {
    let plan = change.plan;
    let short = |name: &String| name.chars().take(64).collect();
    match scope {
        RollbackScope::Arm(name) => {
            let arms = plan.experiment().map(Experiment::arms).unwrap_or_default();
            if arms.iter().any(|arm| arm.name == *name) {
                return Ok(());
            }
            let known = arms.iter().map(|arm| arm.name.clone()).collect();
            Err(Refused::UnknownArm { name: short(name), known })
        }
        RollbackScope::Component(name) if plan.component(name).is_none() => {
            let known = plan.components().take(20).map(|component| component.name.to_owned()).collect();
            Err(Refused::UnknownComponent { name: short(name), known })
        }
        RollbackScope::Block(name) if plan.block(name).is_none() => {
            let blocks = plan.components().flat_map(|component| component.blocks);
            let known = blocks.take(20).map(|block| block.name.clone()).collect();
            Err(Refused::UnknownBlock { name: short(name), known })
        }
        RollbackScope::Version | RollbackScope::Component(_) | RollbackScope::Block(_) => Ok(()),
    }
}

/// Commands that can change something in a phase.
fn possible(phase: Phase) -> &'static [&'static str] {
    match phase {
        Phase::WarmingUp | Phase::Progressing | Phase::Paused { .. } | Phase::Completing => {
            &["set-weight", "pause", "resume", "promote", "rollback"]
        }
        Phase::RollingBack => &["rollback"],
        Phase::Promoted => &["hand-over", "rollback"],
        Phase::RolledBack | Phase::Failed => &[],
    }
}

/// True when a terminal phase is already what the order asks for.
fn took_effect(order: &Order, phase: Phase) -> bool {
    match order {
        Order::Promote => phase == Phase::Promoted,
        Order::Rollback { .. } => is_on_baseline(phase),
        Order::SetWeight(_)
        | Order::Pause
        | Order::Resume
        | Order::HandOver
        | Order::OverrideWindows
        | Order::Approve(_) => false,
    }
}

/// All traffic goes to the baseline already.
fn is_on_baseline(phase: Phase) -> bool {
    match phase {
        Phase::RolledBack | Phase::Failed => true,
        Phase::WarmingUp
        | Phase::Progressing
        | Phase::Paused { .. }
        | Phase::Completing
        | Phase::RollingBack
        | Phase::Promoted => false,
    }
}
