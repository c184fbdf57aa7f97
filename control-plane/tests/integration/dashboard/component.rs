//! The numbers behind a component.

use serin_proto::admin::v1::*;
use tonic::Code;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_component_is_told_with_latencies_evidence_and_counts_of_what_was_reported() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let id = create(&mut admin, "shop").await.id;
    let traffic = tokio::spawn(report_bad_route(server.fleet().await, "shop", "none", 0.0));
    let rollout = eventually(&mut admin, &id, |rollout| {
        rollout
            .components
            .iter()
            .any(|one| one.arms.iter().any(|arm| arm.arm == "canary" && arm.requests > 400))
    })
    .await;
    traffic.abort();
    assert!(rollout.data_age_s.is_some_and(|age| age < 10), "{:?}", rollout.data_age_s);
    let ask = |component: &str| GetComponentRequest { id: id.clone(), component: component.to_owned() };
    let told = admin.get_component(ask("route-3")).await.unwrap().into_inner();
    assert_eq!(told.component.unwrap().name, "route-3");
    let [baseline, canary] = told.latencies.as_slice() else { panic!("{:?}", told.latencies) };
    assert_eq!((baseline.arm.as_str(), canary.arm.as_str()), ("baseline", "canary"));
    let total = |of: &LatencyDistribution| of.buckets.iter().map(|bucket| bucket.requests).sum::<u64>();
    assert!(total(canary) > 400 && total(baseline) == 4 * total(canary), "{canary:?}");
    let within =
        |bucket: &LatencyBucket| bucket.from_us <= bucket.to_us && (19_000..31_000).contains(&bucket.to_us);
    assert!(canary.buckets.iter().all(within), "{canary:?}");
    let counted =
        |slots: &[CountSlot]| slots.iter().flat_map(|slot| &slot.arms).map(|arm| arm.requests).sum::<u64>();
    let version = admin.get_component(ask("")).await.unwrap().into_inner();
    assert!(version.component.is_none());
    assert!(
        version.paths.iter().any(|path| path.signal == "error_rate" && path.points.len() > 3),
        "{:?}",
        version.paths
    );
    assert_eq!(counted(&version.slots), 10 * counted(&told.slots));
    assert!(version.slots.windows(2).all(|pair| pair[0].from_second < pair[1].from_second));
    let unknown = admin.get_component(ask("route-99")).await.unwrap_err();
    assert_eq!((unknown.code(), unknown.message().contains("route-99")), (Code::NotFound, true));
    let page = see(server.addresses().http, &format!("/rollouts/{id}/components/route-3")).await;
    assert!(page.status == 200 && page.body.contains("route-3"), "{}", page.body);
}

#[tokio::test]
async fn when_the_next_step_may_come_is_told_unless_a_person_holds_it() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let created = create(&mut admin, "shop").await;
    let (changed, next) = (created.changed_at.unwrap(), created.next_step_at.unwrap());
    let millis = |at: prost_types::Timestamp| at.seconds * 1_000 + i64::from(at.nanos) / 1_000_000;
    assert_eq!(millis(next) - millis(changed), 1_000, "the warm-up of the plan");
    let pause = PauseRequest { id: created.id, reason: "lunch".to_owned() };
    let paused = admin.pause(pause).await.unwrap().into_inner().rollout.unwrap();
    assert_eq!((paused.next_step_at, paused.data_age_s), (None, None));
}
