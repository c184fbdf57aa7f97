//! Programs that know nothing of Serin work with it: grpcurl by reflection, Prometheus by scraping.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use serin_e2e::envoy::Settings;
use serin_e2e::http;
use serin_e2e::ports::Port;
use serin_e2e::process::Process;

use crate::support::control_plane::{ControlPlane, PLAN};
use crate::support::crowd::versions_of_users;
use crate::support::scene::Scene;
use crate::support::{eventually, tools};

/// Calls grpcurl and gives its output.
fn grpcurl(binary: &Path, data: Option<&Value>, address: &str, what: &[&str]) -> (bool, String) {
    let mut command = Command::new(binary);
    command.args(["-plaintext", "-max-time", "10"]);
    if let Some(data) = data {
        command.arg("-d").arg(data.to_string());
    }
    tools::run(command.arg(address).args(what))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grpcurl_finds_the_services_by_reflection_and_steers_a_rollout() {
    let scene = Scene::open("grpcurl").await;
    let binary = tools::grpcurl(&scene.workspace);
    let control_plane = ControlPlane::start(&scene.workspace, &scene.folder, 1_000).await;
    let address = control_plane.admin().to_string();
    let good = |data: Option<Value>, what: &[&str]| {
        let (success, text) = grpcurl(&binary, data.as_ref(), &address, what);
        assert!(success, "{what:?}: {text}");
        text
    };
    let call = |method: &str, data: Value| -> Value {
        serde_json::from_str(&good(Some(data), &[&format!("serin.admin.v1.AdminService/{method}")])).unwrap()
    };

    let services = good(None, &["list"]);
    for service in ["serin.admin.v1.AdminService", "grpc.health.v1.Health"] {
        assert!(services.lines().any(|line| line == service), "{services}");
    }
    assert!(good(None, &["describe", "serin.admin.v1.Rollout"]).contains("uint32 weight_ppm = 6;"));
    let health = json!({"service": "serin.admin.v1.AdminService"});
    assert!(good(Some(health), &["grpc.health.v1.Health/Check"]).contains("SERVING"));
    assert!(good(Some(json!({})), &["grpc.health.v1.Health/Check"]).contains("SERVING"));

    assert_eq!(call("List", json!({})), json!({}));
    let created = call("Create", json!({"plan_yaml": PLAN}));
    assert_eq!(created["rollout"]["service"], "shop");
    assert_eq!(created["rollout"]["weightPpm"], 50_000);
    let listed = call("List", json!({"service": "shop"}));
    assert_eq!(listed["rollouts"][0]["id"], created["rollout"]["id"]);
    let component = call("Rollback", json!({"id": "shop", "component": "orders", "reason": "by grpcurl"}));
    let orders = component["rollout"]["components"].as_array().unwrap();
    let orders = orders.iter().find(|component| component["name"] == "orders").unwrap();
    assert_eq!(orders["rolledBack"], true);
    let whole = call("Rollback", json!({"id": "shop", "reason": "by grpcurl"}));
    assert_eq!(whole["rollout"]["phase"], "PHASE_ROLLED_BACK");
    let events = call("ListEvents", json!({})).to_string();
    assert!(events.contains("by grpcurl"), "{events}");

    for (method, data, status) in [
        ("Get", json!({"id": "nobody"}), "NotFound"),
        ("Create", json!({"plan_yaml": "service: [1"}), "InvalidArgument"),
        ("Promote", json!({"id": "shop", "reason": "too late"}), "FailedPrecondition"),
    ] {
        let method = format!("serin.admin.v1.AdminService/{method}");
        let (success, text) = grpcurl(&binary, Some(&data), &address, &[&method]);
        assert!(!success && text.contains(status), "{method}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prometheus_scrapes_the_metrics_and_promtool_finds_nothing_wrong_with_them() {
    let scene = Scene::open("prometheus").await;
    tools::ensure_prometheus(&scene.workspace);
    let control_plane = ControlPlane::start(&scene.workspace, &scene.folder, 200).await;
    let bootstrap = scene.bootstrap(control_plane.fleet());
    let envoy = scene.envoy(&Settings::named("envoy"), bootstrap).await;
    control_plane.create(PLAN).await;
    control_plane.attached(&[("envoy", 1)]).await;
    versions_of_users(envoy.address(), "/home", 500).await;

    let accept = ("accept", "application/openmetrics-text;version=1.0.0");
    let open_metrics = http::get(control_plane.http(), "/metrics", &[accept]).await.unwrap();
    let kind = open_metrics.header("content-type").unwrap();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    assert!(open_metrics.text().ends_with("# EOF\n"));
    let page = http::get(control_plane.http(), "/metrics", &[]).await.unwrap();
    let kind = page.header("content-type").unwrap();
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    let file = scene.folder.join("metrics.txt");
    std::fs::write(&file, page.text()).unwrap();
    let mut promtool = Command::new("sh");
    promtool.arg("-c").arg("promtool check metrics < \"$0\"").arg(&file);
    let (success, text) = tools::run(&mut promtool);
    assert!(success, "promtool: {text}");

    let port = Port::reserve().unwrap();
    let config = scene.folder.join("prometheus.yml");
    let document = json!({"scrape_configs": [{
        "job_name": "serin",
        "scrape_interval": "1s",
        "static_configs": [{"targets": [control_plane.http()]}],
    }]});
    std::fs::write(&config, document.to_string()).unwrap();
    let mut command = Command::new("prometheus");
    command
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", scene.folder.join("tsdb").display()))
        .arg(format!("--web.listen-address={}", port.address()));
    let _prometheus = Process::start("prometheus", command, &scene.folder.join("prometheus.log")).unwrap();

    let deadline = Duration::from_secs(30);
    eventually("the target is up", deadline, async || {
        let targets: Value = http::get_json(port.address(), "/api/v1/targets").await.ok()?;
        let target = &targets["data"]["activeTargets"][0];
        assert_ne!(target["health"], "down", "{target}");
        (target["health"] == "up").then_some(())
    })
    .await;
    let query = async |query: &str| -> Option<f64> {
        let path = format!("/api/v1/query?query={query}");
        let answer: Value = http::get_json(port.address(), &path).await.ok()?;
        answer["data"]["result"][0]["value"][1].as_str()?.parse().ok()
    };
    eventually("all requests are in Prometheus", deadline, async || {
        let finished = query("sum(serin_requests_finished_total%7Bservice=%22shop%22%7D)").await?;
        (finished >= 500.0).then_some(())
    })
    .await;
    assert_eq!(query("sum(serin_requests_finished_total)").await, Some(500.0));
    let weight = query("serin_rollout_weight_ratio%7Bservice=%22shop%22%7D").await;
    assert_eq!(weight, Some(0.05));
}
