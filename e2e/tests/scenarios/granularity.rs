//! What is undone of a component whose code has blocks.

use serin_e2e::http;
use serin_e2e::sample::VERSION_HEADER;
use serin_e2e::sample::fault::{Fault, Faults, Kind};
use serin_proto::admin::v1::Phase;

use crate::support::scene::CANARY_VERSION;
use crate::support::shop::{SHOP, Shop};

const PLAN: &str = "\
identity: {user: [{header: x-user-id}]}
components:
- name: checkout
  matches: [{path: {prefix: /checkout}}]
  granularity: fine
  blocks: [{name: tax, current: v7, previous: [v6]}, {name: shipping, current: v3, previous: [v2]}]
- {name: search, matches: [{path: {prefix: /search}}]}
warm_up: 2s
recovery: 3s
steps: [{weight: 30%, bake: 10m}]
";

/// The tax block fails in these of its versions.
fn tax_fails_in(versions: &[&str], share: f64) -> Faults {
    let fault = |version: &&str| Fault {
        route: "/checkout".to_owned(),
        share,
        kind: Kind::Block { name: "tax".to_owned(), version: (*version).to_owned(), status: 500 },
    };
    Faults { faults: versions.iter().map(fault).collect() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_block_that_returned_in_vain_is_followed_by_its_component() {
    let shop = Shop::open("block-in-vain").await;
    shop.begins(&format!("{SHOP}{PLAN}")).await;
    let _load = shop.load();
    shop.reaches(Phase::Progressing).await;
    shop.seconds_pass(5).await;
    shop.scene.canary.set_faults(tax_fails_in(&["v7", "v6"], 0.5));
    let restored = shop.event("blocks_restored").await;
    assert_eq!(restored["blocks"], serde_json::json!({"tax": "v6"}), "{restored}");
    let returned = shop.event("components_rolled_back").await;
    assert_eq!(returned["components"], serde_json::json!(["checkout"]), "{returned}");
    let waited = returned["at"].as_u64().unwrap() - restored["at"].as_u64().unwrap();
    assert!(waited >= 3_000, "judged again after {waited} ms");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_client_chooses_the_version_of_a_block_and_all_other_baggage_passes() {
    let shop = Shop::open("block-baggage").await;
    let id = shop.begins(&format!("{SHOP}{PLAN}")).await;
    shop.scene.canary.set_faults(tax_fails_in(&["v7"], 1.0));
    let user = user_of_the_canary(&shop).await;
    let asked = async |baggage: &str| {
        let headers = [("x-user-id", user.as_str()), ("baggage", baggage)];
        http::get(shop.envoy.address(), "/checkout", &headers).await.unwrap().status()
    };
    // Before the rollback a client cannot escape the canary's version.
    assert_eq!(asked("a=1,serin.block.tax=v6").await, 500);
    let mut admin = shop.control_plane.client();
    let (block, reason) = ("tax".to_owned(), "bad".to_owned());
    let rollback = serin_proto::admin::v1::RollbackRequest { id, block, reason, ..Default::default() };
    admin.rollback(rollback).await.unwrap();
    shop.control_plane.attached(&[("envoy", 2)]).await;
    // After it, none can call the faulty version back.
    for baggage in ["a=1", "serin.block.tax=v7", "serin.block.tax=v7;p=q, a=1", ""] {
        assert_eq!(asked(baggage).await, 200, "{baggage}");
    }
}

/// A user whom the weight sends to the canary.
async fn user_of_the_canary(shop: &Shop) -> String {
    for number in 0..100 {
        let user = format!("user-{number}");
        let answer =
            http::get(shop.envoy.address(), "/search", &[("x-user-id", user.as_str())]).await.unwrap();
        if answer.header(VERSION_HEADER) == Some(CANARY_VERSION) {
            return user;
        }
    }
    panic!("no user is on the canary");
}
