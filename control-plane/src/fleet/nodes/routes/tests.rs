use super::*;
use crate::fleet::report::Tags;

fn route(name: &str, component: Option<&str>) -> RouteTags {
    let tags = component.map(|name| Tags { component: Some(name.to_owned()), ..Tags::default() });
    RouteTags {
        route: name.to_owned(),
        service: "shop".to_owned(),
        component: "unmatched".to_owned(),
        tags,
        malformed: Vec::new(),
    }
}

fn at(second: u64) -> UnixMillis {
    UnixMillis(second * 1_000)
}

#[test]
fn what_many_envoys_say_alike_is_kept_once_and_the_newest_holds() {
    let mut book = RouteBook::default();
    let mut nodes: Vec<Node> = (0..10).map(|_| Node::new(at(0))).collect();
    for node in &mut nodes {
        node.routes.note(&mut book, &[route("r", Some("a"))], at(1));
    }
    assert_eq!(book.statements.len(), 1);
    nodes[0].routes.note(&mut book, &[route("r", Some("b")), route("r", Some("c"))], at(2));
    let names: Vec<String> = (0..10).map(|number| format!("envoy-{number}")).collect();
    let told = told(names.iter().map(String::as_str).zip(&nodes));
    let told: Vec<_> = told
        .iter()
        .map(|one| {
            (
                one.said.tags.as_ref().unwrap().component.as_deref().unwrap(),
                one.nodes,
                one.named.len(),
                one.at,
            )
        })
        .collect();
    assert_eq!(told, [("a", 9, NAMED_MAX, at(1)), ("c", 1, 1, at(2))]);
    book.forget_unused();
    assert_eq!(book.statements.len(), 2, "nobody says b any more");
}

#[test]
fn a_route_is_forgotten_when_it_carries_no_tags_and_when_it_is_silent() {
    let mut book = RouteBook::default();
    let mut routes = NodeRoutes::default();
    routes.note(&mut book, &[route("r", Some("a")), route("s", Some("a"))], at(0));
    routes.note(&mut book, &[route("r", None), route("unknown", None)], at(1));
    assert_eq!(routes.0.len(), 1);
    routes.forget(at(3_599), Duration::from_secs(3_600));
    assert_eq!(routes.0.len(), 1);
    routes.forget(at(3_600), Duration::from_secs(3_600));
    assert_eq!(routes.0.len(), 0);
    book.forget_unused();
    assert_eq!(book.statements.len(), 0);
}

#[test]
fn what_is_beyond_a_bound_is_not_kept_and_counted() {
    let mut book = RouteBook::default();
    let routes: Vec<RouteTags> =
        (0..=NODE_ROUTES_MAX).map(|number| route(&number.to_string(), Some("a"))).collect();
    let mut one = NodeRoutes::default();
    one.note(&mut book, &routes, at(1));
    assert_eq!((one.0.len(), book.not_kept()), (NODE_ROUTES_MAX, 1));
    for number in book.statements.len()..ROUTES_MAX {
        book.keep(&route("filler", Some(&number.to_string())));
    }
    let mut other = NodeRoutes::default();
    other.note(&mut book, &[route("new", Some("a")), route("0", Some("a"))], at(1));
    assert_eq!((other.0.len(), book.not_kept()), (1, 2), "what is known is kept still");
}
