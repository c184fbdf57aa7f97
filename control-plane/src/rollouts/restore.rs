//! From the store to rollouts in memory: the newest stored state, and the events since replayed over it.

use std::collections::BTreeMap;

use serin_rollout::train::{TRAIN_PREFIX, TrainErrors};
use serin_rollout::{Event, Plan, RolloutId, State, plan};

use super::tracked::Tracked;
use crate::store::{Loaded, StoredRollout};

/// Why a stored rollout cannot be taken up.
#[derive(Debug, thiserror::Error)]
#[error("rollout {id}: {cause}")]
pub struct RestoreError {
    id: String,
    cause: Cause,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Cause {
    #[error("its train is refused: {0}")]
    Train(#[from] TrainErrors),
    #[error("its plan is refused: {0}")]
    Plan(#[from] plan::PlanErrors),
    #[error("its state or an event cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    #[error("event {found} follows event {before}")]
    Order { before: u64, found: u64 },
    #[error("its evidence cannot be gathered: {0}")]
    Evidence(#[from] serin_analysis::ConfigError),
}

impl RestoreError {
    pub(super) fn of(stored: &StoredRollout, cause: Cause) -> Self {
        Self { id: stored.id.clone(), cause }
    }
}

/// Takes the stored rollouts up, in order of creation. One whose evidence was not written yet begins, as it did, with
/// what the rollout of the service before it taught.
///
/// # Errors
/// When a rollout cannot be read, or its plan is not accepted any more.
pub fn restore(loaded: &Loaded) -> Result<Vec<Tracked>, RestoreError> {
    let (mut all, mut learned) = (Vec::new(), BTreeMap::new());
    for stored in loaded.rollouts.iter().filter(|stored| !stored.id.starts_with(TRAIN_PREFIX)) {
        let outcome = restored(stored, loaded.generation);
        let mut tracked = outcome.map_err(|cause| RestoreError::of(stored, cause))?;
        let service = tracked.state.service.clone();
        match learned.remove(&service) {
            Some(learned) if stored.evidence.is_none() => tracked.recall(learned),
            Some(learned) => tracked.hand_on(learned),
            None => {}
        }
        learned.insert(service, tracked.learned());
        all.push(tracked);
    }
    Ok(all)
}

fn restored(stored: &StoredRollout, generation: u64) -> Result<Tracked, Cause> {
    let plan = Plan::parse(&stored.plan)?;
    let mut state: State = serde_json::from_str(&stored.state)?;
    for json in &stored.events {
        let event: Event = serde_json::from_str(json)?;
        if event.revision != state.revision + 1 || event.rollout != RolloutId(stored.id.clone()) {
            return Err(Cause::Order { before: state.revision, found: event.revision });
        }
        state.apply(&event);
    }
    Ok(Tracked::new(plan, state, generation, stored.evidence.as_deref())?)
}
