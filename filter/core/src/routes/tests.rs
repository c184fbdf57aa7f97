use super::*;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const SECOND: u64 = 1_000_000_000;
/// `{component: one, depends_on: cart}`, as Envoy writes it.
const ONE: &[u8] =
    b"\x0a\x33\x0a\x05serin\x12\x2a\x0a\x12\x0a\x09component\x12\x05\x1a\x03one\x0a\x14\x0a\x0adepends_on\
    \x12\x06\x1a\x04cart";

fn see(routes: &mut Routes, route: &str, component: &str, metadata: &[u8], second: u64) -> Due {
    let due = routes.due(route.as_bytes(), "shop", component, second * SECOND);
    if due == Due::Read {
        routes.read(route.as_bytes(), "shop", component, Some(metadata), second * SECOND);
    }
    due
}

fn told(routes: &mut Routes) -> Vec<(String, String, Option<String>)> {
    let told = routes.drain().into_iter();
    told.map(|one| (one.route, one.component, one.tags.map(|tags| tags.component))).collect()
}

fn entry(route: &str, component: &str, tag: Option<&str>) -> (String, String, Option<String>) {
    (route.to_owned(), component.to_owned(), tag.map(str::to_owned))
}

#[test]
fn a_route_is_read_and_told_once_a_minute_for_each_component() {
    let mut routes = Routes::default();
    for second in 1..60 {
        see(&mut routes, "r", "a", ONE, second);
        see(&mut routes, "r", "b", ONE, second);
    }
    assert!(!routes.is_told());
    assert_eq!(told(&mut routes), [entry("r", "a", Some("one")), entry("r", "b", Some("one"))]);
    assert!(routes.is_told());
    assert_eq!(see(&mut routes, "r", "a", ONE, 60), Due::No);
    assert_eq!(told(&mut routes), []);
    assert_eq!(see(&mut routes, "r", "a", ONE, 61), Due::Read);
    assert_eq!(told(&mut routes), [entry("r", "a", Some("one"))], "a restarted control plane must learn it");
}

#[test]
fn a_route_without_tags_is_told_only_when_it_had_some() {
    let mut routes = Routes::default();
    see(&mut routes, "r", "a", b"", 1);
    see(&mut routes, "r", "a", b"", 100);
    assert_eq!(told(&mut routes), []);
    see(&mut routes, "r", "a", ONE, 200);
    see(&mut routes, "r", "a", b"", 300);
    assert_eq!(told(&mut routes), [entry("r", "a", None)]);
    see(&mut routes, "r", "a", b"", 400);
    assert_eq!(told(&mut routes), []);
}

#[test]
fn a_batch_tells_a_bounded_number_and_the_next_ones_the_rest() {
    let mut routes = Routes::default();
    for number in 0..150 {
        see(&mut routes, &format!("{number:03}"), "a", ONE, 1);
    }
    let batches: Vec<_> =
        std::iter::from_fn(|| Some(told(&mut routes)).filter(|batch| !batch.is_empty())).collect();
    assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [64, 64, 22]);
    let names: std::collections::BTreeSet<_> = batches.into_iter().flatten().collect();
    assert_eq!(names.len(), 150);
}

#[test]
fn a_route_beyond_the_bound_is_not_read_until_one_is_silent_for_an_hour() {
    let mut routes = Routes::default();
    for number in 0..MAX_ROUTES {
        assert_eq!(see(&mut routes, &number.to_string(), "a", ONE, 1), Due::Read);
    }
    assert_eq!(see(&mut routes, "late", "a", ONE, 3_600), Due::Untold);
    assert_eq!(see(&mut routes, "0", "b", ONE, 3_600), Due::Untold, "each component counts");
    assert_eq!(see(&mut routes, "0", "a", ONE, 3_600), Due::Read);
    assert_eq!(see(&mut routes, "late", "a", ONE, 3_601), Due::Read);
    assert_eq!((routes.seen.len(), routes.untold), (2, 2));
    assert_eq!(told(&mut routes).len(), 2);
}

#[test]
fn names_that_cannot_be_told_are_not() {
    let mut routes = Routes::default();
    assert_eq!(routes.due(&[255], "s", "c", 1), Due::Untold);
    assert_eq!(routes.due(&[b'x'; 257], "s", "c", 1), Due::Untold);
    assert_eq!(routes.due(&[b'x'; 256], "s", "c", 1), Due::Read);
    routes.read(&[255], "s", "c", Some(ONE), 1);
    assert!(routes.is_told());
}
