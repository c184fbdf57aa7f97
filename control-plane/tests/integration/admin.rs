//! Steering rollouts, and decisions made from reports.

use std::time::Duration;

use serin_proto::admin::v1::*;
use tokio_stream::StreamExt;
use tonic::{Code, Request};

use crate::http::text;
use crate::support::*;

#[tokio::test]
async fn a_rollout_is_created_found_listed_and_told_to_the_filters() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let created = create(&mut admin, "shop").await;
    assert_eq!(phase(&created), Phase::WarmingUp);
    assert_eq!((created.weight_ppm, created.steps, created.revision), (200_000, 2, 1));
    assert_eq!(created.components.len(), 11, "ten routes and unmatched");
    assert_eq!(get(&mut admin, "shop").await.id, created.id);
    assert_eq!(get(&mut admin, &created.id).await.service, "shop");
    let listed = admin.list(ListRequest::default()).await.unwrap().into_inner().rollouts;
    assert_eq!(listed.iter().map(|rollout| rollout.id.as_str()).collect::<Vec<_>>(), [created.id.as_str()]);
    let assignment = admin.get_assignment(GetAssignmentRequest::default()).await.unwrap().into_inner();
    let assignment = serin_proto::assignment::parse(assignment.assignment_json.as_bytes()).unwrap();
    assert_eq!(assignment.generation.0, created.generation);
    assert_eq!(assignment.services.len(), 1);
}

#[tokio::test]
async fn a_wrong_plan_is_refused_with_its_place() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let plan_yaml = plan("shop").replace("warm_up: 1s", "warm_upp: 1s");
    let status = admin.create(CreateRequest { plan_yaml, paused: false }).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(
        status.message().contains("warm_upp") && status.message().contains("line 6"),
        "{}",
        status.message()
    );
    let status = admin.create(CreateRequest::default()).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::InvalidArgument, "plan_yaml: must not be empty"));
}

#[tokio::test]
async fn a_service_has_one_active_rollout_and_hosts_belong_to_one_service() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let first = create(&mut admin, "shop").await;
    let status = admin.create(CreateRequest { plan_yaml: plan("shop"), paused: false }).await.unwrap_err();
    assert_eq!(status.code(), Code::AlreadyExists);
    assert!(status.message().contains(&first.id));
    let plan_yaml = plan("other").replace("other.example.com", "shop.example.com");
    let status = admin.create(CreateRequest { plan_yaml, paused: false }).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition, "{}", status.message());
    assert_eq!(admin.list(ListRequest::default()).await.unwrap().into_inner().rollouts.len(), 1);
}

#[tokio::test]
async fn commands_are_idempotent_and_named_when_refused() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let id = create(&mut admin, "shop").await.id;
    let reason = "lunch".to_owned();
    let pause = PauseRequest { id: id.clone(), reason: reason.clone() };
    let first = admin.pause(pause.clone()).await.unwrap().into_inner().rollout.unwrap();
    let second = admin.pause(pause).await.unwrap().into_inner().rollout.unwrap();
    assert_eq!((phase(&first), first.revision), (Phase::Paused, second.revision));

    let set = SetWeightRequest { id: "shop".to_owned(), weight_ppm: 333_333, reason: reason.clone() };
    let set = admin.set_weight(set).await.unwrap().into_inner().rollout.unwrap();
    assert_eq!(set.weight_ppm, 333_333);
    let resume = ResumeRequest { id: id.clone(), reason: String::new() };
    let resumed = admin.resume(resume).await.unwrap().into_inner().rollout.unwrap();
    assert_ne!(phase(&resumed), Phase::Paused);

    let component = "route-3".to_owned();
    let rollback =
        RollbackRequest { id: id.clone(), component, reason: reason.clone(), ..RollbackRequest::default() };
    let pinned = admin.rollback(rollback.clone()).await.unwrap().into_inner().rollout.unwrap();
    let again = admin.rollback(rollback).await.unwrap().into_inner().rollout.unwrap();
    let rolled_back: Vec<_> =
        pinned.components.iter().filter(|one| one.rolled_back).map(|one| &one.name).collect();
    assert_eq!((rolled_back, pinned.revision), (vec![&"route-3".to_owned()], again.revision));

    let unknown = RollbackRequest {
        id: id.clone(),
        component: "nowhere".to_owned(),
        reason: reason.clone(),
        ..RollbackRequest::default()
    };
    assert_eq!(admin.rollback(unknown).await.unwrap_err().code(), Code::InvalidArgument);
    let without = PromoteRequest { id: id.clone(), reason: String::new() };
    assert_eq!(admin.promote(without).await.unwrap_err().code(), Code::InvalidArgument);
    let nobody = PauseRequest { id: "nobody".to_owned(), reason: reason.clone() };
    assert_eq!(admin.pause(nobody).await.unwrap_err().code(), Code::NotFound);

    let promote = PromoteRequest { id: id.clone(), reason: reason.clone() };
    let promoted = admin.promote(promote).await.unwrap().into_inner().rollout.unwrap();
    assert_eq!((phase(&promoted), promoted.weight_ppm), (Phase::Promoted, 1_000_000));
    let too_late = admin.pause(PauseRequest { id, reason }).await.unwrap_err();
    assert_eq!(too_late.code(), Code::FailedPrecondition, "{}", too_late.message());
}

#[tokio::test]
async fn a_new_rollout_replaces_one_that_is_over() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let first = create(&mut admin, "shop").await.id;
    let rollback =
        RollbackRequest { id: first.clone(), reason: "bad".to_owned(), ..RollbackRequest::default() };
    let rolled_back = admin.rollback(rollback).await.unwrap().into_inner().rollout.unwrap();
    assert_eq!(phase(&rolled_back), Phase::RolledBack);
    let second = create(&mut admin, "shop").await;
    assert_ne!(second.id, first);
    assert_eq!(get(&mut admin, "shop").await.id, second.id, "the service means its newest rollout");
    assert_eq!(phase(&get(&mut admin, &first).await), Phase::RolledBack);
    let server = server.restarted().await;
    let mut admin = server.admin().await;
    assert_eq!(get(&mut admin, "shop").await.id, second.id);
}

/// Weight of the canary's endpoint, as the filters are told.
async fn told_ppm(admin: &mut Admin) -> u64 {
    let assignment = admin.get_assignment(GetAssignmentRequest::default()).await.unwrap().into_inner();
    let assignment: serde_json::Value = serde_json::from_str(&assignment.assignment_json).unwrap();
    assignment.pointer("/services/0/split/0/weight_ppm").map_or(0, |weight| weight.as_u64().unwrap())
}

#[tokio::test]
async fn a_promoted_version_becomes_the_baseline_of_the_next_rollout() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let first = create(&mut admin, "shop").await.id;
    let reason = "sure".to_owned();
    admin.promote(PromoteRequest { id: first.clone(), reason: reason.clone() }).await.unwrap();
    assert_eq!(told_ppm(&mut admin).await, 1_000_000);

    let stale = CreateRequest { plan_yaml: plan("shop").replace("canary: v2", "canary: v3"), paused: true };
    let refused = admin.create(stale).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("v2 was promoted by rollout"), "{}", refused.message());
    assert_eq!(told_ppm(&mut admin).await, 1_000_000, "nobody moved");
    let next = plan("shop").replace("canary: v2", "canary: v3").replace("baseline: v1", "baseline: v2");
    let early = CreateRequest { plan_yaml: next.clone(), paused: false };
    let refused = admin.create(early).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("in the place of v3"), "{}", refused.message());
    assert_eq!(told_ppm(&mut admin).await, 1_000_000, "nobody moved");

    let hand_over = HandOverRequest { id: "shop".to_owned(), reason: reason.clone() };
    let handed_over = admin.hand_over(hand_over.clone()).await.unwrap().into_inner().rollout.unwrap();
    let repeated = admin.hand_over(hand_over).await.unwrap().into_inner().rollout.unwrap();
    assert_eq!((phase(&handed_over), handed_over.weight_ppm), (Phase::Promoted, 0));
    assert_eq!((handed_over.revision, told_ppm(&mut admin).await), (repeated.revision, 0));
    let rollback =
        RollbackRequest { id: "shop".to_owned(), reason: reason.clone(), ..RollbackRequest::default() };
    let refused = admin.rollback(rollback).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{}", refused.message());

    let server = server.restarted().await;
    let mut admin = server.admin().await;
    assert_eq!(told_ppm(&mut admin).await, 0, "a restart moves nobody");
    let next = admin.create(CreateRequest { plan_yaml: next, paused: true }).await.unwrap();
    let next = next.into_inner().rollout.unwrap();
    assert_eq!((phase(&next), next.weight_ppm, told_ppm(&mut admin).await), (Phase::Paused, 0, 0));
    let resume = ResumeRequest { id: "shop".to_owned(), reason: String::new() };
    let resumed = admin.resume(resume).await.unwrap().into_inner().rollout.unwrap();
    assert_eq!((phase(&resumed), resumed.weight_ppm), (Phase::WarmingUp, 200_000));
    assert_eq!(told_ppm(&mut admin).await, 200_000);
    assert_eq!(
        get(&mut admin, &first).await.summary,
        "Promoted and handed over: sure; rollout ".to_owned() + &next.id + " followed"
    );
}

#[tokio::test]
async fn events_tell_who_did_what_in_order() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let id = create(&mut admin, "shop").await.id;
    let mut request = Request::new(PauseRequest { id: id.clone(), reason: "lunch".to_owned() });
    request.metadata_mut().insert("x-serin-actor", "anna".parse().unwrap());
    admin.pause(request).await.unwrap();
    let mut claiming = Request::new(PauseRequest { id: id.clone(), reason: "lunch".to_owned() });
    claiming.metadata_mut().insert("x-serin-actor", "serin".parse().unwrap());
    assert_eq!(admin.pause(claiming).await.unwrap_err().code(), Code::InvalidArgument);
    let all = ListEventsRequest { rollout_id: id.clone(), ..ListEventsRequest::default() };
    let events = admin.list_events(all).await.unwrap().into_inner().events;
    let told: Vec<_> = events.iter().map(|event| (event.kind.as_str(), event.actor.as_str())).collect();
    assert_eq!(told, [("created", "unknown"), ("paused", "anna")]);
    let rest =
        ListEventsRequest { after_sequence: events[0].sequence, limit: 1, ..ListEventsRequest::default() };
    let rest = admin.list_events(rest).await.unwrap().into_inner().events;
    assert_eq!(rest.iter().map(|event| event.sequence).collect::<Vec<_>>(), [events[1].sequence]);
}

#[tokio::test]
async fn a_bad_route_is_returned_to_the_baseline_alone_within_seconds() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let id = create(&mut admin, "shop").await.id;
    let fleet = server.fleet().await;
    let traffic = tokio::spawn(async move { report_bad_route(fleet, "shop", "route-4", 0.5).await });
    let pinned =
        eventually(&mut admin, &id, |rollout| rollout.components.iter().any(|one| one.rolled_back)).await;
    traffic.abort();
    let rolled_back: Vec<_> =
        pinned.components.iter().filter(|one| one.rolled_back).map(|one| &one.name).collect();
    assert_eq!(rolled_back, ["route-4"]);
    let because = &pinned.components.iter().find(|one| one.rolled_back).unwrap().rolled_back_because;
    assert!(because.contains("error rate"), "the evidence of the moment stays on show: {because}");
    let page = text(server.addresses().http, &format!("/rollouts/{id}")).await.1;
    assert!(page.contains(because.as_str()), "{page}");
    assert!(!matches!(phase(&pinned), Phase::RolledBack | Phase::Failed), "{}", pinned.summary);
    let events = ListEventsRequest { rollout_id: id, ..ListEventsRequest::default() };
    let events = admin.list_events(events).await.unwrap().into_inner().events;
    let decision = events.iter().find(|event| event.kind == "components_rolled_back").unwrap();
    assert_eq!(decision.actor, "serin");
    assert!(decision.json.contains("log_evidence"), "the evidence is part of the journal");
    let assignment = admin.get_assignment(GetAssignmentRequest::default()).await.unwrap().into_inner();
    let assignment: serde_json::Value = serde_json::from_str(&assignment.assignment_json).unwrap();
    let components = assignment["services"][0]["components"].as_array().unwrap();
    let pinned: Vec<_> =
        components.iter().filter(|one| one["pinned"] == "baseline").map(|one| &one["name"]).collect();
    assert_eq!(pinned, ["route-4"]);
}

#[tokio::test]
async fn a_good_canary_is_promoted_and_watched_to_the_end() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let id = create(&mut admin, "shop").await.id;
    let fleet = server.fleet().await;
    let traffic = tokio::spawn(async move { report_bad_route(fleet, "shop", "none", 0.0).await });
    let watched = async {
        let mut stream = admin.watch(WatchRequest { id: id.clone() }).await.unwrap().into_inner();
        let mut phases = Vec::new();
        while let Some(seen) = stream.next().await {
            let phase = phase(&seen.unwrap().rollout.unwrap());
            if phases.last() != Some(&phase) {
                phases.push(phase);
            }
        }
        phases
    };
    let phases = tokio::time::timeout(Duration::from_secs(60), watched).await.unwrap();
    traffic.abort();
    assert_eq!(phases, [Phase::WarmingUp, Phase::Progressing, Phase::Completing, Phase::Promoted]);
    let ended = get(&mut admin, &id).await;
    for arms in [&ended.arms, &ended.components[0].arms] {
        assert_eq!(arms.len(), 2);
        assert!(
            arms.iter().all(|arm| arm.requests > 0 && arm.latency_p99_us > 0),
            "the end stays on show: {arms:?}"
        );
    }
}

/// Three in ten of the baseline's requests fail, and more of the canary's.
async fn report_broken_service(mut fleet: Fleet) {
    for seq in 1.. {
        let second = now_second();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let arms = vec![arm("baseline", 1_600, 480), arm("canary", 400, 220)];
        let request = report("envoy-1", seq, vec![stratum("shop", "route-1", second, arms)]);
        if fleet.report(request).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn a_verdict_is_told_as_data() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let id = create(&mut admin, "shop").await.id;
    let traffic = tokio::spawn(report_broken_service(server.fleet().await));
    let held = eventually(&mut admin, &id, |rollout| {
        let unhealthy = |vetoes: &[i32]| vetoes.contains(&Veto::BaselineUnhealthy.into());
        let is_vetoed =
            unhealthy(&rollout.vetoes) || rollout.components.iter().any(|one| unhealthy(&one.vetoes));
        is_vetoed && rollout.trend.is_some()
    })
    .await;
    traffic.abort();
    let component = held.components.iter().find(|one| one.name == "route-1").unwrap();
    assert!((0.0..=100.0).contains(&held.risk) && component.risk > 0.0, "{held:?}");
    let errors = component.reasons.iter().find(|reason| reason.signal == "error_rate").unwrap();
    assert_eq!(errors.baseline_used(), BaselineUsed::Concurrent);
    assert!((0.25..0.35).contains(&errors.baseline) && (0.5..0.6).contains(&errors.canary), "{errors:?}");
    assert!(errors.baseline_requests > errors.canary_requests && errors.canary_requests > 0, "{errors:?}");
    let effect = errors.effect.unwrap();
    assert!(effect.low <= effect.estimate && effect.estimate <= effect.high, "{effect:?}");
    assert!((0.1..0.4).contains(&effect.estimate), "{effect:?}");
    assert!(errors.overdispersion >= 1.0 && errors.log_threshold_healthy > 0.0, "{errors:?}");
    assert!([Action::Hold, Action::HoldAndPage].contains(&component.action()), "{component:?}");
    let trend = component.trend.as_ref().unwrap();
    assert_eq!((trend.signal.as_str(), trend.limit, trend.horizon_s), ("error_rate", 0.01, 300), "{trend:?}");
    assert!(trend.probability > 0.9 && trend.text.contains("beyond +1.00 points"), "{trend:?}");
    let (now, ahead) = (trend.now.unwrap(), trend.ahead.unwrap());
    assert!((0.1..0.4).contains(&now.estimate) && now.low < now.high && ahead.low < ahead.high, "{trend:?}");
    let json: serde_json::Value =
        serde_json::from_str(&text(server.addresses().http, "/api/rollouts").await.1).unwrap();
    assert!(json.to_string().contains("\"horizon_s\":300"), "all views show the same: {json}");
    assert!(json.to_string().contains("baseline_unhealthy"), "all views show the same: {json}");
}

#[tokio::test]
async fn a_rollout_without_reports_is_never_promoted() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let id = create(&mut admin, "shop").await.id;
    tokio::time::sleep(Duration::from_secs(6)).await;
    let rollout = get(&mut admin, &id).await;
    assert_eq!((phase(&rollout), rollout.step, rollout.weight_ppm), (Phase::Progressing, 0, 200_000));
}

#[tokio::test]
async fn a_restart_keeps_every_rollout_as_it_was() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let id = create(&mut admin, "shop").await.id;
    for weight_ppm in 1..=20 {
        let set =
            SetWeightRequest { id: id.clone(), weight_ppm: weight_ppm * 10_000, reason: "up".to_owned() };
        admin.set_weight(set).await.unwrap();
    }
    let rollback = RollbackRequest {
        id: id.clone(),
        component: "route-1".to_owned(),
        reason: "bad".to_owned(),
        ..RollbackRequest::default()
    };
    admin.rollback(rollback).await.unwrap();
    let before = get(&mut admin, &id).await;
    let told = admin.get_assignment(GetAssignmentRequest::default()).await.unwrap().into_inner();
    let server = server.restarted().await;
    let mut admin = server.admin().await;
    let after = get(&mut admin, &id).await;
    assert_eq!(admin.get_assignment(GetAssignmentRequest::default()).await.unwrap().into_inner(), told);
    assert_eq!((after.revision, after.phase, after.weight_ppm), (before.revision, before.phase, 200_000));
    assert_eq!((after.generation, after.changed_at), (before.generation, before.changed_at));
    assert!(after.components[1].rolled_back);
    let because = &after.components[1].rolled_back_because;
    assert!(because.ends_with(": bad"), "who and why: {because}");
    let next = SetWeightRequest { id, weight_ppm: 5, reason: "down".to_owned() };
    let next = admin.set_weight(next).await.unwrap().into_inner().rollout.unwrap();
    assert!(next.generation > before.generation, "the generation rises over a restart");
}
