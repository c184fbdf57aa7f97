//! The control plane dies again and again under load, and nobody notices.

use std::time::{Duration, Instant};

use serin_e2e::envoy::Settings;

use crate::support::control_plane::{ControlPlane, PLAN};
use crate::support::patrol::Patrol;
use crate::support::scene::Scene;
use crate::support::{PATIENCE, eventually};

const KILLS: u32 = 20;
const USERS: usize = 1_000;
/// Milliseconds between reports: many are under way whenever it is killed.
const REPORT_MS: u32 = 150;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_under_load_fail_no_request_and_neither_lose_nor_double_a_count() {
    let scene = Scene::open("crashes").await;
    let mut control_plane = ControlPlane::start(&scene.workspace, &scene.folder, REPORT_MS).await;
    let bootstrap = scene.bootstrap(control_plane.fleet());
    let envoy = scene.envoy(&Settings::named("envoy").workers(2), bootstrap).await;
    control_plane.create(PLAN).await;
    control_plane.attached(&[("envoy", 2)]).await;

    let generation = async || envoy.admin().stat("wasmcustom.serin_generation").await.unwrap();
    let patrol = Patrol::start(envoy.address(), &vec![String::new(); USERS], 600);
    let mut slowest = Duration::ZERO;
    for number in 0..KILLS {
        // Some time into the life, different in each round.
        tokio::time::sleep(Duration::from_millis(300 + u64::from(number) * 37 % 250)).await;
        control_plane.kill();
        tokio::time::sleep(Duration::from_millis(u64::from(number) * 61 % 400)).await;
        control_plane.restart().await;
        let restarted = Instant::now();
        let decided = control_plane.set_weight(100_000 + number * 10_000).await;
        eventually("the new assignment is live", PATIENCE, async || {
            (generation().await >= decided.generation).then_some(())
        })
        .await;
        slowest = slowest.max(restarted.elapsed());
    }
    let findings = patrol.finish().await;
    findings.assert_clean();
    assert!(slowest <= Duration::from_secs(2), "a new assignment took {slowest:?} after a restart");

    // Every request that Envoy served is counted once, over all lives of the control plane.
    let served = envoy.admin().stat("http.ingress.downstream_rq_2xx").await.unwrap();
    assert_eq!(served, findings.asked);
    let end = Instant::now() + PATIENCE;
    while control_plane.metric("serin_requests_finished_total").await < served && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // What is counted twice comes later.
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    assert_eq!(control_plane.metric("serin_requests_finished_total").await, served);
    assert_eq!(control_plane.metric("serin_requests_started_total").await, served);
    assert_eq!(control_plane.rollout().await.weight_ppm, 100_000 + (KILLS - 1) * 10_000);
    // The filter was never replaced, and sent some batches more than once.
    assert_eq!(envoy.admin().stat("wasm.serin.vm_reload").await.unwrap(), 0);
    assert!(envoy.admin().stat("wasmcustom.serin_reports_failed").await.unwrap() > 0);
    let nodes = control_plane.nodes().await;
    assert_eq!(nodes.iter().map(|node| node.requests_lost).sum::<u64>(), 0);
}
