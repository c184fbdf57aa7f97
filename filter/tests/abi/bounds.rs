//! What the module may ask for, hold, and be exposed to.

use std::collections::BTreeSet;

use serde_json::json;

use crate::filter::{Filter, assignment, proxy};
use crate::host::{Proxy, Vm};

#[test]
fn imports_and_exports_are_those_that_are_listed() {
    let filter = Filter::load();
    let listed = |section: &str| -> BTreeSet<String> {
        include_str!("../../abi.txt")
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
            let (what, context) = (vm.proxy().draw() % 15, (vm.proxy().draw() % 16) as u32);
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
            let mut some = assignment(context.into());
            some["services"][0]["behaviour"] = json!(!context.is_multiple_of(4));
            let _: bool = vm.configure(some.to_string().as_bytes());
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
            let ended = context.is_multiple_of(2);
            let path =
                ["/.well-known/serin/beacon", "/.well-known/serin/beacon/v1/logs"][context as usize / 2 % 2];
            let headers = [
                (":path", path),
                (":method", "POST"),
                ("content-type", "application/json"),
                ("user-agent", &noise),
                ("x-user", &noise),
            ];
            let _: u32 = vm.headers(context, &headers, ended);
        }
        11 => {
            let _: u32 = vm.body(context, noise.as_bytes(), context.is_multiple_of(3));
        }
        12 => {
            let _: u32 = vm.call("proxy_on_request_trailers", (context, 1_u32));
        }
        13 => {
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
