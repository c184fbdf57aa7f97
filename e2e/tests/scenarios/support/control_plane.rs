//! The real control plane, asked as scenarios ask.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::Path;
use std::time::Duration;

use serin_e2e::workspace::Workspace;
use serin_e2e::{control_plane, http, process};
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

/// The control plane, as a process that can be killed and started again on the same ports and data.
pub(crate) struct ControlPlane(control_plane::ControlPlane);

impl Deref for ControlPlane {
    type Target = control_plane::ControlPlane;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl ControlPlane {
    /// Starts it with reports every `report_ms` milliseconds and waits until it answers.
    pub(crate) async fn start(workspace: &Workspace, folder: &Path, report_ms: u32) -> Self {
        let interval = Duration::from_millis(u64::from(report_ms));
        Self(control_plane::ControlPlane::start(workspace, folder, interval).await.unwrap())
    }

    /// The same, and its HTTP listener asks for `token`.
    pub(crate) async fn start_guarded(workspace: &Workspace, folder: &Path, token: &str) -> Self {
        let interval = Duration::from_secs(1);
        Self(control_plane::ControlPlane::start_guarded(workspace, folder, interval, token).await.unwrap())
    }

    /// Starts it again, after [`Self::kill`], and waits until it answers.
    pub(crate) async fn restart(&mut self) {
        self.0.restart().await.unwrap();
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(&mut self) {
        self.0.kill();
    }

    /// A client whose calls have the scenarios' patience.
    pub(crate) fn client(&self) -> AdminServiceClient<Channel> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.admin())).unwrap();
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
        let text = http::get(self.http(), "/metrics", &[]).await.unwrap().text();
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
        process::cpu_time(self.process().id()).unwrap()
    }
}
