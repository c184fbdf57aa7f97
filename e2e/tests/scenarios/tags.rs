//! Tags that a service owner writes into Envoy's routes: discovered, shown with where they are from, and harmless.

use serde_json::{Value, json};
use serin_e2e::bootstrap::{Route, arm_routes};
use serin_e2e::envoy::Settings;
use serin_proto::admin::v1::{
    Granularity, KnownComponent, ListComponentsRequest, ListComponentsResponse, RollbackRequest, TagSource,
};

use crate::support::control_plane::{ControlPlane, PLAN};
use crate::support::crowd::versions_of_users;
use crate::support::scene::{Scene, log_of};
use crate::support::{PATIENCE, eventually};

/// Requests of one route: of as many at least one is sampled for its host, one in 16, as good as surely.
const REQUESTS: usize = 400;

/// Envoy's routes of both arms, each with what its owner says.
fn tagged(routes: &[(&str, &str, Value)]) -> Vec<Value> {
    let with = |(name, prefix, tags): &(&str, &str, Value)| {
        let mut both = arm_routes(&[Route::prefix(name, prefix)]);
        for route in both.iter_mut().filter(|_| !tags.is_null()) {
            route["metadata"] = json!({"filter_metadata": {"serin": tags, "envoy.lb": {"canary": false}}});
        }
        both
    };
    routes.iter().flat_map(with).collect()
}

async fn known(control_plane: &ControlPlane) -> ListComponentsResponse {
    control_plane.client().list_components(ListComponentsRequest::default()).await.unwrap().into_inner()
}

fn find<'a>(known: &'a ListComponentsResponse, name: &str) -> &'a KnownComponent {
    known.components.iter().find(|one| one.name == name).unwrap_or_else(|| panic!("no {name}: {known:#?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tags_of_routes_are_shown_with_where_they_are_from_and_what_contradicts_them() {
    let scene = Scene::open("tags").await;
    let control_plane = ControlPlane::start(&scene.workspace, &scene.folder, 200).await;
    let routes = tagged(&[
        ("home", "/home", json!({"component": "home", "owner": "team home", "weight": 1})),
        ("search-orders", "/orders/search", json!({"component": "orders", "granularity": "coarse"})),
        ("orders", "/orders", json!({"component": "orders", "granularity": "fine"})),
        (
            "basket",
            "/cart",
            json!({"component": "basket", "weight": 2.5, "depends_on": ["orders", "stock/items"],
            "granularity": null, "colour": "red"}),
        ),
        ("rest", "/", Value::Null),
    ]);
    let bootstrap = scene.bootstrap(control_plane.fleet()).routes(routes).unwrap();
    let envoy = scene.envoy(&Settings::named("envoy"), bootstrap).await;
    let rollout = control_plane.create(PLAN).await;
    control_plane.attached(&[("envoy", 1)]).await;
    let paths = ["/home", "/orders/search", "/orders/7", "/cart", "/search"];
    let mut versions = Vec::new();
    for path in paths {
        versions.push(versions_of_users(envoy.address(), path, REQUESTS).await);
    }
    assert!(versions.windows(2).all(|pair| pair[0] == pair[1]), "a tag moves no user");

    let all = eventually("all routes are known", PATIENCE, async || {
        let known = known(&control_plane).await;
        let routes: usize = known.components.iter().map(|one| one.routes.len()).sum();
        (routes == 4).then_some(known)
    })
    .await;
    assert_eq!((all.components.len(), all.untold_routes, all.routes_not_kept), (3, 0, 0), "{all:#?}");

    let home = find(&all, "home");
    assert_eq!((home.rollout_id.as_str(), home.owner.as_str()), (rollout.id.as_str(), "team home"));
    let origin = home.owner_origin.clone().unwrap();
    assert_eq!((origin.source(), origin.routes), (TagSource::RouteMetadata, vec!["home".to_owned()]));
    assert_eq!(home.contradictions, [""; 0], "a weight of 1 is the default");
    assert_eq!((home.routes[0].nodes, &home.routes[0].node_names[..]), (1, &["envoy".to_owned()][..]));

    let orders = find(&all, "orders");
    assert_eq!(orders.granularity(), Granularity::Medium, "the plan leaves it open: its default holds");
    let plan = format!("the plan of rollout {} leaves it open: the default, medium, holds", rollout.id);
    assert_eq!(
        orders.contradictions,
        [
            format!("granularity: route search-orders on envoy says coarse, {plan}"),
            format!("granularity: route orders on envoy says fine, {plan}"),
        ]
    );

    let basket = find(&all, "basket");
    assert_eq!((basket.rollout_id.as_str(), basket.business_weight), ("", 2.5));
    assert_eq!(basket.depends_on, ["orders", "stock/items"]);
    let words = basket.contradictions.join("\n");
    for part in [
        "no match of the plan",
        "they count as unmatched",
        "colour: is no tag",
        "granularity: must be coarse",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    assert!(!log_of(&scene.folder, "envoy").contains("wasm log"), "the filter complains of nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_takes_the_tags_of_routes_where_its_plan_is_silent() {
    let scene = Scene::open("tags-taken").await;
    let control_plane = ControlPlane::start(&scene.workspace, &scene.folder, 200).await;
    let routes = tagged(&[
        ("home", "/home", json!({"granularity": "coarse", "owner": "team home", "depends_on": ["orders"]})),
        ("search-orders", "/orders/search", json!({"granularity": "coarse"})),
        ("orders", "/orders", json!({"granularity": "fine"})),
        ("rest", "/", Value::Null),
    ]);
    let bootstrap = scene.bootstrap(control_plane.fleet()).routes(routes).unwrap();
    let envoy = scene.envoy(&Settings::named("envoy"), bootstrap).await;
    let first = control_plane.create(PLAN).await;
    assert_eq!(first.taken, [], "nobody told of the routes yet");
    control_plane.attached(&[("envoy", 1)]).await;
    for path in ["/home", "/orders/search", "/orders/7"] {
        versions_of_users(envoy.address(), path, REQUESTS).await;
    }
    eventually("all routes are known", PATIENCE, async || {
        let known = known(&control_plane).await;
        (known.components.iter().map(|one| one.routes.len()).sum::<usize>() == 3).then_some(())
    })
    .await;
    let rollback = RollbackRequest { id: first.id, reason: "again".to_owned(), ..RollbackRequest::default() };
    control_plane.client().rollback(rollback).await.unwrap();

    let second = control_plane.create(PLAN).await;
    let taken: Vec<_> = second.taken.iter().map(|one| (&*one.component, &*one.tag, &*one.value)).collect();
    assert_eq!(
        taken,
        [("home", "granularity", "coarse"), ("home", "depends_on", "orders"), ("home", "owner", "team home")],
        "{:?}",
        second.not_taken
    );
    let omitted: Vec<_> = second.not_taken.iter().map(|one| one.component.as_str()).collect();
    assert_eq!(omitted, ["orders"], "its routes do not agree: {:?}", second.not_taken);
    let all = known(&control_plane).await;
    let home = find(&all, "home");
    assert_eq!(home.granularity(), Granularity::Coarse, "what was taken holds");
    assert_eq!(home.granularity_origin.clone().unwrap().source(), TagSource::RouteMetadata);
    assert_eq!(find(&all, "orders").granularity(), Granularity::Medium);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_control_plane_that_forgot_the_routes_is_told_them_again() {
    let scene = Scene::open("tags-again").await;
    let mut control_plane = ControlPlane::start(&scene.workspace, &scene.folder, 200).await;
    let routes = tagged(&[("home", "/home", json!({"owner": "team home"})), ("rest", "/", Value::Null)]);
    let bootstrap = scene.bootstrap(control_plane.fleet()).routes(routes).unwrap();
    let envoy = scene.envoy(&Settings::named("envoy"), bootstrap).await;
    control_plane.create(PLAN).await;
    control_plane.attached(&[("envoy", 1)]).await;
    let owned = async |control_plane: &ControlPlane| {
        versions_of_users(envoy.address(), "/home", REQUESTS).await;
        (find(&known(control_plane).await, "home").owner == "team home").then_some(())
    };
    eventually("the owner is known", PATIENCE, async || owned(&control_plane).await).await;
    control_plane.kill();
    control_plane.restart().await;
    // A route is read, and told, anew after a minute.
    let patience = PATIENCE + std::time::Duration::from_secs(60);
    eventually("the owner is known again", patience, async || owned(&control_plane).await).await;
}
