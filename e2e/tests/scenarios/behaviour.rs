//! Beacons of page views on a real Envoy: answered at the edge, counted for the arm of the page, never passed on.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::{Value, json};
use serin_e2e::http;

use crate::support::raw_http::RawClient;
use crate::support::scene::{CANARY_VERSION, Stage};
use crate::support::{PATIENCE, assignment, crowd, eventually};

const BEACON: &str = "/.well-known/serin/beacon";
const BROWSER: (&str, &str) =
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0");

fn taking() -> Value {
    let components = json!([{"name": "orders", "matches": [{"path": {"prefix": "/orders"}}]}]);
    assignment::of_shop(500_000, &json!({"behaviour": true, "components": components}))
}

async fn upstream_requests(stage: &Stage) -> u64 {
    let admin = stage.envoy.admin();
    let (baseline, canary) = ("cluster.baseline.upstream_rq_total", "cluster.canary.upstream_rq_total");
    admin.stat(baseline).await.unwrap() + admin.stat(canary).await.unwrap()
}

/// Page views by component and arm, after each user has opened one page.
async fn pages(address: SocketAddr, users: usize) -> BTreeMap<(String, String), u64> {
    let mut views = BTreeMap::new();
    for version in crowd::versions_of_users(address, "/orders/1", users).await {
        let arm = if version == CANARY_VERSION { "canary" } else { "baseline" };
        *views.entry(("orders".to_owned(), arm.to_owned())).or_insert(0_u64) += 1;
    }
    assert_eq!(views.len(), 2, "both arms served pages");
    views
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_beacon_is_answered_at_the_edge_and_counts_for_the_version_that_served_the_page() {
    const USERS: usize = 60;
    let stage = Stage::open("behaviour", 2).await;
    stage.assign(&taking()).await;
    let address = stage.envoy.address();
    let expected = pages(address, USERS).await;
    let before = upstream_requests(&stage).await;
    for user in 0..USERS {
        let user = format!("user-{user}");
        let headers = [BROWSER, ("x-user-id", user.as_str()), ("content-type", "text/plain;charset=UTF-8")];
        let answer = http::post(address, BEACON, &headers, "v=1\np=/orders/1\nl=900\nc=2").await.unwrap();
        assert_eq!(answer.status(), 204, "{answer:?}");
    }
    let totals = eventually("all page views are reported", PATIENCE, async || {
        let totals = stage.stand_in.totals();
        (totals.views.values().sum::<u64>() >= USERS as u64).then_some(totals)
    })
    .await;
    assert_eq!(totals.views, expected);
    assert_eq!(totals.all().finished(), USERS as u64, "beacons are no requests");
    assert_eq!((totals.gaps.unseen_requests, totals.gaps.malformed_beacons), (0, 0));
    assert_eq!(upstream_requests(&stage).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn page_views_of_log_records_count_for_the_version_that_served_the_page() {
    const USERS: usize = 60;
    let stage = Stage::open("behaviour-otlp", 2).await;
    stage.assign(&taking()).await;
    let address = stage.envoy.address();
    let mut expected = pages(address, USERS).await;
    let before = upstream_requests(&stage).await;
    let view = json!({"eventName": "serin.page_view", "attributes": [
        {"key": "url.path", "value": {"stringValue": "/orders/1"}},
        {"key": "serin.load_ms", "value": {"doubleValue": 899.6}},
        {"key": "serin.clicks", "value": {"intValue": "2"}},
    ]});
    let line = json!({"body": {"stringValue": "an ordinary line"}});
    let payload =
        |records: Value| json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).to_string();
    let endpoint = format!("{BEACON}/v1/logs");
    for user in 0..USERS {
        let user = format!("user-{user}");
        let headers = [BROWSER, ("x-user-id", user.as_str()), ("content-type", "application/json")];
        let answer = http::post(address, &endpoint, &headers, &payload(json!([view, view]))).await.unwrap();
        assert_eq!((answer.status(), answer.text().as_str()), (200, "{}"), "{answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    expected.values_mut().for_each(|views| *views *= 2);
    let headers = [BROWSER, ("x-user-id", "user-1"), ("content-type", "application/json")];
    let answer = http::post(address, &endpoint, &headers, &payload(json!([line]))).await.unwrap();
    let told: Value = serde_json::from_str(&answer.text()).unwrap();
    assert_eq!(
        (answer.status(), &told["partialSuccess"]["rejectedLogRecords"]),
        (200, &json!("1")),
        "{answer:?}"
    );
    let answer = http::post(address, &endpoint, &headers, "{").await.unwrap();
    assert_eq!(
        (answer.status(), answer.header("content-type")),
        (400, Some("application/json")),
        "{answer:?}"
    );
    let totals = eventually("all page views are reported", PATIENCE, async || {
        let totals = stage.stand_in.totals();
        (totals.views.values().sum::<u64>() >= 2 * USERS as u64 && totals.gaps.malformed_beacons > 0)
            .then_some(totals)
    })
    .await;
    assert_eq!(totals.views, expected);
    assert_eq!((totals.gaps.unseen_requests, totals.gaps.malformed_beacons), (0, 1));
    assert_eq!(totals.all().finished(), USERS as u64, "page views are no requests");
    assert_eq!(upstream_requests(&stage).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_beacon_is_refused_at_the_edge_and_fails_no_other_request() {
    let stage = Stage::open("behaviour-refused", 1).await;
    stage.assign(&taking()).await;
    let address = stage.envoy.address();
    let before = upstream_requests(&stage).await;
    let user = ("x-user-id", "ann");
    let long = "x".repeat(2_049);
    for (body, status) in [("v=2", 400), ("", 400), (long.as_str(), 413)] {
        let answer = http::post(address, BEACON, &[BROWSER, user], body).await.unwrap();
        assert_eq!(answer.status(), status, "{answer:?}");
    }
    let answer = http::get(address, BEACON, &[BROWSER, user]).await.unwrap();
    assert_eq!((answer.status(), answer.header("allow")), (405, Some("POST")));
    for headers in [[("user-agent", "Googlebot/2.1"), user], [BROWSER, ("x-user-id", "")]] {
        let answer = http::post(address, BEACON, &headers, "v=1\np=/orders/1").await.unwrap();
        assert_eq!(answer.status(), 204, "{answer:?}");
    }
    // In parts, and longer than is said: there is no length.
    let mut raw = RawClient::new(address);
    let head = format!(
        "POST {BEACON} HTTP/1.1\r\nhost: shop\r\n{}: {}\r\nx-user-id: ann\r\ntransfer-encoding: chunked\r\n\r\n",
        BROWSER.0, BROWSER.1
    );
    let parts = format!("{head}4\r\nv=1\n\r\nb\r\np=/orders/1\r\n0\r\n\r\n");
    assert_eq!(raw.exchange(parts.as_bytes()).await.unwrap().status, 204);
    let endless = format!("{head}1000\r\n{}\r\n0\r\n\r\n", "x".repeat(0x1000));
    assert_eq!(RawClient::new(address).exchange(endless.as_bytes()).await.unwrap().status, 413);
    assert_eq!(upstream_requests(&stage).await, before);
    // Bodies of other requests are not looked at.
    let answer = http::post(address, "/orders/1", &[user], &"x".repeat(100_000)).await.unwrap();
    assert_eq!(answer.status(), 200, "{answer:?}");
    let totals = eventually("all is reported", PATIENCE, async || {
        let totals = stage.stand_in.totals();
        let reported = totals.all().finished() >= 1 && totals.views.values().sum::<u64>() >= 2;
        reported.then_some(totals)
    })
    .await;
    let gaps = totals.gaps;
    assert_eq!((gaps.malformed_beacons, gaps.bot_beacons, gaps.unattributed_beacons), (5, 1, 0));
    // Without a user the shop's visitors get the baseline.
    assert_eq!(totals.views.values().sum::<u64>(), 2);
    assert_eq!((totals.all().finished(), gaps.unseen_requests), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_does_not_ask_gets_the_request_itself() {
    let stage = Stage::open("behaviour-off", 1).await;
    stage.assign(&assignment::of_shop(0, &json!({}))).await;
    let before = upstream_requests(&stage).await;
    http::post(stage.envoy.address(), BEACON, &[BROWSER], "v=1\np=/").await.unwrap();
    assert_eq!(upstream_requests(&stage).await, before + 1);
    let totals = stage.stand_in.reported(1).await;
    assert_eq!((totals.all().finished(), totals.views.len()), (1, 0));
}
