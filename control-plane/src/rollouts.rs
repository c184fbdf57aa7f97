//! The one task that owns all rollouts.
//!
//! Commands, reports and time come in through queues; the pure core says what follows; effects are performed in its
//! order: persist, publish, notify (`perform`). Nothing else changes a rollout. When a write fails the decision did
//! not happen and is made again from the evidence that is still there; when the store's answer is not known, the
//! process ends, because a restart learns the truth from the journal.
//!
//! What one rollout needs and nothing waits for is [`Tracked`], which simulations drive as the task does.

mod addenda;
mod behaviour;
mod bundle;
mod charts;
mod compared;
mod emergency;
mod evidence;
mod follow;
mod heard;
mod hooks;

mod look;
mod orders;
mod perform;
mod recorders;
mod restore;
mod task;
mod told;
mod tracked;
mod traffic;
mod trains;
mod turns;

use std::sync::Arc;
use std::time::Duration;

use serin_evidence::course::Recent;
use serin_proto::assignment::AssignmentError;
use serin_rollout::emergency::Wanted as Meant;
use serin_rollout::{Command, Refused, plan};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::snapshot::Snapshot;
use crate::store::StoreError;

pub(crate) use charts::Minute;
pub use emergency::{Outcome, Returned};
pub(crate) use look::{Detail, Marking};
pub(crate) use recorders::{Acted, Logged, Merged, Place, QUEUE_MAX, Recorded, Started, Streams, Wanted};
pub use restore::{RestoreError, restore};
pub use task::{EVIDENCE_TICKS, FORGET_TICKS, Lost, SPACING, TICK};
pub(crate) use task::{Shared, Task};
pub use tracked::Tracked;
pub(crate) use traffic::Measured;
pub(crate) use trains::TrainMessage;
pub use trains::{GateView, MemberView, TrainRefusal, TrainView};

/// Commands that may wait; more make the callers wait.
pub(crate) const COMMANDS_MAX: usize = 64;
/// Reports that may wait; more make the proxies send again.
pub(crate) const REPORTS_MAX: usize = 4_096;
/// Time for a command, waiting included. The store's own deadline is shorter.
const DEADLINE: Duration = Duration::from_secs(12);

/// What is sent to the task.
pub(crate) enum Message {
    /// A new rollout.
    Create { plan_yaml: String, paused: bool, actor: String, answer: Answer },
    /// A change of a rollout, by identifier or service.
    Command { id: String, command: Command, answer: Answer },
    /// An emergency: many rollouts return to the baseline.
    ReturnAll { wanted: Meant, actor: String, reason: String, answer: oneshot::Sender<AllReturned> },
    /// Something about trains.
    Train { message: TrainMessage, answer: oneshot::Sender<Result<Vec<TrainView>, CommandError>> },
    /// How many requests a service gets.
    Traffic { service: String, answer: oneshot::Sender<Result<Measured, CommandError>> },
    /// What the components of a rollout got lately.
    Recent { id: String, answer: oneshot::Sender<Result<Recent, CommandError>> },
    /// The numbers behind one component.
    Detail { id: String, component: String, answer: oneshot::Sender<Result<Detail, CommandError>> },
    /// What a person says of a decision.
    Mark { marking: Marking, answer: oneshot::Sender<Result<(), CommandError>> },
    /// Someone who wants what is merged about a rollout.
    Record { wanted: Wanted, place: Place, answer: oneshot::Sender<Result<(), CommandError>> },
}

type AllReturned = Result<Vec<Returned>, CommandError>;
type Answer = oneshot::Sender<Result<Arc<Snapshot>, CommandError>>;

/// Sends commands to the task.
#[derive(Clone, Debug)]
pub struct Rollouts {
    pub(crate) messages: mpsc::Sender<Message>,
}

/// Why a command has no effect.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The plan is wrong.
    #[error("{0}")]
    Plan(#[from] plan::PlanErrors),
    /// The service has a rollout under way.
    #[error("service {service:?} already has the active rollout {id}; end it first")]
    Active {
        /// The service.
        service: String,
        /// Its rollout.
        id: String,
    },
    /// The plan does not fit with the other services.
    #[error("the plan does not fit with the other services: {0}")]
    Assignment(AssignmentError),
    /// No rollout is like what was asked for.
    #[error("no rollout has this owner and is like this; `serin rollout list` shows them")]
    NoneLike,
    /// There is no such rollout.
    #[error("there is no rollout or service {0:?}")]
    NotFound(String),
    /// The rollout has no such component.
    #[error("the rollout has no component {0:?}")]
    NoComponent(String),
    /// Something about a train.
    #[error("{0}")]
    Train(#[from] TrainRefusal),
    /// All places are taken by active rollouts.
    #[error("too many active rollouts")]
    TooMany,
    /// The task did not answer in time.
    #[error("the control plane is busy or ending; ask again")]
    Busy,
    /// An experiment.
    #[error("rollout {0} is an experiment: it cannot be recorded")]
    Experiment(String),
    /// There is nothing left to record.
    #[error("rollout {0} has ended: there is nothing left to record")]
    Over(String),
    /// The core says no.
    #[error("{0}")]
    Refused(#[from] Refused),
    /// It could not be written.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The configuration names no such target.
    #[error("{0}")]
    Target(#[from] serin_hooks::TargetError),
    /// Something that cannot happen did.
    #[error("internal: {0}")]
    Internal(String),
}

impl Rollouts {
    /// Begins a rollout, `paused` at weight 0 or at its first weight. Answered once it is durable and on offer.
    ///
    /// # Errors
    /// Why it has no effect.
    pub async fn create(
        &self,
        plan_yaml: String,
        paused: bool,
        actor: String,
    ) -> Result<Arc<Snapshot>, CommandError> {
        self.ask(|answer| Message::Create { plan_yaml, paused, actor, answer }).await
    }

    /// Changes a rollout. Answered once the change is durable and on offer.
    ///
    /// # Errors
    /// Why it has no effect.
    pub async fn command(&self, id: String, command: Command) -> Result<Arc<Snapshot>, CommandError> {
        self.ask(|answer| Message::Command { id, command, answer }).await
    }

    /// Returns all rollouts that are `wanted` to the baseline. Answered once that is durable and on offer.
    ///
    /// # Errors
    /// Without a reason, when none is like what is wanted, or when nothing was done because the task does not answer.
    pub async fn return_all(
        &self,
        wanted: Meant,
        actor: String,
        reason: String,
    ) -> Result<Vec<Returned>, CommandError> {
        self.ask(|answer| Message::ReturnAll { wanted, actor, reason, answer }).await
    }

    /// Asks something of trains. Answered with those that it is about, once what it changes is durable.
    ///
    /// # Errors
    /// Why it has no effect.
    pub(crate) async fn train(&self, message: TrainMessage) -> Result<Vec<TrainView>, CommandError> {
        self.ask(|answer| Message::Train { message, answer }).await
    }

    /// How many requests a service got in the last minute.
    ///
    /// # Errors
    /// When nothing is known of the service.
    pub(crate) async fn traffic(&self, service: String) -> Result<Measured, CommandError> {
        self.ask(|answer| Message::Traffic { service, answer }).await
    }

    /// What the components of a rollout got lately.
    ///
    /// # Errors
    /// When there is no such rollout.
    pub(crate) async fn recent(&self, id: String) -> Result<Recent, CommandError> {
        self.ask(|answer| Message::Recent { id, answer }).await
    }

    /// The numbers behind one component; an empty name is the whole version.
    ///
    /// # Errors
    /// When there is no such rollout or component.
    pub(crate) async fn detail(&self, id: String, component: String) -> Result<Detail, CommandError> {
        self.ask(|answer| Message::Detail { id, component, answer }).await
    }

    /// Notes what a person says of a decision. Answered once it is durable.
    ///
    /// # Errors
    /// When the rollout is not in memory, or it cannot be written.
    pub(crate) async fn mark(&self, marking: Marking) -> Result<(), CommandError> {
        self.ask(|answer| Message::Mark { marking, answer }).await
    }

    /// Fills `place` from now on with what is merged about a rollout.
    ///
    /// # Errors
    /// When there is no such rollout, or it has ended.
    pub(crate) async fn record(&self, wanted: Wanted, place: Place) -> Result<(), CommandError> {
        self.ask(|answer| Message::Record { wanted, place, answer }).await
    }

    async fn ask<T>(
        &self,
        message: impl FnOnce(oneshot::Sender<Result<T, CommandError>>) -> Message,
    ) -> Result<T, CommandError> {
        let (answer, answered) = oneshot::channel();
        let outcome = timeout(DEADLINE, async {
            self.messages.send(message(answer)).await.map_err(|_| CommandError::Busy)?;
            answered.await.map_err(|_| CommandError::Busy)?
        });
        outcome.await.unwrap_or(Err(CommandError::Busy))
    }
}
