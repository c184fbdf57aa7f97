//! Any history of requests, reports, losses and configurations.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Counts of a fleet's control plane: batches are merged once for each seq.
#[derive(Default)]
struct Ingest {
    merged: BTreeMap<u64, Vec<u8>>,
}

impl Ingest {
    fn merge(&mut self, body: &[u8]) -> u64 {
        let request = wire::ReportRequest::decode(body).unwrap();
        let known = self.merged.entry(request.seq).or_insert_with(|| body.to_vec());
        assert_eq!(known, body, "seq {} changed", request.seq);
        request.seq
    }

    fn totals(&self) -> (u64, u64, u64) {
        let (mut started, mut ok, mut unseen) = (0, 0, 0);
        for body in self.merged.values() {
            let batch = wire::ReportRequest::decode(&body[..]).unwrap().batch.unwrap_or_default();
            unseen += batch.gaps.map_or(0, |gaps| gaps.unseen_requests);
            for arm in batch.strata.iter().flat_map(|stratum| &stratum.arms) {
                started += arm.started;
                ok += arm.outcomes.map_or(0, |outcomes| outcomes.ok);
            }
        }
        (started, ok, unseen)
    }
}

#[derive(Clone, Debug)]
enum Event {
    Start(u32),
    Finish(u32),
    Configure(u64),
    Break,
    /// Time passes; a report may leave and is answered so.
    Tick(u64, Reply),
}

#[derive(Clone, Copy, Debug)]
enum Reply {
    Merged,
    MergedButLost,
    Unreachable,
    NotMade,
    Silent,
}

fn event() -> impl Strategy<Value = Event> {
    let reply = prop_oneof![
        3 => Just(Reply::Merged),
        1 => Just(Reply::MergedButLost),
        1 => Just(Reply::Unreachable),
        1 => Just(Reply::NotMade),
        1 => Just(Reply::Silent),
    ];
    prop_oneof![
        6 => (0..8_u32).prop_map(Event::Start),
        6 => (0..8_u32).prop_map(Event::Finish),
        1 => (1..5_u64).prop_map(Event::Configure),
        1 => Just(Event::Break),
        4 => (0..3_000_u64, reply).prop_map(|(ms, reply)| Event::Tick(ms, reply)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn totals_are_exact_whatever_is_lost_repeated_or_pushed(events in vec(event(), 1..250)) {
        let mut filter = configured();
        let mut ingest = Ingest::default();
        let mut now = SECOND;
        let mut token = 0;
        let mut open = std::collections::BTreeSet::new();
        let (mut started, mut ok, mut unseen) = (0, 0, 0);
        let end = (0..200).map(|_| Event::Tick(3_000, Reply::Merged));
        for event in events.into_iter().chain(end) {
            match event {
                // A context id is used again only after its request ended.
                Event::Start(context) if open.insert(context) => {
                    start(&mut filter, context, now, &Fake::get("/a").with("x-user", context.to_string()));
                    started += 1;
                }
                Event::Start(_) => {}
                Event::Finish(context) => {
                    filter.finished(context, now, &answered(200));
                    if open.remove(&context) { ok += 1 } else { unseen += 1 }
                }
                Event::Configure(number) => {
                    let text = assignment(number, &format!("c{number}"), 16).to_string();
                    prop_assert!(filter.configure(text.as_bytes(), now).is_ok());
                }
                Event::Break => prop_assert!(filter.configure(b"no", now).is_err()),
                Event::Tick(ms, reply) => {
                    now += ms * 1_000_000;
                    let Some(dispatch) = filter.tick(now) else { continue };
                    token += 1;
                    match reply {
                        Reply::Merged => {
                            let seq = ingest.merge(&dispatch.body);
                            acknowledge(&mut filter, token, seq, now);
                        }
                        Reply::MergedButLost => {
                            ingest.merge(&dispatch.body);
                            filter.called(Some(token), now);
                            filter.closed(token, 14, now);
                        }
                        Reply::Unreachable => {
                            filter.called(Some(token), now);
                            filter.closed(token, 4, now);
                        }
                        Reply::NotMade => filter.called(None, now),
                        Reply::Silent => filter.called(Some(token), now),
                    }
                }
            }
        }
        prop_assert_eq!(ingest.totals(), (started, ok, unseen));
    }
}
