//! What other components, and other services, take along when they return to the baseline.

use serin_proto::admin::v1::*;

use crate::support::*;

const STOCK: &str = "
service: stock
hosts: [stock.example.com]
baseline: v1
canary: v2
warm_up: 10m
steps: [{weight: 10%, bake: 10m}]
components:
- {name: reserve, matches: [{path: {prefix: /reserve}}]}
- {name: count, matches: [{path: {prefix: /count}}]}
";
const SHOP: &str = "
service: shop
hosts: [shop.example.com]
baseline: v1
canary: v2
warm_up: 10m
steps: [{weight: 10%, bake: 10m}]
components:
- {name: cart, matches: [{path: {prefix: /cart}}], depends_on: [stock/reserve]}
- name: tips
  matches: [{path: {prefix: /tips}}]
  feature: tips
  depends_on: [{component: cart, on_rollback: disable}]
- {name: home, matches: [{path: {exact: /}}]}
";

async fn begin(admin: &mut Admin, plan_yaml: &str) -> String {
    let request = CreateRequest { plan_yaml: plan_yaml.to_owned(), paused: false };
    admin.create(request).await.unwrap().into_inner().rollout.unwrap().id
}

async fn roll_back(admin: &mut Admin, id: &str, component: &str) {
    let (id, component, reason) = (id.to_owned(), component.to_owned(), "bad".to_owned());
    admin.rollback(RollbackRequest { id, component, reason, ..RollbackRequest::default() }).await.unwrap();
}

fn returned(rollout: &Rollout) -> Vec<&str> {
    let returned = rollout.components.iter().filter(|component| component.rolled_back);
    returned.map(|component| component.name.as_str()).collect()
}

#[tokio::test]
async fn a_component_of_another_service_takes_along_what_needs_it_and_a_restart_changes_nothing() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let (stock, shop) = (begin(&mut admin, STOCK).await, begin(&mut admin, SHOP).await);
    roll_back(&mut admin, &stock, "count").await;
    roll_back(&mut admin, &stock, "reserve").await;
    let followed = |rollout: &Rollout| !returned(rollout).is_empty();
    let rollout = eventually(&mut admin, &shop, followed).await;
    assert_eq!(returned(&rollout), ["cart"]);
    let tips = rollout.components.iter().find(|component| component.name == "tips").unwrap();
    assert_eq!((tips.switched_off, tips.feature.as_str()), (true, "tips"));
    assert_eq!(tips.switched_off_because, "cannot work without stock/reserve, which returned");
    let assignment = admin.get_assignment(GetAssignmentRequest::default()).await.unwrap().into_inner();
    assert!(assignment.assignment_json.contains(r#"{"name":"tips","restored":"off"}"#), "{assignment:?}");

    let revision = rollout.revision;
    let server = server.restarted().await;
    let mut admin = server.admin().await;
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    let rollout = get(&mut admin, &shop).await;
    assert_eq!((returned(&rollout), rollout.revision), (vec!["cart"], revision));
}

#[tokio::test]
async fn a_rollout_that_begins_later_follows_too() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let stock = begin(&mut admin, STOCK).await;
    let (id, reason) = (stock, "bad".to_owned());
    admin.rollback(RollbackRequest { id, reason, ..RollbackRequest::default() }).await.unwrap();
    let shop = begin(&mut admin, SHOP).await;
    let rollout = eventually(&mut admin, &shop, |rollout| !returned(rollout).is_empty()).await;
    assert_eq!(returned(&rollout), ["cart"]);
}

#[tokio::test]
async fn a_block_is_returned_by_hand_and_shown_and_survives_a_restart() {
    let fine = "granularity: fine, blocks: [{name: tax, current: v7, previous: [v6]}]}";
    let plan = SHOP.replace("depends_on: [stock/reserve]}", fine);
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let shop = begin(&mut admin, &plan).await;
    let request = |block: &str, component: &str| RollbackRequest {
        id: shop.clone(),
        block: block.to_owned(),
        component: component.to_owned(),
        reason: "bad".to_owned(),
        arm: String::new(),
    };
    let both = admin.rollback(request("tax", "cart")).await.unwrap_err();
    assert_eq!(
        (both.code(), both.message()),
        (tonic::Code::InvalidArgument, "block: cannot be given together with component")
    );
    let unknown = admin.rollback(request("tea", "")).await.unwrap_err();
    assert_eq!(unknown.code(), tonic::Code::InvalidArgument);
    admin.rollback(request("tax", "")).await.unwrap();
    let server = server.restarted().await;
    let rollout = get(&mut server.admin().await, &shop).await;
    let tax = &rollout.components[0].blocks[0];
    assert_eq!((tax.name.as_str(), tax.current.as_str(), tax.restored.as_str()), ("tax", "v7", "v6"));
    assert_eq!((tax.restored_because.as_str(), returned(&rollout).len()), ("unknown: bad", 0));
}
