//! Several rollouts that go out as one release.

use std::collections::HashMap;

use serin_control_plane::Addresses;
use serin_proto::admin::v1::train_service_client::TrainServiceClient;
use serin_proto::admin::v1::*;
use tonic::Code;
use tonic::transport::Channel;

use crate::support::*;

const TRAIN: &str = "
kind: train
name: sale
members:
- {service: stock, plan: stock.yaml, region: eu}
- {service: shop, plan: shop.yaml, after: [{service: stock, weight: 20%}]}
- {service: pay, plan: pay.yaml, after: [{service: shop, weight: 20%}]}
gates: [{before: pay, when: approval}]
rollback: dependents
";

pub(crate) type Trains = TrainServiceClient<Channel>;

pub(crate) async fn trains(server: &Server) -> Trains {
    trains_at(server.addresses()).await
}

pub(crate) async fn trains_at(addresses: Addresses) -> Trains {
    TrainServiceClient::connect(format!("http://{}", addresses.admin)).await.unwrap()
}

fn plans(services: &[&str]) -> HashMap<String, String> {
    services.iter().map(|service| (format!("{service}.yaml"), plan(service))).collect()
}

async fn create_train(trains: &mut Trains, yaml: &str) -> Result<Train, tonic::Status> {
    let (train_yaml, plans) = (yaml.to_owned(), plans(&["stock", "shop", "pay"]));
    Ok(trains.create_train(CreateTrainRequest { train_yaml, plans }).await?.into_inner().train.unwrap())
}

async fn status(trains: &mut Trains) -> Train {
    let request = GetTrainRequest { id: "sale".to_owned() };
    trains.get_train(request).await.unwrap().into_inner().train.unwrap()
}

/// Asks until the train is as it should be.
pub(crate) async fn reaches(trains: &mut Trains, wanted: impl Fn(&Train) -> bool) -> Train {
    let asking = async {
        loop {
            let train = status(trains).await;
            if wanted(&train) {
                return train;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    match tokio::time::timeout(PATIENCE, asking).await {
        Ok(train) => train,
        Err(_) => panic!("not within {PATIENCE:?}: {:#?}", status(trains).await),
    }
}

async fn approve(trains: &mut Trains, before: &str) -> Result<Train, tonic::Status> {
    let (id, before, reason) = ("sale".to_owned(), before.to_owned(), "looks good".to_owned());
    let answer = trains.approve_train(ApproveTrainRequest { id, before, reason }).await?;
    Ok(answer.into_inner().train.unwrap())
}

pub(crate) fn begun(train: &Train) -> Vec<&str> {
    train.members.iter().filter(|one| one.begun).map(|one| one.service.as_str()).collect()
}

async fn events_of(admin: &mut Admin, after_sequence: u64, kind: &str) -> Vec<(String, String)> {
    let request = ListEventsRequest { after_sequence, ..ListEventsRequest::default() };
    let events = admin.list_events(request).await.unwrap().into_inner().events;
    let wanted = events.into_iter().filter(|event| event.kind == kind);
    wanted.map(|event| (event.rollout_id, event.text)).collect()
}

#[tokio::test]
async fn members_begin_in_order_and_one_that_returns_takes_its_dependents_along_over_a_restart() {
    let server = Server::new().await;
    let (mut admin, mut one) = (server.admin().await, trains(&server).await);
    let train = create_train(&mut one, TRAIN).await.unwrap();
    assert_eq!((train.phase(), train.members.len()), (TrainPhase::Running, 3));
    let train = reaches(&mut one, |train| begun(train) == ["stock", "shop"]).await;
    assert_eq!((train.members[0].region.as_str(), train.members[2].weight_ppm), ("eu", 0));
    let pay = train.members[2].clone();
    assert_eq!(pay.summary, format!("Waiting at 0 % for its turn in {}", train.id));

    // Nobody begins before its turn, and who approves opens one gate alone.
    let resume = ResumeRequest { id: pay.rollout_id.clone(), reason: String::new() };
    let refused = admin.resume(resume).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("it waits for its turn in train:sale-"), "{}", refused.message());
    assert_eq!(approve(&mut one, "stocks").await.unwrap_err().code(), Code::InvalidArgument);
    let server = server.restarted().await;
    let (mut admin, mut one) = (server.admin().await, trains(&server).await);
    assert_eq!(begun(&status(&mut one).await), ["stock", "shop"]);
    approve(&mut one, "pay").await.unwrap();
    let train = reaches(&mut one, |train| begun(train).len() == 3).await;
    assert!(train.gates[0].open && train.gates[0].opened_because.ends_with(": looks good"), "{train:?}");

    // The filters are told the train, and people are not told its key.
    let assignment = admin.get_assignment(GetAssignmentRequest::default()).await.unwrap().into_inner();
    let told = format!(r#""train":"{}","train_key":"{}""#, train.id, "0".repeat(32));
    assert_eq!(assignment.assignment_json.matches(&told).count(), 3, "{assignment:?}");

    // The first returns, a crash comes between, and those after it follow, the last one first.
    let (id, reason) = ("stock".to_owned(), "bad".to_owned());
    admin.rollback(RollbackRequest { id, reason, ..RollbackRequest::default() }).await.unwrap();
    let server = server.restarted().await;
    let (mut admin, mut one) = (server.admin().await, trains(&server).await);
    let obeying = tokio::spawn(obey(server.fleet().await, &["stock", "shop", "pay"]));
    let train = reaches(&mut one, |train| train.phase() == TrainPhase::RolledBack).await;
    obeying.abort();
    assert_eq!(train.returning, ["pay", "shop", "stock"]);
    let back = events_of(&mut admin, 0, "rolled_back").await;
    let order: Vec<&str> = back.iter().map(|(rollout, _)| rollout.split('-').next().unwrap()).collect();
    assert_eq!(order, ["stock", "pay", "shop"]);
    let (pay, shop) = (&train.members[2].rollout_id, &train.members[1].rollout_id);
    let request = ListEventsRequest::default();
    let events = admin.list_events(request).await.unwrap().into_inner().events;
    let drained = |event: &Event| event.text.contains("gets no more requests");
    let drained = events.iter().position(|event| event.rollout_id == *pay && drained(event));
    let next = events.iter().position(|event| event.rollout_id == *shop && event.kind == "rolled_back");
    assert!(drained.is_some() && drained < next, "shop returns once pay is drained: {drained:?} {next:?}");
    assert!(back[1].1.contains("stock returned to the baseline (train:sale-"), "{back:?}");
    assert_eq!(events_of(&mut admin, 0, "train_ended").await.len(), 1);
}

#[tokio::test]
async fn a_train_is_rolled_back_whole_by_a_person_and_its_name_is_free_again() {
    let server = Server::new().await;
    let mut one = trains(&server).await;
    create_train(&mut one, TRAIN).await.unwrap();
    let active = create_train(&mut one, TRAIN).await.unwrap_err();
    assert_eq!(active.code(), Code::AlreadyExists);
    reaches(&mut one, |train| begun(train).len() == 2).await;
    let obeying = tokio::spawn(obey(server.fleet().await, &["stock", "shop", "pay"]));
    let request = || RollbackTrainRequest { id: "sale".to_owned(), reason: "no sale".to_owned() };
    one.rollback_train(request()).await.unwrap();
    let train = reaches(&mut one, |train| train.phase() == TrainPhase::RolledBack).await;
    obeying.abort();
    assert_eq!(train.returning, ["pay", "shop", "stock"], "who waits returns first, then the last begun");
    assert!(train.members.iter().all(|member| member.phase() == Phase::RolledBack), "{train:?}");
    assert_eq!(one.rollback_train(request()).await.unwrap_err().code(), Code::FailedPrecondition);
    create_train(&mut one, TRAIN).await.unwrap();
    let all = one.list_trains(ListTrainsRequest {}).await.unwrap().into_inner().trains;
    assert_eq!(
        all.iter().map(Train::phase).collect::<Vec<_>>(),
        [TrainPhase::Running, TrainPhase::RolledBack]
    );
}

#[tokio::test]
async fn a_train_that_cannot_go_out_as_a_whole_is_refused_as_a_whole() {
    let server = Server::new().await;
    let (mut admin, mut one) = (server.admin().await, trains(&server).await);
    let wrong =
        create_train(&mut one, &TRAIN.replace("after: [{service: stock", "after: [{service: shop")).await;
    let wrong = wrong.unwrap_err();
    assert_eq!(wrong.code(), Code::InvalidArgument);
    assert!(wrong.message().contains("members[1].after[0]: a member cannot come after itself"), "{wrong}");
    create(&mut admin, "pay").await;
    let active = create_train(&mut one, TRAIN).await.unwrap_err();
    assert_eq!(active.code(), Code::AlreadyExists);
    assert!(active.message().contains("\"pay\" already has the active rollout"), "{active}");
    let rollouts = admin.list(ListRequest::default()).await.unwrap().into_inner().rollouts;
    assert_eq!(rollouts.len(), 1, "nothing of it was created");
    let missing = GetTrainRequest { id: "sale".to_owned() };
    assert_eq!(one.get_train(missing).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_service_that_goes_out_with_a_train_goes_out_by_nothing_else_until_it_returned_or_the_train_ended()
{
    let server = Server::new().await;
    let (mut admin, mut one) = (server.admin().await, trains(&server).await);
    let alone = TRAIN.replace("rollback: dependents", "rollback: alone");
    let train = create_train(&mut one, &alone).await.unwrap();
    let (stock, reason) = (train.members[0].rollout_id.clone(), "good".to_owned());
    admin.promote(PromoteRequest { id: stock, reason: reason.clone() }).await.unwrap();
    let plan_yaml = plan("stock").replace("baseline: v1", "baseline: v2").replace("canary: v2", "canary: v3");
    let request = || CreateRequest { plan_yaml: plan_yaml.clone(), paused: true };
    let refused = admin.create(request()).await.unwrap_err();
    assert_eq!(refused.code(), Code::AlreadyExists);
    let words = format!("service \"stock\" belongs to {}, which goes on", train.id);
    assert!(refused.message().starts_with(&words), "{}", refused.message());
    let other = alone.replace("name: sale", "name: other");
    let refused = create_train(&mut one, &other).await.unwrap_err();
    assert!(refused.message().starts_with(&words), "{}", refused.message());

    let shop = train.members[1].rollout_id.clone();
    let request = RollbackRequest { id: shop, reason, ..RollbackRequest::default() };
    admin.rollback(request).await.unwrap();
    reaches(&mut one, |train| train.returning == ["shop"]).await;
    let plan_yaml = plan("shop");
    admin.create(CreateRequest { plan_yaml, paused: true }).await.expect("a member that returned is free");
}
