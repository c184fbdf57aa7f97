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
    for context in 0..2_000 {
        let bytes: Vec<u8> = (0..vm.proxy().draw() % 60).map(|_| (vm.proxy().draw() & 0xFF) as u8).collect();
        let body = if context % 2 == 0 { bytes } else { [b"v=1\np=/", &bytes[..]].concat() };
        assert_eq!(vm.headers(context, &BEACON, false), 1);
        assert_eq!(vm.body(context, &body, true), 1);
        vm.finish(context, "204", 0);
    }
    assert_eq!(vm.proxy().responses.len(), 2_000);
    assert!(statuses(&mut vm).iter().all(|status| [204, 400].contains(status)));
}
