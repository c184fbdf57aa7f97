//! What people and pipelines ask for. Changes go to the rollouts' task and are answered after they are durable;
//! everything else is read from snapshots.

mod asked;
mod convert;
mod decisions;
mod detail;
pub(crate) mod failure;
mod look;
mod readings;
mod record;
pub(crate) mod train;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use serin_proto::admin::v1 as api;
use serin_proto::admin::v1::admin_service_server::AdminService;
use serin_proto::assignment::Weight;
use serin_rollout::{Command, Order, emergency};
use tokio::sync::{Semaphore, watch as signal};
use tonic::{Request, Response, Status};

pub(crate) use asked::{approval, scope};
use asked::{lasting, wanted};
pub(crate) use convert::timestamp;
pub(crate) use readings::Readings;

use crate::access::Actor;
use crate::assignment::Board;
use crate::calls::Calls;
use crate::clock;
use crate::fleet::Fleet;
use crate::rollouts::{Place, Rollouts};
use crate::shutdown::Ending;
use crate::snapshot::{Directory, ROLLOUTS_MAX, Snapshot};
use crate::store::{EventQuery, StoreHandle};

/// Watch streams at a time.
const WATCHES_MAX: usize = 256;
/// Recordings at a time.
const RECORDINGS_MAX: usize = 8;
/// How long a recording may last.
const RECORDING_MAX: Duration = Duration::from_secs(24 * 3_600);
/// Bytes of the name of a service.
const SERVICE_BYTES_MAX: usize = 128;
/// Bytes of a plan.
const PLAN_BYTES_MAX: usize = 1024 * 1024;
/// Rollouts of one answer, when the caller does not say.
const ROLLOUTS_DEFAULT: usize = 100;
/// Events of one answer: when the caller does not say, and at most.
const EVENTS: (u32, u32) = (1_000, 10_000);

/// The gRPC service.
#[derive(Clone, Debug)]
pub struct Admin {
    /// Who decides.
    pub rollouts: Rollouts,
    /// Snapshots.
    pub directory: Arc<Directory>,
    /// The Envoys.
    pub fleet: Arc<Fleet>,
    /// What traces tell of who calls whom.
    pub calls: Arc<Calls>,
    /// The assignment on offer.
    pub board: Arc<Board>,
    /// The journal.
    pub store: StoreHandle,
    /// The same, for who looks back.
    pub(crate) readings: Readings,
    /// When streams end.
    pub ending: Ending,
    /// Places for watch streams.
    pub watches: Arc<Semaphore>,
    /// Places for recordings.
    pub recordings: Arc<Semaphore>,
}

impl Admin {
    /// Places for the watch streams of one server.
    #[must_use]
    pub fn watches() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(WATCHES_MAX))
    }

    /// Places for the recordings of one server.
    #[must_use]
    pub fn recordings() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(RECORDINGS_MAX))
    }

    /// Orders something by the name of `actor`.
    pub(crate) async fn command(
        &self,
        id: String,
        order: Order,
        reason: String,
        actor: Actor,
    ) -> Result<api::Rollout, Status> {
        let id = required("id", id)?;
        let command = Command { order, actor: actor.0, reason };
        let snapshot = self.rollouts.command(id, command).await.map_err(failure::status)?;
        Ok(convert::rollout(&snapshot))
    }

    fn find(&self, id: &str) -> Result<signal::Receiver<Arc<Snapshot>>, Status> {
        self.directory
            .find(id)
            .ok_or_else(|| failure::status(crate::rollouts::CommandError::NotFound(id.to_owned())))
    }
}

fn required(field: &str, value: String) -> Result<String, Status> {
    if value.is_empty() {
        Err(Status::invalid_argument(format!("{field}: must not be empty")))
    } else {
        Ok(value)
    }
}

/// Who asks, as the guard noted it.
pub(crate) fn actor<T>(request: &Request<T>) -> Actor {
    request.extensions().get().cloned().unwrap_or_else(|| Actor("unknown".to_owned()))
}

#[tonic::async_trait]
impl AdminService for Admin {
    type RecordStream = record::RecordStream;
    type WatchStream = watch::WatchStream;

    async fn create(
        &self,
        request: Request<api::CreateRequest>,
    ) -> Result<Response<api::CreateResponse>, Status> {
        let actor = actor(&request);
        let api::CreateRequest { plan_yaml, paused } = request.into_inner();
        let yaml = required("plan_yaml", plan_yaml)?;
        if yaml.len() > PLAN_BYTES_MAX {
            return Err(Status::invalid_argument("plan_yaml: exceeds 1 MiB"));
        }
        let snapshot = self.rollouts.create(yaml, paused, actor.0).await.map_err(failure::status)?;
        Ok(Response::new(api::CreateResponse { rollout: Some(convert::rollout(&snapshot)) }))
    }

    async fn get(&self, request: Request<api::GetRequest>) -> Result<Response<api::GetResponse>, Status> {
        let id = required("id", request.into_inner().id)?;
        let snapshot = self.find(&id)?.borrow().clone();
        Ok(Response::new(api::GetResponse { rollout: Some(convert::rollout(&snapshot)) }))
    }

    async fn list(&self, request: Request<api::ListRequest>) -> Result<Response<api::ListResponse>, Status> {
        let api::ListRequest { service, limit } = request.into_inner();
        let limit = match limit as usize {
            0 => ROLLOUTS_DEFAULT,
            limit @ 1..=ROLLOUTS_MAX => limit,
            _ => return Err(Status::invalid_argument("limit: must be at most 1000")),
        };
        let service = Some(service.as_str()).filter(|name| !name.is_empty());
        let rollouts = self.directory.list(service, limit);
        let rollouts = rollouts.iter().map(|snapshot| convert::rollout(snapshot)).collect();
        Ok(Response::new(api::ListResponse { rollouts }))
    }

    async fn watch(
        &self,
        request: Request<api::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let id = required("id", request.into_inner().id)?;
        let place = Arc::clone(&self.watches).try_acquire_owned();
        let place = place.map_err(|_| Status::resource_exhausted("too many watch streams"))?;
        Ok(Response::new(watch::stream(self.find(&id)?, self.ending.clone(), place)))
    }

    async fn set_weight(
        &self,
        request: Request<api::SetWeightRequest>,
    ) -> Result<Response<api::SetWeightResponse>, Status> {
        let actor = actor(&request);
        let api::SetWeightRequest { id, weight_ppm, reason } = request.into_inner();
        let weight = Weight::from_ppm(weight_ppm);
        let weight = weight.ok_or_else(|| Status::invalid_argument("weight_ppm: must be at most 1000000"))?;
        let rollout = self.command(id, Order::SetWeight(weight), reason, actor).await?;
        Ok(Response::new(api::SetWeightResponse { rollout: Some(rollout) }))
    }

    async fn pause(
        &self,
        request: Request<api::PauseRequest>,
    ) -> Result<Response<api::PauseResponse>, Status> {
        let actor = actor(&request);
        let api::PauseRequest { id, reason } = request.into_inner();
        let rollout = self.command(id, Order::Pause, reason, actor).await?;
        Ok(Response::new(api::PauseResponse { rollout: Some(rollout) }))
    }

    async fn resume(
        &self,
        request: Request<api::ResumeRequest>,
    ) -> Result<Response<api::ResumeResponse>, Status> {
        let actor = actor(&request);
        let api::ResumeRequest { id, reason } = request.into_inner();
        let rollout = self.command(id, Order::Resume, reason, actor).await?;
        Ok(Response::new(api::ResumeResponse { rollout: Some(rollout) }))
    }

    async fn promote(
        &self,
        request: Request<api::PromoteRequest>,
    ) -> Result<Response<api::PromoteResponse>, Status> {
        let actor = actor(&request);
        let api::PromoteRequest { id, reason } = request.into_inner();
        let rollout = self.command(id, Order::Promote, reason, actor).await?;
        Ok(Response::new(api::PromoteResponse { rollout: Some(rollout) }))
    }

    async fn hand_over(
        &self,
        request: Request<api::HandOverRequest>,
    ) -> Result<Response<api::HandOverResponse>, Status> {
        let actor = actor(&request);
        let api::HandOverRequest { id, reason } = request.into_inner();
        let rollout = self.command(id, Order::HandOver, reason, actor).await?;
        Ok(Response::new(api::HandOverResponse { rollout: Some(rollout) }))
    }

    async fn override_windows(
        &self,
        request: Request<api::OverrideWindowsRequest>,
    ) -> Result<Response<api::OverrideWindowsResponse>, Status> {
        let actor = actor(&request);
        let api::OverrideWindowsRequest { id, reason } = request.into_inner();
        let rollout = self.command(id, Order::OverrideWindows, reason, actor).await?;
        Ok(Response::new(api::OverrideWindowsResponse { rollout: Some(rollout) }))
    }

    async fn rollback(
        &self,
        request: Request<api::RollbackRequest>,
    ) -> Result<Response<api::RollbackResponse>, Status> {
        let actor = actor(&request);
        let api::RollbackRequest { id, component, reason, block, arm } = request.into_inner();
        let order = Order::Rollback { scope: scope(component, block, arm)? };
        let rollout = self.command(id, order, reason, actor).await?;
        Ok(Response::new(api::RollbackResponse { rollout: Some(rollout) }))
    }

    async fn approve(
        &self,
        request: Request<api::ApproveRequest>,
    ) -> Result<Response<api::ApproveResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let approval = approval(request.approval())?;
        let rollout = self.command(request.id, Order::Approve(approval), request.reason, actor).await?;
        Ok(Response::new(api::ApproveResponse { rollout: Some(rollout) }))
    }

    async fn rollback_all(
        &self,
        request: Request<api::RollbackAllRequest>,
    ) -> Result<Response<api::RollbackAllResponse>, Status> {
        let actor = actor(&request);
        let api::RollbackAllRequest { reason, owners, matches } = request.into_inner();
        let meant = emergency::Wanted::new(owners, matches);
        let meant = meant.map_err(|error| Status::invalid_argument(error.to_string()))?;
        let returned = self.rollouts.return_all(meant, actor.0, reason).await.map_err(failure::status)?;
        let rollouts = returned.into_iter().map(convert::returned).collect();
        Ok(Response::new(api::RollbackAllResponse { rollouts }))
    }

    async fn list_nodes(
        &self,
        _request: Request<api::ListNodesRequest>,
    ) -> Result<Response<api::ListNodesResponse>, Status> {
        Ok(Response::new(api::ListNodesResponse { nodes: self.nodes(clock::now()) }))
    }

    async fn list_components(
        &self,
        request: Request<api::ListComponentsRequest>,
    ) -> Result<Response<api::ListComponentsResponse>, Status> {
        let service = request.into_inner().service;
        let service = Some(service.as_str()).filter(|name| !name.is_empty());
        Ok(Response::new(self.known(service)))
    }

    async fn get_component(
        &self,
        request: Request<api::GetComponentRequest>,
    ) -> Result<Response<api::GetComponentResponse>, Status> {
        let api::GetComponentRequest { id, component } = request.into_inner();
        Ok(Response::new(self.component(&required("id", id)?, &component).await?))
    }

    async fn list_decisions(
        &self,
        request: Request<api::ListDecisionsRequest>,
    ) -> Result<Response<api::ListDecisionsResponse>, Status> {
        let decisions = self.decisions(request.into_inner()).await?;
        Ok(Response::new(api::ListDecisionsResponse { decisions }))
    }

    async fn mark_decision(
        &self,
        request: Request<api::MarkDecisionRequest>,
    ) -> Result<Response<api::MarkDecisionResponse>, Status> {
        let (actor, request) = (actor(&request), request.into_inner());
        let (id, mark) = (required("id", request.id.clone())?, request.mark());
        let decision = self.mark(&id, mark, request.reason, actor).await?;
        Ok(Response::new(api::MarkDecisionResponse { decision: Some(decision) }))
    }

    async fn list_events(
        &self,
        request: Request<api::ListEventsRequest>,
    ) -> Result<Response<api::ListEventsResponse>, Status> {
        let api::ListEventsRequest { rollout_id, after_sequence, limit } = request.into_inner();
        if limit > EVENTS.1 {
            return Err(Status::invalid_argument("limit: must be at most 10000"));
        }
        let limit = if limit == 0 { EVENTS.0 } else { limit };
        let rollout_id = Some(rollout_id).filter(|id| !id.is_empty());
        let query = EventQuery { rollout_id, after_sequence, limit };
        let events = self.store.call(move |store| store.events(&query)).await.map_err(failure::store)?;
        Ok(Response::new(api::ListEventsResponse {
            events: events.into_iter().map(convert::event).collect(),
        }))
    }

    async fn get_assignment(
        &self,
        request: Request<api::GetAssignmentRequest>,
    ) -> Result<Response<api::GetAssignmentResponse>, Status> {
        let service = request.into_inner().service;
        let service = Some(service.as_str()).filter(|name| !name.is_empty());
        let assignment_json = self.board.newest().redacted(service);
        Ok(Response::new(api::GetAssignmentResponse { assignment_json }))
    }

    async fn get_traffic(
        &self,
        request: Request<api::GetTrafficRequest>,
    ) -> Result<Response<api::GetTrafficResponse>, Status> {
        let service = required("service", request.into_inner().service)?;
        let measured = self.rollouts.traffic(service).await.map_err(failure::status)?;
        Ok(Response::new(convert::traffic(measured)))
    }

    async fn record(
        &self,
        request: Request<api::RecordRequest>,
    ) -> Result<Response<Self::RecordStream>, Status> {
        let api::RecordRequest { target, duration } = request.into_inner();
        let (wanted, lasting) = (wanted(target)?, lasting(duration)?);
        let place = Arc::clone(&self.recordings).try_acquire_owned();
        let place = place.map_err(|_| {
            Status::resource_exhausted(format!("{RECORDINGS_MAX} recordings run already: end one first"))
        })?;
        let (queue, recorded) = Place::new().ok_or_else(|| Status::internal("a new queue is full"))?;
        self.rollouts.record(wanted, queue).await.map_err(failure::status)?;
        let one_in = self.board.newest().report.host_sample.max(1);
        Ok(Response::new(record::stream(recorded, lasting, one_in, self.ending.clone(), place)))
    }
}
