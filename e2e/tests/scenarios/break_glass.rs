//! An Envoy that is told to send everybody to the baseline, without a control plane.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use serin_e2e::envoy::Settings;
use serin_proto::admin::v1::Phase;

use crate::support::control_plane::ControlPlane;
use crate::support::scene::Scene;
use crate::support::shop::{RATE, SHOP, Shop};
use crate::support::{PATIENCE, eventually};

/// Time after which an Envoy must obey.
const OBEYS: Duration = Duration::from_secs(1);
/// A plan whose canary is promoted within seconds, once it is seen.
const QUICK: &str = "\
warm_up: 1s
steps: [{weight: 100%, bake: 3s}]
limits: {min_requests: 1}
components:
- {name: home, matches: [{path: {prefix: /home}}]}
";
/// Twice the time that its plan takes.
const LONG_ENOUGH: Duration = Duration::from_secs(8);

/// Points the link that Envoy watches at a folder whose flag is so many percent, in one step.
fn push(folder: &Path, percent: &str) {
    let target = folder.join(format!("runtime-{percent}"));
    std::fs::create_dir_all(target.join("envoy/serin")).unwrap();
    std::fs::write(target.join("envoy/serin/break_glass"), percent).unwrap();
    let next = folder.join("next");
    symlink(&target, &next).unwrap();
    std::fs::rename(&next, folder.join("runtime")).unwrap();
}

async fn open(name: &str) -> Shop {
    let scene = Scene::open(name).await;
    let control_plane = ControlPlane::start(&scene.workspace, &scene.folder, 1_000).await;
    let mut bootstrap = scene.bootstrap(control_plane.fleet());
    let link = scene.folder.join("runtime");
    let _none_is_left_of_an_earlier_run = std::fs::remove_file(&link);
    *bootstrap.part("/layered_runtime/layers/0/disk_layer/symlink_root").unwrap() = json!(link);
    let envoy = scene.envoy(&Settings::named("envoy").workers(2), bootstrap).await;
    Shop { control_plane, envoy, scene }
}

/// Requests of the canary so far.
async fn canary(shop: &Shop) -> u64 {
    shop.envoy.admin().stat("vhost.shop.route.canary.upstream_rq_total").await.unwrap()
}

/// Waits until the canary gets requests.
async fn reaches_the_canary(shop: &Shop) {
    let before = canary(shop).await;
    eventually("the canary is served", PATIENCE, async || (canary(shop).await > before + 20).then_some(()))
        .await;
}

/// From a second on, nobody reaches the canary, and everybody is served.
async fn nobody_reaches_the_canary(shop: &Shop) {
    tokio::time::sleep(OBEYS).await;
    let admin = shop.envoy.admin();
    let served = async || admin.stat("vhost.shop.route.break_glass.upstream_rq_total").await.unwrap();
    let (before, begun) = (canary(shop).await, served().await);
    eventually("requests pass", PATIENCE, async || (served().await > begun + 2 * RATE).then_some(())).await;
    assert_eq!(canary(shop).await, before, "requests of the canary while it is pulled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pulled_break_glass_sends_nobody_to_the_canary_and_promotes_nothing() {
    let mut shop = open("break-glass").await;
    // With the control plane alive, what it cannot see is not promoted.
    push(&shop.scene.folder, "100");
    shop.begins(&format!("{SHOP}{QUICK}")).await;
    let load = shop.load();
    nobody_reaches_the_canary(&shop).await;
    tokio::time::sleep(LONG_ENOUGH).await;
    assert_eq!(canary(&shop).await, 0);
    let phase = shop.control_plane.rollout().await.phase();
    assert!(matches!(phase, Phase::WarmingUp | Phase::Completing), "{phase:?}");
    shop.stands().await;

    // With it gone, the file is obeyed, and what the admin interface says wins.
    shop.control_plane.kill();
    push(&shop.scene.folder, "0");
    reaches_the_canary(&shop).await;
    push(&shop.scene.folder, "100");
    nobody_reaches_the_canary(&shop).await;
    let admin = shop.envoy.admin();
    let flag = async |value: &str| admin.modify_runtime("serin.break_glass", value).await.unwrap();
    flag("0").await;
    reaches_the_canary(&shop).await;
    flag("100").await;
    push(&shop.scene.folder, "0");
    nobody_reaches_the_canary(&shop).await;
    flag("").await;
    reaches_the_canary(&shop).await;

    // As before: evidence comes again.
    shop.control_plane.restart().await;
    shop.reaches(Phase::Promoted).await;
    let summary = load.stop().await.unwrap();
    assert_eq!(summary.total(|key| !key.status.is_ok()), 0, "{:?}", summary.counts);
}
