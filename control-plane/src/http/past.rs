//! What happened to the rollouts that people look at: read from the journal when it grew, not at every rendering.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serin_proto::admin::v1 as api;
use tonic::Status;

use super::Dashboard;

/// Events of a rollout that its page shows.
const EVENTS_SHOWN: u32 = 20;
/// Decisions of a rollout that its page shows.
const DECISIONS_SHOWN: u32 = 50;
/// Rollouts whose past is kept; the one that was read least lately makes room.
const PASTS_MAX: usize = 256;
/// How long a past is believed. That all Envoys applied a decision is learned after its event.
const FRESH: Duration = Duration::from_secs(10);

/// The newest events of a rollout, and its decisions, newest first.
#[derive(Debug)]
pub(super) struct Past {
    pub(super) events: Vec<api::Event>,
    pub(super) decisions: Vec<api::Decision>,
}

#[derive(Clone, Debug)]
struct Kept {
    revision: u64,
    read: Instant,
    past: Arc<Past>,
}

/// The pasts that were read lately, by rollout.
#[derive(Debug, Default)]
pub(crate) struct Pasts(Mutex<BTreeMap<String, Kept>>);

impl Pasts {
    fn find(&self, rollout: &api::Rollout, now: Instant) -> Option<Arc<Past>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get(&rollout.id)?;
        let is_fresh =
            found.revision == rollout.revision && now.saturating_duration_since(found.read) < FRESH;
        is_fresh.then(|| Arc::clone(&found.past))
    }

    fn keep(&self, rollout: &api::Rollout, past: &Arc<Past>, now: Instant) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= PASTS_MAX && !kept.contains_key(&rollout.id) {
            let oldest = kept.iter().min_by_key(|(_, one)| one.read).map(|(id, _)| id.clone());
            if let Some(id) = oldest {
                kept.remove(&id);
            }
        }
        let new = Kept { revision: rollout.revision, read: now, past: Arc::clone(past) };
        kept.insert(rollout.id.clone(), new);
    }
}

impl Dashboard {
    /// What happened to a rollout.
    pub(super) async fn past(&self, rollout: &api::Rollout) -> Result<Arc<Past>, Status> {
        let now = Instant::now();
        if let Some(past) = self.pasts().find(rollout, now) {
            return Ok(past);
        }
        let query = api::ListDecisionsRequest {
            rollout_id: rollout.id.clone(),
            limit: DECISIONS_SHOWN,
            ..api::ListDecisionsRequest::default()
        };
        let events = self.admin().newest_events(rollout.id.clone(), EVENTS_SHOWN).await?;
        let past = Arc::new(Past { events, decisions: self.admin().decisions(query).await? });
        self.pasts().keep(rollout, &past, now);
        Ok(past)
    }
}
