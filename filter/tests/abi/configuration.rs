//! Assignments that come, stay and go.

use serde_json::json;

use crate::filter::{Filter, assignment, proxy, report, started};

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
