//! A real Prometheus with the configuration and rules that are shipped scrapes a real control plane: every panel of every dashboard and
//! every rule gets an answer, and an alert reaches people by a real Alertmanager.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use serin_e2e::http;
use serin_e2e::ports::Port;
use serin_e2e::servers::prometheus::{alertmanager, prometheus_configured};
use serin_e2e::servers::receiver::Receiver;
use serin_e2e::workspace::Workspace;
use serin_proto::admin::v1::RollbackRequest;

use crate::dashboards::{Query, dashboards, metrics};
use crate::plane::Plane;

const PATIENCE: Duration = Duration::from_secs(90);

/// What is rightly empty here, by a part of its expression, and why.
const EMPTY: [(&str, &str); 4] = [
    (
        "serin_decision_to_acknowledged_seconds_bucket",
        "no Envoy has a stream here; the scenarios attach real ones",
    ),
    ("arm=\"baseline\",outcome!=\"ok\"", "no request of the baseline fails"),
    ("serin_rollback_stages_total{outcome!=\"done\"}", "no stage is late"),
    ("serin_otlp_log_records_total", "no service sends log records"),
];

/// A running Prometheus, as it is asked.
struct Asked {
    address: SocketAddr,
    since: u64,
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

impl Asked {
    async fn get(&self, path: &str) -> Value {
        let answer: Value =
            serde_json::from_str(&http::get(self.address, path, &[]).await.unwrap().text()).unwrap();
        assert_eq!(answer["status"], "success", "{path}: {answer}");
        answer["data"].clone()
    }

    /// The series that a query gives.
    async fn query(&self, query: &Query) -> Vec<Value> {
        let expression = encoded(&query.expression);
        let path = if query.instant {
            format!("/api/v1/query?query={expression}")
        } else {
            format!("/api/v1/query_range?query={expression}&start={}&end={}&step=1", self.since, now())
        };
        self.get(&path).await["result"].as_array().unwrap().clone()
    }

    /// Waits until everything that must have data has.
    async fn until_filled(&self, queries: &[Query]) {
        let end = Instant::now() + PATIENCE;
        let mut open: Vec<&Query> =
            queries.iter().filter(|query| reason(&query.expression).is_none()).collect();
        loop {
            let mut still = Vec::new();
            for query in open {
                if self.query(query).await.is_empty() {
                    still.push(query);
                }
            }
            if still.is_empty() {
                return;
            }
            assert!(Instant::now() < end, "without data: {still:#?}");
            open = still;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

/// Why an expression may give nothing.
fn reason(expression: &str) -> Option<&'static str> {
    EMPTY.iter().find(|(part, _)| expression.contains(part)).map(|(_, why)| *why)
}

/// The shipped configuration, with addresses of this test and once a second.
fn configuration(workspace: &Workspace, exporter: &str, alertmanager: SocketAddr) -> Value {
    let folder = workspace.root().join("envoy/prometheus");
    let text = fs::read_to_string(folder.join("prometheus.yaml")).unwrap();
    let mut config: Value = serde_saphyr::from_str(&text).unwrap();
    config["global"] = json!({"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"});
    config["rule_files"] = json!([folder.join("rules.yaml")]);
    config["scrape_configs"][0]["static_configs"] = json!([{"targets": [exporter]}]);
    config["alerting"]["alertmanagers"][0]["static_configs"] = json!([{"targets": [alertmanager]}]);
    config
}

/// A control plane that calls everything that it can call, and a target of notifications that is never there.
async fn plane(
    workspace: &Workspace,
    folder: &Path,
    prometheus: &Port,
    receiver: &Receiver,
    gone: &Port,
) -> Plane {
    let more = json!({
        "outside": {"permit": ["127.0.0.1/32"]},
        "targets": {"prometheus": {"main": {"url": format!("http://{}", prometheus.address())}}},
        "notifications": {
            "targets": {
                "people": {"webhook": {"url": receiver.url("/people")}},
                "gone": {"webhook": {"url": format!("http://{}/", gone.address())}},
            },
            "routes": [{"to": ["people", "gone"]}],
            "group": {"wait": "1s"},
        },
    });
    Plane::start(workspace, folder, &more).await
}

/// One rollout with a bad route, which asks queries and checks, and one that a person returns. Both begin once Prometheus knows that
/// nothing was undone yet: what it never saw at zero is no increase to it.
async fn rollouts(plane: &Plane, asked: &Asked) -> Vec<tokio::task::JoinHandle<()>> {
    let more = json!({
        "queries": {"up": {"promql": "up", "every": "1s", "stale_after": "10s"}},
        "triggers": {"custom": [{"name": "down", "query": "up", "below": 0, "for": "0s"}]},
        "health": {"interval": "1s", "checks": [
            {"name": "ping", "component": "route-1", "canary": {"http": {"url": plane.http("/healthz")}}},
        ]},
    });
    let shop = plane.create("shop", &more).await;
    let cart = plane.create("cart", &json!({})).await;
    let zero = |service: &str| Query {
        place: "the test".to_owned(),
        expression: format!("sum(serin_service_rollbacks_total{{service=\"{service}\"}}) == 0"),
        instant: true,
    };
    asked.until_filled(&[zero("shop"), zero("cart")]).await;
    let (of_shop, _) = plane.report_obediently("shop", true).await;
    let (of_cart, is_on_canary) = plane.report_obediently("cart", false).await;
    plane.until_rollout(&shop, PATIENCE, |one| one.components.iter().any(|part| part.rolled_back)).await;
    let request = RollbackRequest { id: cart, reason: "as a test".to_owned(), ..RollbackRequest::default() };
    plane.admin().await.rollback(request).await.unwrap();
    is_on_canary.store(false, Ordering::Relaxed);
    vec![of_shop, of_cart]
}

/// All rules: by group and name, with the group's own words for what went wrong.
async fn rules_are_well(asked: &Asked) -> BTreeSet<String> {
    let end = Instant::now() + PATIENCE;
    loop {
        let answer = asked.get("/api/v1/rules").await;
        let rules: Vec<Value> = answer["groups"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|group| group["rules"].as_array().unwrap().clone())
            .collect();
        for rule in &rules {
            assert_ne!(rule["health"], "err", "{rule:#}");
        }
        if rules.iter().all(|rule| rule["health"] == "ok") {
            return rules
                .iter()
                .filter(|rule| rule["type"] == "recording")
                .map(|rule| rule["name"].as_str().unwrap().to_owned())
                .collect();
        }
        assert!(Instant::now() < end, "not all rules are evaluated: {rules:#?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Every name in the dashboards and rules is one that the control plane shows.
async fn names_are_known(workspace: &Workspace, plane: &Plane, queries: &[Query]) {
    let page = http::get(plane.http_address(), "/metrics", &[]).await.unwrap().text();
    let shown =
        page.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split(['{', ' ']).next());
    let shown: BTreeSet<&str> = shown.collect();
    let rules = fs::read_to_string(workspace.root().join("envoy/prometheus/rules.yaml")).unwrap();
    let rules: Value = serde_saphyr::from_str(&rules).unwrap();
    let groups = rules["groups"].as_array().unwrap().iter();
    let rules = groups.flat_map(|group| group["rules"].as_array().unwrap());
    let of_rules = rules.flat_map(|rule| metrics(rule["expr"].as_str().unwrap()));
    let mut asked: BTreeMap<String, String> = of_rules.map(|name| (name, "rules.yaml".to_owned())).collect();
    for query in queries {
        asked.extend(metrics(&query.expression).into_iter().map(|name| (name, query.place.clone())));
    }
    for (name, place) in asked {
        assert!(
            shown.contains(name.as_str()) || reason(&name).is_some(),
            "{place} asks for {name}, which is not shown"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_panel_and_every_rule_has_an_answer_and_an_alert_reaches_people() {
    let workspace = Workspace::locate().unwrap();
    let scratch = workspace.scratch("monitoring").unwrap();
    let [port, alerts_port, gone] = [(); 3].map(|()| Port::reserve().unwrap());
    let receiver = Receiver::start().await.unwrap();
    let plane = plane(&workspace, &scratch.join("plane"), &port, &receiver, &gone).await;
    let _alerting = alertmanager(&workspace, &scratch, &alerts_port, &receiver.url("/alerts")).await.unwrap();
    let since = now();
    let config = configuration(&workspace, &plane.http_address().to_string(), alerts_port.address());
    let _server = prometheus_configured(&workspace, &scratch, &port, &config).await.unwrap();
    let asked = Asked { address: port.address(), since };
    let reporting = rollouts(&plane, &asked).await;

    let boards = dashboards();
    let queries: Vec<Query> = boards.iter().flat_map(|board| board.queries()).collect();
    for (part, why) in EMPTY {
        assert!(
            queries.iter().any(|query| query.expression.contains(part)),
            "nothing asks for {part} ({why})"
        );
    }
    asked.until_filled(&queries).await;
    for (selector, label) in boards.iter().flat_map(|board| board.choices()) {
        let values = asked.get(&format!("/api/v1/label/{label}/values?match[]={}", encoded(&selector))).await;
        assert!(!values.as_array().unwrap().is_empty(), "{selector} has no {label}");
    }
    names_are_known(&workspace, &plane, &queries).await;

    let recorded = rules_are_well(&asked).await;
    assert!(recorded.len() >= 9, "{recorded:?}");
    let recorded = recorded.into_iter().map(|name| Query {
        place: "rules.yaml".to_owned(),
        expression: name,
        instant: true,
    });
    asked.until_filled(&recorded.collect::<Vec<_>>()).await;

    let is_told = |body: &Value| {
        body["alerts"].as_array().is_some_and(|alerts| {
            alerts.iter().any(|alert| {
                let summary = alert["annotations"]["summary"].as_str().unwrap_or_default();
                alert["labels"]["alertname"] == "SerinRolledBack"
                    && summary == "shop: something was returned (medium, by evidence)"
            })
        })
    };
    let told =
        receiver.until(PATIENCE, |all| all.iter().any(|one| one.path == "/alerts" && is_told(&one.json())));
    told.await.unwrap();
    reporting.into_iter().for_each(|task| task.abort());
}
