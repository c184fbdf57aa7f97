//! Which hooks are due: a function of plan, state and time.

use std::time::Duration;

use serin_migrate::{Direction, Stage};

use super::{Answer, HookOutcome, HookRun, HookState, ROUNDS_MAX};
use crate::plan::{Hook, HookPoint, MIGRATIONS, OnFailure};
use crate::rollback::Rollback;
use crate::{HoldReason, Phase, Plan, Refused, State, UnixMillis};

/// Time that a canary has to drain where the plan says nothing.
const DRAIN: Duration = Duration::from_secs(30);

/// Something that is to be done at a point.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Due<'a> {
    /// The point.
    pub point: HookPoint,
    /// See [`HookRun::occurrence`].
    pub occurrence: u32,
    /// What.
    pub work: Work<'a>,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Work<'a> {
    /// A hook of the plan.
    Hook(&'a Hook),
    /// The schema changes of a stage, in a direction.
    Migrate(Stage, Direction),
}

impl<'a> Due<'a> {
    /// Its name among the hooks.
    #[must_use]
    pub fn name(&self) -> &'a str {
        match self.work {
            Work::Hook(hook) => &hook.name,
            Work::Migrate(..) => MIGRATIONS,
        }
    }

    /// What follows when it fails.
    #[must_use]
    pub const fn on_failure(&self) -> OnFailure {
        match self.work {
            Work::Hook(hook) => hook.on_failure,
            Work::Migrate(..) => OnFailure::Hold,
        }
    }

    fn newest<'s>(&self, state: &'s State) -> Option<&'s HookState> {
        state.newest_run(self.point, self.name(), self.occurrence)
    }

    fn run(&self, round: u32) -> HookRun {
        HookRun { point: self.point, name: self.name().to_owned(), occurrence: self.occurrence, round }
    }
}

/// How something stands that is to be done.
enum Standing {
    /// What comes after it may begin.
    Passed,
    /// It is to begin, in this round.
    Begins(u32),
    /// It is under way.
    Lasts,
    /// It failed, and waits for a person.
    Failed,
}

fn standing(due: &Due<'_>, state: &State) -> Standing {
    let Some(hook) = due.newest(state) else { return Standing::Begins(1) };
    let Some(end) = &hook.end else { return Standing::Lasts };
    match (end.outcome, end.answer) {
        (HookOutcome::Succeeded, _) | (HookOutcome::Failed, Some(Answer::Skip)) => Standing::Passed,
        (HookOutcome::Failed, Some(Answer::Retry)) if hook.run.round < ROUNDS_MAX => {
            Standing::Begins(hook.run.round + 1)
        }
        (HookOutcome::Failed, None) if due.on_failure() == OnFailure::Continue => Standing::Passed,
        (HookOutcome::Failed, _) => Standing::Failed,
    }
}

/// What is done at a point, in order.
fn at<'a>(plan: &'a Plan, point: HookPoint, occurrence: u32) -> impl Iterator<Item = Due<'a>> {
    let hooks = plan.hooks().at(point).iter();
    hooks.map(move |hook| Due { point, occurrence, work: Work::Hook(hook) })
}

fn migrations(plan: &Plan, point: HookPoint, stage: Stage, direction: Direction) -> Option<Due<'_>> {
    let any = plan.migrations()?.steps.iter().any(|step| step.stage() == stage);
    any.then_some(Due { point, occurrence: 0, work: Work::Migrate(stage, direction) })
}

/// What has to be done before the start.
fn before_start(plan: &Plan) -> impl Iterator<Item = Due<'_>> {
    let up = migrations(plan, HookPoint::BeforeStart, Stage::Expand, Direction::Up);
    up.into_iter().chain(at(plan, HookPoint::BeforeStart, 0))
}

/// Whether anything has to be done before the start.
pub(crate) fn waits(plan: &Plan) -> bool {
    before_start(plan).next().is_some()
}

/// What is to be done in this state, in order; what was done is among it.
fn wanted<'a>(plan: &'a Plan, state: &State, now: UnixMillis) -> Vec<Due<'a>> {
    match state.phase {
        Phase::WarmingUp if state.waiting => before_start(plan).collect(),
        Phase::Promoted => {
            let hooks = at(plan, HookPoint::AfterPromotion, 0);
            // Until the watch is over the baseline may be needed again.
            let contract = migrations(plan, HookPoint::AfterPromotion, Stage::Contract, Direction::Up);
            hooks.chain(contract.filter(|_| !state.watched)).collect()
        }
        Phase::RolledBack if !state.experiment => rolled_back(plan, state, is_drained(plan, state, now)),
        Phase::WarmingUp
        | Phase::Progressing
        | Phase::Paused { .. }
        | Phase::Completing
        | Phase::RollingBack
        | Phase::RolledBack
        | Phase::Failed => Vec::new(),
    }
}

fn rolled_back<'a>(plan: &'a Plan, state: &State, is_drained: bool) -> Vec<Due<'a>> {
    let mut all: Vec<_> = at(plan, HookPoint::OnRollback, 0).collect();
    // What is on its way up must not arrive after its way down.
    let is_migrating =
        state.running_hooks().any(|run| run.name == MIGRATIONS && run.point != HookPoint::AfterRollback);
    if is_migrating || !is_drained {
        return all;
    }
    if plan.migrations().is_some_and(|migrations| migrations.undo) {
        let was_begun = |point| state.newest_run(point, MIGRATIONS, 0).is_some();
        let down = |stage| migrations(plan, HookPoint::AfterRollback, stage, Direction::Down);
        // The later stage goes first. Each step knows in the database whether it was applied.
        if was_begun(HookPoint::AfterPromotion) {
            all.extend(down(Stage::Contract).map(|due| Due { occurrence: 1, ..due }));
        }
        if was_begun(HookPoint::BeforeStart) {
            all.extend(down(Stage::Expand));
        }
    }
    all.extend(at(plan, HookPoint::AfterRollback, 0));
    all
}

/// Whether nothing goes to the canary any more, and it had time to end what it was doing.
fn is_drained(plan: &Plan, state: &State, now: UnixMillis) -> bool {
    let drain = plan.migrations().map_or(DRAIN, |migrations| migrations.drain);
    let is_quiet = state.rollback.as_ref().is_none_or(Rollback::is_drained);
    state.drained || (is_quiet && now.since(state.changed_at) >= drain)
}

/// Whether the rest of a rollback waits for a person to say that its canary is drained: to see that was given up.
fn waits_for_drain(plan: &Plan, state: &State) -> bool {
    let given_up = |rollback: &Rollback| rollback.stage.is_none() && !rollback.is_drained();
    if state.drained || state.phase != Phase::RolledBack || !state.rollback.as_ref().is_some_and(given_up) {
        return false;
    }
    let next = first(&rolled_back(plan, state, true), state);
    next.is_some_and(|(due, standing)| {
        due.point == HookPoint::AfterRollback && matches!(standing, Standing::Begins(_))
    })
}

/// Of the hooks of a rollback, how many are to run yet, and which failed.
pub(crate) fn left_of_rollback(plan: &Plan, state: &State) -> (u32, Vec<String>) {
    if state.phase != Phase::RolledBack || state.experiment {
        return (0, Vec::new());
    }
    let all = rolled_back(plan, state, true);
    let failed = all.iter().filter(|due| due.newest(state).is_some_and(HookState::has_failed));
    let failed = failed.map(|due| due.name().to_owned()).collect();
    let mut left = all.iter().map(|due| standing(due, state));
    let is_migrating = state.running_hooks().any(|run| run.name == MIGRATIONS);
    let first = left.by_ref().find(|standing| !matches!(standing, Standing::Passed));
    let pending = match first {
        // What comes after it waits for a person.
        Some(Standing::Failed) => 0,
        Some(_) => left.filter(|standing| !matches!(standing, Standing::Passed)).count() + 1,
        None => usize::from(is_migrating),
    };
    (u32::try_from(pending).unwrap_or(u32::MAX), failed)
}

/// What is to be done about each failure.
fn on_failures<'a>(plan: &'a Plan, state: &State) -> Vec<Vec<Due<'a>>> {
    let failed = |hook: &&HookState| {
        let end = hook.end.as_ref().map(|end| end.outcome);
        hook.run.point != HookPoint::OnFailure && end == Some(HookOutcome::Failed)
    };
    let failures = state.hooks.iter().filter(failed).zip(0_u32..);
    failures.map(|(_, number)| at(plan, HookPoint::OnFailure, number).collect()).collect()
}

fn first<'a>(all: &[Due<'a>], state: &State) -> Option<(Due<'a>, Standing)> {
    let standings = all.iter().map(|due| (*due, standing(due, state)));
    standings.into_iter().find(|(_, standing)| !matches!(standing, Standing::Passed))
}

/// Runs that are to begin now. `next_step`: the step that waits for its hooks.
pub(super) fn beginning(plan: &Plan, state: &State, next_step: Option<u32>, now: UnixMillis) -> Vec<HookRun> {
    let mut chains = vec![wanted(plan, state, now)];
    chains.extend(next_step.map(|step| at(plan, HookPoint::BeforeStep, step).collect::<Vec<_>>()));
    chains.extend(on_failures(plan, state));
    let begins = chains.iter().filter_map(|chain| match first(chain, state)? {
        (due, Standing::Begins(round)) => Some(due.run(round)),
        (_, Standing::Passed | Standing::Lasts | Standing::Failed) => None,
    });
    begins.collect()
}

/// Whether the start is allowed by what stands before it.
pub(super) fn may_start(plan: &Plan, state: &State) -> bool {
    first(&before_start(plan).collect::<Vec<_>>(), state).is_none()
}

/// Whether a step is allowed by what stands before it.
pub(crate) fn is_passed(plan: &Plan, state: &State, step: u32) -> bool {
    first(&at(plan, HookPoint::BeforeStep, step).collect::<Vec<_>>(), state).is_none()
}

/// The run that failed and that something waits for.
pub(crate) fn has_failed(plan: &Plan, state: &State, now: UnixMillis) -> Option<HookRun> {
    let mut chains = vec![wanted(plan, state, now)];
    // A step that a person went past does not wait any more.
    let waits =
        |hook: &&HookState| hook.run.point == HookPoint::BeforeStep && hook.run.occurrence > state.step;
    let step = state.hooks.iter().filter(waits).map(|hook| hook.run.occurrence).max();
    let is_step = matches!(state.phase, Phase::Progressing);
    chains.extend(step.filter(|_| is_step).map(|step| at(plan, HookPoint::BeforeStep, step).collect()));
    chains.extend(on_failures(plan, state));
    chains.iter().find_map(|chain| match first(chain, state)? {
        (due, Standing::Failed) => due.newest(state).map(|hook| hook.run.clone()),
        (_, Standing::Passed | Standing::Begins(_) | Standing::Lasts) => None,
    })
}

/// Why the rollout cannot progress, as far as hooks are concerned.
pub(crate) fn obstacle(plan: &Plan, state: &State, now: UnixMillis) -> Option<HoldReason> {
    let run = has_failed(plan, state, now).filter(|run| run.point.gates())?;
    Some(HoldReason::Hook { point: run.point, name: run.name })
}

/// Whether hooks of a rollout that is over are still to run, wait for a person, or are under way. While they do, time has to be
/// told, and no other rollout of the service may begin: it would find the schema that this one left.
#[must_use]
pub fn pending(plan: &Plan, state: &State) -> bool {
    let left = match state.phase {
        Phase::RolledBack if !state.experiment => rolled_back(plan, state, true),
        Phase::WarmingUp
        | Phase::Progressing
        | Phase::Paused { .. }
        | Phase::Completing
        | Phase::RollingBack
        | Phase::Promoted
        | Phase::RolledBack
        | Phase::Failed => wanted(plan, state, UnixMillis(u64::MAX)),
    };
    state.phase.is_terminal()
        && (state.running_hooks().next().is_some()
            || first(&left, state).is_some()
            || on_failures(plan, state).iter().any(|chain| first(chain, state).is_some()))
}

/// Whether another rollout of the service may begin after this one, as far as its hooks are concerned.
///
/// # Errors
/// Why not, and what is to be done about it.
pub fn hooks_are_done(plan: &Plan, state: &State) -> Result<(), Refused> {
    let by = state.id.clone();
    match pending(plan, state) {
        false => Ok(()),
        true if waits_for_drain(plan, state) => Err(Refused::NotDrained { by }),
        true => Err(Refused::HooksPending { by }),
    }
}

/// What a run does. `None`: the plan knows nothing of it.
#[must_use]
pub fn due<'a>(plan: &'a Plan, run: &HookRun) -> Option<Due<'a>> {
    let (point, occurrence) = (run.point, run.occurrence);
    if run.name != MIGRATIONS {
        let hook = plan.hooks().find(point, &run.name)?;
        return Some(Due { point, occurrence, work: Work::Hook(hook) });
    }
    let (stage, direction) = match (point, occurrence) {
        (HookPoint::BeforeStart, _) => (Stage::Expand, Direction::Up),
        (HookPoint::AfterPromotion, _) => (Stage::Contract, Direction::Up),
        (HookPoint::AfterRollback, 0) => (Stage::Expand, Direction::Down),
        (HookPoint::AfterRollback, _) => (Stage::Contract, Direction::Down),
        (HookPoint::BeforeStep | HookPoint::OnRollback | HookPoint::OnFailure, _) => return None,
    };
    migrations(plan, point, stage, direction).map(|due| Due { occurrence, ..due })
}
