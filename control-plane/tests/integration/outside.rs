//! Triggers, queries and health checks through the real server, with services that behave and that do not.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use serin_control_plane::{Config, start};
use serin_proto::admin::v1::{CreateRequest, ListEventsRequest, OutsideReading, Phase, Rollout};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::otlp::{post, status};
use crate::support::*;

const WELL: u8 = 0;
const ILL: u8 = 1;
const HANGS: u8 = 2;
const FLOODS: u8 = 3;
const REDIRECTS: u8 = 4;

/// A service that does what is asked of it, also as a Prometheus server that knows one value.
async fn service(manner: &Arc<AtomicU8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, manner) = (listener.local_addr().unwrap(), Arc::clone(manner));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let manner = Arc::clone(&manner);
            tokio::spawn(async move {
                let mut request = [0; 4_096];
                _ = stream.read(&mut request).await;
                let (head, body) = match manner.load(Ordering::SeqCst) {
                    HANGS => return std::future::pending::<()>().await,
                    FLOODS => {
                        while stream.write_all(&request).await.is_ok() {}
                        return;
                    }
                    REDIRECTS => ("302 Found\r\nlocation: http://169.254.169.254/", ""),
                    ILL => ("500 Internal Server Error", ""),
                    _ => (
                        "200 OK",
                        r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"0.5"]}]}}"#,
                    ),
                };
                let length = body.len();
                let answer =
                    format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
                _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    address
}

async fn server(prometheus: SocketAddr) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let more = format!(
        "outside: {{permit: [127.0.0.0/8]}}\ntargets: {{prometheus: {{main: {{url: 'http://{prometheus}'}}}}}}\n"
    );
    let config = Config::parse(&format!("{}{more}", yaml(folder.path())), false).unwrap();
    Server { running: start(&config).await.unwrap(), folder }
}

async fn create(admin: &mut Admin, more: &str) -> Rollout {
    let base = plan("shop").replace("bake: 2s", "bake: 10m");
    let request = CreateRequest { plan_yaml: format!("{base}{more}"), paused: false };
    admin.create(request).await.unwrap().into_inner().rollout.unwrap()
}

fn reading<'a>(rollout: &'a Rollout, kind: &str, name: &str) -> Option<&'a OutsideReading> {
    rollout.outside.iter().find(|one| one.kind == kind && one.name == name)
}

fn is(rollout: &Rollout, kind: &str, name: &str, state: &str) -> bool {
    reading(rollout, kind, name).is_some_and(|one| one.state == state)
}

/// Two queries, two triggers and a check on both arms.
fn well_watched(canary: SocketAddr, baseline: SocketAddr) -> String {
    format!(
        "
queries:
  load: {{promql: 'max(load{{version=\"$canary\"}})', every: 1s}}
  queue: {{webhook: true, stale_after: 1h}}
triggers:
  memory: {{query: load, for: 5s}}
  custom: [{{name: queue, query: queue, above: 10, for: 0s}}]
health:
  interval: 1s
  timeout: 500ms
  checks:
    - name: ping
      component: route-3
      canary: {{http: {{url: 'http://{canary}/healthz'}}}}
      baseline: {{http: {{url: 'http://{baseline}/healthz'}}}}
"
    )
}

async fn kinds(admin: &mut Admin, id: &str) -> Vec<String> {
    let request = ListEventsRequest { rollout_id: id.to_owned(), ..ListEventsRequest::default() };
    let events = admin.list_events(request).await.unwrap().into_inner().events;
    events.into_iter().map(|event| event.kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_undoes_its_component_and_a_posted_value_the_version() {
    let (canary, baseline) = (Arc::new(AtomicU8::new(WELL)), Arc::new(AtomicU8::new(WELL)));
    let (canary_at, baseline_at) = (service(&canary).await, service(&baseline).await);
    let server = server(baseline_at).await;
    let mut admin = server.admin().await;
    let created = create(&mut admin, &well_watched(canary_at, baseline_at)).await;
    let reporting = tokio::spawn(report_bad_route(server.fleet().await, "shop", "none", 0.0));
    let http = server.addresses().http;
    let value = |path: &'static str, body: &'static str| async move {
        status(&post(http, path, "content-type: application/json\r\n", body.as_bytes()).await.0)
    };
    assert_eq!(value("/api/rollouts/shop/queries/queue", r#"{"value": 3}"#).await, 202);
    assert_eq!(
        value("/api/rollouts/shop/queries/load", r#"{"value": 3}"#).await,
        404,
        "it is asked, not told"
    );
    assert_eq!(value("/api/rollouts/other/queries/queue", r#"{"value": 3}"#).await, 404);
    assert_eq!(value("/api/rollouts/shop/queries/queue", r#"{"value": "x"}"#).await, 422);
    let id = created.id;
    let well = |rollout: &Rollout| {
        is(rollout, "health_check", "ping", "healthy")
            && is(rollout, "query", "load", "value")
            && is(rollout, "trigger", "memory", "quiet")
            && is(rollout, "trigger", "queue", "quiet")
    };
    let rollout = eventually(&mut admin, &id, well).await;
    assert_eq!(reading(&rollout, "query", "load").unwrap().value, Some(0.5));

    // Both are ill: nobody is helped by undoing the canary.
    canary.store(ILL, Ordering::SeqCst);
    baseline.store(ILL, Ordering::SeqCst);
    let shared = |rollout: &Rollout| is(rollout, "health_check", "ping", "shared");
    let rollout = eventually(&mut admin, &id, shared).await;
    assert!(!rollout.components.iter().any(|component| component.rolled_back));
    baseline.store(WELL, Ordering::SeqCst);
    let undone = |rollout: &Rollout| rollout.components.iter().any(|component| component.rolled_back);
    let rollout = eventually(&mut admin, &id, undone).await;
    let returned = rollout.components.iter().find(|component| component.rolled_back).unwrap();
    assert_eq!(returned.name, "route-3");
    let because = &returned.rolled_back_because;
    assert_eq!(because, "route-3 is unhealthy by the check ping: it answered 500");
    assert_eq!(phase(&rollout), Phase::Progressing, "the others go on");

    let page = crate::http::text(http, &format!("/rollouts/{id}")).await.1;
    assert!(page.contains("queue is 3, limit 10"), "the page of the rollout tells of triggers");
    let metrics = crate::http::text(http, "/metrics").await.1;
    assert!(metrics.contains("serin_health_checks_total{result=\"failed\"}"), "{metrics}");
    assert_eq!(value("/api/rollouts/shop/queries/queue", r#"{"value": 11}"#).await, 202);
    let rollout = eventually(&mut admin, &id, |rollout| phase(rollout) == Phase::RolledBack).await;
    assert!(
        rollout.summary.contains("the trigger queue fired: queue is 11, limit 10"),
        "{}",
        rollout.summary
    );
    reporting.abort();
    let mut evidence = crate::evidence::evidence(server.addresses()).await;
    let all = crate::evidence::manifests(&mut evidence, &id).await;
    let bundles: Vec<&str> =
        all.iter().filter(|one| one["kind"] == "bundle").filter_map(|one| one["id"].as_str()).collect();
    let [version, component] = bundles[..] else { panic!("{bundles:?}") };
    let outside = crate::evidence::document(&mut evidence, component, "outside").await;
    assert_eq!(outside["health"][0]["state"], "unhealthy", "{outside}");
    let outside = crate::evidence::document(&mut evidence, version, "outside").await;
    let named = |of: &str, name: &str| {
        let all = outside[of].as_array().unwrap();
        all.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("{name}: {outside}")).clone()
    };
    assert_eq!(named("triggers", "queue")["state"], "fired");
    assert_eq!(
        (&named("queries", "queue")["value"], &named("queries", "load")["value"]),
        (&11.0.into(), &0.5.into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_a_trigger_and_silence_of_alertmanager_is_not_health() {
    let server = server("127.0.0.1:1".parse().unwrap()).await;
    let mut admin = server.admin().await;
    let created = create(
        &mut admin,
        "
queries: {deep: {alert: {name: Deep, labels: {version: $canary}}}}
triggers: {custom: [{name: deep, query: deep, above: 0, for: 0s, action: hold}]}
",
    )
    .await;
    let reporting = tokio::spawn(report_bad_route(server.fleet().await, "shop", "none", 0.0));
    let state = |state: &'static str| move |rollout: &Rollout| is(rollout, "trigger", "deep", state);
    eventually(&mut admin, &created.id, state("inconclusive")).await;
    let http = server.addresses().http;
    let alerts = |alerts: &'static str| async move {
        let body = format!(r#"{{"version":"4","status":"firing","alerts":[{alerts}]}}"#);
        status(&post(http, "/api/alerts", "content-type: application/json\r\n", body.as_bytes()).await.0)
    };
    assert_eq!(alerts(r#"{"status":"firing","labels":{"alertname":"Watchdog"}}"#).await, 202);
    eventually(&mut admin, &created.id, state("quiet")).await;
    assert_eq!(alerts(r#"{"status":"firing","labels":{"alertname":"Deep","version":"v1"}}"#).await, 202);
    assert_eq!(alerts(r#"{"status":"firing","labels":{"alertname":"Deep","version":"v2"}}"#).await, 202);
    eventually(&mut admin, &created.id, state("fired")).await;
    eventually(&mut admin, &created.id, |rollout| rollout.summary.contains("the trigger deep fired")).await;
    assert_eq!(alerts(r#"{"status":"resolved","labels":{"alertname":"Deep","version":"v2"}}"#).await, 202);
    eventually(&mut admin, &created.id, state("quiet")).await;
    reporting.abort();
}

/// The sum and the number of what a histogram saw.
fn seen(metrics: &str, name: &str) -> (f64, f64) {
    let of = |suffix: &str| {
        let line = metrics.lines().find(|line| line.starts_with(&format!("{name}_{suffix} "))).unwrap();
        line.rsplit_once(' ').unwrap().1.parse().unwrap()
    };
    (of("sum"), of("count"))
}

#[tokio::test(flavor = "multi_thread")]
async fn neighbours_that_hang_flood_and_redirect_delay_no_decision_and_undo_nothing() {
    let manners = [HANGS, FLOODS, REDIRECTS, ILL].map(|manner| Arc::new(AtomicU8::new(manner)));
    let mut checks = String::from("health:\n  interval: 1s\n  timeout: 1s\n  checks:\n");
    let mut queries = String::from("queries:\n");
    for (index, manner) in manners.iter().enumerate() {
        let at = service(manner).await;
        for copy in 0..8 {
            checks.push_str(&format!(
                "    - {{name: c{index}-{copy}, action: notify, canary: {{http: {{url: 'http://{at}/'}}}}}}\n"
            ));
        }
    }
    let prometheus = service(&manners[0]).await;
    for copy in 0..16 {
        queries.push_str(&format!("  q{copy}: {{promql: up, every: 1s, timeout: 60s, alert_after: 10s}}\n"));
    }
    let server = server(prometheus).await;
    let mut admin = server.admin().await;
    let triggers = "triggers: {memory: {query: q0}}\n";
    let id = create(&mut admin, &format!("{queries}{triggers}{checks}")).await.id;
    let reporting = tokio::spawn(report_bad_route(server.fleet().await, "shop", "none", 0.0));
    let told = |rollout: &Rollout| reading(rollout, "query", "q0").is_some_and(|one| one.silent);
    let rollout = eventually(&mut admin, &id, told).await;
    assert_ne!(phase(&rollout), Phase::RolledBack);
    assert!(is(&rollout, "trigger", "memory", "inconclusive"));
    assert!(
        is(&rollout, "health_check", "c0-0", "unhealthy"),
        "{:?}",
        reading(&rollout, "health_check", "c0-0")
    );
    let metrics = crate::http::text(server.addresses().http, "/metrics").await.1;
    let (lag_s, ticks) = seen(&metrics, "serin_tick_lag_seconds");
    eprintln!("{ticks} ticks, late by {:.1} ms on average", lag_s / ticks * 1e3);
    assert!(ticks >= 10.0 && lag_s / ticks < 0.05, "{ticks} ticks, late by {lag_s} s together");
    let kinds = kinds(&mut admin, &id).await;
    assert!(kinds.iter().any(|kind| kind == "evidence_missing"), "{kinds:?}");
    // And it still ends within its time.
    let began = std::time::Instant::now();
    reporting.abort();
    server.running.stop().await;
    assert!(began.elapsed() < Duration::from_secs(5));
}
