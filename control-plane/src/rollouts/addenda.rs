//! What is learned after a decision, and added to its evidence: who applies it, and what both arms do then.
//!
//! Nothing waits for this. Each decision has [`APPLIED_WITHIN`] to be applied by all living VMs and [`WATCHED`] to be looked back
//! on; the counts of our own work (how long a rollback took, whether it succeeded) come from here, too. What a process that ended did
//! not write is owed: the next one looks for as long, says from when on it has counted, and writes it.

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
use crate::store::Owed;

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
    /// When this process began to follow it.
    since: Instant,
    /// When that was after the decision: time between the two, and the first whole second that is counted.
    resumed: Option<Resumed>,
    generation: u64,
    undoes: bool,
    owes_acknowledgements: bool,
    owes_aftermath: bool,
}

#[derive(Clone, Copy, Debug)]
struct Resumed {
    after: Duration,
    from_second: u64,
}

impl Pending {
    /// What is to follow on a decision. `None`: nothing is.
    pub(super) fn of(
        transition: &Transition,
        generation: u64,
        (at, decided): (UnixMillis, Instant),
    ) -> Option<Self> {
        let (id, undoes) = (bundle::id(transition)?, bundle::is_undone(transition));
        Some(Self {
            id,
            at,
            since: decided,
            resumed: None,
            generation,
            undoes,
            owes_acknowledgements: true,
            owes_aftermath: true,
        })
    }

    /// What another process began to follow.
    fn resumed(owed: &Owed, now: UnixMillis) -> Self {
        Self {
            id: owed.id.clone(),
            at: owed.at,
            since: Instant::now(),
            resumed: Some(Resumed { after: now.since(owed.at), from_second: now.second() + 1 }),
            generation: owed.generation,
            undoes: owed.undoes,
            owes_acknowledgements: owed.acknowledgements,
            owes_aftermath: owed.aftermath,
        }
    }

    /// Time since the decision.
    fn elapsed(&self) -> Duration {
        self.since.elapsed() + self.resumed.map_or(Duration::ZERO, |resumed| resumed.after)
    }

    /// Whether it is time to write who applies the decision. After a restart proxies need a while until all of them are known.
    fn acknowledges(&self, all_apply: bool, known_within: Duration) -> bool {
        let are_known = self.resumed.is_none() || self.since.elapsed() >= known_within;
        self.owes_acknowledgements && ((all_apply && are_known) || self.since.elapsed() >= APPLIED_WITHIN)
    }

    /// What became of a rollback. When it was applied is not known where nobody looked in time.
    fn outcome(&self, known: u32, all_apply: bool) -> RollbackOutcome {
        let was_seen = self.resumed.is_none() || self.elapsed() <= APPLIED_WITHIN;
        match (known, all_apply) {
            (0, _) => RollbackOutcome::Unobserved,
            (_, true) if !was_seen => RollbackOutcome::Unobserved,
            (_, true) => RollbackOutcome::Applied,
            (_, false) => RollbackOutcome::Late,
        }
    }
}

impl Task {
    /// Follows what an earlier process did not finish. Of rollouts that are not loaded any more nothing is owed.
    pub(super) fn take_up_addenda(&mut self, all: &[Owed]) {
        let now = clock::now();
        for owed in all {
            let tracked = self.tracked.iter_mut().find(|one| one.state.id.0 == owed.rollout_id);
            if let Some(tracked) = tracked {
                tracked.follow_up(Some(Pending::resumed(owed, now)));
            }
        }
    }

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
            all.retain(|pending| pending.owes_acknowledgements || pending.owes_aftermath);
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
        let elapsed = pending.elapsed();
        if pending.acknowledges(all_apply, fleet.live_within()) {
            pending.owes_acknowledgements = false;
            let (nodes, nodes_left_out) = evidence::listed(&fleet.nodes());
            let acknowledgements = Acknowledgements {
                generation: pending.generation,
                after_ms: millis(elapsed),
                resumed_after_ms: pending.resumed.map(|resumed| millis(resumed.after)),
                vms: spread.known,
                vms_applied: spread.applied,
                nodes,
                nodes_left_out,
            };
            drafts.push(tracked.addendum(&pending.id, name::ACKNOWLEDGEMENTS, acknowledgements, now));
            if pending.undoes {
                let outcome = pending.outcome(spread.known, all_apply);
                let (metrics, service) = (&self.shared.metrics, tracked.state.service.as_str());
                metrics.slo.rolled_back(outcome, elapsed);
                metrics.rollbacks.rolled_back(service, outcome, elapsed);
            }
        }
        if pending.owes_aftermath && pending.since.elapsed() >= WATCHED {
            pending.owes_aftermath = false;
            let aftermath = Aftermath {
                counts: tracked.course.counts(pending.at.second()),
                decided_second: pending.at.second(),
                counted_from_second: pending.resumed.map(|resumed| resumed.from_second),
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

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn owed(aftermath: bool) -> Pending {
        let owed = Owed {
            id: "shop-1.2".to_owned(),
            rollout_id: "shop-1".to_owned(),
            at: UnixMillis(1_000),
            generation: 7,
            undoes: true,
            acknowledgements: true,
            aftermath,
        };
        Pending::resumed(&owed, UnixMillis(3_601_500))
    }

    #[test]
    fn what_is_taken_up_waits_for_proxies_as_long_as_at_first_and_says_from_when_it_counts() {
        let mut pending = owed(true);
        assert_eq!(pending.resumed.unwrap().from_second, 3_602);
        assert!(pending.elapsed() >= Duration::from_millis(3_600_500));
        let known_within = Duration::from_secs(15);
        assert!(!pending.acknowledges(true, known_within), "others may not have reported yet");
        assert!(pending.acknowledges(true, Duration::ZERO));
        assert!(!pending.acknowledges(false, Duration::ZERO));
        pending.owes_acknowledgements = false;
        assert!(!pending.acknowledges(true, Duration::ZERO));
        // That it was applied in time is not known, and not claimed.
        assert_eq!(pending.outcome(1, true), RollbackOutcome::Unobserved);
        assert_eq!(pending.outcome(1, false), RollbackOutcome::Late);
    }
}
