//! What the filter counts is what Envoy counts, to the request.
//!
//! | outcome | Envoy's counter of the same requests (`route` is `vhost.shop.route.CLASS_ARM`) |
//! |---|---|
//! | started | `route.upstream_rq_completed`; `upstream_rq_total` counts tries |
//! | `ok` | `route.upstream_rq_1xx` to `_3xx`; for gRPC those with status 0 |
//! | `client_error` | `route.upstream_rq_4xx` without 429 |
//! | `server_error` | `route.upstream_rq_5xx` that the upstream itself answered |
//! | `timeout` | `route.upstream_rq_504`, `cluster.upstream_rq_timeout` |
//! | `connect_failure` | `route.upstream_rq_503`, `cluster.upstream_rq_pending_failure_eject` |
//! | `reset` | `route.upstream_rq_503` (before the headers) or the status that had been passed on |
//! | `overload` | `route.upstream_rq_503`, `cluster.upstream_rq_pending_overflow`; `route.upstream_rq_429` |
//! | `cancelled` | `route.upstream_rq_total` less `upstream_rq_completed`; gRPC status 1 |
//! | unseen | `http.downstream_rq_total` less all the above: answered by a filter before this one |
//! | retries | `cluster.upstream_rq_retry`, which the client and the filter do not see |

mod classes;
mod send;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use serin_e2e::bootstrap::{BASELINE_CLUSTER, Bootstrap, lua_filter};
use serin_e2e::ports::Port;
use serin_e2e::sample::fault::{Faults, Kind};

use self::classes::{CLASSES, Class, Upstream, cluster_of};
use crate::support::assignment;
use crate::support::scene::Stage;
use crate::support::totals::{Counts, Totals};

const SEED: u64 = 7;
const REQUESTS: u64 = 100_000;
/// Requests that another filter answers before ours sees them.
const BLOCKED: u64 = 200;

fn mixed(mut bootstrap: Bootstrap, nobody: u16) -> Bootstrap {
    let clusters = bootstrap.part("/static_resources/clusters").unwrap().as_array_mut().unwrap();
    let baseline = clusters.iter().find(|cluster| cluster["name"] == BASELINE_CLUSTER).unwrap().clone();
    clusters.extend(classes::clusters(&baseline, nobody));
    for cluster in clusters {
        // The default of three retries at once is for production.
        if cluster.get("circuit_breakers").is_none() {
            cluster["circuit_breakers"] = json!({"thresholds": [{"max_retries": 1_000}]});
        }
    }
    let gate = lua_filter(
        "function envoy_on_request(h)\n\
           if h:headers():get(':path') == '/blocked' then h:respond({[':status'] = '403'}, 'blocked') end\n\
         end",
    );
    bootstrap
        .routes(CLASSES.iter().flat_map(Class::routes).collect())
        .and_then(|bootstrap| bootstrap.first_filter(gate))
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_mixed_requests_are_counted_as_envoy_counts_them() {
    assert_eq!(CLASSES.iter().map(|class| class.requests as u64).sum::<u64>(), REQUESTS);
    let nobody = Port::reserve().unwrap();
    let stage = Stage::with("counting", 2, |bootstrap| mixed(bootstrap, nobody.number())).await;
    for (sample, share) in [(&stage.scene.baseline, 0.5), (&stage.scene.canary, 0.5)] {
        sample.set_faults(Faults::one("/home", share, Kind::Status(503)));
    }
    let components: Vec<_> = CLASSES.iter().map(Class::component).collect();
    stage.assign(&assignment::of_shop(200_000, &json!({"components": components}))).await;
    send::mix(stage.envoy.address(), SEED).await;
    for _ in 0..BLOCKED {
        let answer = serin_e2e::http::get(stage.envoy.address(), "/blocked", &[]).await.unwrap();
        assert_eq!(answer.status(), 403);
    }

    let totals = stage.stand_in.settled(REQUESTS).await;
    let envoy = stage.envoy.admin().stats("^(vhost|http\\.ingress|cluster)\\.").await.unwrap();
    let mut differences = Vec::new();
    for class in &CLASSES {
        compare(class, &totals, &envoy, &mut differences);
    }
    assert!(differences.is_empty(), "{}\n{}", differences.join("\n"), interesting(&envoy));

    let all = totals.all();
    let stat = |name: &str| envoy.get(name).copied().unwrap_or(0);
    assert_eq!((all.started, all.finished()), (REQUESTS, REQUESTS));
    assert_eq!(totals.gaps.unseen_requests, BLOCKED);
    assert_eq!(stat("http.ingress.downstream_rq_total"), all.finished() + totals.gaps.unseen_requests);
    // Every finished request with outcome ok or client_error is in a latency histogram but for WebSockets, and no other.
    assert_eq!(all.latencies + requests_of("echo"), all.outcome("ok") + all.outcome("client_error"));
    // Both workers did their part.
    let busy: Vec<_> = totals.vms.iter().filter(|vm| vm.started > REQUESTS / 20).collect();
    assert_eq!(busy.len(), 2, "{:?}", totals.vms);
    assert_eq!(totals.violations, Vec::<String>::new());
    assert_eq!(stat("http.ingress.rq_direct_response"), requests_of("direct"));
    assert_eq!(stat("http.ingress.no_route"), requests_of("unrouted"));
    assert_eq!(stat("cluster.full.upstream_rq_pending_overflow"), requests_of("full"));
    assert_eq!(stat("cluster.closed.upstream_rq_pending_failure_eject"), requests_of("closed"));
    let timeouts = stat("cluster.baseline.upstream_rq_timeout") + stat("cluster.canary.upstream_rq_timeout");
    assert_eq!(timeouts, requests_of("hang") + requests_of("grpc-hang"));
    // Retries were made and are not counted as requests.
    let retries = stat("cluster.baseline.upstream_rq_retry") + stat("cluster.canary.upstream_rq_retry");
    assert!(retries > 2 * requests_of("retried"), "{retries} retries");
}

fn requests_of(name: &str) -> u64 {
    CLASSES.iter().find(|class| class.name == name).unwrap().requests as u64
}

/// Compares one class in both arms.
fn compare(class: &Class, totals: &Totals, envoy: &BTreeMap<String, u64>, differences: &mut Vec<String>) {
    let mut sent = 0;
    for arm in ["baseline", "canary"] {
        let counts = totals.sum(|component, counted| (component, counted) == (class.name, arm));
        sent += counts.started;
        if counts.started != counts.finished() {
            differences.push(format!(
                "{} {arm}: {} started, {} finished",
                class.name,
                counts.started,
                counts.finished()
            ));
        }
        if matches!(class.upstream, Upstream::Envoy | Upstream::Nowhere) {
            let outcome = class.counted[0].1;
            if counts.outcome(outcome) != counts.finished() {
                differences.push(format!("{} {arm}: not all {outcome}: {counts:?}", class.name));
            }
        } else {
            compare_with_route(class, arm, &counts, envoy, differences);
        }
    }
    if sent != class.requests as u64 {
        differences.push(format!("{}: {} sent, {sent} started", class.name, class.requests));
    }
}

fn compare_with_route(
    class: &Class,
    arm: &str,
    counts: &Counts,
    envoy: &BTreeMap<String, u64>,
    differences: &mut Vec<String>,
) {
    let route = format!("vhost.shop.route.{}_{}", class.name, cluster_of(arm));
    let stat = |name: &str| envoy.get(&format!("{route}.{name}")).copied().unwrap_or(0);
    let mut expect = |what: &str, filter: u64, envoy: u64| {
        if filter != envoy {
            differences
                .push(format!("{} {arm}: {what}: filter {filter}, Envoy {envoy}: {counts:?}", class.name));
        }
    };
    let answered = stat("upstream_rq_completed");
    for (status, outcome) in class.counted {
        expect(outcome, counts.outcome(outcome), stat(&format!("upstream_rq_{status}")));
    }
    match class.unanswered {
        None => expect("all", counts.started, answered),
        // Envoy has counted them when they came, and no status.
        Some(outcome) => {
            expect("all", counts.started, stat("upstream_rq_total"));
            expect(outcome, counts.outcome(outcome), stat("upstream_rq_total") - answered);
        }
    }
}

/// Envoy's counters that are not zero, for a test that failed.
fn interesting(envoy: &BTreeMap<String, u64>) -> String {
    let named = |name: &str| name.contains("_rq_") || name.contains("active_rq");
    let lines = envoy.iter().filter(|(name, value)| **value > 0 && named(name));
    lines.map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_that_are_turned_away_come_again_and_count_once() {
    let stage = Stage::open("postponed", 2).await;
    stage.assign(&assignment::of_shop(200_000, &json!({}))).await;
    let address = stage.envoy.address();
    for round in 0..3 {
        stage.stand_in.refuse_reports(round % 2 == 0);
        crate::support::crowd::versions_of_users(address, "/home", 1_000).await;
        tokio::time::sleep(Duration::from_millis(600)).await;
    }
    stage.stand_in.refuse_reports(false);
    let totals = stage.stand_in.settled(3_000).await;
    assert_eq!((totals.all().started, totals.all().finished()), (3_000, 3_000));
    assert_eq!(totals.violations, Vec::<String>::new());
    assert_eq!(totals.gaps, Default::default());
    let failed = stage.envoy.admin().stat("wasmcustom.serin_reports_failed").await.unwrap();
    assert!(failed > 0, "no report was turned away");
}
