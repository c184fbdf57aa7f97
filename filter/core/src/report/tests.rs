use std::collections::BTreeSet;
use std::rc::Rc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Answer, Reporter, Step};
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const SECOND: u64 = 1_000_000_000;
const MIDDLE: u64 = u64::MAX / 2;
/// When a VM with the lowest lot reports.
const DUE: u64 = 1_700_000_000 * SECOND + SECOND / 4;

fn body(seq: u64) -> Rc<[u8]> {
    seq.to_le_bytes().to_vec().into()
}

/// One step of a VM that has something to tell and whose wall clock reads `DUE` at zero; the bytes that leave it.
fn step(reporter: &mut Reporter, now_ns: u64) -> Option<Rc<[u8]>> {
    match reporter.step(now_ns, DUE + now_ns, 1_000, false) {
        Step::Wait => None,
        Step::Send(bytes) => Some(bytes),
        Step::Freeze(seq) => {
            reporter.frozen(now_ns, body(seq));
            Some(body(seq))
        }
    }
}

#[test]
fn a_report_leaves_each_interval_while_they_are_answered() {
    let mut reporter = Reporter::default();
    for seq in 1..=5 {
        let now = seq * SECOND + seq;
        assert_eq!(step(&mut reporter, now), Some(body(seq)));
        reporter.called(now, Some(9), MIDDLE);
        assert_eq!(step(&mut reporter, now + SECOND / 2), None);
        assert_eq!(reporter.acknowledged(now, 9, seq, MIDDLE), Answer::Acknowledged);
        assert_eq!(reporter.acknowledged(now, 9, seq, MIDDLE), Answer::Unknown);
        assert_eq!(step(&mut reporter, now + SECOND / 2), None);
    }
}

/// Milliseconds of the wall clock, since `DUE`, at which a VM that ticks each millisecond reports after a start at `start`.
fn reports(interval_ms: u32, lot: u64, start: u64) -> Vec<u64> {
    let mut reporter = Reporter::default();
    let unix = |millisecond: u64| DUE + millisecond * 1_000_000;
    reporter.spread(SECOND, unix(start), interval_ms, lot);
    let mut sent = Vec::new();
    for passed in 0..=4 * u64::from(interval_ms) {
        let now = SECOND + passed * 1_000_000;
        if let Step::Freeze(seq) = reporter.step(now, unix(start + passed), interval_ms, false) {
            reporter.frozen(now, body(seq));
            reporter.called(now, Some(1), MIDDLE);
            reporter.acknowledged(now, 1, seq, MIDDLE);
            sent.push(start + passed);
        }
    }
    sent
}

#[test]
fn reports_leave_soon_after_a_second_ends_whenever_the_vm_began() {
    for start in [0_u64, 1, 437, 999] {
        let first = if start == 0 { 1_000 } else { 1_000 * start.div_ceil(1_000) };
        let every = [first, first + 1_000, first + 2_000, first + 3_000];
        let sent = reports(1_000, 0, start);
        assert_eq!(sent, every[..sent.len()], "{start}");
        assert!(sent.len() >= 3);
    }
    assert_eq!(reports(1_000, u64::MAX, 500), [1_150, 2_150, 3_150, 4_150], "150 ms later at most");
    assert_eq!(reports(500, 0, 0), [500, 1_000, 1_500, 2_000]);
}

#[test]
fn reports_of_a_longer_interval_are_spread_over_its_seconds() {
    let second = |lot: u64| reports(5_000, lot, 1)[0] / 1_000 % 5;
    // The lower half of a lot says the second.
    let seconds: BTreeSet<u64> = (0..5).map(|fifth| second((1 << 32) / 5 * fifth + 1_000)).collect();
    assert_eq!(seconds.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
}

#[test]
fn a_late_report_does_not_put_off_the_next() {
    let mut reporter = Reporter::default();
    reporter.spread(0, DUE, 1_000, 0);
    for (late, seq) in [(90, 1), (0, 2), (40, 3), (99, 4)] {
        let now = seq * SECOND + late * 1_000_000;
        assert_eq!(step(&mut reporter, seq * SECOND - 1), None);
        assert_eq!(step(&mut reporter, now), Some(body(seq)));
        reporter.called(now, Some(1), MIDDLE);
        reporter.acknowledged(now, 1, seq, MIDDLE);
    }
}

#[test]
fn a_wall_clock_that_is_set_puts_off_a_report_by_one_interval_at_most() {
    for unix in [0, 1, DUE / 2, u64::MAX] {
        let mut reporter = Reporter::default();
        assert_eq!(reporter.step(0, unix, 1_000, false), Step::Freeze(1));
        assert!((1..=SECOND).contains(&reporter.next_ns), "{unix}");
    }
}

#[test]
fn an_idle_vm_reports_every_five_seconds() {
    let mut reporter = Reporter::default();
    let mut sent = Vec::new();
    for tenth in 0..200 {
        let now = tenth * SECOND / 10;
        if let Step::Freeze(seq) = reporter.step(now, DUE + now, 1_000, true) {
            reporter.frozen(now, body(seq));
            reporter.called(now, Some(1), MIDDLE);
            reporter.acknowledged(now, 1, seq, MIDDLE);
            sent.push(tenth / 10);
        }
    }
    assert_eq!(sent, [0, 5, 10, 15]);
}

#[test]
fn a_new_configuration_is_told_at_once_and_once() {
    let mut reporter = Reporter::default();
    let freeze = |reporter: &mut Reporter, now: u64| match reporter.step(now, DUE + now, 1_000, true) {
        Step::Freeze(seq) => {
            reporter.frozen(now, body(seq));
            reporter.called(now, Some(1), MIDDLE);
            reporter.acknowledged(now, 1, seq, MIDDLE);
            true
        }
        Step::Wait | Step::Send(_) => false,
    };
    assert!(freeze(&mut reporter, 0));
    for round in 1..5 {
        let now = round * SECOND / 10;
        reporter.reconfigured(now);
        assert!(freeze(&mut reporter, now + 1));
        assert!(!freeze(&mut reporter, now + 2));
    }
}

#[test]
fn failures_wait_longer_each_time_up_to_five_seconds() {
    let mut reporter = Reporter::default();
    let mut now = 0;
    let mut waits = Vec::new();
    for _ in 0..9 {
        assert_eq!(step(&mut reporter, now), Some(body(1)));
        reporter.called(now, Some(4), MIDDLE);
        assert_eq!(reporter.closed(now, 4, 14, u64::MAX), Answer::Failed);
        let failed = now;
        now = reporter.next_ns;
        waits.push((now - failed + 1) * 100 / SECOND);
        assert_eq!(step(&mut reporter, now - 1), None);
    }
    assert_eq!(waits, [25, 50, 100, 200, 400, 500, 500, 500, 500]);
}

#[test]
fn answers_to_other_calls_change_nothing() {
    let mut reporter = Reporter::default();
    assert_eq!(reporter.acknowledged(0, 1, 0, MIDDLE), Answer::Unknown);
    assert_eq!(reporter.called(0, Some(1), MIDDLE), Answer::Unknown);
    step(&mut reporter, 0);
    assert_eq!(reporter.closed(0, 1, 14, MIDDLE), Answer::Unknown, "before the call is known");
    reporter.called(0, Some(1), MIDDLE);
    assert_eq!(reporter.closed(0, 2, 3, MIDDLE), Answer::Unknown);
    assert_eq!(reporter.acknowledged(0, 1, 7, MIDDLE), Answer::Failed, "an answer about another batch");
    assert_eq!(step(&mut reporter, SECOND), Some(body(1)));
}

#[test]
fn a_refused_batch_is_not_sent_again() {
    let mut reporter = Reporter::default();
    step(&mut reporter, 0);
    reporter.called(0, Some(1), MIDDLE);
    assert_eq!(reporter.closed(0, 1, 3, MIDDLE), Answer::Refused);
    assert_eq!(step(&mut reporter, 2 * SECOND), Some(body(2)));
}

#[test]
fn an_answer_that_never_comes_is_waited_for_six_seconds() {
    let mut reporter = Reporter::default();
    let overdue = 6 * SECOND;
    step(&mut reporter, 0);
    reporter.called(0, Some(1), MIDDLE);
    assert_eq!(reporter.expire(overdue - 1, MIDDLE), Answer::Unknown);
    assert_eq!(reporter.expire(overdue, MIDDLE), Answer::Failed);
    assert_eq!(reporter.acknowledged(overdue, 1, 1, MIDDLE), Answer::Unknown, "too late");
    assert_eq!(step(&mut reporter, overdue + SECOND), Some(body(1)));
}

#[test]
fn a_batch_under_way_is_sent_again_after_a_new_configuration_and_the_news_follow_it() {
    let mut reporter = Reporter::default();
    step(&mut reporter, 0);
    reporter.called(0, Some(1), MIDDLE);
    reporter.reconfigured(10);
    assert_eq!(reporter.acknowledged(11, 1, 1, MIDDLE), Answer::Unknown, "of the old root context");
    assert_eq!(step(&mut reporter, 12), Some(body(1)));
    reporter.called(12, Some(2), MIDDLE);
    assert_eq!(reporter.acknowledged(13, 2, 1, MIDDLE), Answer::Acknowledged);
    assert_eq!(step(&mut reporter, 14), Some(body(2)));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_each_batch_is_resent_unchanged_until_it_is_settled(
        events in vec((0..6_u8, 0..8 * SECOND, 0..4_u32, any::<u64>()), 1..200),
    ) {
        let mut reporter = Reporter::default();
        let (mut now, mut settled, mut token) = (0_u64, 0_u64, 0_u32);
        for (event, passes, number, draw) in events {
            now += passes;
            let answer = match event {
                0 => {
                    let answer = reporter.acknowledged(now, token.saturating_sub(number), settled + 1, draw);
                    prop_assert!(answer != Answer::Refused);
                    answer
                }
                1 => reporter.closed(now, token.saturating_sub(number / 2), number, draw),
                2 => reporter.expire(now, draw),
                3 => {
                    reporter.reconfigured(now);
                    Answer::Unknown
                }
                _ => {
                    if let Some(bytes) = step(&mut reporter, now) {
                        prop_assert_eq!(bytes, body(settled + 1));
                        token += 1;
                        reporter.called(now, (number > 0).then_some(token), draw)
                    } else {
                        Answer::Unknown
                    }
                }
            };
            if matches!(answer, Answer::Acknowledged | Answer::Refused) {
                settled += 1;
            }
        }
    }
}
