//! Calls about trains.

use std::collections::BTreeMap;

use serin_proto::admin::v1 as proto;

use super::Client;
use super::refusal::Refusal;
use crate::failure::{Failure, Kind};
use crate::model::{Moment, Phase, Train, TrainGate, TrainMember};

impl Client {
    pub(crate) async fn create_train(
        &self,
        train_yaml: String,
        plans: BTreeMap<String, String>,
    ) -> Result<Train, Failure> {
        let plans = plans.into_iter().collect();
        let request = self.request(proto::CreateTrainRequest { train_yaml, plans });
        let answer = self.bounded(self.trains.clone().create_train(request)).await?;
        self.one(answer.train)
    }

    pub(crate) async fn train(&self, id: String) -> Result<Train, Failure> {
        let request = self.request(proto::GetTrainRequest { id });
        let answer = self.bounded(self.trains.clone().get_train(request)).await.map_err(unknown)?;
        self.one(answer.train)
    }

    /// Newest first.
    pub(crate) async fn trains(&self) -> Result<Vec<Train>, Failure> {
        let request = self.request(proto::ListTrainsRequest {});
        let answer = self.bounded(self.trains.clone().list_trains(request)).await?;
        Ok(answer.trains.into_iter().map(Train::from).collect())
    }

    pub(crate) async fn approve_train(
        &self,
        id: String,
        before: String,
        reason: String,
    ) -> Result<Train, Failure> {
        let request = self.request(proto::ApproveTrainRequest { id, before, reason });
        let answer = self.bounded(self.trains.clone().approve_train(request)).await.map_err(unknown)?;
        self.one(answer.train)
    }

    pub(crate) async fn rollback_train(&self, id: String, reason: String) -> Result<Train, Failure> {
        let request = self.request(proto::RollbackTrainRequest { id, reason });
        let answer = self.bounded(self.trains.clone().rollback_train(request)).await.map_err(unknown)?;
        self.one(answer.train)
    }

    fn one(&self, train: Option<proto::Train>) -> Result<Train, Failure> {
        train.map(Train::from).ok_or_else(|| {
            Failure::new(Kind::Refused, format!("{} answered without a train", self.server))
                .advise("check that client and server are of compatible versions")
        })
    }
}

/// A train that is not known is looked for among trains.
fn unknown(refusal: Refusal) -> Failure {
    Failure::from(refusal).advise_if(Kind::NotFound, "`serin train list` shows what there is")
}

impl From<proto::Train> for Train {
    fn from(train: proto::Train) -> Self {
        let phase = match train.phase() {
            proto::TrainPhase::Unspecified => "unknown",
            proto::TrainPhase::Running => "running",
            proto::TrainPhase::Waiting => "waiting",
            proto::TrainPhase::Returning => "returning",
            proto::TrainPhase::Promoted => "promoted",
            proto::TrainPhase::Partly => "partly",
            proto::TrainPhase::RolledBack => "rolled_back",
        };
        let created_at = train.created_at.map(|at| Moment::new(at.to_string(), at.seconds, at.nanos));
        Self {
            id: train.id,
            name: train.name,
            phase,
            members: train.members.into_iter().map(TrainMember::from).collect(),
            gates: train.gates.into_iter().map(TrainGate::from).collect(),
            rollback: train.rollback,
            together: train.together,
            returning: train.returning,
            created_at,
            created_by: train.created_by,
            waits_because: Some(train.waits_because).filter(|because| !because.is_empty()),
        }
    }
}

impl From<proto::TrainMember> for TrainMember {
    fn from(member: proto::TrainMember) -> Self {
        let phase = Phase::from(member.phase());
        Self {
            service: member.service,
            rollout_id: member.rollout_id,
            region: Some(member.region).filter(|region| !region.is_empty()),
            phase,
            weight_ppm: member.weight_ppm,
            begun: member.begun,
            summary: member.summary,
            after: member.after,
        }
    }
}

impl From<proto::TrainGate> for TrainGate {
    fn from(gate: proto::TrainGate) -> Self {
        let proto::TrainGate { before, when, open, opened_because } = gate;
        Self { before, when, open, opened_because: Some(opened_because).filter(|words| !words.is_empty()) }
    }
}
