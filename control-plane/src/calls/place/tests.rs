use serin_rollout::{Creation, Plan, RolloutId, Salt, UnixMillis, create};

use super::*;

const PLAN: &str = "service: shop\nbaseline: v1\ncanary: v2\ncomponents:\n\
    - {name: order, matches: [{path: {template: \"/orders/{id}\"}}]}\n\
    - {name: new-order, matches: [{path: {exact: /orders/new}}]}\n\
    - {name: orders, matches: [{methods: [POST], path: {exact: /orders}}, {path: {prefix: /orders}}]}\n\
    - {name: mobile, matches: [{path: {prefix: /api}, headers: [{name: x-mobile, present: true}]}]}\n\
    - {name: api, matches: [{path: {prefix: /api}}]}\n\
    - {name: v2, matches: [{path: {prefix: /api/v2}}]}\n\
    - {name: own, matches: [{hosts: [own.example.com], path: {prefix: /own}}, {path: {prefix: /own}}]}\n";

pub(crate) fn service(yaml: &str) -> Service {
    let plan = Plan::parse(yaml).unwrap();
    let creation =
        Creation { id: RolloutId("r".to_owned()), salt: Salt(1), actor: "a".to_owned(), paused: false };
    let state = create(&plan, creation, UnixMillis(0)).state;
    plan.service_assignment(&state)
}

#[test]
fn a_span_is_placed_by_its_route_or_path_as_the_filter_places_the_request() {
    let services = [service(PLAN)];
    let places = Places::of(&services);
    let shop = places.service("shop").unwrap();
    for (route, path, method, component) in [
        (None, Some("/orders/7"), Some("GET"), Some("order")),
        (None, Some("/orders/new"), Some("GET"), Some("new-order")),
        (None, Some("/orders/7/items"), Some("GET"), Some("orders")),
        (None, Some("/orders/"), Some("GET"), Some("orders")),
        (None, Some("/orders2"), Some("GET"), None),
        (None, Some("orders"), Some("GET"), None),
        // Whatever the method, it is the same component.
        (None, Some("/orders"), None, Some("orders")),
        (Some("/orders/{id}"), None, None, Some("order")),
        (Some("/orders/:order"), None, None, Some("order")),
        (Some("/orders/<id>"), None, None, Some("order")),
        (Some("/orders/new"), None, None, Some("new-order")),
        (Some("/orders/{id}/items"), None, None, Some("orders")),
        (Some("/orders/[0-9]+"), None, None, None),
        (Some("/{any}"), None, None, None),
        (Some("new-order"), Some("/elsewhere"), None, Some("new-order")),
        (Some("/internal/{id}"), Some("/orders/7"), None, Some("order")),
        // Whether the header is there, a span does not tell.
        (None, Some("/api/users"), Some("GET"), None),
        (None, Some("/api/v2/users"), Some("GET"), Some("v2")),
        // Either way it is the same component.
        (None, Some("/own/a"), Some("GET"), Some("own")),
        (None, None, Some("GET"), None),
    ] {
        let told = Told { route, path, method };
        let found = shop.serving(&told);
        assert_eq!(found.as_ref().map(|spot| spot.component.as_str()), component, "{told:?}");
    }
    assert_eq!(shop.named("api").unwrap().service, "shop");
    assert!(shop.named("gone").is_none() && places.service("stock").is_none());
}
