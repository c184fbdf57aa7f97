//! The fleet service.

use std::sync::Arc;

use serin_proto::fleet::v1::fleet_service_server::FleetService;
use serin_proto::fleet::v1::{ReportRequest, ReportResponse};
use tonic::{Request, Response, Status};

use super::{Shared, lock};

pub(super) struct Fleet(pub(super) Arc<Shared>);

#[tonic::async_trait]
impl FleetService for Fleet {
    async fn report(&self, request: Request<ReportRequest>) -> Result<Response<ReportResponse>, Status> {
        if *self.0.closed.borrow() {
            return Err(Status::unavailable("closed by the scenario"));
        }
        let report = request.into_inner();
        lock(&self.0.totals).merge(&report);
        Ok(Response::new(ReportResponse { seq: report.seq }))
    }
}
