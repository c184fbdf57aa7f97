//! From the store to rollouts in memory: the newest stored state, and the events since replayed over it.

use serin_rollout::{Event, Plan, RolloutId, State, plan};

use super::tracked::Tracked;
use crate::store::StoredRollout;

/// Why a stored rollout cannot be taken up.
#[derive(Debug, thiserror::Error)]
#[error("rollout {id}: {cause}")]
pub struct RestoreError {
    id: String,
    cause: Cause,
}

#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error("its plan is refused: {0}")]
    Plan(#[from] plan::PlanErrors),
    #[error("its state or an event cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    #[error("event {found} follows event {before}")]
    Order { before: u64, found: u64 },
    #[error("its evidence cannot be gathered: {0}")]
    Evidence(#[from] serin_analysis::ConfigError),
}

/// Takes a stored rollout up, under the assignment `generation`.
pub(super) fn restore(stored: &StoredRollout, generation: u64) -> Result<Tracked, RestoreError> {
    let outcome = restored(stored, generation);
    outcome.map_err(|cause| RestoreError { id: stored.id.clone(), cause })
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
