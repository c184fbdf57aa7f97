//! Metrics by the real OpenTelemetry SDK of Python, in both temporalities: what triggers make of them, and of their silence.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use serin_e2e::process::Process;
use serin_e2e::tools::modules;
use serin_e2e::workspace::Workspace;
use serin_proto::admin::v1::{Phase, Rollout};

use crate::plane::{Plane, reading};

const PATIENCE: Duration = Duration::from_secs(60);
/// The SDK and its exporter over HTTP, checked against digests.
const REQUIREMENTS: &str = include_str!("metrics.requirements.txt");

/// A process that counts by the SDK.
struct Service {
    told: PathBuf,
    process: Process,
}

impl Service {
    fn start(workspace: &Workspace, folder: &Path, plane: &Plane, version: &str, temporality: &str) -> Self {
        let modules = modules::folder(workspace, "opentelemetry-1.45.2", REQUIREMENTS).unwrap();
        let told = folder.join(format!("{version}-{temporality}"));
        std::fs::write(&told, "").unwrap();
        let mut command = Command::new("python3");
        command.arg("-B").arg(workspace.root().join("e2e/tests/outside/metrics.py"));
        command.args([&plane.otlp("/v1/metrics"), version, temporality]).arg(&told);
        command.env("PYTHONPATH", modules).env("NO_PROXY", "127.0.0.1");
        let log = folder.join(format!("{version}-{temporality}.log"));
        Self { told, process: Process::start("metrics", command, &log).unwrap() }
    }

    fn tell(&self, line: &str) {
        let mut file = OpenOptions::new().append(true).open(&self.told).unwrap();
        writeln!(file, "{line}").unwrap();
    }
}

fn plan(canary: &str) -> Value {
    let query = |metric: &str, read: &str, or_zero: bool| {
        let asked = json!({
            "metric": metric, "where": {"service.version": "$canary"}, "read": read, "over": "10s", "or_zero": or_zero,
        });
        json!({"otlp": asked, "every": "1s", "stale_after": "5s"})
    };
    json!({
        "canary": canary,
        "queries": {
            "failed": query("payments.failed", "increase", true),
            "took": query("payment.duration", "p99", false),
            "depth": query("queue.depth", "max", false),
        },
        "triggers": {"custom": [
            {"name": "failed", "query": "failed", "above": 0, "for": "0s"},
            {"name": "took", "query": "took", "above": 50, "for": "0s", "action": "notify"},
            {"name": "depth", "query": "depth", "above": 100, "for": "0s", "action": "notify"},
        ]},
    })
}

fn is(rollout: &Rollout, name: &str, state: &str) -> bool {
    reading(rollout, "trigger", name).is_some_and(|one| one.state == state)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_of_the_opentelemetry_sdk_fire_triggers_and_without_them_a_rollout_holds() {
    let workspace = Workspace::locate().unwrap();
    let scratch = workspace.scratch("metrics").unwrap();
    let plane = Plane::start(&workspace, &scratch.join("plane"), &json!({})).await;
    let reporting = plane.report("shop", false).await;
    for temporality in ["cumulative", "delta"] {
        // A version of its own: what the process before it counted is still in the window.
        let version = format!("v2-{temporality}");
        let id = plane.create("shop", &plan(&version)).await;
        let unknown =
            |one: &Rollout| ["failed", "took", "depth"].iter().all(|name| is(one, name, "inconclusive"));
        plane.until_rollout(&id, PATIENCE, unknown).await;
        let [baseline, mut canary] = ["v1", version.as_str()]
            .map(|version| Service::start(&workspace, &scratch, &plane, version, temporality));
        baseline.tell("failed 7");
        let quiet = |one: &Rollout| is(one, "failed", "quiet") && is(one, "depth", "quiet");
        let rollout = plane.until_rollout(&id, PATIENCE, quiet).await;
        assert_eq!(
            reading(&rollout, "query", "failed").unwrap().value,
            Some(0.0),
            "the baseline's are not its own"
        );
        assert!(is(&rollout, "took", "inconclusive"), "nothing was recorded: {rollout:#?}");

        canary.tell("depth 250");
        for took in [5, 15, 75] {
            canary.tell(&format!("took {took}"));
        }
        let fired = |one: &Rollout| is(one, "depth", "fired") && is(one, "took", "fired");
        plane.until_rollout(&id, PATIENCE, fired).await;
        canary.process.ensure_running().unwrap();

        // The first of its kind, in a process that has lived for a while: it counts at once.
        canary.tell("failed 2");
        let undone = plane.until_rollout(&id, PATIENCE, |one| one.phase() == Phase::RolledBack).await;
        assert!(
            undone.summary.contains("the trigger failed fired: failed is 2, limit 0"),
            "{}",
            undone.summary
        );
    }
    reporting.abort();
}
