//! A live rollout that is recorded, and replayed to the decision that was made.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;
use serin_e2e::process::Process;
use serin_e2e::sample::fault::{Faults, Kind};
use serin_proto::admin::v1::{Event, PauseRequest, Phase, ResumeRequest, RollbackRequest};

use crate::support::shop::{SHOP, Shop, contents};
use crate::support::{PATIENCE, eventually};

/// After [`SHOP`]. A step is long, so that nothing is promoted before the fault begins.
const PLAN: &str = "\
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

/// The evidence of the time before is recorded, and so is what people do: nothing else tells of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_begun_in_the_middle_replays_what_people_did_and_what_was_decided() {
    let shop = Shop::open("recorded-from-the-middle").await;
    let control_plane = &shop.control_plane;
    let id = shop.begins(&plan()).await;
    let load = shop.load();
    shop.reaches(Phase::Progressing).await;
    let before = shop.events(0).await.len() as u64;
    let mut recorder = shop.record(&["--rollout", &id], "trace.jsonl").await;

    let reason = || "scenario".to_owned();
    control_plane.set_weight(400_000).await;
    shop.seconds_pass(3).await;
    control_plane.client().resume(ResumeRequest { id: id.clone(), reason: reason() }).await.unwrap();
    shop.seconds_pass(8).await;
    shop.scene.canary.set_faults(Faults::one("/checkout", 0.3, Kind::Status(500)));
    let live = shop.rollback().await;
    control_plane.client().pause(PauseRequest { id: id.clone(), reason: reason() }).await.unwrap();
    let rollback = RollbackRequest { id, reason: reason(), ..RollbackRequest::default() };
    control_plane.client().rollback(rollback).await.unwrap();
    recorder.ends().await;
    drop(load);

    let timeline = shop.replay("trace.jsonl");
    is_as_it_was(&live, timeline.last().unwrap());
    let told: Vec<Value> = timeline.iter().filter(|entry| entry["event"].is_string()).cloned().collect();
    let lived = shop.events(before).await;
    let kinds: Vec<_> = told.iter().map(|entry| entry["event"].as_str().unwrap()).collect();
    let lived_kinds: Vec<_> = lived.iter().map(|event| event.kind.as_str()).collect();
    // Envoys may tell that they obey after the recording has ended.
    let after = lived_kinds.strip_prefix(kinds.as_slice());
    let is_whole = after.is_some_and(|after| after.iter().all(|kind| *kind == "rollback_stage"));
    assert!(is_whole, "{lived_kinds:?} live, in the replay {told:?}");
    for (entry, event) in told.iter().zip(&lived) {
        let (at, t) = (event.at.unwrap().seconds, entry["t"].as_i64().unwrap());
        assert!((t - at).abs() <= 1, "live {event:?}, replayed {entry}");
    }
}

async fn replays_as_it_was(name: &str, file: &str, fault: Kind) {
    let shop = Shop::open(name).await;
    let mut recorder = shop.record(&["--service", "shop"], file).await;
    shop.begins(&plan()).await;
    let load = shop.load();
    shop.seconds_pass(12).await;
    shop.scene.canary.set_faults(Faults::one("/checkout", 0.3, fault));
    let live = shop.rollback().await;
    let (id, reason) = ("shop".to_owned(), "enough was seen".to_owned());
    let rollback = RollbackRequest { id, reason, ..RollbackRequest::default() };
    shop.control_plane.client().rollback(rollback).await.unwrap();
    recorder.ends().await;
    drop(load);
    is_as_it_was(&live, shop.replay(file).last().unwrap());
}

impl Shop {
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
        std::fs::write(&plan, self::plan()).unwrap();
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
    let event = contents(live);
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

fn plan() -> String {
    format!("{SHOP}{PLAN}")
}
