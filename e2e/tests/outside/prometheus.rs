//! The real Prometheus and Alertmanager: what triggers make of what these scrape, and of their silence.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use serin_e2e::ports::Port;
use serin_e2e::servers::prometheus::{Scrape, alertmanager, prometheus};
use serin_e2e::workspace::Workspace;
use serin_proto::admin::v1::{Phase, Rollout};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::plane::{Plane, reading};

const PATIENCE: Duration = Duration::from_secs(40);

/// A service that Prometheus scrapes.
struct Exporter {
    address: SocketAddr,
    metrics: Arc<Mutex<String>>,
    task: JoinHandle<()>,
}

impl Exporter {
    async fn start(metrics: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let metrics = Arc::new(Mutex::new(metrics.to_owned()));
        let shown = Arc::clone(&metrics);
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let body = shown.lock().unwrap().clone();
                tokio::spawn(async move {
                    _ = stream.read(&mut [0; 4_096]).await;
                    let head =
                        "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\nconnection: close";
                    let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                    _ = stream.write_all(answer.as_bytes()).await;
                });
            }
        });
        Self { address, metrics, task }
    }

    fn set(&self, metrics: &str) {
        metrics.clone_into(&mut self.metrics.lock().unwrap());
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn plane(workspace: &Workspace, folder: &Path, prometheus: &Port) -> Plane {
    let more = json!({
        "outside": {"permit": ["127.0.0.1/32"]},
        "targets": {"prometheus": {"main": {"url": format!("http://{}", prometheus.address())}}},
    });
    Plane::start(workspace, &folder.join("plane"), &more).await
}

/// Events of the canary that Prometheus counted within the last minute, as a trigger by itself; and steps that move in seconds.
fn watched(service: &str) -> Value {
    let promql =
        format!("sum(increase(security_events_total{{service=\"{service}\",version=\"$canary\"}}[1m]))");
    json!({
        "steps": [{"weight": "20%", "bake": "2s"}, {"weight": "50%", "bake": "1h"}],
        "queries": {"security": {"promql": promql, "every": "1s", "stale_after": "3s"}},
        "triggers": {"security_events": {"query": "security"}},
    })
}

fn security(state: &'static str) -> impl Fn(&Rollout) -> bool {
    move |rollout| reading(rollout, "trigger", "security_events").is_some_and(|one| one.state == state)
}

fn events(of_shop: u32) -> String {
    format!(
        "# TYPE security_events_total counter\n\
         security_events_total{{service=\"shop\",version=\"v1\"}} 7\n\
         security_events_total{{service=\"shop\",version=\"v2\"}} {of_shop}\n\
         security_events_total{{service=\"cart\",version=\"v2\"}} 0\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trigger_by_promql_fires_on_what_prometheus_scraped_and_holds_while_prometheus_is_gone() {
    let workspace = Workspace::locate().unwrap();
    let scratch = workspace.scratch("prometheus").unwrap();
    let (exporter, port) = (Exporter::start(&events(0)).await, Port::reserve().unwrap());
    let scrape = Scrape { exporter: exporter.address, alertmanager: None, alerts: &[] };
    let server = prometheus(&workspace, &scratch, &port, &scrape).await.unwrap();
    let plane = plane(&workspace, &scratch, &port).await;
    let shop = plane.create("shop", &watched("shop")).await;
    let reporting = [plane.report("shop", false).await, plane.report("cart", false).await];
    plane.until_rollout(&shop, PATIENCE, security("quiet")).await;

    // Nothing is wrong with the requests of either version: the counter alone undoes it.
    exporter.set(&events(3));
    let undone = plane.until_rollout(&shop, PATIENCE, |one| one.phase() == Phase::RolledBack).await;
    assert!(undone.summary.contains("the trigger security_events fired"), "{}", undone.summary);

    // The twin sees no event. It begins while nobody answers, and so it stays at its first step for longer than that bakes.
    server.stop().await.unwrap();
    let cart = plane.create("cart", &watched("cart")).await;
    let overdue = |one: &Rollout| reading(one, "trigger", "security_events").is_some_and(|one| one.silent);
    let held = plane.until_rollout(&cart, PATIENCE, overdue).await;
    assert!(security("inconclusive")(&held), "{held:#?}");
    let query = reading(&held, "query", "security").unwrap();
    assert!(query.text.contains("cannot connect"), "{}", query.text);
    assert_eq!((held.phase(), held.weight_ppm), (Phase::Progressing, 200_000), "{}", held.summary);

    // What was scraped before is on its disk; once it is back, the rollout goes on.
    let _server = prometheus(&workspace, &scratch, &port, &scrape).await.unwrap();
    let next = plane.until_rollout(&cart, PATIENCE, |one| one.weight_ppm == 500_000).await;
    assert!(security("quiet")(&next), "{next:#?}");
    reporting.into_iter().for_each(|task| task.abort());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_of_the_real_alertmanager_undoes_the_version_and_silence_of_it_holds() {
    let workspace = Workspace::locate().unwrap();
    let scratch = workspace.scratch("alertmanager").unwrap();
    let [port, alerts_port] = [Port::reserve().unwrap(), Port::reserve().unwrap()];
    let exporter = Exporter::start("queue_depth{version=\"v1\"} 5\nqueue_depth{version=\"v2\"} 5\n").await;
    let plane = plane(&workspace, &scratch, &port).await;
    let alerting =
        alertmanager(&workspace, &scratch, &alerts_port, &plane.http("/api/alerts")).await.unwrap();
    let scrape = Scrape {
        exporter: exporter.address,
        alertmanager: Some(alerts_port.address()),
        alerts: &[("Deep", "queue_depth > 100"), ("Watchdog", "vector(1)")],
    };
    let _server = prometheus(&workspace, &scratch, &port, &scrape).await.unwrap();
    let alert = json!({
        "queries": {"deep": {
            "alert": {"name": "Deep", "labels": {"version": "$canary"}}, "stale_after": "10s",
        }},
        "triggers": {"custom": [{"name": "deep", "query": "deep", "above": 0, "for": "0s"}]},
    });
    let is = |state: &'static str| {
        move |one: &Rollout| reading(one, "trigger", "deep").is_some_and(|one| one.state == state)
    };
    let shop = plane.create("shop", &alert).await;
    let reporting = [plane.report("shop", false).await, plane.report("cart", false).await];
    // The watchdog fires all the while, which shows that Alertmanager lives.
    plane.until_rollout(&shop, PATIENCE, is("quiet")).await;
    exporter.set("queue_depth{version=\"v1\"} 500\nqueue_depth{version=\"v2\"} 5\n");
    let cart = plane.create("cart", &alert).await;
    plane.until_rollout(&cart, PATIENCE, is("quiet")).await;
    let still = plane.until_rollout(&shop, PATIENCE, |_| true).await;
    assert_eq!(still.phase(), Phase::Progressing, "the baseline's queue is not the canary's");

    alerting.stop().await.unwrap();
    plane.until_rollout(&cart, PATIENCE, is("inconclusive")).await;
    exporter.set("queue_depth{version=\"v1\"} 5\nqueue_depth{version=\"v2\"} 500\n");
    let _alerting =
        alertmanager(&workspace, &scratch, &alerts_port, &plane.http("/api/alerts")).await.unwrap();
    for id in [&shop, &cart] {
        let undone = plane.until_rollout(id, PATIENCE, |one| one.phase() == Phase::RolledBack).await;
        assert!(undone.summary.contains("the trigger deep fired"), "{}", undone.summary);
    }
    reporting.into_iter().for_each(|task| task.abort());
}
