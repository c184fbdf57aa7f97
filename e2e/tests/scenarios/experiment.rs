//! An experiment with three versions behind Envoy, of which one turns bad.

use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use serin_e2e::bootstrap::{CANARY_CLUSTER, Route, routes_of_arms};
use serin_e2e::envoy::{Envoy, Settings};
use serin_e2e::load::{Load, Plan};
use serin_e2e::sample::fault::{Faults, Kind};
use serin_e2e::sample::{self, Sample};
use serin_proto::admin::v1::{Conclusion, ListEventsRequest, Phase, Rollout};

use crate::support::control_plane::ControlPlane;
use crate::support::crowd::versions_of_users;
use crate::support::eventually;
use crate::support::patrol::Patrol;
use crate::support::scene::{BASELINE_VERSION, CANARY_VERSION, Scene};
use crate::support::tools;

const PLAN: &str = "\
service: shop
kind: experiment
baseline: v1
control: plain
arms:
- {name: large, version: v2, weight: 30%}
- {name: onepage, version: v3, weight: 30%}
identity: {user: [{header: x-user-id}]}
components:
- {name: checkout, matches: [{path: {prefix: /checkout}}]}
- {name: search, matches: [{path: {prefix: /search}}]}
warm_up: 2s
";
const THIRD_VERSION: &str = "v3";
const USERS: usize = 3_000;
const RATE: f64 = 300.0;
const DEADLINE: Duration = Duration::from_secs(120);

/// Three versions, the control plane and an Envoy with a route to each arm.
struct Trial {
    control_plane: ControlPlane,
    envoy: Envoy,
    scene: Scene,
    _third: Sample,
}

impl Trial {
    async fn open() -> Self {
        let scene = Scene::open("experiment").await;
        let settings = sample::Settings::version(THIRD_VERSION);
        let settings = sample::Settings { median_latency: Duration::ZERO, ..settings };
        let third = Sample::start_anywhere(settings).await.unwrap();
        let control_plane = ControlPlane::start(&scene.workspace, &scene.folder, 1_000).await;
        let arms = [("large", CANARY_CLUSTER), ("onepage", "onepage")];
        let bootstrap = scene
            .bootstrap(control_plane.fleet())
            .another_cluster("onepage", third.address())
            .and_then(|bootstrap| bootstrap.routes(routes_of_arms(&[Route::prefix("all", "/")], &arms)))
            .unwrap();
        let envoy = scene.envoy(&Settings::named("envoy").workers(2), bootstrap).await;
        Self { control_plane, envoy, scene, _third: third }
    }

    async fn event(&self, kind: &str) -> Value {
        eventually(kind, DEADLINE, async || {
            let events = self.control_plane.client().list_events(ListEventsRequest::default()).await;
            let found = events.unwrap().into_inner().events.into_iter().find(|event| event.kind == kind)?;
            Some(serde_json::from_str(&found.json).unwrap())
        })
        .await
    }

    async fn until(&self, what: &str, is_so: impl Fn(&Rollout) -> bool) {
        eventually(what, DEADLINE, async || is_so(&self.control_plane.rollout().await).then_some(())).await;
    }

    /// What people see.
    fn status(&self) -> String {
        let mut command = Command::new(self.scene.workspace.binary("serin").unwrap());
        let server = format!("http://{}", self.control_plane.admin());
        let (well, text) = tools::run(command.args(["rollout", "status", "shop", "--server", &server]));
        assert!(well, "{text}");
        text
    }
}

/// Requests of an arm in the component that are counted so far.
fn counted(rollout: &Rollout, component: &str, arm: &str) -> u64 {
    let results = rollout.experiment.iter().flat_map(|experiment| &experiment.results);
    let arms = results.filter(|result| result.component == component).flat_map(|result| &result.arms);
    arms.filter(|result| result.arm == arm).filter_map(|result| Some(result.totals?.requests)).sum()
}

fn now_ms() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_arm_that_turns_bad_is_stopped_and_no_user_of_the_others_moves() {
    let trial = Trial::open().await;
    trial.control_plane.create(PLAN).await;
    trial.control_plane.attached(&[("envoy", 2)]).await;
    let before = versions_of_users(trial.envoy.address(), "/home", USERS).await;
    for (version, percent) in [(BASELINE_VERSION, 40), (CANARY_VERSION, 30), (THIRD_VERSION, 30)] {
        let users = before.iter().filter(|seen| *seen == version).count();
        assert!(users.abs_diff(USERS * percent / 100) < USERS / 20, "{users} users of {version}");
    }

    let keeps = |version: &String| if version == CANARY_VERSION { String::new() } else { version.clone() };
    let expected: Vec<String> = before.iter().map(keeps).collect();
    let patrol = Patrol::start(trial.envoy.address(), &expected, 50);
    let load = Load::start(Plan::of_shop(trial.envoy.address(), RATE)).unwrap();
    trial
        .until("every arm is counted", |rollout| {
            rollout.phase() == Phase::Progressing && counted(rollout, "checkout", "large") > 100
        })
        .await;

    let turned_bad = now_ms();
    trial.scene.canary.set_faults(Faults::one("/checkout", 0.3, Kind::Status(500)));
    let stopped = trial.event("arms_stopped").await;
    assert_eq!(stopped["arms"], json!(["large"]), "{stopped}");
    let took = stopped["at"].as_u64().unwrap().saturating_sub(turned_bad);
    println!("stopped after {took} ms");
    assert!(took < 30_000, "stopped after {took} ms");
    // The journal is first; what Envoys are told follows.
    trial
        .until("the arm is shown as stopped", |rollout| {
            let arms = rollout.experiment.iter().flat_map(|experiment| &experiment.arms);
            arms.filter(|arm| arm.name == "large").any(|arm| !arm.stopped_because.is_empty())
        })
        .await;
    trial.control_plane.attached(&[("envoy", 2)]).await;
    let returned = |version: &String| match version.as_str() {
        CANARY_VERSION => BASELINE_VERSION.to_owned(),
        _ => version.clone(),
    };
    let after = versions_of_users(trial.envoy.address(), "/home", USERS).await;
    let moved: Vec<_> =
        before.iter().map(returned).zip(&after).filter(|(expected, seen)| expected != *seen).collect();
    assert!(moved.is_empty(), "{} users are elsewhere than expected: {:?}", moved.len(), moved.first());

    let rollout = trial.control_plane.rollout().await;
    let (phase, so_far) = (rollout.phase(), counted(&rollout, "checkout", "onepage"));
    assert_eq!(phase, Phase::Progressing);
    trial
        .until("the other arm goes on", |rollout| counted(rollout, "checkout", "onepage") > so_far + 50)
        .await;
    let summary = load.stop().await.unwrap();
    assert_eq!(summary.unanswered(|_| false), 0, "requests that no version answered");
    patrol.finish().await.assert_clean();

    let is_worse = |rollout: &Rollout| {
        let results = rollout.experiment.iter().flat_map(|experiment| &experiment.results);
        let arms = results.filter(|result| result.component == "checkout").flat_map(|result| &result.arms);
        let large = arms.filter(|result| result.arm == "large").filter_map(|result| result.error_rate);
        large.map(|one| one.conclusion()).any(|conclusion| conclusion == Conclusion::Worse)
    };
    trial.until("requests are old enough to be compared", is_worse).await;
    let shown = trial.status();
    println!("{shown}");
    for expected in ["plain", "onepage", "large was stopped: ", "checkout", "fails more", "DIFFERENCE"] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
}
