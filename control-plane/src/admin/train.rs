//! Trains, as people and pipelines ask for them.

use serin_proto::admin::v1 as api;
use serin_proto::admin::v1::train_service_server::TrainService;
use serin_rollout::train::TrainEnd;
use tonic::{Request, Response, Status};

use super::{actor, convert, failure, required};
use crate::rollouts::{GateView, MemberView, Rollouts, TrainMessage, TrainView};

/// Bytes of a train and its plans together.
const BYTES_MAX: usize = 3 * 1024 * 1024;

/// The gRPC service.
#[derive(Clone, Debug)]
pub(crate) struct Trains {
    /// Who decides.
    pub(crate) rollouts: Rollouts,
}

impl Trains {
    async fn ask(&self, message: TrainMessage) -> Result<Vec<api::Train>, Status> {
        let trains = self.rollouts.train(message).await.map_err(failure::status)?;
        Ok(trains.into_iter().map(train).collect())
    }

    async fn ask_one(&self, message: TrainMessage) -> Result<Option<api::Train>, Status> {
        Ok(self.ask(message).await?.pop())
    }
}

#[tonic::async_trait]
impl TrainService for Trains {
    async fn create_train(
        &self,
        request: Request<api::CreateTrainRequest>,
    ) -> Result<Response<api::CreateTrainResponse>, Status> {
        let actor = actor(&request).0;
        let api::CreateTrainRequest { train_yaml, plans } = request.into_inner();
        let yaml = required("train_yaml", train_yaml)?;
        let bytes = plans.iter().fold(yaml.len(), |sum, (name, plan)| sum + name.len() + plan.len());
        if bytes > BYTES_MAX {
            return Err(Status::invalid_argument("plans: train and plans together exceed 3 MiB"));
        }
        let message = TrainMessage::Create { yaml, files: plans.into_iter().collect(), actor };
        Ok(Response::new(api::CreateTrainResponse { train: self.ask_one(message).await? }))
    }

    async fn get_train(
        &self,
        request: Request<api::GetTrainRequest>,
    ) -> Result<Response<api::GetTrainResponse>, Status> {
        let id = required("id", request.into_inner().id)?;
        Ok(Response::new(api::GetTrainResponse { train: self.ask_one(TrainMessage::Get { id }).await? }))
    }

    async fn list_trains(
        &self,
        _request: Request<api::ListTrainsRequest>,
    ) -> Result<Response<api::ListTrainsResponse>, Status> {
        Ok(Response::new(api::ListTrainsResponse { trains: self.ask(TrainMessage::List).await? }))
    }

    async fn approve_train(
        &self,
        request: Request<api::ApproveTrainRequest>,
    ) -> Result<Response<api::ApproveTrainResponse>, Status> {
        let actor = actor(&request).0;
        let api::ApproveTrainRequest { id, before, reason } = request.into_inner();
        let (id, before) = (required("id", id)?, required("before", before)?);
        let message = TrainMessage::Approve { id, before, reason, actor };
        Ok(Response::new(api::ApproveTrainResponse { train: self.ask_one(message).await? }))
    }

    async fn rollback_train(
        &self,
        request: Request<api::RollbackTrainRequest>,
    ) -> Result<Response<api::RollbackTrainResponse>, Status> {
        let actor = actor(&request).0;
        let api::RollbackTrainRequest { id, reason } = request.into_inner();
        let message = TrainMessage::Rollback { id: required("id", id)?, reason, actor };
        Ok(Response::new(api::RollbackTrainResponse { train: self.ask_one(message).await? }))
    }
}

fn train(view: TrainView) -> api::Train {
    let phase = match view.ended {
        Some(TrainEnd::Promoted) => api::TrainPhase::Promoted,
        Some(TrainEnd::Partly) => api::TrainPhase::Partly,
        Some(TrainEnd::RolledBack) => api::TrainPhase::RolledBack,
        None if !view.returning.is_empty() => api::TrainPhase::Returning,
        None if view.waits.is_some() => api::TrainPhase::Waiting,
        None => api::TrainPhase::Running,
    };
    api::Train {
        id: view.id,
        name: view.name,
        phase: phase.into(),
        members: view.members.into_iter().map(member).collect(),
        gates: view.gates.into_iter().map(gate).collect(),
        rollback: view.reach.name().to_owned(),
        together: view.together,
        returning: view.returning,
        created_at: Some(convert::timestamp(view.created_at)),
        created_by: view.created_by,
        waits_because: view.waits.unwrap_or_default(),
    }
}

fn member(view: MemberView) -> api::TrainMember {
    let phase = view.phase.map_or(api::Phase::Unspecified, convert::phase);
    api::TrainMember {
        service: view.service,
        rollout_id: view.rollout,
        region: view.region.unwrap_or_default(),
        phase: phase.into(),
        weight_ppm: view.weight_ppm,
        begun: view.begun,
        summary: view.summary,
        after: view.after,
    }
}

fn gate(view: GateView) -> api::TrainGate {
    api::TrainGate {
        before: view.before,
        when: view.when.to_owned(),
        open: view.opened.is_some(),
        opened_because: view.opened.unwrap_or_default(),
    }
}
