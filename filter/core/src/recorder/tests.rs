use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use serin_proto::fleet::v1 as wire;

use super::{Levels, MAX_CELLS, MAX_HOSTS, MAX_RECORDS, Recorder, SeriesId};
use crate::arms::ring::Bucket;
use crate::outcome::Outcome;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn series(recorder: &mut Recorder, component: usize, arm: &str) -> SeriesId {
    recorder.series("shop", &format!("c{component}"), arm)
}

fn drain(recorder: &mut Recorder) -> wire::Batch {
    recorder.drain(0, &Levels::new())
}

fn arms(batch: &wire::Batch) -> impl Iterator<Item = &wire::ArmCounts> {
    batch.strata.iter().flat_map(|stratum| &stratum.arms)
}

fn finished(counts: &wire::ArmCounts) -> u64 {
    counts.outcomes.map_or(0, |one| {
        one.ok
            + one.client_error
            + one.server_error
            + one.timeout
            + one.connect_failure
            + one.reset
            + one.overload
            + one.cancelled
    })
}

#[test]
fn arms_of_a_component_and_second_are_one_stratum() {
    let mut recorder = Recorder::default();
    // Interned in an order that is not the one of the names.
    let ids = [(1, "canary"), (0, "baseline"), (1, "baseline"), (0, "canary")];
    let ids = ids.map(|(component, arm)| series(&mut recorder, component, arm));
    for second in [11, 10] {
        for id in ids {
            recorder.start(id, second, None);
            recorder.finish(id, second, Outcome::Ok, Some(100), None, None);
        }
    }
    let batch = drain(&mut recorder);
    let seen: Vec<_> = batch
        .strata
        .iter()
        .map(|one| {
            let arms: Vec<_> = one.arms.iter().map(|arm| arm.arm.as_str()).collect();
            (one.component.as_str(), one.start_second, arms)
        })
        .collect();
    let both = || vec!["baseline", "canary"];
    assert_eq!(seen, [("c0", 10, both()), ("c0", 11, both()), ("c1", 10, both()), ("c1", 11, both())]);
    assert!(recorder.is_empty());
    assert_eq!(drain(&mut recorder).strata, []);
}

#[test]
fn latency_is_kept_of_answers_that_say_how_fast_the_service_is() {
    for outcome in Outcome::ALL {
        let mut recorder = Recorder::default();
        let id = series(&mut recorder, 0, "canary");
        recorder.finish(id, 1, outcome, Some(1_000), None, None);
        let batch = drain(&mut recorder);
        let counts = arms(&batch).next().unwrap();
        assert_eq!(finished(counts), 1);
        let expected = matches!(outcome, Outcome::Ok | Outcome::ClientError);
        assert_eq!(!counts.latency_hdr.is_empty(), expected, "{outcome:?}");
    }
}

#[test]
fn sampled_hosts_are_bounded_and_count_their_errors() {
    let mut recorder = Recorder::default();
    let id = series(&mut recorder, 0, "canary");
    for number in 0..MAX_HOSTS + 5 {
        recorder.finish(id, 1, Outcome::Ok, Some(10), Some(format!("10.0.0.{number}:80").as_bytes()), None);
    }
    for address in [&b""[..], b"\xff", &[b'x'; 65]] {
        recorder.finish(id, 1, Outcome::Ok, Some(10), Some(address), None);
    }
    recorder.finish(id, 1, Outcome::Reset, Some(10), Some(b"10.0.0.0:80"), None);
    recorder.finish(id, 1, Outcome::Cancelled, Some(10), Some(b"10.0.0.0:80"), None);
    let batch = drain(&mut recorder);
    let counts = arms(&batch).next().unwrap();
    assert_eq!(counts.hosts.len(), MAX_HOSTS);
    let first = counts.hosts.first().unwrap();
    assert_eq!((first.address.as_str(), first.requests, first.errors), ("10.0.0.0:80", 3, 1));
}

fn bucket(number: u64) -> Option<Bucket> {
    Some(Bucket::from_hash(number))
}

#[test]
fn the_users_of_the_first_requests_are_told_and_those_of_all_failures() {
    let mut recorder = Recorder::default();
    let id = series(&mut recorder, 0, "canary");
    for user in 0..20 {
        recorder.start(id, 1, bucket(user));
        let outcome = if user == 3 || user == 17 { Outcome::Timeout } else { Outcome::ClientError };
        recorder.finish(id, 1, outcome, None, None, bucket(user));
    }
    let batch = drain(&mut recorder);
    let counts = arms(&batch).next().unwrap();
    assert_eq!((counts.users_seen, counts.users_failed), (0xFF, 1 << 3 | 1 << 17));
}

#[test]
fn a_failure_of_nobody_known_may_be_anyones_and_a_success_is_nobodys() {
    let mut recorder = Recorder::default();
    let id = series(&mut recorder, 0, "canary");
    for (outcome, failed) in [(Outcome::Ok, 0), (Outcome::ServerError, u64::MAX)] {
        recorder.start(id, 1, None);
        recorder.finish(id, 1, outcome, None, None, None);
        let batch = drain(&mut recorder);
        let counts = arms(&batch).next().unwrap();
        assert_eq!((counts.users_seen, counts.users_failed), (0, failed), "{outcome:?}");
    }
}

#[test]
fn a_second_that_was_reported_complete_gains_no_request() {
    let mut recorder = Recorder::default();
    let id = series(&mut recorder, 0, "canary");
    assert_eq!(recorder.start(id, 100, None), 100);
    assert_eq!(recorder.drain(105, &Levels::new()).complete_until_second, 105);
    assert_eq!(recorder.start(id, 101, None), 105);
    assert_eq!(recorder.drain(90, &Levels::new()).complete_until_second, 105);
}

#[test]
fn open_requests_are_told_even_if_nothing_else_changed() {
    let mut recorder = Recorder::default();
    let id = series(&mut recorder, 0, "canary");
    recorder.start(id, 7, None);
    let levels = Levels::from([((7, id), 1)]);
    for started in [1, 0] {
        let batch = recorder.drain(8, &levels);
        let counts = arms(&batch).next().unwrap();
        assert_eq!((counts.started, counts.open), (started, 1));
    }
}

#[test]
fn the_oldest_second_is_dropped_whole_when_records_are_full() {
    let mut recorder = Recorder::default();
    let per_second = MAX_RECORDS / 4;
    for second in 0..4 {
        for component in 0..per_second {
            let id = series(&mut recorder, component, "baseline");
            recorder.start(id, second, None);
        }
    }
    let id = series(&mut recorder, 0, "baseline");
    recorder.start(id, 4, None);
    let batch = drain(&mut recorder);
    let gaps = batch.gaps.unwrap();
    assert_eq!((gaps.dropped_strata, gaps.dropped_requests), (per_second as u64, per_second as u64));
    assert_eq!(batch.strata.iter().map(|one| one.start_second).min(), Some(1));
    assert_eq!(batch.strata.len(), 3 * per_second + 1);
}

#[test]
fn latency_cells_are_bounded() {
    let mut recorder = Recorder::default();
    for second in 0..300 {
        let id = series(&mut recorder, 0, "baseline");
        for step in 0..3_000_u64 {
            recorder.finish(id, second, Outcome::Ok, Some(step * step * 200), None, None);
            assert!(recorder.cells <= MAX_CELLS);
        }
    }
    let held: usize = recorder.records.iter().map(|(_, record)| record.cells()).sum();
    assert_eq!(recorder.cells, held);
    assert!(drain(&mut recorder).gaps.unwrap().dropped_strata > 0);
}

#[test]
fn names_beyond_the_bound_are_counted_as_overflow() {
    let mut recorder = Recorder::default();
    for number in 0..17_000 {
        let id = series(&mut recorder, number, "baseline");
        if number >= 16_999 {
            recorder.start(id, 1, None);
        }
    }
    let batch = drain(&mut recorder);
    assert_eq!(batch.strata.first().unwrap().component, "overflow");
    assert_eq!(batch.gaps.unwrap().overflow_requests, 1);

    recorder.forget_unused(|_| false);
    let id = series(&mut recorder, 16_999, "baseline");
    recorder.start(id, 2, None);
    assert_eq!(drain(&mut recorder).strata.first().unwrap().component, "c16999");
}

#[test]
fn names_in_use_outlive_a_new_assignment() {
    let mut recorder = Recorder::default();
    let open = series(&mut recorder, 1, "canary");
    let gathered = series(&mut recorder, 2, "canary");
    let unused = series(&mut recorder, 3, "canary");
    recorder.start(gathered, 5, None);
    recorder.forget_unused(|id| id == open);
    assert_eq!(series(&mut recorder, 4, "canary"), unused, "the free number is used again");
    recorder.finish(open, 4, Outcome::Ok, Some(1), None, None);
    let names: Vec<_> = drain(&mut recorder).strata.into_iter().map(|one| one.component).collect();
    assert_eq!(names, ["c1", "c2"]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_request_is_in_exactly_one_batch(
        events in vec((0..4_usize, 0..3_u64, 0..8_usize, any::<u64>(), any::<bool>()), 1..300),
    ) {
        let mut recorder = Recorder::default();
        let mut expected: BTreeMap<(String, u64), (u64, u64)> = BTreeMap::new();
        let mut seen: BTreeMap<(String, u64), (u64, u64)> = BTreeMap::new();
        let mut latencies = (0, 0);
        let mut collect = |batch: wire::Batch| {
            for stratum in batch.strata {
                for arm in stratum.arms {
                    let entry = seen.entry((stratum.component.clone(), stratum.start_second)).or_default();
                    entry.0 += arm.started;
                    entry.1 += finished(&arm);
                    if !arm.latency_hdr.is_empty() {
                        let histogram: hdrhistogram::Histogram<u64> =
                            hdrhistogram::serialization::Deserializer::new()
                                .deserialize(&mut &arm.latency_hdr[..])
                                .unwrap();
                        latencies.1 += histogram.len();
                    }
                }
            }
        };
        for (component, second, outcome, latency, drains) in events {
            let id = series(&mut recorder, component, "canary");
            recorder.start(id, second, None);
            let outcome = Outcome::ALL[outcome];
            recorder.finish(id, second, outcome, Some(latency), None, None);
            latencies.0 += u64::from(outcome.has_latency());
            let entry = expected.entry((format!("c{component}"), second)).or_default();
            *entry = (entry.0 + 1, entry.1 + 1);
            if drains {
                collect(drain(&mut recorder));
            }
        }
        collect(drain(&mut recorder));
        prop_assert_eq!(seen, expected);
        prop_assert_eq!(latencies.0, latencies.1);
    }
}
