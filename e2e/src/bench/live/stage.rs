//! What runs: two services behind one Envoy, their clients, and a control plane.

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use serin_proto::admin::v1 as proto;
use tokio::time::Instant;

use super::Run;
use crate::bootstrap::{BASELINE_CLUSTER, Bootstrap, CANARY_CLUSTER, CONTROL_PLANE_CLUSTER};
use crate::control_plane::{AdminClient, ControlPlane};
use crate::envoy::{Envoy, Settings};
use crate::load::{Load, Plan, Target};
use crate::sample::fault::{EVERY_ROUTE, Fault, Faults, Kind};
use crate::sample::{self, ROUTES, Sample, components};
use crate::workspace::Workspace;

/// The service with the fault, and the good one.
const SERVICES: [&str; 2] = ["bad", "good"];
/// The route at fault, and its component.
const ROUTE: (&str, &str) = ("/checkout", "checkout");
/// Part of its requests, and of all requests, that fail.
const FAILING: (f64, f64) = (0.05, 0.001);
/// Requests a second of the services. The good one is not asked for the route at fault.
const REQUESTS_PER_SECOND: [f64; 2] = [1_000.0, 100.0];
const WORKERS: u32 = 2;
/// As filters report unless told otherwise.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// A rollout that is not rolled back by then is not waited for.
const LONGEST: Duration = Duration::from_secs(120);
/// How long anything but a decision may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Time between two looks at the journal.
const LOOK: Duration = Duration::from_millis(100);

/// Dropping it ends all of it.
pub(super) struct Stage {
    admin: AdminClient,
    canary: Sample,
    _baseline: Sample,
    _loads: [Load; 2],
    envoy: Envoy,
    control_plane: ControlPlane,
}

impl Stage {
    pub(super) async fn set(workspace: &Workspace) -> Result<Self> {
        let folder = workspace.scratch("bench-live")?;
        let (baseline, canary) = tokio::try_join!(
            Sample::start_anywhere(sample::Settings::version("v1")),
            Sample::start_anywhere(sample::Settings::version("v2"))
        )?;
        let fault = |route: &str, share| Fault { route: route.to_owned(), share, kind: Kind::Status(500) };
        baseline.set_faults(Faults { faults: vec![fault(EVERY_ROUTE, FAILING.1)] });
        let faults = vec![fault(ROUTE.0, FAILING.0), fault(EVERY_ROUTE, FAILING.1)];
        canary.set_faults(Faults { faults });
        let control_plane = ControlPlane::start(workspace, &folder, REPORT_INTERVAL).await?;
        let bootstrap = Bootstrap::shipped(workspace)?
            .cluster_at(BASELINE_CLUSTER, baseline.address())?
            .cluster_at(CANARY_CLUSTER, canary.address())?
            .cluster_at(CONTROL_PLANE_CLUSTER, control_plane.fleet())?;
        let settings = Settings::named("envoy").workers(WORKERS);
        let envoy = Envoy::start(workspace, &settings, bootstrap, &folder).await?;
        let [bad, good] = SERVICES.map(targets);
        let load = |requests_per_second, targets| {
            Load::start(Plan { targets, ..Plan::of_shop(envoy.address(), requests_per_second) })
        };
        let loads = [load(REQUESTS_PER_SECOND[0], bad)?, load(REQUESTS_PER_SECOND[1], good)?];
        Ok(Self {
            admin: control_plane.client()?,
            canary,
            _baseline: baseline,
            _loads: loads,
            envoy,
            control_plane,
        })
    }

    /// One rollout of each service, until the bad one is rolled back.
    pub(super) async fn roll_out(&self) -> Result<Run> {
        let before = self.struck();
        let good = self.create(SERVICES[1]).await?;
        let bad = self.create(SERVICES[0]).await?;
        let created = time(bad.created_at)?;
        let end = Instant::now() + LONGEST;
        let decided = loop {
            let decided = self.rollback_of(&bad.id).await?;
            if decided.is_some() || Instant::now() > end {
                break decided;
            }
            tokio::time::sleep(LOOK).await;
        };
        // The push, and the answers that are under way.
        tokio::time::sleep(REPORT_INTERVAL / 2).await;
        let mut run = Run { bad_requests: self.struck() - before, ..Run::default() };
        if let Some(event) = decided {
            run.delay_s = Some(time(event.at)?.duration_since(created).unwrap_or_default().as_secs_f64());
            let json: serde_json::Value = serde_json::from_str(&event.json)?;
            run.localised =
                json.get("components").is_some_and(|names| *names == serde_json::json!([ROUTE.1]));
        }
        run.false_rollback = self.rollback_of(&good.id).await?.is_some();
        self.end(&bad.id).await?;
        self.end(&good.id).await?;
        Ok(run)
    }

    pub(super) async fn clear(self) -> Result<()> {
        self.envoy.stop().await?;
        self.control_plane.stop().await
    }

    /// Requests that the fault struck.
    fn struck(&self) -> u64 {
        self.canary.stats().total(|key| key.route == ROUTE.0 && key.status == "500")
    }

    async fn create(&self, service: &str) -> Result<proto::Rollout> {
        let request = proto::CreateRequest { plan_yaml: plan(service), paused: false };
        let answer = self.admin.clone().create(request).await.context("the plan was refused")?;
        answer.into_inner().rollout.context("the answer has no rollout")
    }

    /// The first rollback of a rollout in the journal.
    async fn rollback_of(&self, id: &str) -> Result<Option<proto::Event>> {
        let request =
            proto::ListEventsRequest { rollout_id: id.to_owned(), ..proto::ListEventsRequest::default() };
        let events = self.admin.clone().list_events(request).await.context("the journal cannot be read")?;
        Ok(events.into_inner().events.into_iter().find(|event| event.kind.ends_with("rolled_back")))
    }

    /// Ends a rollout by hand, and waits until every worker obeys.
    async fn end(&self, id: &str) -> Result<()> {
        let rollback = proto::RollbackRequest {
            id: id.to_owned(),
            reason: "the next rollout begins".to_owned(),
            ..proto::RollbackRequest::default()
        };
        self.admin.clone().rollback(rollback).await.context("the rollback was refused")?;
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = self.admin.clone().get(proto::GetRequest { id: id.to_owned() }).await?.into_inner();
            let rollout = answer.rollout.context("the answer has no rollout")?;
            if rollout.vms_known > 0 && rollout.vms_applied == rollout.vms_known {
                return Ok(());
            }
            if Instant::now() > end {
                bail!("{id}: {} of {} VMs obey", rollout.vms_applied, rollout.vms_known);
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

fn plan(service: &str) -> String {
    let components = components(|_| String::new());
    format!(
        "service: {service}\nhosts: [{service}.example.com]\nbaseline: v1\ncanary: v2\n\
         identity: {{user: [{{header: x-user-id}}]}}\nwarm_up: 1s\n\
         steps: [{{weight: 5%, bake: 1h}}]\ncomponents:\n{components}"
    )
}

/// The routes of a service, evenly; the good one has nothing to do with the fault.
fn targets(service: &str) -> Vec<Target> {
    let routes = ROUTES.iter().filter(|route| service == SERVICES[0] || **route != ROUTE.0);
    routes.map(|route| Target::get(route).header("host", &format!("{service}.example.com"))).collect()
}

fn time(at: Option<impl TryInto<SystemTime>>) -> Result<SystemTime> {
    at.and_then(|at| at.try_into().ok()).context("no time is told")
}
