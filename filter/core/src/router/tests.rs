use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use serin_proto::assignment::{self, Assignment, HeaderValue, HostPattern, Match, PathPattern, Segment};

use super::Router;
use crate::request::fake::Fake;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const SALT: &str = "000102030405060708090a0b0c0d0e0f";

fn assignment(services: Value) -> Assignment {
    let text = json!({"version": 1, "generation": 1, "services": services}).to_string();
    assignment::parse(text.as_bytes()).unwrap()
}

/// A service for every host with these components: name and matches.
fn components(components: &[(&str, Value)]) -> Assignment {
    let components: Vec<_> =
        components.iter().map(|(name, matches)| json!({"name": name, "matches": matches})).collect();
    assignment(json!([{"name": "shop", "salt": SALT, "components": components}]))
}

fn check(assignment: &Assignment, cases: &[(Fake, &str)]) {
    let router = Router::new(assignment);
    for (request, expected) in cases {
        let at = router.locate(request).unwrap();
        assert_eq!(router.component_name(at), *expected, "{request:?}");
    }
}

#[test]
fn the_most_specific_path_wins() {
    let shop = components(&[
        ("all", json!([{"path": {"prefix": "/"}}])),
        ("orders", json!([{"path": {"prefix": "/orders"}}])),
        ("one", json!([{"path": {"template": "/orders/{id}"}}])),
        ("items", json!([{"path": {"template": "/orders/{id}/items"}}])),
        ("any-of-two", json!([{"path": {"template": "/{kind}/{id}"}}])),
        ("new", json!([{"path": {"exact": "/orders/new"}}])),
    ]);
    check(
        &shop,
        &[
            (Fake::get("/orders/new"), "new"),
            (Fake::get("/orders/new?x=/orders/1#top"), "new"),
            (Fake::get("/orders/7"), "one"),
            (Fake::get("/users/7"), "any-of-two"),
            (Fake::get("/orders/7/items"), "items"),
            (Fake::get("/orders/7/other"), "orders"),
            (Fake::get("/orders/"), "orders"),
            (Fake::get("/orders"), "orders"),
            (Fake::get("/orders2"), "all"),
            (Fake::get("/"), "all"),
            (Fake::get("//"), "all"),
            (Fake::get("/users//"), "all"),
            (Fake::get("*"), "unmatched"),
            (Fake::get(""), "unmatched"),
            (Fake::default(), "unmatched"),
        ],
    );
}

#[test]
fn more_conditions_win_then_the_order_of_declaration() {
    let shop = components(&[
        ("first", json!([{"path": {"exact": "/a"}}])),
        ("post", json!([{"path": {"exact": "/a"}, "methods": ["POST", "PUT"]}])),
        ("beta", json!([{"path": {"exact": "/a"}, "headers": [{"name": "X-Beta", "present": true}]}])),
        (
            "both",
            json!([{"path": {"exact": "/a"}, "methods": ["POST"],
                         "headers": [{"name": "x-beta", "prefix": "y"}]}]),
        ),
        ("eu", json!([{"hosts": ["*.eu.example"]}])),
        ("de", json!([{"hosts": ["de.eu.example"], "methods": ["DELETE"]}])),
        ("named", json!([{"route_name": "checkout"}])),
    ]);
    check(
        &shop,
        &[
            (Fake::get("/a"), "first"),
            (Fake::get("/a").with(":method", "PUT"), "post"),
            (Fake::get("/a").with("x-beta", "no"), "beta"),
            (Fake::get("/a").with("x-beta", ""), "first"),
            (Fake::get("/a").with(":method", "POST").with("x-beta", "yes"), "both"),
            (Fake::get("/b").with(":authority", "De.EU.example:8080"), "eu"),
            (Fake::get("/b").with(":authority", "eu.example"), "unmatched"),
            (Fake::get("/b").with(":authority", "de.eu.example").with(":method", "DELETE"), "de"),
            (Fake::get("/b").routed("checkout"), "named"),
            (Fake::get("/b").routed("other"), "unmatched"),
        ],
    );
}

#[test]
fn a_host_belongs_to_one_service() {
    let service = |name: &str, hosts: Value| json!({"name": name, "hosts": hosts, "salt": SALT});
    let fleet = assignment(json!([
        service("exact", json!(["api.example.com"])),
        service("below", json!(["*.example.com"])),
        service("deeper", json!(["*.eu.example.com"])),
        service("rest", json!([])),
    ]));
    let router = Router::new(&fleet);
    for (host, expected) in [
        ("api.example.com", "exact"),
        ("API.Example.COM:443", "exact"),
        ("www.example.com", "below"),
        ("a.b.example.com", "below"),
        ("a.eu.example.com", "deeper"),
        ("eu.example.com", "below"),
        ("example.com", "rest"),
        ("[::1]:80", "rest"),
        ("", "rest"),
        (&"x".repeat(300), "rest"),
    ] {
        let at = router.locate(&Fake::get("/").with(":authority", host)).unwrap();
        assert_eq!(router.service_name(at.service), expected, "{host}");
    }
    let some = Router::new(&assignment(json!([service("exact", json!(["api.example.com"]))])));
    assert_eq!(some.locate(&Fake::get("/")), None);
}

#[test]
fn only_what_a_match_may_need_is_read() {
    let plain = components(&[("a", json!([{"path": {"exact": "/a"}}]))]);
    let request = Fake::get("/a");
    Router::new(&plain).locate(&request);
    assert_eq!(request.reads(), [":path"]);

    let rich = components(&[
        ("a", json!([{"path": {"exact": "/a"}, "headers": [{"name": "x-op", "exact": "1"}]}])),
        ("b", json!([{"path": {"prefix": "/b"}, "route_name": "b"}])),
    ]);
    let router = Router::new(&rich);
    for (path, expected) in
        [("/c", &[":path"][..]), ("/a", &[":path", "x-op"]), ("/b/1", &[":path", "route"])]
    {
        let request = Fake::get(path);
        router.locate(&request);
        assert_eq!(request.reads(), expected, "{path}");
    }
}

/// Steps of the search for one request among `count` components.
fn steps(count: usize, one: impl Fn(usize) -> Value, request: &Fake) -> usize {
    let all: Vec<_> =
        (0..count).map(|number| json!({"name": format!("c{number}"), "matches": [one(number)]})).collect();
    let assignment = assignment(json!([{"name": "shop", "salt": SALT, "components": all}]));
    let router = Router::new(&assignment);
    let service = router.services.first().unwrap();
    let (found, steps) = service.find_counting(request);
    assert_eq!(found, Some(7), "{request:?}");
    steps
}

#[test]
fn ten_times_the_components_take_no_more_steps() {
    type Make = fn(usize) -> Value;
    let kinds: [(Make, Fake); 7] = [
        (|n| json!({"path": {"exact": format!("/c/{n}")}}), Fake::get("/c/7")),
        (|n| json!({"path": {"prefix": format!("/c/{n}")}}), Fake::get("/c/7/x")),
        (|n| json!({"path": {"template": format!("/c/{n}/{{id}}/items")}}), Fake::get("/c/7/1/items")),
        (|n| json!({"path": {"template": format!("/{{tenant}}/c/{n}")}}), Fake::get("/t/c/7")),
        (
            |n| json!({"path": {"exact": "/graphql"}, "headers": [{"name": "x-op", "exact": format!("op{n}")}]}),
            Fake::get("/graphql").with("x-op", "op7"),
        ),
        (|n| json!({"route_name": format!("route-{n}")}), Fake::get("/x").routed("route-7")),
        (|n| json!({"hosts": [format!("h{n}.example")]}), Fake::get("/").with(":authority", "h7.example")),
    ];
    for (make, request) in kinds {
        let (few, many) = (steps(50, make, &request), steps(500, make, &request));
        assert_eq!(few, many, "{request:?}");
        assert!(many <= 6, "{many} steps for {request:?}");
    }
}

/// The rules of matching, written as a scan over all components.
fn scan(assignment: &Assignment, request: &Fake) -> Option<String> {
    let service = assignment.services.first()?;
    let all = service.components.iter().flat_map(|one| one.matches.iter().map(move |rule| (&one.name, rule)));
    let matching = all.enumerate().filter(|(_, (_, rule))| holds(rule, request));
    matching
        .min_by_key(|(order, (_, rule))| {
            let (kind, size) = match &rule.path {
                Some(PathPattern::Exact(_)) => (0, 0),
                Some(PathPattern::Template(segments)) => {
                    let literal = segments.iter().filter(|one| matches!(one, Segment::Literal(_))).count();
                    (1, literal)
                }
                Some(PathPattern::Prefix(prefix)) => (2, prefix.len()),
                None => (3, 0),
            };
            let lists = [rule.methods.is_empty(), rule.hosts.is_empty(), rule.route_name.is_none()];
            let conditions = rule.headers.len() + lists.iter().filter(|empty| !**empty).count();
            (kind, usize::MAX - size, usize::MAX - conditions, *order)
        })
        .map(|(_, (name, _))| name.clone())
}

fn holds(rule: &Match, request: &Fake) -> bool {
    let text = |name: &str| String::from_utf8(request.value(name).unwrap_or_default().to_vec()).unwrap();
    let path = text(":path").split(['?', '#']).next().unwrap().to_owned();
    let path_holds = match &rule.path {
        None => true,
        Some(PathPattern::Exact(exact)) => path == *exact,
        Some(PathPattern::Prefix(prefix)) => path == *prefix || path.starts_with(&format!("{prefix}/")),
        Some(PathPattern::Template(segments)) => {
            let parts: Vec<_> = path.split('/').skip(1).collect();
            parts.len() == segments.len()
                && segments.iter().zip(parts).all(|(segment, part)| match segment {
                    Segment::Literal(literal) => literal == part,
                    Segment::Any(_) => !part.is_empty(),
                })
        }
    };
    path_holds
        && (rule.methods.is_empty() || rule.methods.contains(&text(":method")))
        && (rule.hosts.is_empty()
            || rule.hosts.iter().any(|host| match host {
                HostPattern::Exact(exact) => text(":authority") == *exact,
                HostPattern::Suffix(suffix) => text(":authority").ends_with(suffix),
            }))
        && rule.headers.iter().all(|(name, value)| match (value, request.value(name)) {
            (_, None) => false,
            (HeaderValue::Exact(exact), Some(value)) => value == exact.as_bytes(),
            (HeaderValue::Prefix(prefix), Some(value)) => value.starts_with(prefix.as_bytes()),
            (HeaderValue::Present, Some(value)) => !value.is_empty(),
        })
}

fn path_pattern() -> impl Strategy<Value = Value> {
    let segment = select(vec!["a", "b", "{x}"]);
    let literal = vec(select(vec!["a", "b"]), 1..4).prop_map(|parts| format!("/{}", parts.join("/")));
    prop_oneof![
        literal.clone().prop_map(|path| json!({ "exact": path })),
        literal.prop_map(|path| json!({ "prefix": path })),
        Just(json!({"prefix": "/"})),
        vec(segment, 1..4).prop_map(|parts| json!({"template": format!("/{}", parts.join("/"))})),
    ]
}

fn any_match() -> impl Strategy<Value = Value> {
    let methods = select(vec![json!([]), json!(["GET"]), json!(["GET", "POST"])]);
    let hosts = select(vec![json!([]), json!([]), json!(["a.example"]), json!(["*.example"])]);
    let headers = select(vec![
        json!([]),
        json!([]),
        json!([{"name": "x-h", "exact": "1"}]),
        json!([{"name": "x-h", "prefix": "1"}]),
        json!([{"name": "x-h", "present": true}]),
    ]);
    (path_pattern(), methods, hosts, headers)
        .prop_map(|(path, methods, hosts, headers)| json!({"path": path, "methods": methods, "hosts": hosts, "headers": headers}))
}

fn any_request() -> impl Strategy<Value = Fake> {
    let path = vec(select(vec!["a", "b", "c", ""]), 0..5).prop_map(|parts| format!("/{}", parts.join("/")));
    let query = select(vec!["", "?", "?q=/a", "#a"]);
    let method = select(vec!["GET", "POST"]);
    let host = select(vec!["a.example", "b.example", "other"]);
    let header = select(vec![None, Some(""), Some("1"), Some("12")]);
    (path, query, method, host, header).prop_map(|(path, query, method, host, header)| {
        let request = Fake::get(&format!("{path}{query}")).with(":method", method).with(":authority", host);
        match header {
            Some(value) => request.with("x-h", value),
            None => request,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_index_finds_what_a_scan_finds(
        matches in vec(any_match(), 1..24),
        requests in vec(any_request(), 1..16),
    ) {
        let all: Vec<_> = matches
            .into_iter()
            .enumerate()
            .map(|(number, one)| json!({"name": format!("c{number}"), "matches": [one]}))
            .collect();
        let text = json!({"version": 1, "generation": 1, "services": [{"name": "shop", "salt": SALT, "components": all}]});
        // Two equal matches are refused.
        let Ok(assignment) = assignment::parse(text.to_string().as_bytes()) else { return Ok(()) };
        let router = Router::new(&assignment);
        for request in requests {
            let at = router.locate(&request).unwrap();
            let expected = scan(&assignment, &request).unwrap_or_else(|| "unmatched".to_owned());
            prop_assert_eq!(router.component_name(at), expected, "{:?}", request);
        }
    }

    #[test]
    fn any_bytes_are_located(path in vec(any::<u8>(), 0..200), host in vec(any::<u8>(), 0..300)) {
        let shop = components(&[
            ("t", json!([{"path": {"template": "/{a}/{b}/c"}}])),
            ("p", json!([{"path": {"prefix": "/x/y"}, "hosts": ["*.example"]}])),
        ]);
        let request = Fake::default().with(":path", path).with(":authority", host);
        prop_assert!(Router::new(&shop).locate(&request).is_some());
    }
}
