//! How the tags of routes are read and told.

use serde_json::json;
use serin_proto::fleet::v1::{RouteTags, Tags};

use crate::filter::{Filter, acknowledge, assignment, report, started};
use crate::host::Vm;

const NAME: &str = "xds.route_name";
const METADATA: &str = "xds.route_metadata";
/// `{component: one, depends_on: cart}`, as Envoy 1.40.0 writes it.
const ONE: &[u8] =
    b"\x0a\x33\x0a\x05serin\x12\x2a\x0a\x12\x0a\x09component\x12\x05\x1a\x03one\x0a\x14\x0a\x0adepends_on\
    \x12\x06\x1a\x04cart";

fn asking(filter: &Filter) -> Vm {
    let mut vm = started(filter);
    let mut asking = assignment(4);
    asking["report"]["route_metadata"] = json!(true);
    assert!(vm.configure(asking.to_string().as_bytes()));
    vm
}

fn serve(vm: &mut Vm, path: &str, route: &str, metadata: &[u8]) {
    vm.request(1, &[(":path", path)]);
    vm.proxy().properties.insert(NAME.to_owned(), route.as_bytes().to_vec());
    vm.proxy().properties.insert(METADATA.to_owned(), metadata.to_vec());
    vm.finish(1, "200", 0);
}

fn told(vm: &mut Vm) -> Vec<RouteTags> {
    vm.tick(1_200);
    let routes = report(vm).batch.unwrap().routes;
    acknowledge(vm);
    routes
}

#[test]
fn a_route_is_told_once_with_its_component_until_its_metadata_is_read_anew() {
    let filter = Filter::load();
    let mut vm = asking(&filter);
    serve(&mut vm, "/orders/1", "orders-route", ONE);
    serve(&mut vm, "/orders/2", "orders-route", ONE);
    serve(&mut vm, "/other", "", b"");
    let tags = Tags { component: "one".to_owned(), depends_on: vec!["cart".to_owned()], ..Tags::default() };
    let route = RouteTags {
        route: "orders-route".to_owned(),
        service: "shop".to_owned(),
        component: "orders".to_owned(),
        tags: Some(tags),
        malformed: Vec::new(),
    };
    assert_eq!(told(&mut vm), std::slice::from_ref(&route));
    serve(&mut vm, "/orders/1", "orders-route", b"");
    assert_eq!(told(&mut vm), [], "read a second ago");
    vm.proxy().monotonic_ns += 60_000_000_000;
    serve(&mut vm, "/orders/1", "orders-route", b"");
    assert_eq!(told(&mut vm), [RouteTags { tags: None, ..route }], "it carries none any more");
}

#[test]
fn metadata_of_any_form_is_told_as_malformed_and_fails_nothing() {
    let filter = Filter::load();
    let mut vm = asking(&filter);
    serve(&mut vm, "/orders/1", "a", &[255; 40]);
    serve(&mut vm, "/orders/1", "b", &vec![0; 100_000]);
    let told = told(&mut vm);
    let faults: Vec<_> = told.iter().map(|one| (one.route.as_str(), one.malformed.join(","))).collect();
    let expected = [("a", "metadata: cannot be read"), ("b", "metadata: is longer than 65536 bytes")];
    assert_eq!(faults, expected.map(|(route, fault)| (route, fault.to_owned())));
    vm.proxy().broken = Some("proxy_get_property");
    vm.request(1, &[(":path", "/orders/1")]);
    vm.finish(1, "200", 0);
    vm.proxy().broken = None;
    vm.tick(1_200);
    assert_eq!(report(&mut vm).batch.unwrap().routes, []);
}

#[test]
fn an_assignment_that_does_not_ask_has_no_route_read() {
    let filter = Filter::load();
    let mut vm = started(&filter);
    serve(&mut vm, "/orders/1", "orders-route", ONE);
    assert_eq!(told(&mut vm), []);
}
