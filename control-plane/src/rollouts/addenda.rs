//! What is learned after a decision, and added to its evidence: who applies it, and what both arms do then.
//!
//! Nothing waits for this. Each decision has [`APPLIED_WITHIN`] to be applied by all living VMs and [`WATCHED`] to be looked back
//! on; the counts of our own work (how long a rollback took, whether it succeeded) come from here, too.

use std::time::{Duration, Instant};

use serde::Serialize;
use serin_evidence::bundle::{Draft, Kind};
use serin_evidence::documents::{Acknowledgements, Aftermath, name};
use serin_rollout::{AUTOMATIC, Transition, UnixMillis};

use super::bundle;
use super::task::Task;
use super::tracked::Tracked;
use crate::clock;
use crate::evidence;
use crate::metrics::RollbackOutcome;

/// Time for all living VMs to apply a decision; after it, what is known is written.
pub(crate) const APPLIED_WITHIN: Duration = Duration::from_secs(30);
/// Time after a decision that is looked back on.
const WATCHED: Duration = Duration::from_secs(60);
/// Decisions of one rollout that are followed at a time.
const PENDING_MAX: usize = 16;

/// A decision whose evidence is not finished.
#[derive(Debug)]
pub(super) struct Pending {
    id: String,
    at: UnixMillis,
    decided: Instant,
    generation: u64,
    undoes: bool,
    is_applied: bool,
}

impl Pending {
    /// What is to follow on a decision. `None`: nothing is.
    pub(super) fn of(
        transition: &Transition,
        generation: u64,
        (at, decided): (UnixMillis, Instant),
    ) -> Option<Self> {
        let (id, undoes) = (bundle::id(transition)?, bundle::is_undone(transition));
        Some(Self { id, at, decided, generation, undoes, is_applied: false })
    }
}

impl Task {
    /// Adds what became known since the decisions.
    pub(super) fn look_back(&mut self) {
        let now = clock::now();
        for index in 0..self.tracked.len() {
            let Some(tracked) = self.tracked.get_mut(index) else { continue };
            let mut all = std::mem::take(&mut tracked.pending);
            for pending in &mut all {
                let drafts = self.learned_since(index, pending, now);
                drafts.into_iter().for_each(|draft| self.add_later(draft));
            }
            all.retain(|pending| pending.decided.elapsed() < WATCHED);
            if let Some(tracked) = self.tracked.get_mut(index) {
                tracked.pending = all;
            }
        }
    }

    fn learned_since(&self, index: usize, pending: &mut Pending, now: UnixMillis) -> Vec<Draft> {
        let Some(tracked) = self.tracked.get(index) else { return Vec::new() };
        let mut drafts = Vec::new();
        let fleet = &self.shared.fleet;
        let spread = fleet.nodes().spread(pending.generation, now, fleet.live_within());
        let all_apply = spread.known > 0 && spread.applied == spread.known;
        let elapsed = pending.decided.elapsed();
        if !pending.is_applied && (all_apply || elapsed >= APPLIED_WITHIN) {
            pending.is_applied = true;
            let (nodes, nodes_left_out) = evidence::listed(&fleet.nodes());
            let acknowledgements = Acknowledgements {
                generation: pending.generation,
                after_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
                vms: spread.known,
                vms_applied: spread.applied,
                nodes,
                nodes_left_out,
            };
            drafts.push(tracked.addendum(&pending.id, name::ACKNOWLEDGEMENTS, acknowledgements, now));
            if pending.undoes {
                let outcome = match (spread.known, all_apply) {
                    (0, _) => RollbackOutcome::Unobserved,
                    (_, true) => RollbackOutcome::Applied,
                    (_, false) => RollbackOutcome::Late,
                };
                self.shared.metrics.slo.rolled_back(outcome, elapsed);
            }
        }
        if elapsed >= WATCHED {
            let aftermath = Aftermath {
                counts: tracked.course.counts(pending.at.second()),
                decided_second: pending.at.second(),
                until_second: now.second(),
            };
            drafts.push(tracked.addendum(&pending.id, name::AFTERMATH, aftermath, now));
        }
        drafts
    }

    /// Writes an addendum beside the loop.
    pub(super) fn add_later(&self, draft: Draft) {
        let (store, masker) = (self.shared.store.clone(), std::sync::Arc::clone(&self.shared.masker));
        tokio::spawn(async move {
            let id = draft.id.clone();
            if let Err(error) = store.call(move |store| store.add_bundle(&draft.finish(&masker))).await {
                tracing::warn!(id, %error, "what was learned after a decision could not be added to its evidence");
            }
        });
    }
}

impl Tracked {
    /// Follows a decision. Of more than [`PENDING_MAX`] the oldest is no longer followed.
    pub(super) fn follow_up(&mut self, pending: Option<Pending>) {
        self.pending.extend(pending);
        let beyond = self.pending.len().saturating_sub(PENDING_MAX);
        self.pending.drain(..beyond);
    }

    /// What is added to the evidence of a decision of this rollout.
    pub(super) fn addendum(
        &self,
        about: &str,
        document: &'static str,
        content: impl Serialize + Send + 'static,
        now: UnixMillis,
    ) -> Draft {
        let mut draft = Draft {
            kind: Kind::Addendum,
            id: format!("{about}+{document}"),
            rollout: self.state.id.0.clone(),
            service: self.state.service.clone(),
            at: now,
            actor: AUTOMATIC.to_owned(),
            revisions: None,
            decided: Vec::new(),
            text: Vec::new(),
            about: Some(about.to_owned()),
            documents: Vec::new(),
        };
        draft.add(document, content);
        draft
    }
}
