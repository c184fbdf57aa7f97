//! Trains, as the task that owns all rollouts carries them on.
//!
//! A train is a journal of its own beside those of rollouts: [`serin_rollout::train`] decides, this performs. After every judgement
//! each train that goes on is compared with its members as they are, so that a crash between two acts loses none and repeats none.
//! A member's rollout is created when the train's own creation is durable, with the identifier that was drawn for it.

mod create;
mod view;

use std::collections::BTreeMap;
use std::time::Instant;

use serin_rollout::train::{
    Act, PROMOTION, Seen, TRAIN_PREFIX, TrainErrors, TrainEvent, TrainFact, TrainPlan, TrainState, When, act,
};
use serin_rollout::{AUTOMATIC, Command, Input, Order, Phase, RolloutId, TrainOrder, Weight, step};
use tokio::sync::oneshot;

use super::perform::Decision;
use super::task::Task;
use super::tracked::Tracked;
use super::{CommandError, RestoreError};
use crate::clock;
use crate::store::{Append, Loaded, NewEvent, StoreError, StoredRollout};

pub use view::{GateView, MemberView, TrainView};

/// Trains in memory; the oldest that ended make room.
const TRAINS_MAX: usize = 200;
/// Acts in a row on one train before others have their turn.
const ROUNDS: usize = 8;

/// What is asked of trains.
pub(crate) enum TrainMessage {
    /// A new train.
    Create { yaml: String, files: BTreeMap<String, String>, actor: String },
    /// One train.
    Get { id: String },
    /// All trains, newest first.
    List,
    /// A gate opens.
    Approve { id: String, before: String, reason: String, actor: String },
    /// All members return.
    Rollback { id: String, reason: String, actor: String },
}

pub(super) type Answer = oneshot::Sender<Result<Vec<TrainView>, CommandError>>;

/// Why nothing is done for a train.
#[derive(Debug, thiserror::Error)]
pub enum TrainRefusal {
    /// It is wrong.
    #[error("{0}")]
    Plan(#[from] TrainErrors),
    /// A train of this name goes on.
    #[error("train {name:?} goes on as {id}: roll it back, or wait for its end")]
    Active {
        /// The name.
        name: String,
        /// Its identifier.
        id: String,
    },
    /// A service belongs to a train that goes on.
    #[error("service {service:?} belongs to {train}, which goes on: wait for its end, or roll it back")]
    Member {
        /// The service.
        service: String,
        /// The train.
        train: String,
    },
    /// All places are taken by trains that go on.
    #[error("too many trains go on")]
    TooMany,
    /// There is none.
    #[error("there is no train {0:?}")]
    NotFound(String),
    /// It is over.
    #[error("train {0} has ended")]
    Over(String),
    /// There is no such gate, and no such member.
    #[error(
        "before: {0:?} is no member of the train, and not the promotion of a train that is promoted together"
    )]
    NoGate(String),
}

/// A train in memory.
#[derive(Debug)]
pub(super) struct Train {
    pub(super) plan: TrainPlan,
    pub(super) state: TrainState,
}

/// Takes up the trains that were stored, in order of creation.
pub(super) fn restore(loaded: &Loaded) -> Result<Vec<Train>, RestoreError> {
    let stored = loaded.rollouts.iter().filter(|stored| stored.id.starts_with(TRAIN_PREFIX));
    stored.map(|stored| restored(stored).map_err(|cause| RestoreError::of(stored, cause))).collect()
}

fn restored(stored: &StoredRollout) -> Result<Train, super::restore::Cause> {
    let (yaml, files): (String, BTreeMap<String, String>) = serde_json::from_str(&stored.plan)?;
    let plan = TrainPlan::parse(&yaml, &files)?;
    let mut state: TrainState = serde_json::from_str(&stored.state)?;
    for json in &stored.events {
        let event: TrainEvent = serde_json::from_str(json)?;
        if event.revision != state.revision + 1 {
            return Err(super::restore::Cause::Order { before: state.revision, found: event.revision });
        }
        state.apply(&event);
    }
    Ok(Train { plan, state })
}

impl Task {
    pub(super) async fn obey_train(&mut self, message: TrainMessage, answer: Answer) {
        let outcome = match message {
            TrainMessage::Create { yaml, files, actor } => self.create_train(&yaml, &files, actor).await,
            TrainMessage::Get { id } => self.find_train(&id),
            TrainMessage::List => Ok((0..self.trains.len()).rev().collect()),
            TrainMessage::Approve { id, before, reason, actor } => {
                self.approve(&id, before, reason, actor).await
            }
            TrainMessage::Rollback { id, reason, actor } => self.return_train(&id, reason, actor).await,
        };
        let views = outcome.map(|indexes| indexes.into_iter().filter_map(|index| self.view(index)).collect());
        let _caller_may_be_gone = answer.send(views);
    }

    /// Compares all trains that go on with their members, and does what is next.
    pub(super) async fn run_trains(&mut self) {
        for index in 0..self.trains.len() {
            self.run_train(index).await;
        }
    }

    pub(super) async fn run_train(&mut self, index: usize) {
        for _ in 0..ROUNDS {
            let Some(train) = self.trains.get(index).filter(|train| train.state.ended.is_none()) else {
                return;
            };
            let acts = act(&train.plan, &train.state, &self.seen(train));
            if acts.is_empty() || self.lost {
                return;
            }
            for one in acts {
                if let Err(error) = self.act(index, one).await {
                    let train = self.trains.get(index).map(|train| train.state.id.as_str());
                    tracing::error!(train, %error, "a train cannot go on and will try again");
                    return;
                }
            }
        }
    }

    async fn act(&mut self, index: usize, one: Act) -> Result<(), CommandError> {
        match one {
            Act::Record(fact) => self.record_train(index, fact, AUTOMATIC).await,
            Act::Create(service) => self.create_member(index, &service).await,
            Act::Begin(service) => self.tell(index, &[service], &TrainOrder::Begin).await,
            Act::Promote(services) => self.tell(index, &services, &TrainOrder::Promote).await,
            Act::Return { service, because } => {
                self.tell(index, &[service], &TrainOrder::Return { because }).await
            }
        }
    }

    /// Tells members something, in one decision.
    async fn tell(
        &mut self,
        index: usize,
        services: &[String],
        order: &TrainOrder,
    ) -> Result<(), CommandError> {
        let Some(train) = self.trains.get(index) else { return Ok(()) };
        let (now, decided) = (clock::now(), Instant::now());
        let input = Input::Train { train: train.state.id.clone(), order: order.clone() };
        let mut decisions = Vec::new();
        for service in services {
            let member = train.state.rollout(service).and_then(|id| self.position(id));
            let Some((index, tracked)) = member.and_then(|at| Some((at, self.tracked.get(at)?))) else {
                continue;
            };
            let transition = step(&tracked.plan, &tracked.state, &input, now)?;
            decisions.push(Decision { index, transition });
        }
        self.perform(decisions, now, decided).await
    }

    fn position(&self, id: &RolloutId) -> Option<usize> {
        self.tracked.iter().position(|tracked| tracked.state.id == *id)
    }

    /// The members as they are.
    fn seen(&self, train: &Train) -> BTreeMap<String, Seen> {
        let of = |run: &serin_rollout::train::MemberRun| {
            let seen = match self.position(&run.rollout).and_then(|index| self.tracked.get(index)) {
                Some(tracked) => seen_member(tracked),
                None => self.gone(&run.service, train)?,
            };
            Some((run.service.clone(), seen))
        };
        train.state.members.iter().filter_map(of).collect()
    }

    /// A member in whose place another rollout of the service began, before its own was created or long after: it counts as failed.
    /// `None`: it is still to be created.
    fn gone(&self, service: &str, train: &Train) -> Option<Seen> {
        let current = self.current.get(service).and_then(|index| self.tracked.get(*index))?;
        let replaced = current.state.created_at >= train.state.created_at;
        replaced.then_some(Seen {
            phase: Phase::Failed,
            weight: Weight::ZERO,
            step: 0,
            began_at: None,
            healthy: false,
            ready: false,
            watched: false,
            settled: true,
        })
    }

    /// Whether a rollout of a service may begin by itself: none does while the service goes out with a train. A member that returned
    /// is free again.
    pub(super) fn check_free(&self, service: &str) -> Result<(), CommandError> {
        let goes_on = |train: &&Train| {
            train.state.ended.is_none()
                && train.state.rollout(service).is_some()
                && !train.state.returns(service)
        };
        match self.trains.iter().find(goes_on) {
            Some(train) => {
                let (service, train) = (service.to_owned(), train.state.id.clone());
                Err(TrainRefusal::Member { service, train }.into())
            }
            None => Ok(()),
        }
    }

    fn find_train(&self, name: &str) -> Result<Vec<usize>, CommandError> {
        let by_id = self.trains.iter().position(|train| train.state.id == name);
        let newest = || self.trains.iter().rposition(|train| train.plan.name() == name);
        let found = by_id.or_else(newest).map(|index| vec![index]);
        found.ok_or_else(|| TrainRefusal::NotFound(name.chars().take(128).collect()).into())
    }

    async fn approve(
        &mut self,
        name: &str,
        before: String,
        reason: String,
        actor: String,
    ) -> Result<Vec<usize>, CommandError> {
        let (index, reason, actor) = self.asked(name, reason, actor)?;
        let Some(train) = self.trains.get(index) else { return Ok(Vec::new()) };
        if train.plan.member(&before).is_none() && (before != PROMOTION || !train.plan.together()) {
            return Err(TrainRefusal::NoGate(before.chars().take(64).collect()).into());
        }
        let opened = train.state.opened.get(&before);
        let is_done = opened.is_some_and(|opened| opened.iter().any(|one| one.when == When::Approval.name()));
        if !is_done {
            let when = When::Approval.name().to_owned();
            let fact = TrainFact::GateOpened { before, when, because: reason };
            self.record_train(index, fact, &actor).await?;
            self.run_train(index).await;
        }
        Ok(vec![index])
    }

    async fn return_train(
        &mut self,
        name: &str,
        reason: String,
        actor: String,
    ) -> Result<Vec<usize>, CommandError> {
        let (index, reason, actor) = self.asked(name, reason, actor)?;
        let Some(train) = self.trains.get(index) else { return Ok(Vec::new()) };
        if let Some(fact) = train.state.return_all(&train.plan, &self.seen(train), reason) {
            self.record_train(index, fact, &actor).await?;
            self.run_train(index).await;
        }
        Ok(vec![index])
    }

    /// A train that goes on, and a reason that is one.
    fn asked(
        &self,
        name: &str,
        reason: String,
        actor: String,
    ) -> Result<(usize, String, String), CommandError> {
        let command = Command { order: Order::Pause, actor, reason };
        command.check_reason()?;
        let index = self.find_train(name)?.first().copied().unwrap_or_default();
        match self.trains.get(index) {
            Some(train) if train.state.ended.is_some() => {
                Err(TrainRefusal::Over(train.state.id.clone()).into())
            }
            Some(_) | None => Ok((index, command.reason, command.actor)),
        }
    }

    pub(super) async fn record_train(
        &mut self,
        index: usize,
        fact: TrainFact,
        actor: &str,
    ) -> Result<(), CommandError> {
        let Some(train) = self.trains.get(index) else { return Ok(()) };
        let event = train.state.event(fact, actor, clock::now());
        let mut state = train.state.clone();
        state.apply(&event);
        self.write_train(&train.plan.clone(), &state, &event).await?;
        tracing::info!(train = state.id, kind = event.fact.kind(), "{}", event.fact.text());
        if let Some(train) = self.trains.get_mut(index) {
            train.state = state;
        }
        Ok(())
    }

    /// Writes an event of a train and the state after it, durably.
    async fn write_train(
        &mut self,
        plan: &TrainPlan,
        state: &TrainState,
        event: &TrainEvent,
    ) -> Result<(), CommandError> {
        let internal = |error: serde_json::Error| CommandError::Internal(error.to_string());
        let document = || serde_json::to_string(&(plan.source(), plan.files()));
        let json = serde_json::to_string(event).map_err(internal)?;
        let (kind, actor, text) = (event.fact.kind().to_owned(), event.actor.clone(), event.fact.text());
        let append = Append {
            rollout_id: state.id.clone(),
            plan: (event.revision == 1).then(document).transpose().map_err(internal)?,
            expected_revision: event.revision - 1,
            at: event.at,
            events: vec![NewEvent { kind, actor, text, json }],
            state: Some(serde_json::to_string(state).map_err(internal)?),
            assignment_changed: false,
        };
        let written = self.shared.store.call(move |store| store.append(&[append])).await;
        written.inspect_err(|error| {
            if matches!(error, StoreError::Conflict { .. } | StoreError::Gone) {
                self.lost = true;
            }
        })?;
        self.shared.metrics.events.inc();
        Ok(())
    }

    /// Forgets the oldest train that ended, once there are too many.
    fn forget_trains(&mut self) {
        while self.trains.len() > TRAINS_MAX {
            let Some(index) = self.trains.iter().position(|train| train.state.ended.is_some()) else {
                return;
            };
            self.trains.remove(index);
        }
    }
}

fn seen_member(tracked: &Tracked) -> Seen {
    let state = &tracked.state;
    let healthy = tracked.judgement.as_ref().is_some_and(|judgement| {
        judgement.is_fresh() && judgement.version.verdict == serin_analysis::Verdict::Healthy
    });
    Seen {
        phase: state.phase,
        weight: state.weight,
        step: state.step,
        began_at: state.began_at,
        healthy: healthy && state.runs() && state.hold.is_none(),
        ready: state.ready,
        watched: state.watched,
        settled: state.is_settled(),
    }
}
