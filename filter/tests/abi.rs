//! The real module at its ABI, in a proxy that scripts every hostcall.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a wrong script must fail the test"
)]

#[path = "abi/host.rs"]
mod host;
#[path = "abi/module.rs"]
mod module;

use std::collections::BTreeSet;

use prost::Message;
use serde_json::{Value, json};
use serin_proto::fleet::v1::{ReportRequest, ReportResponse};
use wasmi::{Engine, Module};

use self::host::{Proxy, RESPONSE_TRAILERS, Vm};

const UNIX_OFFSET_NS: u64 = 1_700_000_000_000_000_000;

struct Filter {
    engine: Engine,
    module: Module,
}

impl Filter {
    fn load() -> Self {
        let engine = Engine::default();
        let module = Module::new(&engine, &module::bytes()[..]).unwrap();
        Self { engine, module }
    }

    fn start(&self, proxy: Proxy) -> Vm {
        Vm::start(&self.module, &self.engine, proxy)
    }
}

fn proxy() -> Proxy {
    let mut proxy = Proxy {
        monotonic_ns: 5_000_000_000,
        unix_offset_ns: UNIX_OFFSET_NS,
        expressions: Some(false),
        draws: 7,
        ..Proxy::default()
    };
    for (path, value) in
        [("xds.node.id", "node-1"), ("xds.node.cluster", "edge"), ("upstream.address", "10.0.0.1:80")]
    {
        proxy.properties.insert(path.to_owned(), value.as_bytes().to_vec());
    }
    proxy
}

/// An assignment that sends users named `canary…` to the canary.
fn assignment(generation: u64) -> Value {
    json!({
        "version": 1, "generation": generation,
        "report": {"cluster": "serin", "interval_ms": 1000, "host_sample": 1, "token": "secret"},
        "services": [{
            "name": "shop", "salt": "000102030405060708090a0b0c0d0e0f",
            "split": [{"arm": "canary", "weight_ppm": 0}],
            "rules": [{"when": {"header": {"name": "x-user", "prefix": "canary"}}, "arm": "canary"}],
            "components": [{"name": "orders", "matches": [{"path": {"prefix": "/orders"}}]}],
        }],
    })
}

fn started(filter: &Filter) -> Vm {
    let mut vm = filter.start(proxy());
    assert!(vm.configure(assignment(3).to_string().as_bytes()));
    vm
}

fn report(vm: &mut Vm) -> ReportRequest {
    let call = vm.proxy().calls.last().unwrap().clone();
    ReportRequest::decode(&call.body[..]).unwrap()
}

fn acknowledge(vm: &mut Vm) {
    let call = vm.proxy().calls.last().unwrap().clone();
    let seq = ReportRequest::decode(&call.body[..]).unwrap().seq;
    vm.proxy().grpc_message = ReportResponse { seq }.encode_to_vec();
    let bytes = u32::try_from(vm.proxy().grpc_message.len()).unwrap();
    vm.call::<_, ()>("proxy_on_grpc_receive", (1_u32, call.token, bytes));
}

#[test]
fn imports_and_exports_are_those_that_are_listed() {
    let filter = Filter::load();
    let listed = |section: &str| -> BTreeSet<String> {
        include_str!("../abi.txt")
            .lines()
            .skip_while(|line| *line != format!("[{section}]"))
            .skip(1)
            .take_while(|line| !line.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let imports: BTreeSet<_> =
        filter.module.imports().map(|one| format!("{}.{}", one.module(), one.name())).collect();
    let exports: BTreeSet<_> = filter.module.exports().map(|one| one.name().to_owned()).collect();
    assert_eq!(imports, listed("imports"));
    assert_eq!(exports, listed("exports"));
}

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
fn a_batch_is_sent_unchanged_until_it_is_acknowledged() {
    let filter = Filter::load();
    let mut vm = started(&filter);
    vm.request(1, &[(":path", "/orders/1")]);
    vm.tick(1_200);
    let first = vm.proxy().calls.last().unwrap().clone();
    for status in [14_u32, 4, 8, 16] {
        let token = vm.proxy().calls.last().unwrap().token;
        vm.finish(1, "200", 0);
        vm.call::<_, ()>("proxy_on_grpc_close", (1_u32, token + 1, 3_u32));
        vm.call::<_, ()>("proxy_on_grpc_close", (1_u32, token, status));
        let calls = vm.proxy().calls.len();
        vm.tick(10);
        assert_eq!(vm.proxy().calls.len(), calls, "sent without a pause");
        vm.tick(5_000);
        assert_eq!(vm.proxy().calls.len(), calls + 1);
        assert_eq!(vm.proxy().calls.last().unwrap().body, first.body);
    }
    // An answer that never comes, and a call that cannot be made.
    vm.tick(6_100);
    vm.proxy().broken = Some("proxy_grpc_call");
    vm.tick(5_000);
    vm.proxy().broken = None;
    vm.tick(5_000);
    assert_eq!(vm.proxy().calls.last().unwrap().body, first.body);
    acknowledge(&mut vm);
    vm.tick(1_200);
    assert_eq!(report(&mut vm).seq, 2);
    assert_eq!(vm.proxy().metric("serin_reports_failed"), 6);
}

#[test]
fn a_refused_batch_is_dropped_and_counted() {
    let filter = Filter::load();
    let mut vm = started(&filter);
    vm.request(1, &[(":path", "/orders/1")]);
    vm.tick(1_200);
    let token = vm.proxy().calls.last().unwrap().token;
    vm.call::<_, ()>("proxy_on_grpc_close", (1_u32, token, 3_u32));
    vm.tick(1_200);
    let next = report(&mut vm);
    assert_eq!((next.seq, next.batch.unwrap().gaps.unwrap().refused_batches), (2, 1));
}

#[test]
fn a_configuration_that_breaks_a_rule_is_refused_and_the_last_good_one_stays() {
    let filter = Filter::load();
    let mut vm = started(&filter);
    let mut unknown_arm = assignment(4);
    unknown_arm["services"][0]["rules"][0]["arm"] = json!("other");
    let bad: [(Vec<u8>, &str); 5] = [
        (unknown_arm.to_string().into_bytes(), "services[0].rules[0].arm"),
        (b"{".to_vec(), "EOF"),
        (b"\xff\xfe".to_vec(), "assignment"),
        (b"[1]".to_vec(), "assignment"),
        (vec![b' '; 4 * 1024 * 1024 + 1], "exceeds"),
    ];
    for (number, (configuration, words)) in (1..).zip(bad) {
        assert!(!vm.configure(&configuration), "{words}");
        let log = vm.proxy().log.last().unwrap().clone();
        assert!(log.contains(words), "{log}");
        vm.request(number, &[(":path", "/orders/1"), ("x-user", "canary-1")]);
        assert_eq!(vm.arm().as_deref(), Some("canary"));
    }
    assert_eq!(vm.proxy().metric("serin_assignments_rejected"), 5);
    assert_eq!(
        (vm.proxy().metric("serin_assignments_accepted"), vm.proxy().metric("serin_generation")),
        (1, 3)
    );
}

#[test]
fn counts_survive_a_new_assignment() {
    let filter = Filter::load();
    let mut vm = started(&filter);
    vm.request(1, &[(":path", "/orders/1")]);
    let mut next = assignment(4);
    next["services"][0]["components"][0]["name"] = json!("renamed");
    assert!(vm.configure(next.to_string().as_bytes()));
    vm.request(2, &[(":path", "/orders/1")]);
    vm.finish(1, "503", 1 << 6);
    vm.tick(1_200);
    let report = report(&mut vm);
    let strata = report.batch.unwrap().strata;
    let names: Vec<_> = strata.iter().map(|one| one.component.as_str()).collect();
    assert_eq!((report.generation, names), (4, vec!["orders", "renamed"]));
    assert_eq!(strata[0].arms[0].outcomes.unwrap().reset, 1);
}

#[test]
fn without_an_assignment_nothing_is_counted_or_sent() {
    let filter = Filter::load();
    let mut vm = filter.start(proxy());
    assert!(vm.configure(b""));
    vm.request(1, &[(":path", "/orders/1")]);
    vm.finish(1, "200", 0);
    vm.finish(2, "200", 0);
    for _ in 0..20 {
        vm.tick(1_000);
    }
    assert!(vm.proxy().calls.is_empty());
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
fn a_busy_vm_stays_within_eight_mebibytes() {
    let filter = Filter::load();
    let mut vm = filter.start(proxy());
    let components: Vec<_> = (0..200)
        .map(|number| json!({"name": format!("component-{number}"), "matches": [{"path": {"prefix": format!("/c{number}")}}]}))
        .collect();
    let mut large = assignment(1);
    large["services"][0]["components"] = json!(components);
    assert!(vm.configure(large.to_string().as_bytes()));
    // Six seconds without an answer: one batch is frozen, the next gathers.
    let mut context = 0;
    for _ in 0..6 {
        for number in 0..200 {
            for user in ["canary", "other"] {
                for _ in 0..20 {
                    context += 1;
                    vm.request(context, &[(":path", &format!("/c{number}/x")), ("x-user", user)]);
                    let latency_us = 500 + vm.proxy().draw() % 50_000;
                    let start_ns = vm.proxy().monotonic_ns;
                    vm.proxy().monotonic_ns += latency_us * 1_000;
                    vm.finish(context, "200", 0);
                    vm.proxy().monotonic_ns = start_ns;
                }
            }
        }
        vm.tick(1_000);
    }
    assert!(!vm.proxy().calls.is_empty());
    let bytes = vm.memory_bytes();
    assert!(bytes <= 8 * 1024 * 1024, "{bytes} bytes");
}

/// 20,000 callbacks in any order, with failing hostcalls: nothing traps, and the VM still works.
#[test]
fn no_order_of_callbacks_and_failures_traps() {
    let filter = Filter::load();
    for seed in 0..4 {
        let mut vm = filter.start(Proxy { draws: seed, failures_in_256: 40, ..proxy() });
        for _ in 0..5_000 {
            let (what, context) = (vm.proxy().draw() % 12, (vm.proxy().draw() % 16) as u32);
            vm.proxy().expressions = [None, Some(false), Some(true)][(vm.proxy().draw() % 3) as usize];
            random_callback(&mut vm, what, context);
        }
        vm.proxy().failures_in_256 = 0;
        assert!(vm.configure(assignment(9).to_string().as_bytes()), "seed {seed}");
        vm.request(99, &[(":path", "/orders/1"), ("x-user", "canary-1")]);
        assert_eq!(vm.arm().as_deref(), Some("canary"), "seed {seed}");
    }
}

fn random_callback(vm: &mut Vm, what: u64, context: u32) {
    let noise: String =
        (0..vm.proxy().draw() % 40).map(|_| (b' ' + (vm.proxy().draw() % 90) as u8) as char).collect();
    match what {
        0 => {
            let _: bool = vm.configure(assignment(context.into()).to_string().as_bytes());
        }
        1 => {
            let mut text = assignment(1).to_string().into_bytes();
            let at = vm.proxy().draw() as usize % text.len();
            text[at] = vm.proxy().draw() as u8;
            vm.configure(&text);
        }
        2 => {
            vm.configure(noise.as_bytes());
        }
        3..=5 => vm.request(
            context,
            &[(":path", &format!("/orders/{noise}")), ("x-user", &noise), ("cookie", &noise)],
        ),
        6..=8 => vm.finish(context, &noise, u64::from(context) << (context % 32)),
        9 => {
            let after_ms = vm.proxy().draw() % 3_000;
            vm.tick(after_ms);
        }
        10 => {
            let token = vm.proxy().calls.len() as u32 + context % 2;
            vm.call::<_, ()>("proxy_on_grpc_close", (1_u32, token, context));
        }
        _ => {
            let token = vm.proxy().calls.len() as u32;
            vm.proxy().grpc_message =
                if context.is_multiple_of(2) { noise.into_bytes() } else { vec![8, context as u8] };
            vm.call::<_, ()>("proxy_on_grpc_receive", (1_u32, token, context));
        }
    }
}
