use super::*;
use crate::fleet::report::{Gaps, Vm};

const SECOND: u64 = 1_000;

fn report(node: &str, epoch: u64, seq: u64, generation: u64) -> Report {
    Report {
        vm: Vm { node: node.to_owned(), epoch },
        seq,
        generation,
        filter_version: String::new(),
        cluster: String::new(),
        complete_until: None,
        strata: Vec::new(),
        gaps: Gaps::default(),
        routes: Vec::new(),
        behaviour: Vec::new(),
    }
}

fn at(second: u64) -> UnixMillis {
    UnixMillis(second * SECOND)
}

#[test]
fn each_seq_of_each_life_is_counted_once() {
    let mut nodes = Nodes::default();
    let mut admit = |epoch, seq| nodes.admit(&report("n", epoch, seq, 1), at(1));
    assert_eq!([admit(1, 1), admit(1, 1), admit(1, 2), admit(1, 1)], {
        use Admission::{New, Repeated};
        [New, Repeated, New, Repeated]
    });
    assert_eq!((admit(2, 1), admit(2, 1)), (Admission::New, Admission::Repeated));
    assert_eq!(admit(3, 40), Admission::New, "the control plane may have been away");
}

#[test]
fn what_was_counted_before_a_restart_is_not_counted_again_and_does_not_live_yet() {
    let seen = Seen { node: "n".to_owned(), epoch: 1, seq: 5, at: at(1) };
    let mut nodes = Nodes::new(&[seen]);
    assert_eq!(nodes.spread(0, at(1), LIVE_WITHIN).known, 0);
    assert_eq!(nodes.admit(&report("n", 1, 5, 3), at(2)), Admission::Repeated);
    assert_eq!(nodes.spread(0, at(2), LIVE_WITHIN).known, 1);
    assert_eq!(nodes.admit(&report("n", 1, 6, 3), at(3)), Admission::New);
}

#[test]
fn a_generation_has_spread_when_all_living_vms_obey_it() {
    let mut nodes = Nodes::default();
    nodes.admit(&report("a", 1, 1, 7), at(10));
    nodes.admit(&report("b", 2, 1, 6), at(10));
    let spread = |nodes: &Nodes, now| {
        let Spread { known, applied, .. } = nodes.spread(7, at(now), Duration::from_secs(3));
        (known, applied)
    };
    assert_eq!(spread(&nodes, 10), (2, 1));
    nodes.admit(&report("b", 2, 2, 7), at(11));
    assert_eq!(spread(&nodes, 11), (2, 2));
    assert_eq!(spread(&nodes, 14), (1, 1), "the silent one is not waited for");
}

#[test]
fn a_vm_that_begins_later_is_a_restart() {
    let mut nodes = Nodes::default();
    nodes.admit(&report("a", 1, 1, 1), at(0));
    nodes.admit(&report("a", 2, 1, 1), at(1));
    assert_eq!(nodes.known("a").unwrap().vm_restarts, 0, "an Envoy has several VMs from the beginning");
    nodes.admit(&report("a", 3, 1, 1), at(60));
    assert_eq!(nodes.known("a").unwrap().vm_restarts, 1);
}

#[test]
fn a_full_node_makes_room_for_a_vm_only_from_a_silent_one() {
    let mut nodes = Nodes::default();
    for epoch in 1..=VMS_MAX as u64 {
        assert_eq!(nodes.admit(&report("a", epoch, 1, 1), at(epoch)), Admission::New);
    }
    let newcomer = report("a", 9_999, 1, 1);
    assert_eq!(nodes.admit(&newcomer, at(2)), Admission::Full);
    assert_eq!(nodes.admit(&newcomer, at(1 + 60)), Admission::New);
    assert_eq!(
        nodes.admit(&report("a", 1, 1, 1), at(1 + 60)),
        Admission::Full,
        "the second is silent for 59 s only"
    );
}

#[test]
fn the_silent_are_forgotten_after_an_hour() {
    let mut nodes = Nodes::default();
    nodes.admit(&report("a", 1, 1, 1), at(0));
    nodes.entry("streaming", at(0)).unwrap().streams = 1;
    nodes.forget(at(3_599));
    assert_eq!(nodes.iter().count(), 2);
    nodes.forget(at(3_600));
    assert_eq!(nodes.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["streaming"]);
}

#[test]
fn long_words_of_a_refusal_are_cut_at_a_character() {
    let mut nodes = Nodes::default();
    let node = nodes.entry("a", at(0)).unwrap();
    node.rejected(&"ä".repeat(5_000), at(0));
    assert_eq!(node.last_rejection.len(), 2_048);
}
