//! A control plane to talk to, and a fleet that says what a test wants it to say.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer, V2Serializer};
use serin_control_plane::{Addresses, Config, Running, start};
use serin_proto::admin::v1::admin_service_client::AdminServiceClient;
use serin_proto::admin::v1::{CreateRequest, GetRequest, Phase, Rollout};
use serin_proto::fleet::v1::fleet_service_client::FleetServiceClient;
use serin_proto::fleet::v1::{ArmCounts, Batch, OutcomeCounts, ReportRequest, Stratum};
use tempfile::TempDir;
use tonic::transport::Channel;

/// Time for anything that a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) type Admin = AdminServiceClient<Channel>;
pub(crate) type Fleet = FleetServiceClient<Channel>;

/// A configuration on free ports, with its data in `folder`.
pub(crate) fn yaml(folder: &Path) -> String {
    format!(
        "data: {}\nlisteners:\n  fleet: {{address: \"127.0.0.1:0\"}}\n  admin: {{address: \"127.0.0.1:0\"}}\n  \
         http: {{address: \"127.0.0.1:0\"}}\n",
        folder.display()
    )
}

/// A server in this process.
pub(crate) struct Server {
    pub(crate) running: Running,
    pub(crate) folder: TempDir,
}

impl Server {
    pub(crate) async fn new() -> Self {
        Self::within(tempfile::tempdir().unwrap()).await
    }

    pub(crate) async fn within(folder: TempDir) -> Self {
        let config = Config::parse(&yaml(folder.path()), false).unwrap();
        Self { running: start(&config).await.unwrap(), folder }
    }

    /// With `more` in its configuration.
    pub(crate) async fn configured(folder: TempDir, more: &str) -> Self {
        let config = Config::parse(&(yaml(folder.path()) + more), false).unwrap();
        Self { running: start(&config).await.unwrap(), folder }
    }

    /// Ends it in good order and starts it again on the same data, with `more` in its configuration.
    pub(crate) async fn restarted_with(self, more: &str) -> Self {
        let Self { running, folder } = self;
        running.stop().await;
        Self::configured(folder, more).await
    }

    /// Ends it in good order and starts it again on the same data.
    pub(crate) async fn restarted(self) -> Self {
        let Self { running, folder } = self;
        running.stop().await;
        Self::within(folder).await
    }

    pub(crate) fn addresses(&self) -> Addresses {
        self.running.addresses
    }

    pub(crate) async fn admin(&self) -> Admin {
        admin(self.addresses()).await
    }

    pub(crate) async fn fleet(&self) -> Fleet {
        fleet(self.addresses()).await
    }
}

pub(crate) async fn admin(addresses: Addresses) -> Admin {
    AdminServiceClient::connect(format!("http://{}", addresses.admin)).await.unwrap()
}

pub(crate) async fn fleet(addresses: Addresses) -> Fleet {
    FleetServiceClient::connect(format!("http://{}", addresses.fleet)).await.unwrap()
}

/// A plan of ten routes that moves in seconds.
pub(crate) fn plan(service: &str) -> String {
    let mut plan = format!(
        "service: {service}\nhosts: [{service}.example.com]\nbaseline: v1\ncanary: v2\n\
         steps: [{{weight: 20%, bake: 2s}}, {{weight: 50%, bake: 2s}}]\nwarm_up: 1s\npromotion: 2s\ncomponents:\n"
    );
    for route in 0..10 {
        plan.push_str(&format!("- {{name: route-{route}, matches: [{{path: {{prefix: /{route}}}}}]}}\n"));
    }
    plan
}

pub(crate) async fn create(admin: &mut Admin, service: &str) -> Rollout {
    let request = CreateRequest { plan_yaml: plan(service), paused: false };
    admin.create(request).await.unwrap().into_inner().rollout.unwrap()
}

pub(crate) async fn get(admin: &mut Admin, id: &str) -> Rollout {
    admin.get(GetRequest { id: id.to_owned() }).await.unwrap().into_inner().rollout.unwrap()
}

/// Asks until the rollout is as it should be.
pub(crate) async fn eventually(admin: &mut Admin, id: &str, wanted: impl Fn(&Rollout) -> bool) -> Rollout {
    let asking = async {
        loop {
            let rollout = get(admin, id).await;
            if wanted(&rollout) {
                return rollout;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    match tokio::time::timeout(PATIENCE, asking).await {
        Ok(rollout) => rollout,
        Err(_) => panic!("not within {PATIENCE:?}: {:#?}", get(admin, id).await),
    }
}

pub(crate) fn now_second() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// `count` latencies around `us`, as the filter encodes them.
pub(crate) fn latency(us: u64, count: u64) -> Vec<u8> {
    let mut histogram = Histogram::<u64>::new(2).unwrap();
    for index in 0..count {
        histogram.record(us + us * (index % 10) / 20).unwrap();
    }
    let mut bytes = Vec::new();
    V2Serializer::new().serialize(&histogram, &mut bytes).unwrap();
    bytes
}

/// An arm that served `requests`, of which `errors` failed.
pub(crate) fn arm(name: &str, requests: u64, errors: u64) -> ArmCounts {
    let outcomes = OutcomeCounts { ok: requests - errors, server_error: errors, ..OutcomeCounts::default() };
    ArmCounts {
        arm: name.to_owned(),
        started: requests,
        outcomes: Some(outcomes),
        latency_hdr: latency(20_000, requests - errors),
        ..ArmCounts::default()
    }
}

pub(crate) fn stratum(service: &str, component: &str, second: u64, arms: Vec<ArmCounts>) -> Stratum {
    Stratum { service: service.to_owned(), component: component.to_owned(), start_second: second, arms }
}

pub(crate) fn report(node: &str, seq: u64, strata: Vec<Stratum>) -> ReportRequest {
    let complete_until_second =
        strata.iter().map(|stratum| stratum.start_second + 1).max().unwrap_or_default();
    ReportRequest {
        node: node.to_owned(),
        epoch: 7,
        seq,
        generation: 1,
        batch: Some(Batch { complete_until_second, strata, ..Batch::default() }),
        filter_version: "0.1.0".to_owned(),
        cluster: "shop".to_owned(),
    }
}

/// Reports each second what a canary with one bad route does, until the task is aborted.
pub(crate) async fn report_bad_route(mut fleet: Fleet, service: &str, bad: &str, error_share: f64) {
    let mut seq = 0;
    loop {
        let second = now_second();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let strata = (0..10).map(|route| {
            let route = format!("route-{route}");
            let errors = if route == bad { (40.0 * error_share) as u64 } else { 0 };
            stratum(service, &route, second, vec![arm("baseline", 160, 0), arm("canary", 40, errors)])
        });
        seq += 1;
        let request = report("envoy-1", seq, strata.collect());
        if fleet.report(request).await.is_err() {
            return;
        }
    }
}

/// Reports each second, for a proxy that obeys whatever is told and sends everything to the baseline, until the task is aborted.
pub(crate) async fn obey(mut fleet: Fleet, services: &'static [&'static str]) {
    loop {
        let second = now_second();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let of = |service: &&str| stratum(service, "route-0", second, vec![arm("baseline", 9, 0)]);
        let mut report = report("envoy-1", second, services.iter().map(of).collect());
        report.generation = u64::MAX;
        if fleet.report(report).await.is_err() {
            return;
        }
    }
}

pub(crate) fn phase(rollout: &Rollout) -> Phase {
    rollout.phase()
}
