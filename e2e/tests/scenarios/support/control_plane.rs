//! The real control plane, as a process that can be killed and started again on the same ports and data.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use serin_e2e::http;
use serin_e2e::ports::Port;
use serin_e2e::process::{self, Process};
use serin_e2e::workspace::Workspace;
use serin_proto::admin::v1::admin_service_client::AdminServiceClient;
use serin_proto::admin::v1::{CreateRequest, GetRequest, ListNodesRequest, Node, Rollout, SetWeightRequest};
use tonic::transport::{Channel, Endpoint};

use super::{PATIENCE, eventually};

/// A plan that leaves every step to the scenario: long, and without automatic rollback.
pub(crate) const PLAN: &str = "\
service: shop
baseline: v1
canary: v2
identity:
  user: [{header: x-user-id}]
  anonymous: baseline
components:
- {name: home, matches: [{path: {exact: /home}}]}
- {name: orders, matches: [{path: {prefix: /orders}}]}
initial_weight: 5%
evaluation: 1h
warm_up: 1h
automatic_rollback: false
";

/// The control plane. Dropping it kills it.
pub(crate) struct ControlPlane {
    binary: PathBuf,
    folder: PathBuf,
    process: Option<Process>,
    lives: u32,
    fleet: Port,
    admin: Port,
    http: Port,
}

impl ControlPlane {
    /// Starts it with reports every `report_ms` milliseconds and waits until it answers.
    pub(crate) async fn start(workspace: &Workspace, folder: &Path, report_ms: u32) -> Self {
        let [fleet, admin, http] = std::array::from_fn(|_| Port::reserve().unwrap());
        // JSON is YAML, and quotes any path.
        let config = json!({
            "data": folder.join("data"),
            "listeners": {
                "fleet": {"address": fleet.address()},
                "admin": {"address": admin.address()},
                "http": {"address": http.address()},
            },
            "filter": {"path": workspace.wasm().unwrap()},
            "report": {"interval_ms": report_ms},
        });
        std::fs::write(folder.join("control-plane.yaml"), config.to_string()).unwrap();
        let binary = workspace.binary("serin-control-plane").unwrap();
        let mut this =
            Self { binary, folder: folder.to_owned(), process: None, lives: 0, fleet, admin, http };
        this.restart().await;
        this
    }

    /// Starts it again, after [`Self::kill`], and waits until it answers. Each life has a log of its own.
    pub(crate) async fn restart(&mut self) {
        self.lives += 1;
        let mut command = Command::new(&self.binary);
        command.arg("--config").arg(self.folder.join("control-plane.yaml"));
        let log = self.folder.join(format!("control-plane-{}.log", self.lives));
        self.process = Some(Process::start("control-plane", command, &log).unwrap());
        let end = Instant::now() + PATIENCE;
        while self.client().list_nodes(ListNodesRequest {}).await.is_err() {
            self.process.as_mut().unwrap().ensure_running().unwrap();
            assert!(Instant::now() < end, "the control plane does not answer");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Where Envoys attach.
    pub(crate) fn fleet(&self) -> SocketAddr {
        self.fleet.address()
    }

    /// The admin listener.
    pub(crate) fn admin(&self) -> SocketAddr {
        self.admin.address()
    }

    /// Metrics.
    pub(crate) fn http(&self) -> SocketAddr {
        self.http.address()
    }

    pub(crate) fn client(&self) -> AdminServiceClient<Channel> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.admin.address())).unwrap();
        AdminServiceClient::new(endpoint.timeout(PATIENCE).connect_lazy())
    }

    /// Creates a rollout.
    pub(crate) async fn create(&self, plan: &str) -> Rollout {
        let request = CreateRequest { plan_yaml: plan.to_owned(), paused: false };
        self.client().create(request).await.unwrap().into_inner().rollout.unwrap()
    }

    /// The newest rollout of the shop.
    pub(crate) async fn rollout(&self) -> Rollout {
        let request = GetRequest { id: "shop".to_owned() };
        self.client().get(request).await.unwrap().into_inner().rollout.unwrap()
    }

    /// Sets the weight, and gives the rollout as the answer tells it.
    pub(crate) async fn set_weight(&self, weight_ppm: u32) -> Rollout {
        let (id, reason) = ("shop".to_owned(), "scenario".to_owned());
        let request = SetWeightRequest { id, weight_ppm, reason };
        self.client().set_weight(request).await.unwrap().into_inner().rollout.unwrap()
    }

    /// The Envoys that it knows.
    pub(crate) async fn nodes(&self) -> Vec<Node> {
        self.client().list_nodes(ListNodesRequest {}).await.unwrap().into_inner().nodes
    }

    /// Waits until every VM of each of `nodes`, which have so many workers, reports that it obeys the newest assignment.
    pub(crate) async fn attached(&self, nodes: &[(&str, u32)]) {
        let generation = self.rollout().await.generation;
        eventually("every VM obeys", PATIENCE, async || {
            let known = self.nodes().await;
            let attached = |(name, workers): &(&str, u32)| {
                let node = known.iter().find(|node| node.node == *name);
                // One VM for each worker, and the main thread's.
                node.is_some_and(|node| node.vms == workers + 1 && node.generation_min >= generation)
            };
            nodes.iter().all(attached).then_some(())
        })
        .await;
    }

    /// Values of `/metrics` by name and labels as they are written there.
    pub(crate) async fn metrics(&self) -> BTreeMap<String, f64> {
        let text = http::get(self.http.address(), "/metrics", &[]).await.unwrap().text();
        let values = text.lines().filter(|line| !line.starts_with('#'));
        values
            .filter_map(|line| line.rsplit_once(' '))
            .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
            .collect()
    }

    /// A metric, added up over all its labels.
    pub(crate) async fn metric(&self, name: &str) -> u64 {
        let of =
            |key: &str| key.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('{'));
        self.metrics().await.iter().filter(|(key, _)| of(key)).map(|(_, value)| *value as u64).sum()
    }

    /// CPU time that it has used.
    pub(crate) fn cpu_time(&self) -> Duration {
        process::cpu_time(self.process.as_ref().unwrap().id()).unwrap()
    }
}
