use super::*;
use crate::model::{CallStanding, ComponentRoute, Granularity, ObservedCalls};

fn origin(source: TagSource, routes: &[&str]) -> TagOrigin {
    TagOrigin { source, routes: routes.iter().map(|route| (*route).to_owned()).collect() }
}

fn component() -> KnownComponent {
    let default = || origin(TagSource::Default, &[]);
    KnownComponent {
        service: "shop".to_owned(),
        name: "cart".to_owned(),
        rollout_id: Some("r1".to_owned()),
        granularity: Granularity::Fine,
        granularity_origin: origin(TagSource::Plan, &[]),
        business_weight: 2.5,
        business_weight_origin: default(),
        depends_on: vec!["pay".to_owned(), "stock/items".to_owned()],
        depends_on_origin: origin(TagSource::Plan, &[]),
        owner: Some("team-a".to_owned()),
        owner_origin: origin(TagSource::RouteMetadata, &["cart-route", ""]),
        blocks: vec![Block {
            name: "tax".to_owned(),
            current: "v2".to_owned(),
            previous: vec!["v1".to_owned()],
            restored: None,
            restored_because: None,
            evidence: None,
        }],
        routes: vec![ComponentRoute {
            route: "cart-route".to_owned(),
            matched: "cart".to_owned(),
            nodes: 1,
            node_names: vec!["envoy-1".to_owned()],
            malformed: Vec::new(),
            told_at: None,
        }],
        contradictions: vec!["weight: route cart-route on envoy-1 says 3".to_owned()],
        calls: vec![ObservedCalls {
            needed: "pay".to_owned(),
            calls: 1_234,
            baseline: 0,
            canary: 1_234,
            canary_only: true,
            last_seen: None,
            standing: CallStanding::Taken,
        }],
    }
}

#[test]
fn a_row_tells_each_tag_and_where_it_is_from() {
    let row = row(&component());
    assert_eq!(
        row,
        [
            "shop",
            "cart",
            "fine",
            "2.5",
            "pay, stock/items",
            "team-a",
            "tax v2 (before: v1)",
            "plan r1: granularity, depends-on; default: weight; route cart-route, (unnamed): owner",
        ]
    );
    let default = origin(TagSource::Default, &[]);
    let bare = KnownComponent {
        granularity_origin: default.clone(),
        depends_on_origin: default.clone(),
        owner_origin: default,
        owner: None,
        depends_on: Vec::new(),
        blocks: Vec::new(),
        ..component()
    };
    assert_eq!(super::row(&bare)[4..], ["-", "-", "-", "default"]);
}

#[test]
fn contradictions_and_what_is_not_known_stand_below_the_table() {
    let known =
        Known { components: vec![component()], untold_routes: 1_234, routes_not_kept: 0, calls_not_kept: 7 };
    let text = sheet(&known, "").into_text();
    assert!(text.contains("\n\nshop/cart: weight: route cart-route on envoy-1 says 3\n"), "{text}");
    assert!(text.contains("of 1,234 sampled requests"), "{text}");
    assert!(text.contains("\nshop/cart calls pay: 1,234 times, taken, by the canary only\n"), "{text}");
    assert!(text.contains("no room for 7 of them"), "{text}");
    let nothing = Known { components: Vec::new(), untold_routes: 0, routes_not_kept: 0, calls_not_kept: 0 };
    assert!(sheet(&nothing, "").into_text().contains("filter_metadata.serin"));
    assert!(sheet(&nothing, "shop").into_text().contains("names a component of shop"));
}
