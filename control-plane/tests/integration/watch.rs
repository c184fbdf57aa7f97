//! A promoted version is watched until its rollback window closes, through the real server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serin_proto::admin::v1::{CreateRequest, ListEventsRequest, Phase, PromoteRequest};

use crate::support::*;

/// Reports each second what a version does that has all requests, until the task is aborted.
async fn report_promoted(mut fleet: Fleet, is_bad: Arc<AtomicBool>, first: u64) {
    for seq in first.. {
        let second = now_second();
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        let errors = if is_bad.load(Ordering::Relaxed) { 20 } else { 0 };
        let strata = (0..10)
            .map(|route| stratum("shop", &format!("route-{route}"), second, vec![arm("canary", 40, errors)]));
        if fleet.report(report("envoy-1", seq, strata.collect())).await.is_err() {
            return;
        }
    }
}

async fn promoted(server: &Server, window: &str) -> String {
    let mut admin = server.admin().await;
    let plan_yaml =
        format!("{}limits: {{sustained: 6s}}\nrollback_window: {{duration: {window}}}\n", plan("shop"));
    let id = admin.create(CreateRequest { plan_yaml, paused: false }).await.unwrap();
    let id = id.into_inner().rollout.unwrap().id;
    let promote = PromoteRequest { id: id.clone(), reason: "it is good".to_owned() };
    let rollout = admin.promote(promote).await.unwrap().into_inner().rollout.unwrap();
    assert_eq!((phase(&rollout), rollout.watched), (Phase::Promoted, true));
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promoted_version_that_gets_worse_returns_by_itself_even_after_a_restart() {
    let server = Server::new().await;
    let id = promoted(&server, "5m").await;
    let is_bad = Arc::new(AtomicBool::new(false));
    let reporting = tokio::spawn(report_promoted(server.fleet().await, Arc::clone(&is_bad), 1));
    let mut admin = server.admin().await;
    let seen = eventually(&mut admin, &id, |rollout| rollout.arms.iter().any(|arm| arm.requests > 800)).await;
    assert!(seen.summary.contains("returns to v1 if it gets worse"), "{}", seen.summary);
    assert!(seen.rollback_window_until.is_some());
    reporting.abort();

    let server = server.restarted().await;
    is_bad.store(true, Ordering::Relaxed);
    let reporting = tokio::spawn(report_promoted(server.fleet().await, is_bad, 1_000));
    let mut admin = server.admin().await;
    let rollout = eventually(&mut admin, &id, |rollout| phase(rollout) == Phase::RolledBack).await;
    reporting.abort();
    assert_eq!((rollout.weight_ppm, rollout.watched), (0, false));
    assert_eq!(rollout.rollback_window_until, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn once_the_window_closed_nothing_is_judged_any_more_and_that_is_told() {
    let server = Server::new().await;
    let id = promoted(&server, "2s").await;
    let is_bad = Arc::new(AtomicBool::new(false));
    let reporting = tokio::spawn(report_promoted(server.fleet().await, Arc::clone(&is_bad), 1));
    let mut admin = server.admin().await;
    let rollout = eventually(&mut admin, &id, |rollout| !rollout.watched).await;
    assert_eq!(phase(&rollout), Phase::Promoted);
    is_bad.store(true, Ordering::Relaxed);
    tokio::time::sleep(std::time::Duration::from_secs(8)).await;
    reporting.abort();
    assert_eq!(phase(&get(&mut admin, &id).await), Phase::Promoted);
    let request = ListEventsRequest { rollout_id: id, ..ListEventsRequest::default() };
    let events = admin.list_events(request).await.unwrap().into_inner().events;
    let last = events.iter().last().unwrap();
    assert_eq!(last.kind, "watch_ended", "{}", last.text);
}
