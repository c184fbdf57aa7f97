//! What people ask for: a new rollout, or a change of one.

use std::sync::Arc;
use std::time::Instant;

use serin_rollout::{
    Command, Creation, Input, Order, Phase, Plan, RolloutId, Salt, Transition, UnixMillis, begin,
    hooks_are_done, may_follow, step,
};

use serin_rollout::train::Membership;

use super::perform::Decision;
use super::task::Task;
use super::tracked::Tracked;
use super::{Acted, CommandError, Message, Place, Wanted};
use crate::clock;
use crate::components;
use crate::snapshot::{ROLLOUTS_MAX, Snapshot};

/// Bytes of the service's name within an identifier.
const ID_NAME_BYTES_MAX: usize = 40;

impl Task {
    pub(super) async fn obey(&mut self, message: Message) {
        let decided = Instant::now();
        match message {
            Message::Create { plan_yaml, paused, actor, answer } => {
                let outcome = self.create(&plan_yaml, paused, actor, decided).await;
                let _caller_may_be_gone = answer.send(outcome);
            }
            Message::Command { id, command, answer } => {
                let outcome = self.command(&id, command, decided).await;
                let _caller_may_be_gone = answer.send(outcome);
            }
            Message::ReturnAll { wanted, actor, reason, answer } => {
                let outcome = self.return_all(&wanted, actor, reason, decided).await;
                let _caller_may_be_gone = answer.send(outcome);
            }
            Message::Train { message, answer } => self.obey_train(message, answer).await,
            Message::Traffic { service, answer } => {
                let _caller_may_be_gone = answer.send(self.traffic(&service));
            }
            Message::Recent { id, answer } => {
                let _caller_may_be_gone = answer.send(self.recent(&id));
            }
            Message::Detail { id, component, answer } => {
                let _caller_may_be_gone = answer.send(self.detail(&id, &component));
            }
            Message::Mark { marking, answer } => {
                let outcome = self.mark(marking).await;
                let _caller_may_be_gone = answer.send(outcome);
            }
            Message::Record { wanted, place, answer } => {
                let outcome = self.add_recorder(wanted, place);
                let _caller_may_be_gone = answer.send(outcome);
            }
        }
    }

    async fn create(
        &mut self,
        plan_yaml: &str,
        paused: bool,
        actor: String,
        decided: Instant,
    ) -> Result<Arc<Snapshot>, CommandError> {
        let plan = Plan::parse(plan_yaml)?;
        self.check_free(plan.service())?;
        // Who waits longer takes a place that became free since.
        self.admit().await;
        let id = self.new_id(plan.service())?;
        let creation = Creation { id, salt: Salt(random()?), actor, paused };
        self.create_as(plan, creation, None, decided).await
    }

    /// Begins a rollout with an identifier that was drawn for it, alone or in a train.
    pub(super) async fn create_as(
        &mut self,
        plan: Plan,
        creation: Creation,
        train: Option<Membership>,
        decided: Instant,
    ) -> Result<Arc<Snapshot>, CommandError> {
        let now = clock::now();
        let before = self.current.get(plan.service()).copied();
        let before = before.and_then(|index| self.tracked.get(index).map(|tracked| (index, tracked)));
        if let Some((_, tracked)) = before.filter(|(_, tracked)| !tracked.state.phase.is_terminal()) {
            let (service, id) = (tracked.state.service.clone(), tracked.state.id.0.clone());
            return Err(CommandError::Active { service, id });
        }
        self.shared.targets.check(&plan)?;
        if let Some((_, tracked)) = before {
            hooks_are_done(&tracked.plan, &tracked.state)?;
            may_follow(&plan, creation.paused, &tracked.state)?;
        }
        let (id, actor) = (creation.id.clone(), creation.actor.clone());
        let told = self.shared.fleet.nodes().told();
        let (plan, not_taken) = components::taking(&plan, &told, &self.shared.calls.observed(now));
        let turn = if train.is_some() { None } else { self.turn(&plan, now) };
        let transition = begin(&plan, not_taken, creation, (train, turn), now)?;
        let superseded = before.map(|(index, tracked)| -> Result<_, CommandError> {
            let input = Input::Superseded { by: id.clone(), actor };
            Ok(Decision { index, transition: step(&tracked.plan, &tracked.state, &input, now)? })
        });
        let superseded = superseded.transpose()?;
        self.begin(plan, transition, superseded, (now, decided)).await?;
        self.shared
            .directory
            .find(&id.0)
            .map(|found| found.borrow().clone())
            .ok_or(CommandError::NotFound(id.0))
    }

    /// Adds a rollout to the list, or leaves the list as it was.
    async fn begin(
        &mut self,
        plan: Plan,
        transition: Transition,
        superseded: Option<Decision>,
        (now, decided): (UnixMillis, Instant),
    ) -> Result<(), CommandError> {
        let tracked = Tracked::new(plan, transition.state.clone(), 0, None);
        let mut tracked = tracked.map_err(|error| CommandError::Internal(error.to_string()))?;
        let service = tracked.state.service.clone();
        let before = self.current.get(tracked.plan.service()).and_then(|index| self.tracked.get(*index));
        if let Some(before) = before {
            tracked.recall(before.learned());
        }
        self.tracked.push(tracked);
        let index = self.tracked.len() - 1;
        let replaced = superseded.as_ref().map(|decision| (decision.index, &decision.transition.state));
        let checked = self.assignment(0, replaced).check().map_err(CommandError::Assignment);
        let performed = match checked {
            Ok(()) => {
                let decisions = superseded.into_iter().chain([Decision { index, transition }]).collect();
                self.perform(decisions, now, decided).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = performed {
            self.tracked.truncate(index);
            return Err(error);
        }
        self.make_room();
        self.index();
        self.shared.calls.begin(&service);
        self.tell_who_runs();
        self.begin_recordings(&service, now);
        Ok(())
    }

    async fn command(
        &mut self,
        name: &str,
        command: Command,
        decided: Instant,
    ) -> Result<Arc<Snapshot>, CommandError> {
        let not_found = || CommandError::NotFound(name.to_owned());
        let index = self.place_of(name)?;
        let tracked = self.tracked.get(index).ok_or_else(not_found)?;
        let (id, now) = (tracked.state.id.0.clone(), clock::now());
        let seen = tracked.judgement.clone().map(Box::new);
        let acted = Acted { rollout: id.clone(), at: now, command: command.clone() };
        let input = Input::Commanded { command, seen };
        let postponed = self.postponed(tracked, &acted.command);
        let waits = postponed.is_some();
        let transition = match postponed {
            // Whatever else is wrong with the order is said first.
            Some(turn) => step(&tracked.plan, &tracked.state, &input, now)
                .and_then(|_| step(&tracked.plan, &tracked.state, &turn, now))?,
            None => step(&tracked.plan, &tracked.state, &input, now)?,
        };
        let took_effect =
            !transition.events().is_empty() && !matches!(acted.command.order, Order::Approve(_));
        self.perform(vec![Decision { index, transition }], now, decided).await?;
        // What waits for its turn is recorded when that comes.
        if took_effect && !waits {
            self.recorders.act(&acted);
        }
        self.shared.directory.find(&id).map(|found| found.borrow().clone()).ok_or_else(not_found)
    }

    /// A rollout that was created paused takes its turn when it is let begin, unless it waits for that already: then a person
    /// lets it begin out of turn.
    fn postponed(&self, tracked: &Tracked, command: &Command) -> Option<Input> {
        let state = &tracked.state;
        let is_paused = matches!(state.phase, Phase::Paused { .. });
        let begins =
            command.order == Order::Resume && is_paused && state.began_at.is_none() && state.queued.is_none();
        let turn = if begins { self.turn(&tracked.plan, state.created_at) } else { None }?;
        Some(Input::Postponed { turn, actor: command.actor.clone() })
    }

    fn add_recorder(&mut self, wanted: Wanted, place: Place) -> Result<(), CommandError> {
        let service = match wanted {
            Wanted::Service(service) => {
                let current = self.current.get(&service).and_then(|index| self.tracked.get(*index));
                match current.filter(|one| one.state.experiment && !one.state.phase.is_terminal()) {
                    Some(experiment) => {
                        return Err(CommandError::Experiment(experiment.state.id.0.clone()));
                    }
                    None => service,
                }
            }
            Wanted::Rollout(id) => {
                let found = self.tracked.iter().find(|tracked| tracked.state.id.0 == id);
                let tracked = found.ok_or_else(|| CommandError::NotFound(id.clone()))?;
                if tracked.plan.experiment().is_some() {
                    return Err(CommandError::Experiment(id));
                }
                if !tracked.runs() {
                    return Err(CommandError::Over(id));
                }
                tracked.state.service.clone()
            }
        };
        self.recorders.add(service.clone(), place);
        self.begin_recordings(&service, clock::now());
        Ok(())
    }

    /// Tells those who wait for a rollout of the service how it stands, if one runs.
    fn begin_recordings(&mut self, service: &str, now: UnixMillis) {
        let ticked = self.ticked;
        let tracked = self.current.get(service).and_then(|index| self.tracked.get(*index));
        self.recorders.begin(service, || tracked.and_then(|tracked| tracked.started(now, ticked)));
    }

    pub(super) fn new_id(&self, service: &str) -> Result<RolloutId, CommandError> {
        let (active, name) = (
            self.current.len(),
            service.get(..service.floor_char_boundary(ID_NAME_BYTES_MAX)).unwrap_or_default(),
        );
        if active >= ROLLOUTS_MAX {
            return Err(CommandError::TooMany);
        }
        let plain = |character: char| if character.is_ascii_alphanumeric() { character } else { '-' };
        let name: String = name.chars().map(plain).collect();
        Ok(RolloutId(format!("{name}-{:08x}", random()? & 0xffff_ffff)))
    }
}

pub(super) fn random() -> Result<u128, CommandError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| CommandError::Internal(error.to_string()))?;
    Ok(u128::from_le_bytes(bytes))
}
