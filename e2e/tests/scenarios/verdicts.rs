//! What is decided of a canary where more than its error rate counts: whose requests fail, where a trend leads, and what it is
//! compared with when no baseline runs beside it.

use std::time::Duration;

use serin_e2e::http;
use serin_e2e::load::Target;
use serin_e2e::sample::fault::{EVERY_ROUTE, Fault, Faults, Kind};
use serin_e2e::sample::{FAULT_HEADER, VERSION_HEADER};
use serin_proto::admin::v1::Phase;

use crate::support::eventually;
use crate::support::scene::CANARY_VERSION;
use crate::support::shop::{DEADLINE, SHOP, Shop, contents, is_rollback};

/// Milliseconds that a request takes on both versions.
const USUAL_MS: u64 = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_fails_alone_holds_the_rollout_and_is_undone_once_others_fail_too() {
    let shop = Shop::open("broken-account").await;
    let plan = "\
identity: {user: [{header: x-user-id}]}
components:
- {name: checkout, matches: [{path: {prefix: /checkout}}]}
- {name: search, matches: [{path: {prefix: /search}}]}
- {name: cart, matches: [{path: {prefix: /cart}}]}
warm_up: 5s
steps: [{weight: 30%, bake: 10m}]
";
    shop.begins(&format!("{SHOP}{plan}")).await;
    let _everyone = shop.load();
    shop.reaches(Phase::Progressing).await;
    let account = account_of_the_canary(&shop).await;
    let broken = Target::get("/checkout").header("x-user-id", &account);
    let broken = broken.header(FAULT_HEADER, r#"{"status":500}"#);
    let _account = shop.load_of(broken);

    let held = shop.holds_for("vetoed").await;
    assert_eq!(held["reason"]["vetoes"], serde_json::json!(["few_users"]), "{held}");
    tokio::time::sleep(Duration::from_secs(15)).await;
    shop.stands().await;

    shop.scene.canary.set_faults(Faults::one("/checkout", 0.3, Kind::Status(500)));
    let undone = shop.event("components_rolled_back").await;
    assert_eq!(undone["components"], serde_json::json!(["checkout"]), "{undone}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_that_gets_slower_and_slower_is_undone_before_it_is_too_slow() {
    let shop = Shop::open("leak").await;
    // With a margin wider than the limit, evidence alone would wait for it to be exceeded.
    let plan = "\
components:
- {name: checkout, matches: [{path: {prefix: /checkout}}]}
margins: {latency_ratio: 100%}
forecast: {latency_ratio: 50%, rollback: true}
warm_up: 5s
steps: [{weight: 50%, bake: 10m}]
";
    let slower_by = |ms| {
        let fault = |ms| Fault { route: EVERY_ROUTE.to_owned(), share: 1.0, kind: Kind::LatencyMs(ms) };
        shop.scene.baseline.set_faults(Faults { faults: vec![fault(USUAL_MS)] });
        shop.scene.canary.set_faults(Faults { faults: vec![fault(USUAL_MS + ms)] });
    };
    slower_by(0);
    shop.begins(&format!("{SHOP}{plan}")).await;
    let _load = shop.load();
    shop.reaches(Phase::Progressing).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    let mut more_ms = 0;
    let undone = eventually("the canary is rolled back", DEADLINE, async || {
        // 1 % more every 2.2 s: the limit after 110 s.
        more_ms += USUAL_MS / 100;
        slower_by(more_ms);
        tokio::time::sleep(Duration::from_millis(2_200)).await;
        shop.events(0).await.into_iter().find(is_rollback)
    })
    .await;
    println!("undone at {} % more", 100 * more_ms / USUAL_MS);
    assert_eq!(contents(&undone)["cause"]["why"], "predicted", "{undone:?}");
    assert!(more_ms < USUAL_MS / 2, "beyond the limit: {more_ms} ms more");
    shop.holds_for("predicted").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_deployment_is_judged_by_the_limits_of_its_plan() {
    let shop = Shop::open("first-deployment").await;
    let plan = "\
components:
- {name: checkout, matches: [{path: {prefix: /checkout}}]}
warm_up: 2s
steps: [{weight: 100%, bake: 10m}]
limits: {error_rate: 1%, latency_p99: 5s, sustained: 20s}
";
    shop.begins(&format!("{SHOP}{plan}")).await;
    let _load = shop.load();
    shop.reaches(Phase::Completing).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    shop.stands().await;
    shop.scene.canary.set_faults(Faults::one(EVERY_ROUTE, 0.1, Kind::Status(503)));
    let undone = shop.event("rolled_back").await;
    let reasons = &undone["evidence"]["version"]["reasons"];
    assert_eq!(reasons[0]["baseline_used"], "thresholds", "{undone}");
}

/// The first of many users whom the weight sends to the canary.
async fn account_of_the_canary(shop: &Shop) -> String {
    for number in 0..100 {
        let account = format!("account-{number}");
        let headers = [("x-user-id", account.as_str())];
        let answer = http::get(shop.envoy.address(), "/checkout", &headers).await.unwrap();
        if answer.header(VERSION_HEADER) == Some(CANARY_VERSION) {
            return account;
        }
    }
    panic!("no account is on the canary");
}
