//! Page views, from the request of a beacon to the report.

use proptest::prelude::*;
use serde_json::{Value, json};
use serin_proto::assignment::BEACON_PATH;
use serin_proto::fleet::v1 as wire;

use super::{SECOND, answered, assignment, configured, report, start};
use crate::beacon::MAX_BYTES;
use crate::filter::{Filter, Handling, Identity, MAX_AWAITED, Totals};
use crate::request::fake::Fake;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

mod otlp;

const BODY: &[u8] = b"v=1\np=/a/1\nl=1200\nc=3";

fn taking() -> Value {
    let mut assignment = assignment(1, "a", 0);
    assignment["services"][0]["behaviour"] = json!(true);
    assignment
}

fn configured_with(assignment: &Value) -> Filter {
    let mut filter = configured();
    filter.configure(assignment.to_string().as_bytes(), SECOND).unwrap();
    filter
}

fn beacon(user: &str) -> Fake {
    Fake::get(BEACON_PATH)
        .with(":method", "POST")
        .with("content-type", "text/plain;charset=UTF-8")
        .with("user-agent", "Mozilla/5.0 Firefox/140.0")
        .with("x-user", user)
}

fn send(filter: &mut Filter, request: &Fake, body: &[u8]) -> Handling {
    match filter.beacon(1, request, body.is_empty(), SECOND) {
        Handling::Await => {}
        at_once @ (Handling::Pass | Handling::Answer(_) | Handling::Document(..)) => return at_once,
    }
    assert!(filter.awaits_body(1).is_some());
    let handling = filter.beacon_body(1, request, (body.len(), true), || body, SECOND);
    assert_eq!(filter.awaits_body(1), None);
    filter.finished(1, SECOND, &answered(204));
    handling
}

fn batch(filter: &mut Filter) -> wire::Batch {
    report(filter, &mut SECOND.clone()).1.batch.unwrap_or_default()
}

#[test]
fn a_beacon_is_counted_as_a_view_of_its_page_and_not_as_a_request() {
    let mut filter = configured_with(&taking());
    assert_eq!(send(&mut filter, &beacon("ann"), BODY), Handling::Answer(204));
    let batch = batch(&mut filter);
    assert_eq!((batch.strata.len(), batch.gaps), (0, None));
    let [told] = &batch.behaviour[..] else { panic!("not one entry: {batch:?}") };
    assert_eq!((told.service.as_str(), told.component.as_str()), ("shop", "a"));
    assert_eq!((told.views, told.clicks, told.with_error), (1, 3, 0));
    let expected = Totals { beacons: 1, ..Totals::default() };
    assert_eq!(Totals { reports_sent: 0, ..filter.totals() }, expected);
}

#[test]
fn a_service_that_does_not_ask_lets_beacons_pass_and_so_does_every_other_path() {
    let mut filter = configured();
    assert_eq!(send(&mut filter, &beacon("ann"), BODY), Handling::Pass);
    let mut filter = configured_with(&taking());
    for (name, value) in [(":path", "/a"), (":authority", "other.example")] {
        assert_eq!(send(&mut filter, &beacon("ann").with(name, value), BODY), Handling::Pass, "{value}");
    }
    let with_query = beacon("ann").with(":path", format!("{BEACON_PATH}?x=1"));
    assert_eq!(send(&mut filter, &with_query, BODY), Handling::Answer(204));
    let mut unreported = taking();
    unreported.as_object_mut().unwrap().remove("report");
    assert_eq!(send(&mut configured_with(&unreported), &beacon("ann"), BODY), Handling::Pass);
}

#[test]
fn a_service_without_beacons_has_no_header_read_for_them() {
    let mut filter = configured();
    let request = beacon("ann");
    filter.beacon(1, &request, false, SECOND);
    assert!(request.reads().is_empty());
}

#[test]
fn what_is_no_beacon_is_answered_and_counted_by_its_reason() {
    let mut filter = configured_with(&taking());
    let long = vec![b'x'; MAX_BYTES + 1];
    for (request, body, status) in [
        (beacon("ann").with(":method", "GET"), BODY, 405),
        (beacon("ann").with("content-length", "2049"), BODY, 413),
        (beacon("ann"), &long[..], 413),
        (beacon("ann"), &[], 400),
        (beacon("ann"), b"v=2", 400),
        (beacon("ann").with("user-agent", "Googlebot"), BODY, 204),
        (beacon("ann").with("sec-purpose", "prefetch"), BODY, 204),
        (beacon(""), BODY, 204),
    ] {
        assert_eq!(send(&mut filter, &request, body), Handling::Answer(status), "{request:?}");
    }
    assert_eq!((filter.totals().lost_beacons, filter.totals().unseen_requests), (8, 0));
    let batch = batch(&mut filter);
    let gaps = batch.gaps.unwrap();
    assert_eq!((gaps.malformed_beacons, gaps.bot_beacons, gaps.unattributed_beacons), (5, 2, 1));
    assert_eq!((batch.behaviour.len(), batch.strata.len()), (0, 0));
}

#[test]
fn a_body_in_parts_is_awaited_and_one_that_never_ends_is_forgotten_with_its_request() {
    let mut filter = configured_with(&taking());
    assert_eq!(filter.beacon(1, &beacon("ann"), false, SECOND), Handling::Await);
    for bytes in [1, MAX_BYTES] {
        let none = || panic!("read before it ended");
        assert_eq!(filter.beacon_body(1, &beacon("ann"), (bytes, false), none, SECOND), Handling::Await);
    }
    filter.finished(1, SECOND, &answered(0));
    assert_eq!(filter.awaits_body(1), None);
    assert_eq!(filter.totals(), Totals::default());
}

#[test]
fn the_bound_of_awaited_bodies_is_exact() {
    let mut filter = configured_with(&taking());
    let bound = u32::try_from(MAX_AWAITED).unwrap();
    for context in 0..bound {
        assert_eq!(filter.beacon(context, &beacon("ann"), false, SECOND), Handling::Await);
    }
    assert_eq!(filter.beacon(bound, &beacon("ann"), false, SECOND), Handling::Answer(204));
    filter.finished(0, SECOND, &answered(0));
    assert_eq!(filter.beacon(bound, &beacon("ann"), false, SECOND), Handling::Await);
    assert_eq!(batch(&mut filter).gaps.unwrap().dropped_beacons, 1);
}

#[test]
fn views_survive_a_new_assignment_and_are_told_by_their_old_names() {
    let mut filter = configured_with(&taking());
    send(&mut filter, &beacon("ann"), BODY);
    filter.configure(assignment(2, "renamed", 0).to_string().as_bytes(), SECOND).unwrap();
    assert_eq!(batch(&mut filter).behaviour[0].component, "a");
}

#[test]
fn a_view_that_began_before_its_arm_may_have_changed_is_nobodys() {
    let mut filter = configured_with(&taking());
    let view = |filter: &mut Filter, now_ns: u64, age_ms: u64| {
        filter.beacon(1, &beacon("ann"), false, now_ns);
        let body = format!("v=1\np=/a\nt={age_ms}");
        let before = filter.totals().beacons;
        filter.beacon_body(1, &beacon("ann"), (body.len(), true), || body.as_bytes(), now_ns);
        filter.finished(1, now_ns, &answered(204));
        filter.totals().beacons > before
    };
    assert!(view(&mut filter, 2 * SECOND, 1_000));
    assert!(!view(&mut filter, 2 * SECOND, 1_001), "from before the first assignment");
    let again = |change: &dyn Fn(&mut Value)| {
        let mut assignment = taking();
        change(&mut assignment["services"][0]);
        assignment.to_string().into_bytes()
    };
    let mut now_ns = 10 * SECOND;
    filter.configure(&again(&|service| service["hosts"] = json!(["*.example"])), now_ns).unwrap();
    assert!(view(&mut filter, now_ns, 9_000), "all get the arm that they got");
    let changes: [&dyn Fn(&mut Value); 4] = [
        &|service| service["split"][0]["weight_ppm"] = json!(500_001),
        &|service| service["salt"] = json!("100102030405060708090a0b0c0d0e0f"),
        &|service| service["rules"] = json!([{"when": {"users": ["bob"]}, "arm": "canary"}]),
        &|service| service["components"][0]["pinned"] = json!("baseline"),
    ];
    for change in changes {
        now_ns += 10 * SECOND;
        filter.configure(&again(change), now_ns).unwrap();
        assert!(!view(&mut filter, now_ns, 1));
        assert!(view(&mut filter, now_ns + SECOND, 1_000));
    }
}

#[test]
fn a_drawn_arm_is_nobodys_unless_there_is_nothing_to_draw() {
    let mut filter = configured_with(&taking());
    send(&mut filter, &beacon(""), BODY);
    let mut whole = taking();
    whole["services"][0]["split"] = json!([]);
    filter.configure(whole.to_string().as_bytes(), SECOND).unwrap();
    send(&mut filter, &beacon(""), BODY);
    let batch = batch(&mut filter);
    assert_eq!(batch.gaps.unwrap().unattributed_beacons, 1);
    assert_eq!(batch.behaviour.iter().map(|one| one.arm.as_str()).collect::<Vec<_>>(), ["baseline"]);
}

#[test]
fn views_are_told_apart_by_the_country_that_rules_ask_for() {
    let mut assignment = taking();
    let rule = |header: &str, places: Value| json!({"when": {"geo": {"header": header, "values": places}}, "arm": "canary"});
    assignment["services"][0]["rules"] =
        json!([rule("x-geo", json!(["NL"])), rule("x-other", json!(["BE"]))]);
    let mut filter = configured_with(&assignment);
    for country in ["nl", "NL", "BE", "", "N", "NLD", "N1", "ü"] {
        send(&mut filter, &beacon("ann").with("x-geo", country).with("x-other", "FR"), BODY);
    }
    send(&mut filter, &beacon("ann"), BODY);
    let told = batch(&mut filter).behaviour;
    let mut views: Vec<_> =
        told.iter().map(|one| (one.country.as_str(), one.arm.as_str(), one.views)).collect();
    views.sort_unstable();
    assert_eq!(
        views.iter().map(|(country, _, views)| (*country, *views)).collect::<Vec<_>>(),
        [("", 6), ("BE", 1), ("NL", 2)]
    );
    assert_eq!(views[2].1, "canary", "by the rule");
    let mut filter = configured_with(&taking());
    send(&mut filter, &beacon("ann").with("x-geo", "NL"), BODY);
    assert_eq!(batch(&mut filter).behaviour[0].country, "", "no rule names a header");
}

proptest! {
    #[test]
    fn a_view_is_of_the_component_and_arm_of_a_request_for_the_page(
        user in "[a-z0-9]{1,12}",
        page in "/(a|b|a/[a-z0-9]{1,4}|ab)",
        weight_ppm in 0..=1_000_000_u32,
        pinned in any::<bool>(),
        rule in any::<bool>(),
    ) {
        let mut assignment = taking();
        let service = &mut assignment["services"][0];
        service["split"][0]["weight_ppm"] = json!(weight_ppm);
        if pinned {
            service["components"][0]["pinned"] = json!("baseline");
        }
        if rule {
            service["rules"] =
                json!([{"when": {"header": {"name": "x-user", "prefix": "a"}}, "arm": "canary", "share_ppm": 500_000}]);
        }
        let mut filter = configured_with(&assignment);
        send(&mut filter, &beacon(&user), format!("v=1\np={page}").as_bytes());
        let request = Fake::get(&page).with("x-user", &user);
        start(&mut filter, 2, SECOND, &request);
        let batch = batch(&mut filter);
        let (view, stratum) = (&batch.behaviour[0], &batch.strata[0]);
        prop_assert_eq!((&view.service, &view.component), (&stratum.service, &stratum.component));
        prop_assert_eq!((&view.arm, view.second), (&stratum.arms[0].arm, stratum.start_second));
    }

    #[test]
    fn any_bytes_are_answered_and_are_counted_once(body in prop::collection::vec(any::<u8>(), 0..2_100)) {
        let mut filter = configured_with(&taking());
        let handling = send(&mut filter, &beacon("ann"), &body);
        prop_assert!(matches!(handling, Handling::Answer(204 | 400 | 413)));
        let totals = filter.totals();
        prop_assert_eq!(totals.beacons + totals.lost_beacons, 1);
        prop_assert_eq!(totals.beacons == 1, handling == Handling::Answer(204));
    }
}

#[test]
fn without_an_assignment_no_beacon_is_taken() {
    let mut filter = Filter::new(Identity::default(), 42);
    assert_eq!(filter.beacon(1, &beacon("ann"), false, SECOND), Handling::Pass);
}
