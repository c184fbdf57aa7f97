//! Performs effects in their order: persist, publish, notify.

use std::sync::Arc;
use std::time::Instant;

use serin_evidence::bundle::{Bundle, Draft};
use serin_evidence::mask::Masker;
use serin_rollout::{
    AUTOMATIC, Effect, Event, Fact, Input, Stage, StageOutcome, State, Transition, UnixMillis, step,
};

use super::addenda::Pending;
use super::task::Task;
use super::tracked::Tracked;
use super::{CommandError, bundle};
use crate::assignment::{Published, services};
use crate::failpoint::Failpoint;
use crate::notify::notify;
use crate::store::{Append, Appended, NewEvent, Store, StoreError};

/// Events between two stored states.
const STATE_EVERY: u64 = 8;

/// A transition of one rollout, by its position in the task's list.
pub(super) struct Decision {
    pub(super) index: usize,
    pub(super) transition: Transition,
}

impl Decision {
    fn publishes(&self) -> bool {
        self.transition.effects.contains(&Effect::Publish)
    }
}

impl Task {
    /// Performs decisions that belong together. On an error nothing happened.
    pub(super) async fn perform(
        &mut self,
        decisions: Vec<Decision>,
        now: UnixMillis,
        decided: Instant,
    ) -> Result<(), CommandError> {
        let decisions: Vec<_> =
            decisions.into_iter().filter(|one| !one.transition.events().is_empty()).collect();
        if decisions.is_empty() {
            return Ok(());
        }
        let Persisted { generation, incomplete } = self.persist(&decisions, now).await?;
        for Decision { index, transition } in &decisions {
            let Some(tracked) = self.tracked.get_mut(*index) else { continue };
            tracked.decided(transition.state.clone(), transition.events());
            if let Some(generation) = generation {
                (tracked.generation, tracked.spreading) = (generation, Some(decided));
                tracked.follow_up(Pending::of(transition, generation, (now, decided)));
            }
        }
        if let Some(generation) = generation {
            self.publish(generation, decided);
        }
        for decision in &decisions {
            self.show(decision.index, now);
        }
        Failpoint::BeforeNotify.reach();
        for Decision { transition, .. } in &decisions {
            for effect in &transition.effects {
                if let Effect::Notify(notice) = effect {
                    notify(&transition.state.id.0, notice);
                }
            }
        }
        self.shared.journal.ring();
        for (index, bundle, why) in incomplete {
            self.alarm(index, bundle, why, now).await;
        }
        Failpoint::AfterNotify.reach();
        self.perform_hooks();
        Ok(())
    }

    /// Tells that a decision was carried out whose evidence is not whole. The decision stands, whether this can be written or not.
    async fn alarm(&mut self, index: usize, bundle: String, why: String, now: UnixMillis) {
        let Some(tracked) = self.tracked.get(index) else { return };
        let input = Input::EvidenceIncomplete { bundle, why };
        let Ok(transition) = step(&tracked.plan, &tracked.state, &input, now) else { return };
        // Nothing of this has evidence of its own, so it ends here.
        let told = Box::pin(self.perform(vec![Decision { index, transition }], now, Instant::now()));
        if let Err(error) = told.await {
            tracing::error!(?input, %error, "that evidence is not complete could not be written");
        }
    }

    /// Writes the events of all decisions and their evidence in one transaction.
    async fn persist(&mut self, decisions: &[Decision], now: UnixMillis) -> Result<Persisted, CommandError> {
        let (drafts, masker) = (self.drafts(decisions, now), Arc::clone(&self.shared.masker));
        let appends: Result<Vec<_>, _> = decisions
            .iter()
            .filter_map(|one| Some(self.tracked.get(one.index)?.append(&one.transition, now)))
            .collect();
        let appends = appends.map_err(|error| CommandError::Internal(error.to_string()))?;
        let events = decisions.iter().map(|decision| decision.transition.events().len() as u64).sum();
        Failpoint::BeforePersist.reach();
        let written = self.shared.store.call(move |store| write(store, &appends, drafts, &masker)).await;
        let (appended, evidence) = written.inspect_err(|error| {
            if matches!(error, StoreError::Conflict { .. } | StoreError::Gone) {
                self.lost = true;
            }
        })?;
        Failpoint::AfterPersist.reach();
        self.shared.metrics.events.inc_by(events);
        evidence.iter().for_each(|one| self.shared.metrics.slo.evidence(one.is_none()));
        self.note_detection(decisions, now);
        self.note_rollbacks(decisions, now);
        let published = decisions.iter().zip(appended).filter(|(decision, _)| decision.publishes());
        let generation = published.map(|(_, appended)| appended.sequence).max();
        let with_evidence =
            decisions.iter().filter_map(|one| Some((one.index, bundle::id(&one.transition)?)));
        let incomplete = with_evidence.zip(evidence);
        let incomplete = incomplete.filter_map(|((index, id), why)| Some((index, id, why?))).collect();
        Ok(Persisted { generation, incomplete })
    }

    /// How long after its onset something was undone that nobody asked for.
    fn note_detection(&self, decisions: &[Decision], now: UnixMillis) {
        for Decision { index, transition } in decisions {
            let is_ours = transition.events().iter().all(|event| event.actor == AUTOMATIC);
            let tracked = self.tracked.get(*index).filter(|_| is_ours && bundle::is_undone(transition));
            if let Some(onset) = tracked.and_then(|tracked| tracked.course.onset()) {
                let (metrics, since) =
                    (&self.shared.metrics, now.since(UnixMillis(onset.saturating_mul(1_000))));
                metrics.slo.detected(since);
                metrics.rollbacks.detected(&transition.state.service, since);
            }
        }
    }

    /// What was undone, and how far it was carried out.
    fn note_rollbacks(&self, decisions: &[Decision], now: UnixMillis) {
        let metrics = &self.shared.metrics.rollbacks;
        for Decision { transition, .. } in decisions {
            metrics.decided(&transition.state.service, transition.events());
            let is_verified = |event: &Event| {
                matches!(&event.fact, Fact::RollbackStage { record, .. }
                    if record.stage == Stage::Verify && record.outcome == StageOutcome::Done)
            };
            if let Some(rollback) = &transition.state.rollback
                && transition.events().iter().any(is_verified)
            {
                metrics.verified(now.since(rollback.decided_at));
            }
        }
    }

    /// Offers the assignment that follows from all rollouts.
    pub(super) fn publish(&self, generation: u64, decided: Instant) {
        Failpoint::BeforePublish.reach();
        let published = self.assignment(generation, None);
        self.shared.board.post(published, decided);
        self.shared.metrics.published(decided.elapsed());
        Failpoint::AfterPublish.reach();
    }

    /// The assignment that follows from all rollouts, with one of them in another state.
    pub(super) fn assignment(&self, generation: u64, changed: Option<(usize, &State)>) -> Published {
        let state_of = |index: usize| changed.filter(|(at, _)| *at == index).map(|(_, state)| state);
        let all = self.tracked.iter().enumerate();
        let all = all
            .map(|(index, tracked)| (Arc::as_ref(&tracked.plan), state_of(index).unwrap_or(&tracked.state)));
        let mut services = services(all);
        for service in &mut services {
            let index = self.current.get(&service.name).copied();
            let state = index.and_then(|index| state_of(index).or(Some(&self.tracked.get(index)?.state)));
            (service.train, service.train_key) =
                state.and_then(|state| self.shared.train_key.train_of(state)).unzip();
        }
        Published { generation, report: self.shared.report.clone(), services }
    }
}

/// What was written.
struct Persisted {
    /// The new generation, if there is one.
    generation: Option<u64>,
    /// The bundles that are not whole, each with the place of its rollout and why.
    incomplete: Vec<(usize, String, String)>,
}

/// For each bundle, why it is not whole.
type Incomplete = Vec<Option<String>>;

/// Writes decisions with their evidence; without it when that fails, because a rollback is worth more.
fn write(
    store: &mut dyn Store,
    appends: &[Append],
    drafts: Vec<Draft>,
    masker: &Masker,
) -> Result<(Vec<Appended>, Incomplete), StoreError> {
    let bundles: Vec<Bundle> = drafts.into_iter().map(|draft| draft.finish(masker)).collect();
    let lacks =
        |bundle: &Bundle| bundle.manifest.missing.first().map(|one| format!("{}: {}", one.name, one.why));
    let (appended, unwritten) = match store.append_with(appends, &bundles) {
        Ok((appended, unwritten)) => (appended, unwritten),
        Err(error @ (StoreError::Conflict { .. } | StoreError::Gone)) => return Err(error),
        Err(error) if bundles.is_empty() => return Err(error),
        Err(error) => (store.append(appends)?, Some(error)),
    };
    let unwritten = unwritten.map(|error| error.to_string());
    Ok((appended, bundles.iter().map(|bundle| unwritten.clone().or_else(|| lacks(bundle))).collect()))
}

impl Tracked {
    /// What the journal is told of a transition of this rollout. Its plan is part of its first one.
    ///
    /// # Errors
    /// When an event cannot be written as JSON.
    pub fn append(&self, transition: &Transition, now: UnixMillis) -> Result<Append, serde_json::Error> {
        let (state, events) = (&transition.state, transition.events());
        let before = state.revision.saturating_sub(events.len() as u64);
        let is_due =
            before == 0 || state.phase.is_terminal() || state.revision / STATE_EVERY > before / STATE_EVERY;
        Ok(Append {
            rollout_id: state.id.0.clone(),
            plan: (before == 0).then(|| self.plan.source().to_owned()),
            expected_revision: before,
            at: now,
            events: events.iter().map(new_event).collect::<Result<_, _>>()?,
            state: is_due.then(|| serde_json::to_string(state)).transpose()?,
            assignment_changed: transition.effects.contains(&Effect::Publish),
        })
    }
}

fn new_event(event: &Event) -> Result<NewEvent, serde_json::Error> {
    Ok(NewEvent {
        kind: event.fact.kind().to_owned(),
        actor: event.actor.clone(),
        text: event.fact.text(),
        json: serde_json::to_string(event)?,
    })
}
