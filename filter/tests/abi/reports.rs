//! How batches leave.

use crate::filter::{Filter, acknowledge, assignment, report, started};

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
fn a_new_generation_is_told_as_soon_as_the_report_under_way_is_answered() {
    let filter = Filter::load();
    let mut vm = started(&filter);
    vm.request(1, &[(":path", "/orders/1")]);
    vm.tick(1_200);
    let under_way = report(&mut vm);
    assert!(vm.configure(assignment(4).to_string().as_bytes()));
    vm.tick(100);
    assert_eq!(report(&mut vm), under_way, "its answer went with the old configuration");
    acknowledge(&mut vm);
    let next = report(&mut vm);
    assert_eq!((next.seq, next.generation), (under_way.seq + 1, 4));
    let calls = vm.proxy().calls.len();
    acknowledge(&mut vm);
    assert_eq!(vm.proxy().calls.len(), calls, "told once");
}
