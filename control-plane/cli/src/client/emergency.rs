//! Many rollouts at once.

use serin_proto::admin::v1 as proto;

use super::Client;
use crate::failure::Failure;
use crate::model::Returned;

impl Client {
    /// Returns all rollouts that have one of the `owners` and are like one of `matches`; empty lists ask for all.
    pub(crate) async fn rollback_all(
        &self,
        owners: Vec<String>,
        matches: Vec<String>,
        reason: String,
    ) -> Result<Vec<Returned>, Failure> {
        let mut service = self.service.clone();
        let request = self.request(proto::RollbackAllRequest { reason, owners, matches });
        let answer = self.bounded(service.rollback_all(request)).await?;
        Ok(answer.rollouts.into_iter().map(Returned::from).collect())
    }
}

impl From<proto::ReturnedRollout> for Returned {
    fn from(returned: proto::ReturnedRollout) -> Self {
        let outcome = match returned.outcome() {
            proto::ReturnOutcome::Unspecified => "unknown",
            proto::ReturnOutcome::Returned => "returned",
            proto::ReturnOutcome::Already => "already",
            proto::ReturnOutcome::Left => "left",
            proto::ReturnOutcome::Failed => "failed",
        };
        let proto::ReturnedRollout { rollout_id, service, text, generation, .. } = returned;
        Self { rollout_id, service, outcome, text, generation }
    }
}
