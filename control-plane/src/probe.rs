//! Asks what plans ask for, and takes what they are told: queries and health checks of the rollouts that run.
//!
//! The rollouts' task says who runs ([`Watched`]) and gets answers ([`Heard`]) through a queue of its own, which is served after the
//! fleet's reports; it never waits for anything outside, and an answer that finds the queue full is dropped and counted, as the
//! next one comes anyway. Questions are asked by one task ([`Asker`]), at most [`AT_ONCE`] at a time and [`AT_ONCE_PER_TARGET`] of one
//! target; values and alerts that are sent come through the [`Inbox`].

mod alerts;
mod asker;
mod inbox;
mod routes;

use std::sync::Arc;

use serin_rollout::Plan;
use serin_rollout::outside::Told;
use tokio::sync::{mpsc, watch};

pub(crate) use asker::Asker;
pub(crate) use inbox::Inbox;
pub(crate) use routes::routes;

/// Questions that are under way at the same time.
const AT_ONCE: usize = 128;
/// Of these, those of one target; more wait until it has answered.
const AT_ONCE_PER_TARGET: usize = 8;
/// Answers that may wait for the rollouts' task.
pub(crate) const HEARD_MAX: usize = 1_024;

/// A rollout that runs.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    pub(crate) id: String,
    pub(crate) plan: Arc<Plan>,
    /// Names of alert queries whose last value says that they fire.
    pub(crate) firing: Vec<String>,
}

/// What an answer is about.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) rollout: String,
    pub(crate) told: Told,
}

/// Who runs, as the task says it.
pub(crate) type Running = watch::Receiver<Vec<Watched>>;

/// Where answers go.
#[derive(Clone, Debug)]
pub(crate) struct Hearing {
    heard: mpsc::Sender<Heard>,
    metrics: Arc<crate::metrics::Metrics>,
}

impl Hearing {
    pub(crate) const fn new(heard: mpsc::Sender<Heard>, metrics: Arc<crate::metrics::Metrics>) -> Self {
        Self { heard, metrics }
    }

    /// False: there was no room, which is counted.
    fn tell(&self, rollout: &str, told: Told) -> bool {
        self.metrics.outside.count(&told);
        let taken = self.heard.try_send(Heard { rollout: rollout.to_owned(), told }).is_ok();
        if !taken {
            self.metrics.outside.dropped.inc();
        }
        taken
    }
}
