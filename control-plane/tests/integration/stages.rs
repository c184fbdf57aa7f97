//! A rollback is carried out stage by stage, through the real server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serin_proto::admin::v1::{ListEventsRequest, Phase, RollbackRequest, Rollout};

use crate::support::*;

/// Reports each second what goes to both arms while the proxy obeys `generation`, until the task is aborted: from the generation
/// `rolled_back` on the canary gets nothing.
pub(crate) async fn report(
    mut fleet: Fleet,
    generation: Arc<AtomicU64>,
    rolled_back: Arc<AtomicU64>,
    first: u64,
) {
    for seq in first.. {
        let (second, obeyed) = (now_second(), generation.load(Ordering::SeqCst));
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        let canary = if obeyed < rolled_back.load(Ordering::SeqCst) { 20 } else { 0 };
        let arms = vec![arm("baseline", 100 - canary, 0), arm("canary", canary, 0)];
        let mut report =
            crate::support::report("envoy-1", seq, vec![stratum("shop", "route-0", second, arms)]);
        report.generation = obeyed;
        if fleet.report(report).await.is_err() {
            return;
        }
    }
}

fn stages(rollout: &Rollout) -> Vec<(String, String)> {
    let rollback = rollout.rollback.clone().unwrap();
    rollback.stages.into_iter().map(|one| (one.stage, one.outcome)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_waits_for_proxies_drains_and_is_verified_also_over_a_restart() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let created = create(&mut admin, "shop").await;
    let (generation, rolled_back) =
        (Arc::new(AtomicU64::new(created.generation)), Arc::new(AtomicU64::new(u64::MAX)));
    let begin =
        |fleet, first| tokio::spawn(report(fleet, Arc::clone(&generation), Arc::clone(&rolled_back), first));
    let reporting = begin(server.fleet().await, 1);
    eventually(&mut admin, &created.id, |rollout| rollout.arms.iter().any(|arm| arm.requests > 150)).await;

    let order = RollbackRequest {
        id: created.id.clone(),
        reason: "because".to_owned(),
        ..RollbackRequest::default()
    };
    let rollout = admin.rollback(order).await.unwrap().into_inner().rollout.unwrap();
    rolled_back.store(rollout.generation, Ordering::SeqCst);
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let waiting = get(&mut admin, &created.id).await;
    assert_eq!(waiting.rollback.as_ref().unwrap().stage, "acknowledge", "the proxy obeys the old generation");
    assert!(waiting.summary.ends_with("waiting until every proxy obeys"), "{}", waiting.summary);

    generation.store(rollout.generation, Ordering::SeqCst);
    eventually(&mut admin, &created.id, |rollout| rollout.rollback.as_ref().unwrap().stage == "verify").await;
    reporting.abort();
    let server = server.restarted().await;
    let reporting = begin(server.fleet().await, 1_000);
    let mut admin = server.admin().await;
    let rollout =
        eventually(&mut admin, &created.id, |rollout| rollout.rollback.as_ref().unwrap().verified).await;
    reporting.abort();
    assert_eq!(phase(&rollout), Phase::RolledBack);
    let expected =
        ["acknowledge", "drain", "hooks", "verify"].map(|stage| (stage.to_owned(), "done".to_owned()));
    assert_eq!(stages(&rollout), expected);
    let request = ListEventsRequest { rollout_id: created.id, ..ListEventsRequest::default() };
    let events = admin.list_events(request).await.unwrap().into_inner().events;
    assert_eq!(events.iter().filter(|event| event.kind == "rollback_stage").count(), 4);
}
