//! What was decided, and what people say of it.

use serin_proto::admin::v1::*;
use tonic::{Code, Request};

use super::*;

async fn list(admin: &mut Admin, service: &str) -> Vec<Decision> {
    let request = ListDecisionsRequest { service: service.to_owned(), ..ListDecisionsRequest::default() };
    admin.list_decisions(request).await.unwrap().into_inner().decisions
}

async fn mark(admin: &mut Admin, id: &str, mark: Mark, reason: &str) -> Result<Decision, tonic::Status> {
    let message = MarkDecisionRequest { id: id.to_owned(), mark: mark.into(), reason: reason.to_owned() };
    let mut request = Request::new(message);
    request.metadata_mut().insert("x-serin-actor", "anna".parse().unwrap());
    Ok(admin.mark_decision(request).await?.into_inner().decision.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_say_of_a_decision_survives_a_restart_and_changes_nothing_else() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let (shop, id) = (create(&mut admin, "shop").await.id, create(&mut admin, "stock").await.id);
    let promote = PromoteRequest { id: shop.clone(), reason: "it is good".to_owned() };
    admin.promote(promote).await.unwrap();
    let back =
        RollbackRequest { id: id.clone(), reason: "it looks bad".to_owned(), ..RollbackRequest::default() };
    let rolled_back = admin.rollback(back).await.unwrap().into_inner().rollout.unwrap();
    let all = list(&mut admin, "").await;
    let kinds: Vec<_> =
        all.iter().map(|one| (one.service.as_str(), one.kind.as_str(), one.is_rollback)).collect();
    assert_eq!(kinds, [("stock", "rolled_back", true), ("shop", "promoted", false)]);
    let decision = all[0].clone();
    assert_eq!((decision.rollout_id.as_str(), decision.mark()), (id.as_str(), Mark::Unspecified));
    assert!(decision.text.contains("it looks bad") && decision.canary_version == "v2", "{decision:?}");
    assert_eq!(
        mark(&mut admin, &decision.id, Mark::Right, "").await.unwrap_err().code(),
        Code::InvalidArgument
    );
    for unknown in
        ["", "none.1", &format!("{id}.99"), &format!("{}0", decision.id), &decision.id.replace('.', ".0")]
    {
        let code = mark(&mut admin, unknown, Mark::Right, "x").await.unwrap_err().code();
        assert_eq!(
            code,
            if unknown.is_empty() { Code::InvalidArgument } else { Code::NotFound },
            "{unknown}"
        );
    }
    mark(&mut admin, &decision.id, Mark::Right, "at first sight").await.unwrap();
    let marked = mark(&mut admin, &decision.id, Mark::FalseAlarm, "a load test").await.unwrap();
    let told = |one: &Decision| (one.mark(), one.marked_by.clone(), one.mark_reason.clone());
    let expected = (Mark::FalseAlarm, "anna".to_owned(), "a load test".to_owned());
    assert_eq!(told(&marked), expected);
    mark(&mut admin, &all[1].id, Mark::Right, "nobody complained").await.unwrap();
    let metrics = crate::http::text(server.addresses().http, "/metrics").await.1;
    assert!(metrics.contains("serin_decisions_marked_total{mark=\"false_alarm\"} 1"), "{metrics}");
    let page = see(server.addresses().http, &format!("/decisions/{}", decision.id)).await;
    assert_eq!(page.status, 200, "{}", page.body);

    let server = server.restarted().await;
    let mut admin = server.admin().await;
    assert_eq!(told(&list(&mut admin, "stock").await[0]), expected, "the newest mark holds");
    let after = get(&mut admin, &id).await;
    assert_eq!((after.phase, after.weight_ppm), (rolled_back.phase, rolled_back.weight_ppm));
    assert_eq!(after.generation, rolled_back.generation, "a mark changes nothing for the filters");
    let body = "mark=right&reason=it+was+the+release";
    let address = server.addresses().http;
    let answer = form(address, &format!("/decisions/{}/mark", decision.id), &[], body).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, format!("/decisions/{}", decision.id).as_str())
    );
    assert_eq!(list(&mut admin, "stock").await[0].mark(), Mark::Right);
    let wrong = form(address, &format!("/decisions/{}/mark", decision.id), &[], "mark=maybe&reason=x").await;
    assert_eq!(wrong.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_tells_what_returned_when_it_began_and_when_all_applied_it() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let id = create(&mut admin, "shop").await.id;
    let traffic = tokio::spawn(report_bad_route(server.fleet().await, "shop", "route-4", 0.5));
    let is_pinned = |rollout: &Rollout| rollout.components.iter().any(|one| one.rolled_back);
    eventually(&mut admin, &id, is_pinned).await;
    traffic.abort();
    let decision = list(&mut admin, "shop").await.remove(0);
    assert_eq!(
        (decision.kind.as_str(), decision.names.as_slice()),
        ("components_rolled_back", ["route-4".to_owned()].as_slice())
    );
    assert_eq!((decision.actor.as_str(), decision.is_rollback), ("serin", true));
    let (onset, at) = (decision.onset_at.unwrap(), decision.at.unwrap());
    assert!((0..30).contains(&(at.seconds - onset.seconds)), "{onset:?} {at:?}");
    let only = ListDecisionsRequest { before_sequence: decision.sequence, ..ListDecisionsRequest::default() };
    assert_eq!(admin.list_decisions(only).await.unwrap().into_inner().decisions, []);
}
