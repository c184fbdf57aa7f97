//! A version that turns bad after its promotion, while the baseline is still there.

use serin_e2e::sample::fault::{Faults, Kind};
use serin_proto::admin::v1::{Phase, PromoteRequest};

use crate::support::crowd::versions_of_users;
use crate::support::scene::BASELINE_VERSION;
use crate::support::shop::{SHOP, Shop};

const PLAN: &str = "\
components:
- {name: checkout, matches: [{path: {prefix: /checkout}}], granularity: coarse}
- {name: search, matches: [{path: {prefix: /search}}]}
warm_up: 5s
steps: [{weight: 20%, bake: 10m}]
limits: {sustained: 10s}
rollback_window: {duration: 10m}
";
const USERS: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promoted_version_that_turns_bad_returns_by_itself() {
    let shop = Shop::open("watch").await;
    let id = shop.begins(&format!("{SHOP}{PLAN}")).await;
    let load = shop.load();
    shop.seconds_pass(8).await;
    let promote = PromoteRequest { id, reason: "the campaign begins".to_owned() };
    let promoted = shop.control_plane.client().promote(promote).await.unwrap().into_inner().rollout.unwrap();
    assert!(promoted.watched, "{promoted:?}");
    shop.seconds_pass(5).await;
    shop.stands().await;

    shop.scene.canary.set_faults(Faults::one("/checkout", 0.3, Kind::Status(500)));
    let event = shop.rollback().await;
    assert_eq!((event.kind.as_str(), event.actor.as_str()), ("rolled_back", "serin"), "{}", event.text);
    shop.reaches(Phase::RolledBack).await;
    shop.control_plane.attached(&[("envoy", 2)]).await;
    let versions = versions_of_users(shop.envoy.address(), "/checkout", USERS).await;
    assert!(versions.iter().all(|version| version == BASELINE_VERSION), "{versions:?}");
    drop(load);
}
