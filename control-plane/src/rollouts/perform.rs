//! Performs effects in their order: persist, publish, notify.

use std::sync::Arc;
use std::time::Instant;

use serin_rollout::{Effect, Event, State, Transition, UnixMillis};

use super::CommandError;
use super::task::Task;
use super::tracked::Tracked;
use crate::assignment::{Published, services};
use crate::failpoint::Failpoint;
use crate::notify::notify;
use crate::store::{Append, NewEvent, StoreError};

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
        let generation = self.persist(&decisions, now).await?;
        for Decision { index, transition } in &decisions {
            let Some(tracked) = self.tracked.get_mut(*index) else { continue };
            tracked.decided(transition.state.clone(), transition.events());
            if let Some(generation) = generation {
                (tracked.generation, tracked.spreading) = (generation, Some(decided));
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
        Failpoint::AfterNotify.reach();
        Ok(())
    }

    /// Writes the events of all decisions in one transaction. Returns the new generation, if there is one.
    async fn persist(
        &mut self,
        decisions: &[Decision],
        now: UnixMillis,
    ) -> Result<Option<u64>, CommandError> {
        let appends: Result<Vec<_>, _> = decisions
            .iter()
            .filter_map(|one| Some(self.tracked.get(one.index)?.append(&one.transition, now)))
            .collect();
        let appends = appends.map_err(|error| CommandError::Internal(error.to_string()))?;
        let events = decisions.iter().map(|decision| decision.transition.events().len() as u64).sum();
        Failpoint::BeforePersist.reach();
        let written = self.shared.store.call(move |store| store.append(&appends)).await;
        let appended = written.inspect_err(|error| {
            if matches!(error, StoreError::Conflict { .. } | StoreError::Gone) {
                self.lost = true;
            }
        })?;
        Failpoint::AfterPersist.reach();
        self.shared.metrics.events.inc_by(events);
        let published = decisions.iter().zip(appended).filter(|(decision, _)| decision.publishes());
        Ok(published.map(|(_, appended)| appended.sequence).max())
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
