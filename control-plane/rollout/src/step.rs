//! The rules of a rollout: one total, pure function.
//!
//! Nothing but a healthy verdict on fresh evidence, or a person, raises a weight. Missing data holds. A rollback, once
//! decided, stays: no rule here loosens it. While the baseline runs beside the canary only evidence against it rolls
//! back; at full weight, where nothing runs beside it, limits exceeded for long do too. So it is after the promotion, until the
//! rollback window closes.
//!
//! Two rules settle what a plan leaves open. `max_weight` is the highest weight beside the baseline: after the last step
//! the canary always gets all traffic for the promotion time, and is promoted from there. Of a component of granularity
//! `fine` the blocks at fault return to their previous versions; where none is known, or where that did not help, the whole
//! component returns to the baseline.

mod alarm;
mod assess;
mod beside;
mod calendar;
mod command;
mod due;
mod experiment;
mod gradual;
mod limits;
mod outside;
mod policy;
mod quota;
mod stages;
mod train;

pub(crate) use assess::doubt;
pub use due::next_step_at;
pub(crate) use limits::exceeded;
pub use policy::{answers, context};
use serin_proto::assignment::{CANARY, Salt, Weight};

use crate::event::{EVENT_FORMAT, Event, Fact};
use crate::hook;
use crate::plan::Omitted;
use crate::state::salt;
use crate::train::Membership;
use crate::{
    AUTOMATIC, Cause, Effect, HookOutcome, Input, Judgement, Notice, Phase, Plan, Refused, RolloutId,
    Severity, State, Turn, UnixMillis,
};

/// What was not taken, at most, that a rollout remembers.
const OMITTED_MAX: usize = 256;

/// What follows from one input.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    /// The next state, valid once the first effect succeeded.
    pub state: State,
    /// What to do, in this order. Empty: nothing happened.
    pub effects: Vec<Effect>,
}

impl Transition {
    /// The events to write. Empty: nothing happened.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        match self.effects.first() {
            Some(Effect::Persist(events)) => events,
            Some(Effect::Publish | Effect::Notify(_)) | None => &[],
        }
    }
}

/// What a new rollout is given by the shell.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Creation {
    /// Identifier, never used before.
    pub id: RolloutId,
    /// Key of the ring, drawn at random.
    pub salt: Salt,
    /// Who creates it.
    pub actor: String,
    /// True: it waits at no weight for [`crate::Order::Resume`].
    pub paused: bool,
}

/// Begins a rollout: the canary gets its first weight and warms up, unless it begins paused. What `plan` took where it is
/// silent becomes part of the rollout.
#[must_use]
pub fn create(plan: &Plan, creation: Creation, now: UnixMillis) -> Transition {
    create_with(plan, Vec::new(), creation, now)
}

/// The same, noting what was on offer and not taken. The first 256 are kept.
#[must_use]
pub fn create_with(plan: &Plan, not_taken: Vec<Omitted>, creation: Creation, now: UnixMillis) -> Transition {
    create_in(plan, not_taken, creation, None, now)
}

/// The same for a member of a train, which begins when the train says so.
#[must_use]
pub fn create_in(
    plan: &Plan,
    mut not_taken: Vec<Omitted>,
    creation: Creation,
    train: Option<Membership>,
    now: UnixMillis,
) -> Transition {
    not_taken.truncate(OMITTED_MAX);
    created(plan, not_taken, creation, train, now).begun()
}

fn created(
    plan: &Plan,
    not_taken: Vec<Omitted>,
    creation: Creation,
    train: Option<Membership>,
    now: UnixMillis,
) -> Change<'_> {
    let Creation { id, salt: key, actor, paused } = creation;
    let state = State::new(plan, id, key, now);
    let mut change =
        Change { plan, now, actor, state, events: Vec::new(), notices: Vec::new(), next_step: None };
    let (source, salt, taken) = (plan.source().to_owned(), salt::format(key), plan.taken().to_vec());
    let (waits, paused) = (hook::waits(plan), paused || train.is_some());
    change.record(Fact::Created { plan: source, salt, paused, waits, taken, not_taken, train });
    change
}

/// Begins a rollout, unless a window of its calendar forbids it, or lets it wait at no weight for its `turn`. One that begins
/// paused, and a member of a train, give the canary no users by themselves, so that no window forbids them and they take no
/// turn yet.
///
/// # Errors
/// A window forbids it.
pub fn begin(
    plan: &Plan,
    mut not_taken: Vec<Omitted>,
    creation: Creation,
    (train, turn): (Option<Membership>, Option<Turn>),
    now: UnixMillis,
) -> Result<Transition, Refused> {
    if creation.paused || train.is_some() {
        return Ok(create_in(plan, not_taken, creation, train, now));
    }
    not_taken.truncate(OMITTED_MAX);
    let paused = turn.is_some();
    let mut change = created(plan, not_taken, Creation { paused, ..creation }, None, now);
    calendar::check(plan, &change.state, "create", now)?;
    if let Some(turn) = turn {
        change.record(Fact::Queued { turn });
    }
    Ok(change.begun())
}

/// Whether a rollout by `plan` may follow one of the same service that is over. Its beginning sends the users of a promoted
/// version to the baseline's endpoint, so the plan has to say that this version is there. Until then that version has the
/// canary's endpoint, too: unless the new rollout waits, `paused`, its first requests would judge the wrong version.
///
/// # Errors
/// It may not.
pub fn may_follow(plan: &Plan, paused: bool, before: &State) -> Result<(), Refused> {
    if before.phase != Phase::Promoted || before.is_handed_over() {
        return Ok(());
    }
    let (promoted, by) = (before.canary.clone(), before.id.clone());
    if plan.baseline() != promoted {
        Err(Refused::Baseline { baseline: plan.baseline().to_owned(), promoted, by })
    } else if paused || plan.experiment().is_some_and(|experiment| experiment.arm(CANARY).is_none()) {
        Ok(())
    } else {
        Err(Refused::CanaryInUse { canary: plan.canary().to_owned(), promoted, by })
    }
}

/// What follows when `input` happens to a rollout in `state` at `now`. `plan` is the plan that the rollout was created from.
///
/// # Errors
/// A command that is not possible; nothing changed. Other inputs are never refused.
pub fn step(plan: &Plan, state: &State, input: &Input, now: UnixMillis) -> Result<Transition, Refused> {
    let mut change = Change::new(plan, state, now);
    match input {
        Input::Tick => assess::time_passes(&mut change),
        Input::Assessed(judgement) => assess::assess(&mut change, judgement.bounded()),
        Input::Commanded { command, seen } => {
            command::obey(&mut change, command, seen.as_ref().map(|seen| seen.bounded()))?;
        }
        Input::Postponed { turn, actor } => {
            // Once its hooks run, it has had its turn.
            let has_not_begun = state.began_at.is_none() && matches!(state.phase, Phase::Paused { .. });
            if has_not_begun && state.is_current() && state.queued.is_none() {
                change.actor.clone_from(actor);
                change.record(Fact::Queued { turn: turn.clone() });
            }
        }
        Input::Admitted => admit(&mut change),
        Input::OtherServices { returned } => assess::follow(&mut change, returned),
        Input::HookEnded(end) => hook::ended(&mut change, end),
        Input::Train { train, order } => train::obey(&mut change, train, order),
        Input::EvidenceIncomplete { bundle, why } => {
            let (bundle, detail) = (bundle.clone(), crate::outside::reason(why));
            change.record(Fact::EvidenceIncomplete { bundle, detail });
        }
        Input::DecisionMarked { decision, mark, reason, actor } => {
            change.actor.clone_from(actor);
            let (decision, reason) = (decision.clone(), reason.clone());
            change.record(Fact::DecisionMarked { decision, mark: *mark, reason });
        }
        Input::Sighted(seen) => stages::carry_on(&mut change, seen),
        Input::Superseded { by, actor } => {
            if state.is_current() && *by != state.id {
                change.actor.clone_from(actor);
                if state.phase == Phase::Promoted && !state.is_handed_over() {
                    let reason = format!("rollout {by} begins, with {} as its baseline", state.canary);
                    change.record(Fact::HandedOver { reason });
                }
                change.record(Fact::Superseded { by: by.clone() });
            }
        }
    }
    let next_step = change.next_step.take();
    hook::go_on(&mut change, next_step);
    Ok(change.finish(state))
}

/// Its turn has come. A window that is open makes it wait on.
fn admit(change: &mut Change<'_>) {
    let waits = change.state.queued.is_some() && change.state.is_current();
    if waits && calendar::obstacle(change).is_none() {
        let (step, weight_ppm) = change.place();
        change.record(Fact::Resumed { reason: "its turn has come".to_owned(), step, weight_ppm });
    }
}

/// The state while events are added to it.
pub(crate) struct Change<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) now: UnixMillis,
    actor: String,
    pub(crate) state: State,
    events: Vec<Event>,
    notices: Vec<Notice>,
    /// The step that would begin, but for its hooks.
    next_step: Option<u32>,
}

impl<'a> Change<'a> {
    fn new(plan: &'a Plan, state: &State, now: UnixMillis) -> Self {
        let actor = AUTOMATIC.to_owned();
        let (events, notices) = (Vec::new(), Vec::new());
        Self { plan, now, actor, state: state.clone(), events, notices, next_step: None }
    }

    pub(crate) fn record(&mut self, fact: Fact) {
        let of = if self.state.experiment { "experiment" } else { self.state.canary.as_str() };
        let text = format!("{} {of}: {}", self.state.service, fact.text());
        self.notices.push(Notice { severity: severity(&fact), text });
        let event = Event {
            format: EVENT_FORMAT,
            rollout: self.state.id.clone(),
            revision: self.state.revision.saturating_add(1),
            at: self.now,
            actor: self.actor.clone(),
            fact,
        };
        self.state.apply(&event);
        self.events.push(event);
    }

    /// What was promoted is watched while the rollback window is open, unless it comes back from a hand-over: then the baseline's
    /// endpoint has the promoted version too, and there is nothing to return to by itself.
    fn promote(&mut self, cause: Cause, evidence: Option<Box<Judgement>>) {
        let watched = self.plan.rollback_window().exists() && !self.state.is_handed_over();
        self.record(Fact::Promoted { watched, cause, evidence });
    }

    /// The first transition of a rollout.
    fn begun(mut self) -> Transition {
        hook::go_on(&mut self, None);
        let Self { state, events, notices, .. } = self;
        let effects = [Effect::Persist(events), Effect::Publish];
        let notices = notices.into_iter().map(Effect::Notify);
        Transition { state, effects: effects.into_iter().chain(notices).collect() }
    }

    fn finish(self, before: &State) -> Transition {
        let Self { plan, state, events, notices, .. } = self;
        let mut effects = Vec::new();
        if !events.is_empty() {
            effects.push(Effect::Persist(events));
            if plan.service_assignment(before) != plan.service_assignment(&state) {
                effects.push(Effect::Publish);
            }
            effects.extend(notices.into_iter().map(Effect::Notify));
        }
        Transition { state, effects }
    }

    /// The step and weight that the present weight stands for: the last step that is not above it; below the first step,
    /// the first step.
    fn place(&self) -> (u32, Weight) {
        if let Some(experiment) = self.plan.experiment() {
            return (0, experiment.weight(|arm| !self.state.stopped.contains_key(arm)));
        }
        if self.state.waiting {
            return (0, Weight::ZERO);
        }
        let weight = self.state.weight;
        match self.plan.steps().iter().rposition(|step| step.weight <= weight) {
            Some(index) => (u32::try_from(index).unwrap_or(u32::MAX), weight),
            None => (0, self.plan.first_weight().max(weight)),
        }
    }
}

pub(crate) fn severity(fact: &Fact) -> Severity {
    match fact {
        Fact::ComponentsRolledBack { .. }
        | Fact::BlocksRestored { .. }
        | Fact::ArmsStopped { .. }
        | Fact::ExperimentEnded { cause: Cause::AllArmsStopped, .. }
        | Fact::RolledBack { .. }
        | Fact::RollbackBegan { .. }
        | Fact::EvidenceIncomplete { .. } => Severity::Critical,
        Fact::RollbackStage { record, .. } => record.severity(),
        Fact::Held { reason, .. } if reason.is_urgent() => Severity::Critical,
        Fact::HookEnded(end) if end.outcome == HookOutcome::Failed => Severity::Warning,
        Fact::TriggerFired { severity, .. } => *severity,
        Fact::Held { .. }
        | Fact::EvidenceMissing { .. }
        | Fact::QuotaLowered { .. }
        | Fact::WindowsOverridden { .. } => Severity::Warning,
        Fact::Created { .. }
        | Fact::StepStarted { .. }
        | Fact::ExperimentEnded { .. }
        | Fact::HoldLifted { .. }
        | Fact::TriggerCleared { .. }
        | Fact::EvidenceReturned { .. }
        | Fact::Completing { .. }
        | Fact::Promoted { .. }
        | Fact::DecisionMarked { .. }
        | Fact::Ready
        | Fact::WatchEnded
        | Fact::WeightSet { .. }
        | Fact::RollbackLowered { .. }
        | Fact::Queued { .. }
        | Fact::Paused { .. }
        | Fact::Resumed { .. }
        | Fact::HandedOver { .. }
        | Fact::Superseded { .. }
        | Fact::Begun { .. }
        | Fact::HookStarted(_)
        | Fact::HookEnded(_)
        | Fact::Approved { .. } => Severity::Info,
    }
}

impl Judgement {
    /// The same with every number finite, so that it can be written as JSON and read back.
    fn bounded(&self) -> Box<Self> {
        let mut judgement = self.clone();
        for arm in &mut judgement.arms {
            arm.judgement = *arm.judgement.bounded();
        }
        let components = judgement.components.iter_mut().map(|component| &mut component.assessment);
        for scope in std::iter::once(&mut judgement.version).chain(components) {
            scope.make_finite();
        }
        judgement.outside.make_finite();
        Box::new(judgement)
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
