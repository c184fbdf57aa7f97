//! `serin.js` in a real Chromium, through a real Envoy: what it tells of a page view counts for the version that served the page.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serin_e2e::browser::Window;
use serin_e2e::browser::stage::Stage;
use serin_e2e::http;
use serin_e2e::workspace::Workspace;
use serin_proto::admin::v1::Rollout;

const PLAN: &str = "
service: shop
baseline: v1
canary: v2
identity: {anonymous: {issue_cookie: {}}}
warm_up: 1s
steps: [{weight: 50%, bake: 1h}]
behaviour: {novelty: 0s}
components:
- {name: checkout, matches: [{path: {exact: /checkout}}]}
- {name: home, matches: [{path: {exact: /home}}]}
";
/// People, each with a browser of their own. All of one arm come once in 500 runs.
const VISITORS: usize = 10;
/// How long a page view may take until metrics show it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Page views of the checkout page of an arm with a trait, or all of them.
fn views(metrics: &str, arm: &str, with: Option<&str>) -> u64 {
    let start = match with {
        Some(_) => "serin_page_views_with_total{",
        None => "serin_page_views_total{",
    };
    let lines = metrics.lines().filter(|line| {
        line.starts_with(start)
            && line.contains("component=\"checkout\"")
            && line.contains(&format!("arm=\"{arm}\""))
            && with.is_none_or(|with| line.contains(&format!("trait=\"{with}\"")))
    });
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_serin_js_tells_in_chromium_counts_for_the_version_that_served_the_page() {
    let workspace = Workspace::locate().unwrap();
    let stage = Stage::set(&workspace, "browser-beacons").await.unwrap();
    let id = stage.begin(PLAN).await.unwrap();
    let obeyed = |one: &Rollout| one.vms_known > 0 && one.vms_applied == one.vms_known;
    stage.until("every filter obeys", &id, obeyed).await.unwrap();
    let shop = format!("http://{}", stage.envoy.as_ref().unwrap().address());
    let mut expected = BTreeMap::<String, (u64, u64)>::new();
    for visitor in 0..VISITORS {
        let window = if visitor % 2 == 0 { Window::WIDE } else { Window::PHONE };
        let checkout = format!("{shop}/checkout");
        let (page, _) = stage.browser.open("visitor", &checkout, window.of_a_person()).await.unwrap();
        let version = page.read("#version").await.unwrap();
        let arm = if version == "v2" { "canary" } else { "baseline" };
        let (all, converted) = expected.entry(arm.to_owned()).or_default();
        *all += 1;
        if visitor % 3 == 0 {
            page.click("button", "Buy").await.unwrap();
            *converted += 1;
        }
        page.visit("/home").await.unwrap();
        assert_eq!(page.read("#version").await.unwrap(), version, "a visitor stays with a version");
    }
    let end = Instant::now() + PATIENCE;
    loop {
        let metrics = http::get(stage.control_plane.http(), "/metrics", &[]).await.unwrap().text();
        let seen = ["baseline", "canary"].map(|arm| {
            (arm.to_owned(), (views(&metrics, arm, None), views(&metrics, arm, Some("converted"))))
        });
        let seen: BTreeMap<_, _> = seen.into_iter().filter(|(_, (all, _))| *all > 0).collect();
        if seen == expected {
            break;
        }
        assert!(Instant::now() < end, "{seen:?}, expected {expected:?}\n{metrics}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    stage.clear().await.unwrap();
}
