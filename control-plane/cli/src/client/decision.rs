//! Calls about decisions.

use serin_proto::admin::v1 as proto;

use super::Client;
use super::convert::moment;
use crate::failure::Failure;
use crate::model::{Decision, Moment};

impl Client {
    /// Decisions, newest first: of one service, before a number of the journal, where they are given.
    pub(crate) async fn decisions(
        &self,
        service: String,
        before_sequence: u64,
        limit: u32,
    ) -> Result<Vec<Decision>, Failure> {
        let mut client = self.service.clone();
        let rollout_id = String::new();
        let request =
            self.request(proto::ListDecisionsRequest { rollout_id, service, before_sequence, limit });
        let answer = self.bounded(client.list_decisions(request)).await?;
        Ok(answer.decisions.into_iter().map(Decision::from).collect())
    }

    /// Says what to think of a decision.
    pub(crate) async fn mark_decision(
        &self,
        id: String,
        is_false_alarm: bool,
        reason: String,
    ) -> Result<Option<Decision>, Failure> {
        let mut client = self.service.clone();
        let mark = if is_false_alarm { proto::Mark::FalseAlarm } else { proto::Mark::Right };
        let request = self.request(proto::MarkDecisionRequest { id, mark: mark.into(), reason });
        Ok(self.bounded(client.mark_decision(request)).await?.decision.map(Decision::from))
    }
}

impl From<proto::Decision> for Decision {
    fn from(decision: proto::Decision) -> Self {
        let mark = match decision.mark() {
            proto::Mark::Unspecified => None,
            proto::Mark::Right => Some("right"),
            proto::Mark::FalseAlarm => Some("false_alarm"),
        };
        let given = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            id: decision.id,
            sequence: decision.sequence,
            rollout_id: decision.rollout_id,
            service: decision.service,
            baseline_version: decision.baseline_version,
            canary_version: decision.canary_version,
            at: moment!(decision.at),
            kind: decision.kind,
            names: decision.names,
            actor: decision.actor,
            text: decision.text,
            onset_at: moment!(decision.onset_at),
            applied_ms: decision.applied_ms,
            mark,
            marked_by: given(decision.marked_by),
            mark_reason: given(decision.mark_reason),
            is_rollback: decision.is_rollback,
        }
    }
}
