//! What was decided about rollouts, and what people say of it.

use serin_proto::admin::v1 as api;
use serin_rollout::{Cause, Event, Fact, Mark, UnixMillis};
use tonic::Status;

use super::{Admin, convert, failure, required, timestamp};
use crate::access::Actor;
use crate::rollouts::Marking;
use crate::store::{DECISIONS_MAX, DecisionQuery, StoredDecision, StoredEvent};

/// Decisions of one answer, when the caller does not say.
const DECISIONS_DEFAULT: u32 = 100;
/// Bytes of a reason.
const REASON_BYTES_MAX: usize = serin_rollout::REASON_BYTES;

impl Admin {
    /// Decisions, the newest first.
    pub(crate) async fn decisions(
        &self,
        query: api::ListDecisionsRequest,
    ) -> Result<Vec<api::Decision>, Status> {
        let api::ListDecisionsRequest { rollout_id, service, before_sequence, limit } = query;
        let limit = match limit {
            0 => DECISIONS_DEFAULT,
            1..=DECISIONS_MAX => limit,
            _ => return Err(Status::invalid_argument("limit: must be at most 1000")),
        };
        let given = |text: String| Some(text).filter(|text| !text.is_empty());
        let query = DecisionQuery {
            rollout_id: given(rollout_id),
            service: given(service),
            before: Some(before_sequence).filter(|sequence| *sequence > 0),
            revision: None,
            limit,
        };
        let found = self.readings.ask(move |reader| reader.decisions(&query)).await?;
        Ok(found.iter().map(decision).collect())
    }

    /// One decision by its name.
    pub(crate) async fn decision(&self, id: &str) -> Result<api::Decision, Status> {
        let not_found = || Status::not_found(format!("there is no decision {id}"));
        let (rollout, revision) = id.rsplit_once('.').ok_or_else(not_found)?;
        let revision = revision.parse().map_err(|_| not_found())?;
        let rollout_id = Some(rollout.to_owned());
        let query =
            DecisionQuery { rollout_id, revision: Some(revision), limit: 1, ..DecisionQuery::default() };
        let found = self.readings.ask(move |reader| reader.decisions(&query)).await?;
        // Another way to write the number is another name.
        let found = found.first().filter(|found| found.id == id).ok_or_else(not_found)?;
        Ok(decision(found))
    }

    /// Notes what a person says of a decision.
    pub(crate) async fn mark(
        &self,
        id: &str,
        mark: api::Mark,
        reason: String,
        actor: Actor,
    ) -> Result<api::Decision, Status> {
        let mark = match mark {
            api::Mark::Unspecified => {
                return Err(Status::invalid_argument("mark: must be right or false_alarm"));
            }
            api::Mark::Right => Mark::Right,
            api::Mark::FalseAlarm => Mark::FalseAlarm,
        };
        let reason = required("reason", reason.trim().to_owned())?;
        if reason.len() > REASON_BYTES_MAX {
            return Err(Status::invalid_argument("reason: exceeds the limit of 1000 bytes"));
        }
        let found = self.decision(id).await?;
        let rollout = found.rollout_id;
        if self.directory.find(&rollout).is_none() {
            let words =
                format!("rollout {rollout} is too old: only decisions of the newest 1000 can be marked");
            return Err(Status::failed_precondition(words));
        }
        let marking = Marking { rollout, decision: found.id.clone(), mark, reason, actor: actor.0 };
        self.rollouts.mark(marking).await.map_err(failure::status)?;
        self.decision(id).await
    }

    /// The newest events of a rollout, the newest first.
    pub(crate) async fn newest_events(&self, rollout: String, limit: u32) -> Result<Vec<api::Event>, Status> {
        let events = self.readings.ask(move |reader| reader.newest_events(&rollout, limit)).await?;
        Ok(events.into_iter().map(convert::event).collect())
    }
}

fn decision(stored: &StoredDecision) -> api::Decision {
    let mut told = api::Decision {
        id: stored.id.clone(),
        service: stored.service.clone(),
        baseline_version: stored.baseline.clone(),
        canary_version: stored.canary.clone(),
        onset_at: stored.onset_second.map(|second| timestamp(UnixMillis(second.saturating_mul(1_000)))),
        applied_ms: stored.applied_ms,
        ..api::Decision::default()
    };
    let mut texts = Vec::new();
    for event in &stored.events {
        if told.sequence == 0 {
            told.sequence = event.sequence;
            told.rollout_id.clone_from(&event.rollout_id);
            told.at = Some(timestamp(event.at));
            told.kind.clone_from(&event.event.kind);
            told.actor.clone_from(&event.event.actor);
        }
        texts.push(event.event.text.as_str());
        if let Some(fact) = fact(event) {
            told.names.extend(names(&fact));
            told.is_rollback |= is_rollback(&fact);
        }
    }
    told.text = texts.join("; ");
    if let Some(marked) = &stored.mark
        && let Some(Fact::DecisionMarked { mark, reason, .. }) = fact(marked)
    {
        told.set_mark(match mark {
            Mark::Right => api::Mark::Right,
            Mark::FalseAlarm => api::Mark::FalseAlarm,
        });
        told.marked_by.clone_from(&marked.event.actor);
        told.mark_reason = reason;
    }
    told
}

fn fact(event: &StoredEvent) -> Option<Fact> {
    let event: Result<Event, _> = serde_json::from_str(&event.event.json);
    event.ok().map(|event| event.fact)
}

fn names(fact: &Fact) -> Vec<String> {
    if let Fact::ComponentsRolledBack { components, .. } = fact {
        return components.clone().into_iter().collect();
    }
    if let Fact::BlocksRestored { blocks, .. } = fact {
        return blocks.keys().cloned().collect();
    }
    if let Fact::ArmsStopped { arms, .. } = fact {
        return arms.clone().into_iter().collect();
    }
    Vec::new()
}

fn is_rollback(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::ComponentsRolledBack { .. }
            | Fact::BlocksRestored { .. }
            | Fact::ArmsStopped { .. }
            | Fact::RolledBack { .. }
            | Fact::ExperimentEnded { cause: Cause::AllArmsStopped, .. }
    )
}
