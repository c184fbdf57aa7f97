//! A control plane with targets, rollouts in it, and a fleet that reports what a good canary does, or one with a bad route.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer, V2Serializer};
use serde_json::{Value, json};
use serin_e2e::process::Process;
use serin_e2e::workspace::Workspace;
use serin_proto::admin::v1::admin_service_client::AdminServiceClient;
use serin_proto::admin::v1::notification_service_client::NotificationServiceClient;
use serin_proto::admin::v1::{
    CreateRequest, GetRequest, ListNotificationsRequest, ListNotificationsResponse, OutsideReading, Rollout,
};
use serin_proto::fleet::v1::fleet_service_client::FleetServiceClient;
use serin_proto::fleet::v1::{ArmCounts, Batch, OutcomeCounts, ReportRequest, Stratum};
use tokio::task::JoinHandle;
use tonic::transport::Channel;

const START_DEADLINE: Duration = Duration::from_secs(20);
const ROUTES: u32 = 4;
/// Requests of each second to a route, of the baseline and of the canary, and those that fail on the one bad route of a bad canary.
const REQUESTS: [u64; 2] = [1_600, 400];
const BAD: u64 = 200;
/// How long ticks are watched at a time, and how often at most.
const ROUND: Duration = Duration::from_secs(6);
const ROUNDS: usize = 5;

/// A running control plane.
pub(super) struct Plane {
    addresses: Value,
    process: Process,
}

/// Ticks of the rollouts' task since the start.
#[derive(Debug)]
pub(super) struct Ticks {
    pub(super) all: u64,
    /// More than 50 ms late.
    pub(super) late: u64,
}

impl Plane {
    /// `more` is added to its configuration.
    pub(super) async fn start(workspace: &Workspace, folder: &Path, more: &Value) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let free = || json!({"address": "127.0.0.1:0"});
        let mut config = json!({
            "data": folder.join("data"),
            "listeners": {"fleet": free(), "admin": free(), "http": free(), "otlp": free()},
        });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (path, ready) = (folder.join("serin.yaml"), folder.join("ready.json"));
        std::fs::write(&path, config.to_string()).unwrap();
        let mut command = Command::new(workspace.binary("serin-control-plane").unwrap());
        command.arg("--config").arg(&path).arg("--ready-file").arg(&ready);
        let mut process = Process::start("control-plane", command, &folder.join("log")).unwrap();
        let end = Instant::now() + START_DEADLINE;
        while !ready.exists() {
            process.ensure_running().unwrap();
            assert!(Instant::now() < end, "{}", process.tail());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let addresses = serde_json::from_slice(&std::fs::read(&ready).unwrap()).unwrap();
        Self { addresses, process }
    }

    /// Most memory that it has had, in bytes.
    pub(super) fn peak_memory(&self) -> u64 {
        serin_e2e::process::peak_memory(self.process.id()).unwrap()
    }

    fn url(&self, listener: &str) -> String {
        format!("http://{}", self.addresses[listener].as_str().unwrap())
    }

    /// Address for the command line.
    pub(super) fn admin_url(&self) -> String {
        self.url("admin")
    }

    /// The HTTP listener's address of a path.
    pub(super) fn http(&self, path: &str) -> String {
        format!("{}{path}", self.url("http"))
    }

    /// Where the HTTP listener is.
    pub(super) fn http_address(&self) -> SocketAddr {
        self.addresses["http"].as_str().unwrap().parse().unwrap()
    }

    /// The OTLP listener's address of a path.
    pub(super) fn otlp(&self, path: &str) -> String {
        format!("{}{path}", self.url("otlp"))
    }

    pub(super) async fn admin(&self) -> AdminServiceClient<Channel> {
        AdminServiceClient::connect(self.url("admin")).await.unwrap()
    }

    /// A rollout of a plan of four routes, to which `more` is added. Gives its identifier.
    pub(super) async fn create(&self, service: &str, more: &Value) -> String {
        let component = |route| json!({"name": format!("route-{route}"), "matches": [{"path": {"prefix": format!("/{route}")}}]});
        let mut plan = json!({
            "service": service, "hosts": [format!("{service}.example.com")], "baseline": "v1", "canary": "v2", "warm_up": "1s",
            "steps": [{"weight": "20%", "bake": "1h"}],
            "components": (0..ROUTES).map(component).collect::<Vec<_>>(),
        });
        plan.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let request = CreateRequest { plan_yaml: plan.to_string(), paused: false };
        self.admin().await.create(request).await.unwrap().into_inner().rollout.unwrap().id
    }

    /// The fleet reports on a service until the task is aborted, of whose canary one route is bad or none.
    pub(super) async fn report(&self, service: &str, is_bad: bool) -> JoinHandle<()> {
        let fleet = FleetServiceClient::connect(self.url("fleet")).await.unwrap();
        let vm = Vm { node: "envoy-1".to_owned(), generation: 1, is_on_canary: Arc::new(true.into()) };
        tokio::spawn(report(fleet, vm, service.to_owned(), if is_bad { BAD } else { 0 }))
    }

    /// The same by an Envoy of the service's own that obeys whatever is on offer at once. The canary gets requests until the flag that
    /// is given with the task says no.
    pub(super) async fn report_obediently(
        &self,
        service: &str,
        is_bad: bool,
    ) -> (JoinHandle<()>, Arc<AtomicBool>) {
        let fleet = FleetServiceClient::connect(self.url("fleet")).await.unwrap();
        let is_on_canary = Arc::new(AtomicBool::new(true));
        let vm = Vm {
            node: format!("envoy-of-{service}"),
            generation: 1 << 40,
            is_on_canary: Arc::clone(&is_on_canary),
        };
        (tokio::spawn(report(fleet, vm, service.to_owned(), if is_bad { BAD } else { 0 })), is_on_canary)
    }

    /// A rollout whose canary fails on one route; the fleet reports until the task is aborted.
    pub(super) async fn rollout(&self, service: &str) -> JoinHandle<()> {
        self.create(service, &json!({})).await;
        self.report(service, true).await
    }

    /// Waits until a rollout stands as `wanted` says.
    pub(super) async fn until_rollout(
        &self,
        id: &str,
        within: Duration,
        wanted: impl Fn(&Rollout) -> bool,
    ) -> Rollout {
        let end = Instant::now() + within;
        let mut admin = self.admin().await;
        loop {
            let rollout =
                admin.get(GetRequest { id: id.to_owned() }).await.unwrap().into_inner().rollout.unwrap();
            if wanted(&rollout) {
                return rollout;
            }
            assert!(Instant::now() < end, "{rollout:#?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub(super) async fn notifications(&self) -> ListNotificationsResponse {
        let mut service = NotificationServiceClient::connect(self.url("admin")).await.unwrap();
        service.list_notifications(ListNotificationsRequest::default()).await.unwrap().into_inner()
    }

    /// Waits until notifications stand as `wanted` says.
    pub(super) async fn until(
        &self,
        within: Duration,
        wanted: impl Fn(&ListNotificationsResponse) -> bool,
    ) -> ListNotificationsResponse {
        let end = Instant::now() + within;
        loop {
            let listed = self.notifications().await;
            if wanted(&listed) {
                return listed;
            }
            assert!(Instant::now() < end, "{listed:#?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Its metrics, as Prometheus reads them.
    pub(super) async fn metrics(&self) -> String {
        serin_e2e::http::get(self.http_address(), "/metrics", &[]).await.unwrap().text()
    }

    pub(super) async fn ticks(&self) -> Ticks {
        let text = self.metrics().await;
        let value = |name: &str| -> u64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("no {name}")).trim().parse().unwrap()
        };
        let all = value("serin_tick_lag_seconds_count ");
        Ticks { all, late: all - value("serin_tick_lag_seconds_bucket{le=\"0.05\"} ") }
    }
}

/// What a rollout knows of a trigger, a query or a health check.
pub(super) fn reading<'a>(rollout: &'a Rollout, kind: &str, name: &str) -> Option<&'a OutsideReading> {
    rollout.outside.iter().find(|one| one.kind == kind && one.name == name)
}

/// Watches ticks until none of `plane` is later than 50 ms in a round. Where some are, `twin`, which has no targets, must have
/// late ones, too: then the machine was busy, and another round is watched.
pub(super) async fn ticks_are_in_time(plane: &Plane, twin: &Plane) {
    for _ in 0..ROUNDS {
        let before = [plane.ticks().await, twin.ticks().await];
        tokio::time::sleep(ROUND).await;
        let after = [plane.ticks().await, twin.ticks().await];
        let late: Vec<u64> =
            before.iter().zip(&after).map(|(before, after)| after.late - before.late).collect();
        assert!(after[0].all - before[0].all >= 5, "ticks are missing: {after:?}");
        println!("ticks later than 50 ms: {} with hostile targets, {} without any", late[0], late[1]);
        if late[0] == 0 {
            return;
        }
        assert!(late[1] > 0, "only hostile targets can have delayed {} ticks", late[0]);
    }
    panic!("the machine is too busy to tell");
}

fn latency(count: u64) -> Vec<u8> {
    let mut histogram = Histogram::<u64>::new(2).unwrap();
    (0..count).for_each(|index| histogram.record(20_000 + 1_000 * (index % 10)).unwrap());
    let mut bytes = Vec::new();
    V2Serializer::new().serialize(&histogram, &mut bytes).unwrap();
    bytes
}

fn arm(name: &str, requests: u64, errors: u64) -> ArmCounts {
    let outcomes = OutcomeCounts { ok: requests - errors, server_error: errors, ..OutcomeCounts::default() };
    ArmCounts {
        arm: name.to_owned(),
        started: requests,
        outcomes: Some(outcomes),
        latency_hdr: latency(requests - errors),
        ..ArmCounts::default()
    }
}

/// Who reports.
struct Vm {
    node: String,
    /// That it says to obey.
    generation: u64,
    /// Whether the canary gets requests.
    is_on_canary: Arc<AtomicBool>,
}

async fn report(mut fleet: FleetServiceClient<Channel>, vm: Vm, service: String, bad: u64) {
    for seq in 1.. {
        let second = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let (canary, bad) = if vm.is_on_canary.load(Ordering::Relaxed) { (REQUESTS[1], bad) } else { (0, 0) };
        let strata = (0..ROUTES).map(|route| Stratum {
            service: service.clone(),
            component: format!("route-{route}"),
            start_second: second,
            arms: vec![
                arm("baseline", REQUESTS[0], 0),
                arm("canary", canary, if route == 0 { bad } else { 0 }),
            ],
        });
        let strata = strata.collect();
        let batch = Batch { complete_until_second: second + 1, strata, ..Batch::default() };
        let request = ReportRequest {
            node: vm.node.clone(),
            epoch: 7,
            seq,
            generation: vm.generation,
            batch: Some(batch),
            filter_version: "0.1.0".to_owned(),
            cluster: service.clone(),
        };
        if fleet.report(request).await.is_err() {
            return;
        }
    }
}
