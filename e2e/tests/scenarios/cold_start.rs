//! Envoy starts while the control plane is away.

use std::time::{Duration, Instant};

use serin_e2e::envoy::Settings;

use crate::support::control_plane::{ControlPlane, PLAN};
use crate::support::crowd::versions_of_users;
use crate::support::scene::{BASELINE_VERSION, CANARY_VERSION, Scene};
use crate::support::{PATIENCE, eventually};

const USERS: usize = 500;
/// Long enough for Envoy's pauses between attempts to have grown.
const AWAY: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn envoy_serves_the_baseline_at_once_and_attaches_when_the_control_plane_appears() {
    let scene = Scene::open("cold-start").await;
    let mut control_plane = ControlPlane::start(&scene.workspace, &scene.folder, 200).await;
    control_plane.create(PLAN).await;
    control_plane.set_weight(500_000).await;
    control_plane.kill();

    let bootstrap = scene.bootstrap(control_plane.fleet());
    let envoy = scene.envoy(&Settings::named("envoy").workers(2), bootstrap).await;
    let away = Instant::now();
    let mut asked = 0;
    while away.elapsed() < AWAY {
        // Status 200, or this fails.
        let versions = versions_of_users(envoy.address(), "/home", USERS).await;
        assert!(versions.iter().all(|version| version == BASELINE_VERSION));
        asked += USERS as u64;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }

    control_plane.restart().await;
    let appeared = Instant::now();
    let canaries = eventually("the canary gets traffic", PATIENCE, async || {
        asked += USERS as u64;
        let versions = versions_of_users(envoy.address(), "/home", USERS).await;
        let canaries = versions.iter().filter(|version| *version == CANARY_VERSION).count();
        (canaries > 0).then_some(canaries)
    })
    .await;
    assert!(appeared.elapsed() <= Duration::from_secs(5), "attached only after {:?}", appeared.elapsed());
    assert!(canaries <= USERS);
    assert_eq!(envoy.admin().stat("http.ingress.downstream_rq_2xx").await.unwrap(), asked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_filter_is_configured_as_it_ships_to_survive_its_own_death() {
    let scene = Scene::open("shipped").await;
    let control_plane = ControlPlane::start(&scene.workspace, &scene.folder, 200).await;
    let bootstrap = scene.bootstrap(control_plane.fleet());
    let envoy = scene.envoy(&Settings::named("envoy").workers(1), bootstrap).await;
    control_plane.create(PLAN).await;
    control_plane.attached(&[("envoy", 1)]).await;
    let dump = envoy.admin().config_dump().await.unwrap();
    let configs = dump["configs"].as_array().unwrap();
    let ecds = configs.iter().find_map(|config| config["ecds_filters"].as_array()).unwrap();
    let filter = &ecds[0]["ecds_filter"]["typed_config"]["config"];
    assert_eq!(ecds[0]["ecds_filter"]["name"], "serin");
    assert_eq!(filter["failure_policy"], "FAIL_RELOAD", "{filter:#}");
    assert_eq!(filter["reload_config"]["backoff"]["base_interval"], "0.010s");
    assert_eq!(filter["reload_config"]["backoff"]["max_interval"], "0.010s");
    assert_eq!(filter["vm_config"]["runtime"], "envoy.wasm.runtime.v8");
    // The assignment is there to be read.
    assert!(filter["configuration"]["value"].as_str().unwrap().contains("\"name\":\"orders\""), "{filter:#}");
}
