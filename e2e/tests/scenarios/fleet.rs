//! Many Envoys obey one rollout.

use serin_e2e::envoy::Settings;

use crate::support::control_plane::{ControlPlane, PLAN};
use crate::support::crowd::versions_of_users;
use crate::support::scene::{CANARY_VERSION, Scene};
use crate::support::{PATIENCE, eventually};

const USERS: usize = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_envoy_gives_a_user_the_same_arm_also_one_that_comes_later() {
    let scene = Scene::open("fleet").await;
    let control_plane = ControlPlane::start(&scene.workspace, &scene.folder, 200).await;
    let start = async |name: &str, workers: u32| {
        let bootstrap = scene.bootstrap(control_plane.fleet());
        scene.envoy(&Settings::named(name).workers(workers), bootstrap).await
    };
    let (one, two) = (start("one", 1).await, start("two", 2).await);
    control_plane.create(PLAN).await;
    control_plane.set_weight(300_000).await;
    control_plane.attached(&[("one", 1), ("two", 2)]).await;

    let first = versions_of_users(one.address(), "/home", USERS).await;
    assert!(first == versions_of_users(two.address(), "/home", USERS).await, "two Envoys disagree");
    let canaries = first.iter().filter(|version| *version == CANARY_VERSION).count();
    // Five standard deviations: the key of the ring is drawn anew in each run.
    assert!((228..=372).contains(&canaries), "{canaries} of {USERS} at 30 %");

    let three = start("three", 1).await;
    control_plane.attached(&[("one", 1), ("two", 2), ("three", 1)]).await;
    assert!(first == versions_of_users(three.address(), "/home", USERS).await, "the newcomer disagrees");

    // All three are known, and their counts add up.
    let expected = 3 * USERS as u64;
    eventually("all requests are counted", PATIENCE, async || {
        (control_plane.metric("serin_requests_finished_total").await == expected).then_some(())
    })
    .await;
    let nodes = control_plane.nodes().await;
    assert_eq!(nodes.len(), 3, "{nodes:?}");
    assert!(nodes.iter().all(|node| node.connected && node.rejected == 0), "{nodes:?}");
    eventually("the rollout knows all VMs", PATIENCE, async || {
        (control_plane.rollout().await.vms_known == 7).then_some(())
    })
    .await;
}
