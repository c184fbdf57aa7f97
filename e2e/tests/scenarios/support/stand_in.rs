//! Stands in for the control plane where a scenario needs what the real one would never do: to send any bytes as an
//! assignment, to refuse reports, to load another filter file. It speaks the same protocols (ECDS and FleetService) to
//! a real Envoy and records what comes back.

mod ecds;
mod reports;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use envoy_types::pb::envoy::service::extension::v3::extension_config_discovery_service_server::ExtensionConfigDiscoveryServiceServer;
use serde_json::{Value, json};
use serin_e2e::ports::Port;
use serin_proto::fleet::v1::fleet_service_server::FleetServiceServer;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;

use super::totals::Totals;
use super::{PATIENCE, eventually};

/// A configuration of the filter on offer.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    pub(crate) version: u64,
    pub(crate) vm_id: String,
    pub(crate) code: PathBuf,
    pub(crate) configuration: Vec<u8>,
}

/// What an Envoy said about a version: the words of its refusal, if it refused.
pub(crate) type Verdict = Result<(), String>;

/// A running stand-in. Dropping it closes its port and all connections.
#[derive(Debug)]
pub(crate) struct StandIn {
    port: Port,
    shared: Arc<Shared>,
    offers: watch::Sender<Option<Offer>>,
    serving: JoinHandle<()>,
}

/// What its services share.
#[derive(Debug)]
struct Shared {
    offers: watch::Receiver<Option<Offer>>,
    /// By node and version.
    verdicts: Mutex<BTreeMap<(String, u64), Verdict>>,
    totals: Mutex<Totals>,
    /// Whether reports are turned away with UNAVAILABLE.
    closed: watch::Sender<bool>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl StandIn {
    pub(crate) async fn start() -> Self {
        let port = Port::reserve().unwrap();
        let (offers, offered) = watch::channel(None);
        let shared = Arc::new(Shared {
            offers: offered,
            verdicts: Mutex::default(),
            totals: Mutex::default(),
            closed: watch::channel(false).0,
        });
        let listener = TcpListener::bind(port.address()).await.unwrap();
        let server = Server::builder()
            .add_service(ExtensionConfigDiscoveryServiceServer::new(ecds::Ecds(Arc::clone(&shared))))
            .add_service(FleetServiceServer::new(reports::Fleet(Arc::clone(&shared))))
            .serve_with_incoming(TcpListenerStream::new(listener));
        let serving = tokio::spawn(async move { server.await.unwrap() });
        Self { port, shared, offers, serving }
    }

    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.port.address()
    }

    /// Offers any bytes, and gives the version under which it does.
    pub(crate) fn offer(&self, vm_id: &str, code: &Path, configuration: &[u8]) -> u64 {
        let version = self.version() + 1;
        self.offers.send_replace(Some(Offer {
            version,
            vm_id: vm_id.to_owned(),
            code: code.to_owned(),
            configuration: configuration.to_owned(),
        }));
        version
    }

    /// Offers an assignment whose generation is the version.
    pub(crate) fn assign(&self, vm_id: &str, code: &Path, assignment: &Value) -> u64 {
        let mut assignment = assignment.clone();
        assignment["generation"] = json!(self.version() + 1);
        self.offer(vm_id, code, assignment.to_string().as_bytes())
    }

    /// The newest version.
    pub(crate) fn version(&self) -> u64 {
        self.offers.borrow().as_ref().map_or(0, |offer| offer.version)
    }

    /// What a node says about a version, once it has said it.
    pub(crate) async fn verdict(&self, node: &str, version: u64) -> Verdict {
        let key = (node.to_owned(), version);
        eventually(&format!("{node} takes or refuses version {version}"), PATIENCE, async || {
            lock(&self.shared.verdicts).get(&key).cloned()
        })
        .await
    }

    /// Everything reported so far.
    pub(crate) fn totals(&self) -> Totals {
        lock(&self.shared.totals).clone()
    }

    /// Waits until so many requests are reported as finished, or 15 s.
    pub(crate) async fn reported(&self, requests: u64) -> Totals {
        let end = Instant::now() + PATIENCE;
        while self.totals().all().finished() < requests && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.totals()
    }

    /// As [`Self::reported`], and then a moment more, so that what is reported twice is seen.
    pub(crate) async fn settled(&self, requests: u64) -> Totals {
        self.reported(requests).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        self.totals()
    }

    /// Turns reports away, or takes them again.
    pub(crate) fn refuse_reports(&self, refuse: bool) {
        self.shared.closed.send_replace(refuse);
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
