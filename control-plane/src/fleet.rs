//! Takes the reports of the fleet.
//!
//! A report passes four gates, in this order: it is decoded ([`report`]; what can never be merged is answered with
//! INVALID_ARGUMENT), a place in the queue of the rollouts' task is reserved, the node registry says whether it is
//! new ([`nodes`]), and its counts are made durable ([`ledger`]). It is merged at once, so that detection does not
//! wait for the disk, and acknowledged after the commit, so that a crash neither loses nor doubles a count.

pub mod behaviour;
pub mod ledger;
pub mod nodes;
pub mod report;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serin_proto::fleet::v1::fleet_service_server::FleetService;
use serin_proto::fleet::v1::{ReportRequest, ReportResponse};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::{Request, Response, Status};

use crate::clock;
use crate::metrics::{Metrics, ReportResult};
use behaviour::Behaviour;
use ledger::{Accounts, Ticket};
use nodes::{Admission, Nodes};
use report::Report;

/// How long a report waits for the rollouts' task.
const QUEUE_DEADLINE: Duration = Duration::from_secs(2);
/// Seconds that a report may be ahead of this clock.
pub const AHEAD_MAX_S: u64 = 300;

/// What is known of the fleet, shared by the listeners.
#[derive(Debug)]
pub struct Fleet {
    nodes: Mutex<Nodes>,
    /// Counts of all reports.
    pub accounts: Accounts,
    /// Page views of all reports.
    pub behaviour: Behaviour,
    /// Time between reports of one VM, as the filters are told.
    pub interval: Duration,
}

impl Fleet {
    /// Begins with what was counted before a restart.
    #[must_use]
    pub fn new(ledger: crate::store::Ledger, interval: Duration) -> Self {
        let nodes = Mutex::new(Nodes::new(&ledger.seen));
        Self { nodes, accounts: Accounts::new(ledger.counts), behaviour: Behaviour::default(), interval }
    }

    /// The Envoys. Held for microseconds, never across an await.
    pub fn nodes(&self) -> MutexGuard<'_, Nodes> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Silence after which a VM does not count as living. A VM without traffic reports every five seconds, however short
    /// the interval.
    #[must_use]
    pub fn live_within(&self) -> Duration {
        (self.interval * 3).max(nodes::LIVE_WITHIN)
    }
}

/// The gRPC service.
#[derive(Clone, Debug)]
pub struct Ingest {
    fleet: Arc<Fleet>,
    metrics: Arc<Metrics>,
    merged: mpsc::Sender<Report>,
}

impl Ingest {
    /// Sends new reports to `merged`.
    #[must_use]
    pub fn new(fleet: Arc<Fleet>, metrics: Arc<Metrics>, merged: mpsc::Sender<Report>) -> Self {
        Self { fleet, metrics, merged }
    }

    async fn merge(&self, report: Report) -> Result<Ticket, Status> {
        let Ok(Ok(place)) = timeout(QUEUE_DEADLINE, self.merged.reserve()).await else {
            self.metrics.report(ReportResult::Postponed);
            return Err(Status::unavailable("busy; send the batch again"));
        };
        let now = clock::now();
        let mut nodes = self.fleet.nodes();
        match nodes.admit(&report, now) {
            Admission::New => {
                let ticket = self.fleet.accounts.add(&report, now);
                self.fleet.behaviour.add(&report);
                place.send(report);
                self.metrics.report(ReportResult::Merged);
                Ok(ticket)
            }
            Admission::Repeated => {
                self.metrics.report(ReportResult::Repeated);
                Ok(self.fleet.accounts.newest())
            }
            Admission::Full => {
                self.metrics.report(ReportResult::Postponed);
                Err(Status::resource_exhausted("too many nodes or VMs; send the batch again later"))
            }
        }
    }
}

#[tonic::async_trait]
impl FleetService for Ingest {
    async fn report(&self, request: Request<ReportRequest>) -> Result<Response<ReportResponse>, Status> {
        let request = request.into_inner();
        let (node, seq) = (request.node.clone(), request.seq);
        let report = Report::try_from(request)
            .and_then(|report| report.not_ahead(clock::now().second() + AHEAD_MAX_S));
        let report = report.map_err(|error| {
            self.metrics.report(ReportResult::Refused);
            if self.fleet.nodes().refused(&node) {
                tracing::warn!(node, %error, "a report is refused");
            } else {
                tracing::debug!(node, %error, "a report is refused");
            }
            Status::invalid_argument(error.to_string())
        })?;
        let ticket = self.merge(report).await?;
        let stored = self.fleet.accounts.committed(ticket).await;
        stored.map_err(|error| Status::unavailable(error.to_string()))?;
        Ok(Response::new(ReportResponse { seq }))
    }
}
