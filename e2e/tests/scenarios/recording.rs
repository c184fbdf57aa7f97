//! A live rollout that is recorded, and replayed to the decision that was made.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use serin_e2e::envoy::Settings;
use serin_e2e::load::{Load, Plan};
use serin_e2e::process::Process;
use serin_e2e::sample::fault::{Faults, Kind};
use serin_proto::admin::v1::{Event, ListEventsRequest, RollbackRequest};

use crate::support::control_plane::ControlPlane;
use crate::support::scene::Scene;
use crate::support::{PATIENCE, eventually};

/// The plan of the rollout. A step is long, so that nothing is promoted before the fault begins.
const SHOP: &str = "\
service: shop
baseline: v1
canary: v2
components:
- {name: checkout, matches: [{path: {prefix: /checkout}}]}
- {name: search, matches: [{path: {prefix: /search}}]}
- {name: cart, matches: [{path: {prefix: /cart}}]}
warm_up: 5s
steps: [{weight: 20%, bake: 10m}]
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_of_failures_replays_to_the_decision_that_was_made_live() {
    replays_as_it_was("recorded-failures", "trace.jsonl.gz", Kind::Status(500)).await;
}

/// Which requests count as running follows from who reported when: the recording has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_of_hanging_requests_replays_to_the_decision_that_was_made_live() {
    replays_as_it_was("recorded-hangs", "trace.jsonl.zst", Kind::Hang).await;
}

async fn replays_as_it_was(name: &str, file: &str, fault: Kind) {
    let scene = Scene::open(name).await;
    let control_plane = ControlPlane::start(&scene.workspace, &scene.folder, 1_000).await;
    let bootstrap = scene.bootstrap(control_plane.fleet());
    let envoy = scene.envoy(&Settings::named("envoy").workers(2), bootstrap).await;
    let (trace, plan) = (scene.folder.join(file), scene.folder.join("plan.yaml"));
    std::fs::write(&plan, SHOP).unwrap();
    let serin = scene.workspace.binary("serin").unwrap();

    let mut command = Command::new(&serin);
    command.args(["--json", "--server", &format!("http://{}", control_plane.admin())]);
    command.args(["record", "--service", "shop", "--for", "5m", "-o"]).arg(&trace);
    let log = scene.folder.join("record.log");
    let mut recorder = Process::start("record", command, &log).unwrap();
    eventually("the recording began", PATIENCE, async || trace.exists().then_some(())).await;

    control_plane.create(SHOP).await;
    control_plane.attached(&[("envoy", 2)]).await;
    let load = Load::start(Plan::of_shop(envoy.address(), 400.0)).unwrap();
    tokio::time::sleep(Duration::from_secs(12)).await;
    scene.canary.set_faults(Faults::one("/checkout", 0.3, fault));
    let live = decision(&control_plane).await;
    let (id, reason) = ("shop".to_owned(), "enough was seen".to_owned());
    let rollback = RollbackRequest { id, component: String::new(), reason };
    control_plane.client().rollback(rollback).await.unwrap();
    assert!(recorder.wait(PATIENCE).await.unwrap().success(), "{}", recorder.tail());
    drop(load);
    let summary: Value = last_line(&std::fs::read_to_string(&log).unwrap());
    assert_eq!(summary["ended"], "rollout_ended", "{summary}");

    let replayed = replay(&serin, &plan, &trace);
    let event: Value = serde_json::from_str(&live.json).unwrap();
    let level = match live.kind.as_str() {
        "components_rolled_back" => "medium",
        "rolled_back" => "coarse",
        kind => panic!("the fault was answered with {kind}"),
    };
    assert_eq!(
        (&replayed["decision"], &replayed["level"]),
        (&"rollback".into(), &level.into()),
        "{replayed}"
    );
    if level == "medium" {
        assert_eq!(replayed["components"], event["components"], "{replayed}");
    }
    let (at, t) = (live.at.unwrap().seconds, replayed["t"].as_i64().unwrap());
    println!("{name}: decided live at {at}, in the replay {} s later", t - at);
    assert!((t - at).abs() <= 1, "live {at}, replayed {t}");
}

/// The first rollback in the journal.
async fn decision(control_plane: &ControlPlane) -> Event {
    eventually("the route is rolled back", Duration::from_secs(60), async || {
        let events = control_plane.client().list_events(ListEventsRequest::default()).await.unwrap();
        events.into_inner().events.into_iter().find(|event| event.kind.ends_with("rolled_back"))
    })
    .await
}

fn replay(serin: &Path, plan: &Path, trace: &Path) -> Value {
    let mut command = Command::new(serin);
    command.args(["replay", "--json", "--plan"]).arg(plan).arg(trace).stderr(Stdio::inherit());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", output.status);
    last_line(&String::from_utf8(output.stdout).unwrap())
}

fn last_line(text: &str) -> Value {
    serde_json::from_str(text.trim_end().lines().last().unwrap_or_default())
        .unwrap_or_else(|error| panic!("{error}: {text}"))
}
