//! Users who stay on the canary along the services of a train.

use super::*;
use crate::baggage::Baggage;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A service of the train whose canary has this weight.
fn member(weight_ppm: u32, change: impl FnOnce(&mut Value)) -> Filter {
    let mut filter = configured();
    let mut told = assignment(2, "a", 0);
    let service = &mut told["services"][0];
    service["split"] = json!([{"arm": "canary", "weight_ppm": weight_ppm}]);
    service["train"] = json!("train:sale-1");
    service["train_key"] = json!("0f0e0d0c0b0a09080706050403020100");
    change(service);
    filter.configure(told.to_string().as_bytes(), SECOND).unwrap();
    filter
}

/// Where a request goes, and the baggage that it then carries.
fn routed(filter: &mut Filter, path: &str, baggage: &str) -> (Option<String>, Baggage) {
    let request = Fake::get(path).with("x-user", "ann").with("baggage", baggage);
    let route = filter.route(&request).unwrap();
    (route.arm.map(|arm| arm.to_string()), route.baggage)
}

fn replaced(value: &str) -> Baggage {
    Baggage::Replace { value: value.to_owned(), dropped: 0 }
}

#[test]
fn a_user_of_a_train_goes_to_the_canary_unless_the_component_is_pinned() {
    let canary = Some("canary".to_owned());
    let (arm, baggage) = routed(&mut member(1_000_000, |_| ()), "/a", "k=v");
    let Baggage::Replace { value, .. } = baggage else { panic!("{baggage:?}") };
    assert_eq!(arm, canary);
    let token = value.strip_suffix(",k=v").unwrap().to_owned();

    let mut next = member(0, |_| ());
    assert_eq!(routed(&mut next, "/a", "k=v"), (None, Baggage::Keep));
    assert_eq!(routed(&mut next, "/a", &format!("k=v,{token}")), (canary.clone(), replaced(&value)));
    assert_eq!(routed(&mut next, "/other", &token), (canary, replaced(&token)), "no component");
    assert_eq!(routed(&mut next, "/a", "k=v,serin.train=forged"), (None, replaced("k=v")));
    next.set_clocks(SECOND, (UNIX_SECOND + 240) * SECOND);
    assert_eq!(routed(&mut next, "/a", &token), (None, Baggage::Remove), "expired");

    // A rollback wins, and the user stays on the canary behind it.
    let mut pinned = member(0, |service| service["components"][0]["pinned"] = json!("baseline"));
    assert_eq!(routed(&mut pinned, "/a", &token), (None, replaced(&token)));
    // Rules come after the train.
    let rule = json!([{"when": {"users": ["ann"]}, "arm": "baseline"}]);
    let mut ruled = member(1_000_000, |service| service["rules"] = rule);
    assert_eq!(routed(&mut ruled, "/a", "").0, None);
    assert_eq!(routed(&mut ruled, "/a", &token).0, Some("canary".to_owned()));
    // Another train's filter removes it; one that is in no train hands it on.
    let mut foreign = member(0, |service| service["train"] = json!("train:sale-2"));
    assert_eq!(routed(&mut foreign, "/a", &token), (None, Baggage::Remove));
    assert_eq!(routed(&mut configured(), "/b", &token).1, Baggage::Keep);
}
