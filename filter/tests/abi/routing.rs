//! What becomes of a request.

use serde_json::json;

use crate::filter::{Filter, acknowledge, assignment, proxy, report, started};
use crate::host::RESPONSE_TRAILERS;

#[test]
fn a_request_is_routed_counted_and_reported() {
    let filter = Filter::load();
    let mut vm = started(&filter);
    vm.request(7, &[(":path", "/orders/1?x"), ("x-user", "canary-1")]);
    assert_eq!(vm.arm().as_deref(), Some("canary"));
    assert_eq!(vm.proxy().route_cache_cleared, 1);
    vm.proxy().monotonic_ns += 3_000_000;
    vm.finish(7, "200", 0);
    vm.request(8, &[(":path", "/other")]);
    assert_eq!((vm.arm(), vm.proxy().route_cache_cleared), (None, 1));
    vm.tick(1_200);

    let call = vm.proxy().calls.last().unwrap().clone();
    assert_eq!(call.service, b"\x0a\x07\x0a\x05serin");
    assert_eq!(call.method, "serin.fleet.v1.FleetService/Report");
    assert_eq!(call.metadata, b"\x01\0\0\0\x0d\0\0\0\x0d\0\0\0authorization\0Bearer secret\0");
    assert_eq!(call.deadline_ms, 5_000);
    let report = report(&mut vm);
    assert_eq!((report.node.as_str(), report.cluster.as_str()), ("node-1", "edge"));
    assert_eq!((report.seq, report.generation), (1, 3));
    assert_ne!(report.epoch, 0);
    let strata = report.batch.unwrap().strata;
    let names: Vec<_> = strata.iter().map(|one| one.component.as_str()).collect();
    assert_eq!(names, ["orders", "unmatched"]);
    let [canary] = &strata[0].arms[..] else { panic!("not one arm: {strata:?}") };
    assert_eq!((canary.arm.as_str(), canary.started, canary.open), ("canary", 1, 0));
    assert_eq!(canary.outcomes.unwrap().ok, 1);
    assert_eq!((canary.hosts[0].address.as_str(), canary.hosts[0].requests), ("10.0.0.1:80", 1));
    let [baseline] = &strata[1].arms[..] else { panic!("not one arm: {strata:?}") };
    assert_eq!((baseline.arm.as_str(), baseline.started, baseline.open), ("baseline", 1, 1));

    acknowledge(&mut vm);
    vm.tick(100);
    assert_eq!(vm.proxy().metric("serin_reports_sent"), 1);
    assert_eq!(vm.proxy().metric("serin_generation"), 3);
}

#[test]
fn a_client_cannot_ask_for_an_arm() {
    let filter = Filter::load();
    for configuration in [assignment(1).to_string(), String::new()] {
        let mut vm = filter.start(proxy());
        assert!(vm.configure(configuration.as_bytes()));
        vm.request(1, &[(":path", "/orders/1"), ("x-serin-arm", "canary")]);
        assert_eq!((vm.arm(), vm.proxy().route_cache_cleared), (None, 1));
        vm.request(2, &[(":path", "/orders/1"), ("x-serin-arm", "")]);
        assert_eq!(vm.arm(), None);
    }
}

#[test]
fn a_request_whose_arm_cannot_be_asked_for_counts_for_the_baseline() {
    let filter = Filter::load();
    for broken in ["proxy_replace_header_map_value", "proxy_call_foreign_function"] {
        let mut vm = started(&filter);
        vm.proxy().broken = Some(broken);
        vm.request(1, &[(":path", "/orders/1"), ("x-user", "canary-1")]);
        assert_eq!(vm.arm(), None);
        vm.proxy().broken = None;
        vm.tick(1_200);
        assert_eq!(report(&mut vm).batch.unwrap().strata[0].arms[0].arm, "baseline");
    }
}

#[test]
fn an_anonymous_request_is_given_a_cookie() {
    let filter = Filter::load();
    let mut vm = filter.start(proxy());
    let mut issuing = assignment(1);
    issuing["services"][0]["split"][0]["weight_ppm"] = json!(500_000);
    issuing["services"][0]["identity"] = json!({
        "session": [{"cookie": "sid"}],
        "anonymous": {"issue_cookie": {"name": "sid", "max_age_s": 60}},
    });
    assert!(vm.configure(issuing.to_string().as_bytes()));
    vm.request(1, &[(":path", "/")]);
    let cookie = vm.proxy().properties.remove("serin.set_cookie").unwrap();
    let cookie = String::from_utf8(cookie).unwrap();
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    assert_eq!(attributes, "Max-Age=60; Path=/; HttpOnly; SameSite=Lax");
    assert!(pair.strip_prefix("sid=").is_some_and(|id| id.len() == 16), "{cookie}");
    let arm = vm.arm();
    vm.request(2, &[(":path", "/"), ("cookie", pair)]);
    assert_eq!(vm.arm(), arm);
    assert!(!vm.proxy().properties.contains_key("serin.set_cookie"));
}

#[test]
fn grpc_and_plain_answers_are_told_apart_with_and_without_expressions() {
    let filter = Filter::load();
    for expressions in [None, Some(false), Some(true)] {
        let mut vm = started(&filter);
        vm.proxy().expressions = expressions;
        assert!(vm.configure(assignment(3).to_string().as_bytes()));
        let call = [(":path", "/orders/1"), ("content-type", "application/grpc+proto")];
        let plain = [(":path", "/orders/1"), ("content-type", "application/json")];
        for (context, headers) in [(1, call), (2, plain)] {
            vm.request(context, &headers);
            vm.proxy().headers.insert((RESPONSE_TRAILERS, "grpc-status".to_owned()), b"8".to_vec());
            vm.finish(context, "200", 0);
        }
        vm.tick(1_200);
        let outcomes = report(&mut vm).batch.unwrap().strata[0].arms[0].outcomes.unwrap();
        assert_eq!((outcomes.ok, outcomes.overload), (1, 1), "{expressions:?}");
    }
}
