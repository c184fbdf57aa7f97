//! What routes say about themselves, beside what plans say.

use serde_json::json;
use serin_proto::admin::v1::{
    Granularity, KnownComponent, ListComponentsRequest, RollbackRequest, TagSource,
};
use serin_proto::fleet::v1::{Gaps, ReportRequest, RouteTags, Tags};
use tonic::Code;

use crate::http::text;
use crate::support::*;

fn route(matched: &str, tags: Option<Tags>) -> RouteTags {
    RouteTags {
        route: "a-route".to_owned(),
        service: "shop".to_owned(),
        component: matched.to_owned(),
        tags,
        malformed: Vec::new(),
    }
}

fn fine(component: &str) -> Option<Tags> {
    let granularity = serin_proto::fleet::v1::Granularity::Fine.into();
    Some(Tags { component: component.to_owned(), granularity, ..Tags::default() })
}

fn telling(node: &str, seq: u64, routes: Vec<RouteTags>) -> ReportRequest {
    let mut request = report(node, seq, Vec::new());
    request.batch.as_mut().unwrap().routes = routes;
    request
}

async fn components(admin: &mut Admin, service: &str) -> Vec<KnownComponent> {
    let request = ListComponentsRequest { service: service.to_owned() };
    admin.list_components(request).await.unwrap().into_inner().components
}

#[tokio::test]
async fn routes_are_shown_beside_the_plan_with_where_each_tag_is_from() {
    let server = Server::new().await;
    let (mut fleet, mut admin) = (server.fleet().await, server.admin().await);
    let rollout = create(&mut admin, "shop").await;
    let told = vec![route("route-1", fine("route-1")), route("unmatched", fine("basket"))];
    fleet.report(telling("envoy-1", 1, told)).await.unwrap();
    let all = components(&mut admin, "shop").await;
    assert_eq!(all.len(), 11, "ten of the plan and one of a route");
    let find = |name: &str| all.iter().find(|one| one.name == name).unwrap();
    let planned = find("route-1");
    assert_eq!(
        (planned.rollout_id.as_str(), planned.granularity()),
        (rollout.id.as_str(), Granularity::Medium)
    );
    assert_eq!(planned.granularity_origin.as_ref().unwrap().source(), TagSource::Default);
    let [words] = &planned.contradictions[..] else { panic!("{planned:?}") };
    assert!(words.starts_with("granularity: route a-route on envoy-1 says fine"), "{words}");
    assert!(find("route-2").contradictions.is_empty());
    let basket = find("basket");
    assert_eq!((basket.rollout_id.as_str(), basket.granularity()), ("", Granularity::Fine));
    let origin = basket.granularity_origin.clone().unwrap();
    assert_eq!((origin.source(), origin.routes), (TagSource::RouteMetadata, vec!["a-route".to_owned()]));
    assert_eq!((basket.routes[0].matched.as_str(), basket.routes[0].nodes), ("unmatched", 1));
    assert_eq!(components(&mut admin, "other").await, []);
    let (status, json) = text(server.addresses().http, "/api/components?service=shop").await;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((status, json["components"].as_array().unwrap().len()), (200, 11));
    assert_eq!(
        json["components"][0]["granularity"],
        json!({"value": "fine", "source": {"route_metadata": {"routes": ["a-route"]}}})
    );
}

#[tokio::test]
async fn a_repeated_report_tells_nothing_anew_and_a_later_one_replaces_what_a_route_said() {
    let server = Server::new().await;
    let (mut fleet, mut admin) = (server.fleet().await, server.admin().await);
    let first = telling("envoy-1", 1, vec![route("unmatched", fine("basket"))]);
    fleet.report(first.clone()).await.unwrap();
    fleet.report(telling("envoy-1", 2, vec![route("unmatched", fine("cart"))])).await.unwrap();
    fleet.report(first).await.unwrap();
    let names = |all: Vec<KnownComponent>| all.into_iter().map(|one| one.name).collect::<Vec<_>>();
    assert_eq!(names(components(&mut admin, "").await), ["cart"]);
    let mut untagged = telling("envoy-1", 3, vec![route("unmatched", None)]);
    untagged.batch.as_mut().unwrap().gaps = Some(Gaps { untold_routes: 4, ..Gaps::default() });
    fleet.report(untagged).await.unwrap();
    let answer = admin.list_components(ListComponentsRequest::default()).await.unwrap().into_inner();
    assert_eq!((answer.components, answer.untold_routes, answer.routes_not_kept), (Vec::new(), 4, 0));
}

#[tokio::test]
async fn routes_that_break_a_bound_are_refused_with_their_field() {
    let server = Server::new().await;
    let mut fleet = server.fleet().await;
    let with = |change: fn(&mut RouteTags)| {
        let mut one = route("unmatched", fine("basket"));
        change(&mut one);
        telling("envoy-1", 1, vec![one])
    };
    fn tags(route: &mut RouteTags) -> &mut Tags {
        route.tags.as_mut().unwrap()
    }
    for (request, field) in [
        (with(|route| route.route = "r".repeat(257)), "route: "),
        (with(|route| route.service.clear()), "service: "),
        (with(|route| route.malformed = vec![String::new()]), "malformed: "),
        (with(|route| route.malformed = vec!["x".to_owned(); 9]), "malformed: "),
        (with(|route| tags(route).granularity = 9), "tags.granularity: "),
        (with(|route| tags(route).business_weight = f64::NAN), "tags.business_weight: "),
        (with(|route| tags(route).business_weight = -1.0), "tags.business_weight: "),
        (with(|route| tags(route).depends_on = vec!["a".to_owned(); 17]), "tags.depends_on: "),
        (with(|route| tags(route).owner = "o".repeat(129)), "tags.owner: "),
    ] {
        let status = fleet.report(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        let expected = format!("batch.routes[0].{field}");
        assert!(
            status.message().starts_with(&expected),
            "{} does not begin with {expected}",
            status.message()
        );
    }
    let many = telling("envoy-1", 1, vec![route("unmatched", None); 65]);
    assert!(fleet.report(many).await.unwrap_err().message().starts_with("batch.routes: "));
}

#[tokio::test]
async fn a_rollout_takes_the_tags_that_its_plan_leaves_open_and_keeps_them_whatever_routes_say_later() {
    let server = Server::new().await;
    let (mut fleet, mut admin) = (server.fleet().await, server.admin().await);
    let first = create(&mut admin, "shop").await;
    assert_eq!(first.taken, [], "nobody has seen a route of a service without a rollout");
    let coarse = Tags {
        component: "route-1".to_owned(),
        granularity: serin_proto::fleet::v1::Granularity::Coarse.into(),
        depends_on: vec!["route-2".to_owned(), "gone".to_owned()],
        ..Tags::default()
    };
    let mut told = vec![route("route-1", Some(coarse.clone())), route("route-3", fine("route-3"))];
    fleet.report(telling("envoy-1", 1, told.clone())).await.unwrap();
    let roll_back = RollbackRequest { id: first.id, reason: "bad".to_owned(), ..RollbackRequest::default() };
    admin.rollback(roll_back.clone()).await.unwrap();
    let second = create(&mut admin, "shop").await;
    let texts: Vec<&str> = second.taken.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(
        texts,
        ["route-1: granularity coarse by route a-route", "route-1: depends_on route-2 by route a-route"]
    );
    assert_eq!(second.not_taken.len(), 2, "{:?}", second.not_taken);
    assert_eq!(second.components[1].granularity(), Granularity::Coarse);

    let server = server.restarted().await;
    let (mut fleet, mut admin) = (server.fleet().await, server.admin().await);
    assert_eq!(get(&mut admin, &second.id).await.taken, second.taken);
    told[0].tags = fine("route-1");
    fleet.report(telling("envoy-1", 2, told)).await.unwrap();
    let all = components(&mut admin, "shop").await;
    let one = all.iter().find(|one| one.name == "route-1").unwrap();
    let origin = one.granularity_origin.clone().unwrap();
    assert_eq!((one.granularity(), origin.source()), (Granularity::Coarse, TagSource::RouteMetadata));
    assert_eq!(one.depends_on, ["route-2"]);
    let words = one.contradictions.join("\n");
    assert!(words.contains("a-route on envoy-1 says fine") && words.contains("coarse was taken"), "{words}");
    assert!(words.contains("depends_on: gone by route a-route is not taken"), "{words}");
    // A person's rollback of a component undoes what cannot work without it, not more.
    let request = RollbackRequest { id: second.id.clone(), component: "route-2".to_owned(), ..roll_back };
    let rollout = admin.rollback(request).await.unwrap().into_inner().rollout.unwrap();
    let returned = |name: &str| rollout.components.iter().any(|one| one.name == name && one.rolled_back);
    assert!(returned("route-1") && returned("route-2") && !returned("route-3"), "{rollout:?}");
}
