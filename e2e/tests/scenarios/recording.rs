//! A live rollout that is recorded, and replayed to the decision that was made.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use serin_e2e::envoy::{Envoy, Settings};
use serin_e2e::load::{Load, Plan};
use serin_e2e::process::Process;
use serin_e2e::sample::fault::{Faults, Kind};
use serin_proto::admin::v1::{Event, ListEventsRequest, PauseRequest, Phase, ResumeRequest, RollbackRequest};

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

/// Requests per second.
const RATE: u64 = 400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_of_failures_replays_to_the_decision_that_was_made_live() {
    replays_as_it_was("recorded-failures", "trace.jsonl.gz", Kind::Status(500)).await;
}

/// Which requests count as running follows from who reported when: the recording has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_of_hanging_requests_replays_to_the_decision_that_was_made_live() {
    replays_as_it_was("recorded-hangs", "trace.jsonl.zst", Kind::Hang).await;
}

/// The evidence of the time before is recorded, and so is what people do: nothing else tells of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_begun_in_the_middle_replays_what_people_did_and_what_was_decided() {
    let scene = Scene::open("recorded-from-the-middle").await;
    let shop = Shop::open(&scene).await;
    let control_plane = &shop.control_plane;
    let id = control_plane.create(SHOP).await.id;
    control_plane.attached(&[("envoy", 2)]).await;
    let load = Load::start(Plan::of_shop(shop.envoy.address(), RATE as f64)).unwrap();
    eventually("the first step began", PATIENCE, async || {
        (control_plane.rollout().await.phase() == Phase::Progressing).then_some(())
    })
    .await;
    let before = events(control_plane, 0).await.len() as u64;
    let mut recorder = shop.record(&["--rollout", &id], "trace.jsonl").await;

    let reason = || "scenario".to_owned();
    control_plane.set_weight(400_000).await;
    seconds_pass(control_plane, 3).await;
    control_plane.client().resume(ResumeRequest { id: id.clone(), reason: reason() }).await.unwrap();
    seconds_pass(control_plane, 8).await;
    scene.canary.set_faults(Faults::one("/checkout", 0.3, Kind::Status(500)));
    let live = decision(control_plane).await;
    control_plane.client().pause(PauseRequest { id: id.clone(), reason: reason() }).await.unwrap();
    let rollback = RollbackRequest { id, component: String::new(), reason: reason() };
    control_plane.client().rollback(rollback).await.unwrap();
    recorder.ends().await;
    drop(load);

    let timeline = shop.replay("trace.jsonl");
    is_as_it_was(&live, timeline.last().unwrap());
    let told: Vec<Value> = timeline.iter().filter(|entry| entry["event"].is_string()).cloned().collect();
    let lived = events(control_plane, before).await;
    let kinds: Vec<_> = told.iter().map(|entry| entry["event"].as_str().unwrap()).collect();
    let lived_kinds: Vec<_> = lived.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, lived_kinds, "{told:?}");
    for (entry, event) in told.iter().zip(&lived) {
        let (at, t) = (event.at.unwrap().seconds, entry["t"].as_i64().unwrap());
        assert!((t - at).abs() <= 1, "live {event:?}, replayed {entry}");
    }
}

async fn replays_as_it_was(name: &str, file: &str, fault: Kind) {
    let scene = Scene::open(name).await;
    let shop = Shop::open(&scene).await;
    let control_plane = &shop.control_plane;
    let mut recorder = shop.record(&["--service", "shop"], file).await;
    control_plane.create(SHOP).await;
    control_plane.attached(&[("envoy", 2)]).await;
    let load = Load::start(Plan::of_shop(shop.envoy.address(), RATE as f64)).unwrap();
    seconds_pass(control_plane, 12).await;
    scene.canary.set_faults(Faults::one("/checkout", 0.3, fault));
    let live = decision(control_plane).await;
    let (id, reason) = ("shop".to_owned(), "enough was seen".to_owned());
    let rollback = RollbackRequest { id, component: String::new(), reason };
    control_plane.client().rollback(rollback).await.unwrap();
    recorder.ends().await;
    drop(load);
    is_as_it_was(&live, shop.replay(file).last().unwrap());
}

/// A shop that is rolled out behind one Envoy.
struct Shop<'a> {
    scene: &'a Scene,
    control_plane: ControlPlane,
    envoy: Envoy,
}

impl<'a> Shop<'a> {
    async fn open(scene: &'a Scene) -> Self {
        let control_plane = ControlPlane::start(&scene.workspace, &scene.folder, 1_000).await;
        let bootstrap = scene.bootstrap(control_plane.fleet());
        let envoy = scene.envoy(&Settings::named("envoy").workers(2), bootstrap).await;
        Self { scene, control_plane, envoy }
    }

    /// Begins to record, and waits until the server has accepted it.
    async fn record(&self, what: &[&str], file: &str) -> Recorder {
        let mut command = Command::new(self.scene.workspace.binary("serin").unwrap());
        command.args(["--json", "--server", &format!("http://{}", self.control_plane.admin()), "record"]);
        command.args(what).args(["--for", "5m", "-o"]).arg(self.scene.folder.join(file));
        let log = self.scene.folder.join("record.log");
        let process = Process::start("record", command, &log).unwrap();
        let trace = self.scene.folder.join(file);
        eventually("the recording began", PATIENCE, async || trace.exists().then_some(())).await;
        Recorder { process, log }
    }

    /// The timeline and, last, the decision.
    fn replay(&self, file: &str) -> Vec<Value> {
        let plan = self.scene.folder.join("plan.yaml");
        std::fs::write(&plan, SHOP).unwrap();
        let mut command = Command::new(self.scene.workspace.binary("serin").unwrap());
        command.args(["replay", "--json", "--plan"]).arg(plan).arg(self.scene.folder.join(file));
        let output = command.stderr(Stdio::inherit()).output().unwrap();
        assert!(output.status.success(), "{}", output.status);
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

struct Recorder {
    process: Process,
    log: PathBuf,
}

impl Recorder {
    /// Waits for the end, which must be the rollout's.
    async fn ends(&mut self) {
        assert!(self.process.wait(PATIENCE).await.unwrap().success(), "{}", self.process.tail());
        let log = std::fs::read_to_string(&self.log).unwrap();
        let summary: Value = serde_json::from_str(log.trim_end().lines().last().unwrap()).unwrap();
        assert_eq!(summary["ended"], "rollout_ended", "{summary}");
    }
}

/// Whether the replay decided what was decided live, in the same second or the one beside it.
fn is_as_it_was(live: &Event, replayed: &Value) {
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
    println!("decided live at {at}, in the replay {} s later", t - at);
    assert!((t - at).abs() <= 1, "live {at}, replayed {t}");
}

/// Waits until so many more seconds of traffic were merged.
async fn seconds_pass(control_plane: &ControlPlane, seconds: u64) {
    let merged = async || control_plane.metric("serin_requests_finished_total").await;
    let enough = merged().await + seconds * RATE;
    eventually("traffic is merged", Duration::from_secs(60), async || {
        (merged().await >= enough).then_some(())
    })
    .await;
}

/// The journal after so many events.
async fn events(control_plane: &ControlPlane, after_sequence: u64) -> Vec<Event> {
    let request = ListEventsRequest { after_sequence, ..ListEventsRequest::default() };
    control_plane.client().list_events(request).await.unwrap().into_inner().events
}

/// The first rollback in the journal.
async fn decision(control_plane: &ControlPlane) -> Event {
    eventually("the route is rolled back", Duration::from_secs(60), async || {
        events(control_plane, 0).await.into_iter().find(|event| event.kind.ends_with("rolled_back"))
    })
    .await
}
