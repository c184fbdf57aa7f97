//! What follows from how hooks end, and from what people say to that.

use super::{Approval, HOOK_OUTPUT_BYTES, HookEnd, HookOutcome, due};
use crate::event::Fact;
use crate::plan::{MIGRATIONS, OnFailure};
use crate::step::Change;
use crate::{Cause, HoldReason, Phase, Refused};

/// Notes the end of a run that has none, and what follows for the rollout that waited for it.
pub(crate) fn ended(change: &mut Change<'_>, end: &HookEnd) {
    let runs = |end: &HookEnd, change: &Change<'_>| change.state.running_hooks().any(|run| *run == end.run);
    if !runs(end, change) {
        return;
    }
    let mut end = end.clone();
    let kept = end.output.floor_char_boundary(HOOK_OUTPUT_BYTES);
    end.output.truncate(kept);
    let (run, failed) = (end.run.clone(), end.outcome == HookOutcome::Failed);
    change.record(Fact::HookEnded(end));
    let Some(due) = super::due(change.plan, &run).filter(|_| failed && run.point.gates()) else { return };
    if change.state.phase.is_terminal() || !change.state.is_current() {
        return;
    }
    let reason = HoldReason::Hook { point: run.point, name: run.name.clone() };
    match due.on_failure() {
        OnFailure::Rollback => {
            let cause = Cause::HookFailed { point: run.point, name: run.name };
            change.record(Fact::RolledBack { cause, evidence: None });
        }
        OnFailure::Hold
            if due::obstacle(change.plan, &change.state, change.now).as_ref() == Some(&reason) =>
        {
            change.record(Fact::Held { reason, evidence: None });
        }
        OnFailure::Hold | OnFailure::Continue => {}
    }
}

/// Begins what is due, and the rollout once everything before its start is done. `next_step`: the step that waits.
pub(crate) fn go_on(change: &mut Change<'_>, next_step: Option<u32>) {
    if change.plan.experiment().is_some() {
        return;
    }
    let waits = change.state.waiting && change.state.phase == Phase::WarmingUp && change.state.is_current();
    if waits && due::may_start(change.plan, &change.state) {
        let weight_ppm = change.plan.first_weight();
        change.record(Fact::Begun { weight_ppm });
    }
    for run in due::beginning(change.plan, &change.state, next_step, change.now) {
        change.record(Fact::HookStarted(run));
    }
}

/// What a person allows that makes no sense now is refused.
pub(crate) fn check_approval(change: &Change<'_>, approval: Approval) -> Result<(), Refused> {
    let failed = || due::has_failed(change.plan, &change.state, change.now);
    match approval {
        Approval::DataLoss if change.plan.migrations().is_none() => Err(Refused::NoMigrations),
        Approval::RetryHook | Approval::SkipHook if failed().is_none() => Err(Refused::NoFailedHook),
        Approval::Drained if change.state.phase != Phase::RolledBack => Err(Refused::NotRolledBack),
        Approval::DataLoss | Approval::RetryHook | Approval::SkipHook | Approval::Drained => Ok(()),
    }
}

/// Notes what a person allows. What waited for it goes on.
pub(crate) fn approve(change: &mut Change<'_>, approval: Approval, reason: String) {
    let failed = due::has_failed(change.plan, &change.state, change.now);
    let run = match approval {
        Approval::DataLoss => failed.filter(|run| run.name == MIGRATIONS),
        Approval::RetryHook | Approval::SkipHook => failed,
        Approval::Drained => None,
    };
    change.record(Fact::Approved { approval, run, reason });
    let hold = change.state.hold.clone().map(|hold| hold.reason);
    if let Some(reason @ HoldReason::Hook { .. }) = hold
        && due::obstacle(change.plan, &change.state, change.now).is_none()
    {
        change.record(Fact::HoldLifted { reason });
    }
}
