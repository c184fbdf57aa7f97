//! Beacons of page views.

use serde_json::{Value, json};

use crate::filter::{Filter, assignment, report, started};
use crate::host::Vm;

const BEACON: [(&str, &str); 6] = [
    (":path", "/.well-known/serin/beacon"),
    (":method", "POST"),
    (":authority", "shop.example"),
    ("content-type", "text/plain;charset=UTF-8"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    ("x-user", "canary-1"),
];
/// The same visitor's app, which sends log records.
const LOGS: [(&str, &str); 6] = [
    (":path", "/.well-known/serin/beacon/v1/logs"),
    BEACON[1],
    BEACON[2],
    ("content-type", "application/json"),
    BEACON[4],
    BEACON[5],
];
const NO_HEADERS: &[u8] = b"\0\0\0\0";

fn taking() -> Value {
    let mut assignment = assignment(4);
    assignment["services"][0]["behaviour"] = json!(true);
    assignment
}

fn taken(filter: &Filter) -> Vm {
    let mut vm = started(filter);
    assert!(vm.configure(taking().to_string().as_bytes()));
    vm
}

fn page_view(attributes: &Value) -> Vec<u8> {
    let record = json!({"eventName": "serin.page_view", "attributes": attributes});
    json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}).to_string().into_bytes()
}

fn statuses(vm: &mut Vm) -> Vec<u32> {
    vm.proxy().responses.iter().map(|(status, ..)| *status).collect()
}

#[test]
fn a_beacon_is_answered_here_and_counts_as_a_view_of_the_canarys_page() {
    let filter = Filter::load();
    let mut vm = taken(&filter);
    assert_eq!(vm.headers(7, &BEACON, false), 1);
    assert_eq!(vm.body(7, b"v=1\np=/ord", false), 1);
    assert!(vm.proxy().responses.is_empty());
    assert_eq!(vm.body(7, b"ers/1\nl=900\nk=1", true), 1);
    assert_eq!(vm.proxy().responses, [(204, NO_HEADERS.to_vec(), -1)]);
    assert_eq!(vm.proxy().documents, [b""]);
    assert_eq!((vm.arm(), vm.proxy().route_cache_cleared), (None, 0));
    vm.finish(7, "204", 0);
    vm.tick(1_200);
    let batch = report(&mut vm).batch.unwrap();
    assert_eq!((batch.strata.len(), batch.gaps), (0, None));
    let [view] = &batch.behaviour[..] else { panic!("not one entry: {batch:?}") };
    assert_eq!((view.component.as_str(), view.arm.as_str()), ("orders", "canary"));
    assert_eq!((view.views, view.converted, view.second), (1, 1, 1_700_000_005));
    let (counted, unseen) = (vm.proxy().metric("serin_beacons"), vm.proxy().metric("serin_unseen_requests"));
    assert_eq!((counted, unseen), (1, 0));
}

#[test]
fn page_views_of_log_records_count_as_those_of_beacons_and_are_answered_with_json() {
    let filter = Filter::load();
    let mut vm = taken(&filter);
    let attributes = json!([
        {"key": "url.path", "value": {"stringValue": "/orders/1"}},
        {"key": "serin.load_ms", "value": {"doubleValue": 899.6}},
        {"key": "serin.conversions", "value": {"intValue": "1"}},
    ]);
    assert_eq!(vm.headers(7, &LOGS, false), 1);
    let body = page_view(&attributes);
    let (begin, end) = body.split_at(body.len() / 2);
    assert_eq!((vm.body(7, begin, false), vm.body(7, end, true)), (1, 1));
    assert_eq!(vm.headers(8, &LOGS, false), 1);
    assert_eq!(vm.body(8, &page_view(&json!([])), true), 1);
    let json = b"\x01\0\0\0\x0c\0\0\0\x10\0\0\0content-type\0application/json\0".to_vec();
    assert_eq!(vm.proxy().responses, [(200, json.clone(), -1), (200, json, -1)]);
    let expected = json!({"partialSuccess": {
        "rejectedLogRecords": "1",
        "errorMessage": "serin: resourceLogs[0].scopeLogs[0].logRecords[0]: url.path: is missing",
    }});
    let documents = std::mem::take(&mut vm.proxy().documents);
    let [first, second] = documents
        .iter()
        .map(|text| serde_json::from_slice(text).unwrap())
        .collect::<Vec<Value>>()
        .try_into()
        .unwrap();
    assert_eq!((first, second), (json!({}), expected));
    vm.finish(7, "200", 0);
    vm.finish(8, "200", 0);
    vm.tick(1_200);
    let batch = report(&mut vm).batch.unwrap();
    let [view] = &batch.behaviour[..] else { panic!("not one entry: {batch:?}") };
    assert_eq!((view.component.as_str(), view.arm.as_str()), ("orders", "canary"));
    assert_eq!((view.views, view.converted, batch.gaps.unwrap().malformed_beacons), (1, 1, 1));
    assert_eq!((vm.arm(), batch.strata.len()), (None, 0));
}

#[test]
fn log_records_may_have_sixteen_kibibytes_and_no_more() {
    let filter = Filter::load();
    let mut vm = taken(&filter);
    for (context, spaces) in [(1, 16_382), (2, 16_383)] {
        assert_eq!(vm.headers(context, &LOGS, false), 1);
        assert_eq!(vm.body(context, b"{}", false), 1);
        assert_eq!(vm.body(context, &vec![b' '; spaces], false), 1);
        assert_eq!(
            vm.call::<_, u32>("proxy_on_request_trailers", (context, 1_u32)),
            u32::from(spaces < 16_383)
        );
    }
    let get = LOGS.map(|(name, value)| if name == ":method" { (name, "GET") } else { (name, value) });
    assert_eq!(vm.headers(3, &get, true), 1);
    assert_eq!(statuses(&mut vm), [200, 413, 405]);
    let document: Value = serde_json::from_slice(&vm.proxy().documents[1]).unwrap();
    assert_eq!(document, json!({"code": 3, "message": "serin: body: exceeds 16384 bytes"}));
}

#[test]
fn what_nests_as_deeply_as_it_can_is_answered_within_the_stack() {
    let filter = Filter::load();
    let mut vm = taken(&filter);
    for (context, depth) in [(1, 32), (2, 8_000)] {
        let body = format!("{{\"value\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(vm.headers(context, &LOGS, false), 1);
        assert_eq!(vm.body(context, body.as_bytes(), true), 1);
    }
    assert_eq!(statuses(&mut vm), [200, 400]);
}

#[test]
fn without_being_asked_for_a_beacon_is_a_request_as_any_other() {
    let filter = Filter::load();
    let mut vm = started(&filter);
    assert_eq!(vm.headers(7, &BEACON, false), 0);
    assert_eq!(vm.body(7, b"v=1\np=/", true), 0);
    vm.finish(7, "404", 0);
    assert!(vm.proxy().responses.is_empty());
    vm.tick(1_200);
    assert_eq!(report(&mut vm).batch.unwrap().strata[0].arms[0].outcomes.unwrap().client_error, 1);
}

#[test]
fn bodies_and_trailers_of_other_requests_pass() {
    let filter = Filter::load();
    let mut vm = taken(&filter);
    assert_eq!(vm.headers(7, &[(":path", "/orders/1"), (":method", "POST")], false), 0);
    assert_eq!(vm.body(7, &[b'x'; 10_000], false), 0);
    assert_eq!(vm.call::<_, u32>("proxy_on_request_trailers", (7_u32, 1_u32)), 0);
    assert!(vm.proxy().responses.is_empty());
}

#[test]
fn a_body_that_is_too_long_and_another_method_are_refused() {
    let filter = Filter::load();
    let mut vm = taken(&filter);
    assert_eq!(vm.headers(1, &BEACON, false), 1);
    assert_eq!(vm.body(1, &[b'x'; 2_048], false), 1);
    assert_eq!(vm.body(1, b"x", false), 1);
    assert_eq!(vm.body(1, b"x", true), 0, "it was answered");
    let get = BEACON.map(|(name, value)| if name == ":method" { (name, "GET") } else { (name, value) });
    assert_eq!(vm.headers(2, &get, true), 1);
    assert_eq!(statuses(&mut vm), [413, 405]);
    let allowed = b"\x01\0\0\0\x05\0\0\0\x04\0\0\0allow\0POST\0".to_vec();
    assert_eq!(vm.proxy().responses[1].1, allowed);
}

#[test]
fn trailers_end_a_body() {
    let filter = Filter::load();
    let mut vm = taken(&filter);
    vm.headers(1, &BEACON, false);
    vm.body(1, b"v=1\np=/orders/1", false);
    assert_eq!(vm.call::<_, u32>("proxy_on_request_trailers", (1_u32, 1_u32)), 1);
    assert_eq!(statuses(&mut vm), [204]);
}

#[test]
fn a_beacon_that_cannot_be_answered_goes_on_instead_of_hanging() {
    let filter = Filter::load();
    let mut vm = taken(&filter);
    vm.proxy().broken = Some("proxy_send_local_response");
    assert_eq!(vm.headers(1, &BEACON, false), 1);
    assert_eq!(vm.body(1, b"v=1\np=/orders/1", true), 0);
    vm.proxy().broken = Some("proxy_get_buffer_bytes");
    assert_eq!(vm.headers(2, &BEACON, false), 1);
    assert_eq!(vm.body(2, b"v=1\np=/orders/1", true), 1);
    assert_eq!(statuses(&mut vm), [400]);
}

#[test]
fn any_bytes_are_answered() {
    let filter = Filter::load();
    let mut vm = taken(&filter);
    for context in 0..4_000 {
        let (headers, begin) = if context % 4 < 2 {
            (&BEACON, &b"v=1\np=/"[..])
        } else {
            (&LOGS, &br#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"eventName":""#[..])
        };
        let bytes: Vec<u8> = (0..vm.proxy().draw() % 60).map(|_| (vm.proxy().draw() & 0xFF) as u8).collect();
        let body = if context % 2 == 0 { bytes } else { [begin, &bytes[..]].concat() };
        assert_eq!(vm.headers(context, headers, false), 1);
        assert_eq!(vm.body(context, &body, true), 1);
        vm.finish(context, "204", 0);
    }
    assert_eq!(vm.proxy().responses.len(), 4_000);
    assert!(statuses(&mut vm).iter().all(|status| [200, 204, 400].contains(status)));
}
