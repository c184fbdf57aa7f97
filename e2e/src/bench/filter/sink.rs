//! Takes the filter's reports as the control plane would, and adds up what they tell.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use serin_proto::fleet::v1::fleet_service_server::{FleetService, FleetServiceServer};
use serin_proto::fleet::v1::{ReportRequest, ReportResponse};
use tokio::net::TcpListener;
use tonic::{Request, Response, Status};

/// A fleet service that acknowledges everything. Dropping it closes its port.
pub(super) struct Sink {
    address: SocketAddr,
    requests: Arc<AtomicU64>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Sink {
    pub(super) async fn start() -> Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let address = listener.local_addr()?;
        let requests = Arc::<AtomicU64>::default();
        let service = FleetServiceServer::new(Fleet { requests: Arc::clone(&requests) });
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = TowerToHyperService::new(service.clone());
                tokio::spawn(async move {
                    let server = auto::Builder::new(TokioExecutor::new());
                    // It ends with the Envoy at the other end.
                    let _ = server.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Ok(Self { address, requests, accepting })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Requests that the filter has reported as finished.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

struct Fleet {
    requests: Arc<AtomicU64>,
}

#[tonic::async_trait]
impl FleetService for Fleet {
    async fn report(&self, request: Request<ReportRequest>) -> Result<Response<ReportResponse>, Status> {
        let report = request.into_inner();
        let finished: u64 = report
            .batch
            .iter()
            .flat_map(|batch| &batch.strata)
            .flat_map(|stratum| &stratum.arms)
            .filter_map(|arm| arm.outcomes.as_ref())
            .map(|outcomes| outcomes.ok)
            .sum();
        self.requests.fetch_add(finished, Ordering::Relaxed);
        Ok(Response::new(ReportResponse { seq: report.seq }))
    }
}
