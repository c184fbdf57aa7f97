//! Logs by the real OpenTelemetry SDKs of Python and JavaScript: a new exception of the canary undoes it, one of both versions does not.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use serin_e2e::process::Process;
use serin_e2e::tools::{kept, modules};
use serin_e2e::workspace::Workspace;
use serin_proto::admin::v1::{Phase, Rollout};

use crate::plane::{Plane, reading};

const PATIENCE: Duration = Duration::from_secs(60);
/// How long it must stay quiet where both versions complain: longer than one alone is suffered.
const QUIET: Duration = Duration::from_secs(35);
/// The baseline has so many times the canary's requests, and so its lines.
const BASELINE_TIMES: u32 = 4;
/// The SDK and its exporter over HTTP, checked against digests.
const REQUIREMENTS: &str = include_str!("metrics.requirements.txt");

/// A process that logs by the SDK.
struct Service {
    told: PathBuf,
    _process: Process,
}

impl Service {
    fn start(workspace: &Workspace, folder: &Path, plane: &Plane, version: &str, times: u32) -> Self {
        let modules = modules::folder(workspace, "opentelemetry-1.45.2", REQUIREMENTS).unwrap();
        let told = folder.join(version);
        std::fs::write(&told, "").unwrap();
        let mut command = Command::new("python3");
        command.arg("-B").arg(workspace.root().join("e2e/tests/outside/logs.py"));
        command.args([&plane.otlp("/v1/logs"), version]).arg(&told).arg(times.to_string());
        command.env("PYTHONPATH", modules).env("NO_PROXY", "127.0.0.1");
        let log = folder.join(format!("{version}.log"));
        Self { told, _process: Process::start("logs", command, &log).unwrap() }
    }

    fn complain(&self) {
        std::fs::write(&self.told, "complain").unwrap();
    }
}

/// The same by the SDK of JavaScript, which reports metrics, too.
fn start_of_javascript(
    workspace: &Workspace,
    folder: &Path,
    plane: &Plane,
    version: &str,
    times: u32,
) -> Service {
    let sources = workspace.root().join("e2e/tests/outside/opentelemetry");
    let files = ["package.json", "package-lock.json", "service.mjs"].map(|name| sources.join(name));
    let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let place = workspace.target().join("tools/opentelemetry");
    let modules = kept::node(&place, "the OpenTelemetry SDK of JavaScript", &files).unwrap();
    let told = folder.join(format!("javascript-{version}"));
    std::fs::write(&told, "").unwrap();
    let mut command = Command::new("node");
    command
        .arg(modules.join("service.mjs"))
        .args([&plane.otlp(""), version])
        .arg(&told)
        .arg(times.to_string());
    command.env("NO_PROXY", "127.0.0.1");
    let log = folder.join(format!("javascript-{version}.log"));
    Service { told, _process: Process::start("javascript", command, &log).unwrap() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_exception_of_the_opentelemetry_sdk_undoes_the_canary_and_one_of_both_versions_does_not() {
    let workspace = Workspace::locate().unwrap();
    let scratch = workspace.scratch("logs").unwrap();
    let plane = Plane::start(&workspace, &scratch.join("plane"), &json!({})).await;
    let reporting = plane.report("shop", false).await;
    let plan = |canary: &str| json!({"canary": canary, "logs": {"weight": "30%"}});
    let baseline = Service::start(&workspace, &scratch, &plane, "v1", BASELINE_TIMES);
    for (version, both) in [("v2", false), ("v3", true)] {
        let canary = Service::start(&workspace, &scratch, &plane, version, 1);
        let id = plane.create("shop", &plan(version)).await;
        let looks = |one: &Rollout| one.sources.iter().any(|source| source.source == "logs");
        plane.until_rollout(&id, PATIENCE, looks).await;
        // Lines of both versions are known before one complains.
        tokio::time::sleep(Duration::from_secs(15)).await;
        canary.complain();
        if both {
            baseline.complain();
            tokio::time::sleep(QUIET).await;
            let quiet = plane.until_rollout(&id, PATIENCE, |_| true).await;
            assert_eq!(quiet.phase(), Phase::Progressing, "{}", quiet.summary);
            continue;
        }
        let undone = plane.until_rollout(&id, PATIENCE, |one| one.phase() == Phase::RolledBack).await;
        assert!(undone.summary.contains("the canary's logs tell of harm"), "{}", undone.summary);
        let finding = undone.findings.iter().find(|finding| finding.harmful).unwrap();
        assert!(finding.name.contains("RuntimeError") && finding.only_canary, "{finding:?}");
        assert!(!finding.samples.is_empty() && finding.baseline_events == 0, "{finding:?}");
        let share = |source: &str| undone.sources.iter().find(|one| one.source == source).unwrap().share;
        assert!(share("logs") > 0.9, "{:?}", undone.sources);
    }
    reporting.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_and_metrics_of_the_sdk_of_javascript_are_read_as_those_of_python() {
    let workspace = Workspace::locate().unwrap();
    let scratch = workspace.scratch("logs-javascript").unwrap();
    let plane = Plane::start(&workspace, &scratch.join("plane"), &json!({})).await;
    let reporting = plane.report("shop", false).await;
    let asked = json!({
        "metric": "receipts.missing", "where": {"service.version": "$canary"}, "read": "increase", "over": "10s", "or_zero": true,
    });
    let plan = json!({
        "canary": "v2", "logs": {},
        "queries": {"missing": {"otlp": asked, "every": "1s", "stale_after": "5s"}},
    });
    let id = plane.create("shop", &plan).await;
    let _baseline = start_of_javascript(&workspace, &scratch, &plane, "v1", BASELINE_TIMES);
    let canary = start_of_javascript(&workspace, &scratch, &plane, "v2", 1);
    let value = |one: &Rollout| reading(one, "query", "missing").and_then(|reading| reading.value);
    plane.until_rollout(&id, PATIENCE, |one| value(one) == Some(0.0)).await;
    tokio::time::sleep(Duration::from_secs(12)).await;
    canary.complain();
    plane.until_rollout(&id, PATIENCE, |one| value(one).is_some_and(|value| value > 0.0)).await;
    let undone = plane.until_rollout(&id, PATIENCE, |one| one.phase() == Phase::RolledBack).await;
    assert!(undone.summary.contains("the canary's logs tell of harm"), "{}", undone.summary);
    let finding = undone.findings.iter().find(|finding| finding.harmful).unwrap();
    assert!(
        finding.name.contains("ReceiptError: payment <*> was taken") && finding.only_canary,
        "{finding:?}"
    );
    reporting.abort();
}
