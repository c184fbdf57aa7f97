use serde_json::json;
use serin_rollout::plan::RouteVersion;

use super::*;

fn patch(kind: RouteKind, route: Option<&str>, weights: &[(&str, Option<&str>, u32)]) -> RoutePatch {
    let weights = weights.iter().map(|(to, subset, weight)| Share {
        to: (*to).to_owned(),
        subset: subset.map(str::to_owned),
        weight: *weight,
    });
    let (name, route) = ("shop".to_owned(), route.map(str::to_owned));
    RoutePatch { kind, version: RouteVersion::V1, name, route, weights: weights.collect() }
}

/// What is written into the routes, or what is said instead.
fn outcome(object: &Value, patch: &RoutePatch) -> String {
    match edit(object, patch) {
        Ok(Edit::Already(words)) => format!("already so: {words}"),
        Ok(Edit::Write(_, words)) => words,
        Err(rule) => rule.to_string(),
    }
}

#[test]
fn weights_are_set_where_a_route_leads_to_all_that_are_named() {
    let to = |host: &str, subset: &str, weight: u32| json!({"destination": {"host": host, "subset": subset}, "weight": weight});
    let service = json!({"spec": {"http": [
        {"name": "a", "route": [to("cart", "v1", 90), to("cart", "v2", 10)]},
        {"route": [to("cart", "v2", 5), to("cart", "v1", 95), to("cart", "v3", 0)]},
        {"name": "c", "route": [{"destination": {"host": "cart", "subset": "v2"}}]},
        {"name": "d", "redirect": {"uri": "/"}},
    ]}});
    let twice = json!({"spec": {"http": [{"route": [to("cart", "v1", 1), to("cart", "v1", 2), to("cart", "v2", 3)]}]}});
    let (v1, v2) = (Some("v1"), Some("v2"));
    let both = [("cart", v1, 100), ("cart", v2, 0)];
    let kind = RouteKind::VirtualService;
    for (object, route, weights, expected) in [
        (
            &service,
            None,
            &both[..],
            "a: cart/v1 from 90 to 100, a: cart/v2 from 10 to 0, spec.http[1]: cart/v1 from 95 to 100, spec.http[1]: cart/v2 from 5 to 0",
        ),
        (&service, Some("a"), &both[..], "a: cart/v1 from 90 to 100, a: cart/v2 from 10 to 0"),
        (
            &service,
            Some("a"),
            &[("cart", v1, 90), ("cart", v2, 10)][..],
            "already so: cart/v1 = 90, cart/v2 = 10",
        ),
        (&service, Some("c"), &[("cart", v2, 100)][..], "c: cart/v2 from none to 100"),
        (&service, Some("c"), &both[..], "there is no route \"c\" that leads to all of cart/v1 and cart/v2"),
        (&service, Some("e"), &both[..], "there is no route \"e\" that leads to all of cart/v1 and cart/v2"),
        (&service, None, &[("cart", None, 1)][..], "no route leads to all of cart"),
        (&service, None, &[("cart.shop", v1, 1)][..], "no route leads to all of cart.shop/v1"),
        (&twice, None, &both[..], "route spec.http[0] leads to cart/v1 more than once"),
        (&json!({"spec": {}}), None, &both[..], "spec.http is missing"),
    ] {
        assert_eq!(outcome(object, &patch(kind, route, weights)), expected);
    }
    let rules = json!({"spec": {"rules": [{"name": "a", "backendRefs": [{"name": "v1"}, {"name": "v2", "weight": 1}]}]}});
    let weights = [("v1", None, 1_000_000), ("v2", None, 1)];
    let words = "a: v1 from none to 1000000";
    assert_eq!(outcome(&rules, &patch(RouteKind::HttpRoute, None, &weights)), words);
    assert_eq!(outcome(&service, &patch(RouteKind::HttpRoute, None, &weights)), "spec.rules is missing");
}

#[test]
fn nothing_but_weights_changes_however_an_object_looks() {
    let odd = [
        json!({"destination": {"host": "a", "port": {"number": 80}}, "weight": 1, "x": {"y": [null, 1.5e300]}}),
        json!({"destination": {"host": "b"}, "weight": 2, "": "ü\u{1F600}"}),
        json!({"weight": 3}),
        json!("text"),
        json!(null),
    ];
    let object =
        json!({"z": 1, "a": {"z": 1}, "spec": {"http": [{"route": odd}, 7, {"route": "text"}], "http2": []}});
    let order = patch(RouteKind::VirtualService, None, &[("a", None, 0), ("b", None, 100)]);
    let Ok(Edit::Write(mut changed, _)) = edit(&object, &order) else { panic!() };
    assert_eq!(edit(&changed, &order), Ok(Edit::Already("a = 0, b = 100".to_owned())));
    for (index, weight) in [(0, 1), (1, 2)] {
        changed["spec"]["http"][0]["route"][index]["weight"] = weight.into();
    }
    assert_eq!(changed, object);
    assert_eq!(changed.to_string(), object.to_string(), "and the order of fields stays");
}
