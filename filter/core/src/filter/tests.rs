mod beacons;
mod blocks;
mod histories;
mod routes;
mod stopped;
mod train;

use std::cell::Cell;

use prost::Message;
use serde_json::{Value, json};
use serin_proto::assignment::Generation;
use serin_proto::fleet::v1 as wire;

use super::open::MAX_OPEN;
use super::{Dispatch, Filter, Identity, ResponseView, Totals};
use crate::outcome::Flags;
use crate::request::fake::Fake;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const SECOND: u64 = 1_000_000_000;
const UNIX_SECOND: u64 = 1_700_000_000;

#[derive(Debug, Default)]
struct Answered {
    status: Option<u16>,
    grpc: Option<u32>,
    flags: u64,
    blocks: Option<&'static str>,
    address_reads: Cell<u32>,
    metadata_reads: Cell<u32>,
}

fn answered(status: u16) -> Answered {
    Answered { status: Some(status), ..Answered::default() }
}

impl ResponseView for Answered {
    fn is_plain(&self) -> bool {
        self.flags == 0 && self.status.is_some_and(|status| status < 400)
    }
    fn status(&self) -> Option<u16> {
        self.status
    }
    fn grpc_status(&self) -> Option<u32> {
        self.grpc
    }
    fn flags(&self) -> Flags {
        Flags(self.flags)
    }
    fn upstream_address(&self) -> Option<&[u8]> {
        self.address_reads.set(self.address_reads.get() + 1);
        Some(b"10.0.0.1:80")
    }
    fn block_errors(&self) -> Option<&[u8]> {
        self.blocks.map(str::as_bytes)
    }
    fn route_name(&self) -> Option<&[u8]> {
        Some(b"route")
    }
    fn route_metadata(&self) -> Option<&[u8]> {
        self.metadata_reads.set(self.metadata_reads.get() + 1);
        Some(b"\x0a\x1f\x0a\x05serin\x12\x16\x0a\x14\x0a\x09component\x12\x07\x1a\x05carts")
    }
}

fn assignment(generation: u64, component: &str, host_sample: u32) -> Value {
    json!({
        "version": 1, "generation": generation,
        "report": {"cluster": "serin", "interval_ms": 1000, "host_sample": host_sample},
        "services": [{
            "name": "shop", "hosts": ["shop.example"], "salt": "000102030405060708090a0b0c0d0e0f",
            "split": [{"arm": "canary", "weight_ppm": 500_000}],
            "identity": {"user": [{"header": "x-user"}]},
            "components": [{"name": component, "matches": [{"path": {"prefix": "/a"}}]}],
        }],
    })
}

fn configured() -> Filter {
    let identity = Identity { node: "n".to_owned(), cluster: "c".to_owned(), epoch: 5, version: "1" };
    let mut filter = Filter::new(identity, 42);
    filter.set_clocks(SECOND, (UNIX_SECOND + 1) * SECOND);
    let generation = filter.configure(assignment(1, "a", 0).to_string().as_bytes(), SECOND).unwrap();
    assert_eq!(generation, Generation(1));
    filter
}

fn start(filter: &mut Filter, context: u32, now_ns: u64, request: &Fake) -> Option<String> {
    let route = filter.route(request);
    filter.started(context, now_ns, route.as_ref(), true);
    route.and_then(|route| route.arm).map(|arm| arm.to_string())
}

/// Ticks until a report leaves.
fn report(filter: &mut Filter, now_ns: &mut u64) -> (Dispatch, wire::ReportRequest) {
    for _ in 0..200 {
        *now_ns += SECOND / 10;
        if let Some(dispatch) = filter.tick(*now_ns) {
            let request = wire::ReportRequest::decode(&dispatch.body[..]).unwrap();
            return (dispatch, request);
        }
    }
    panic!("no report in 20 seconds");
}

fn acknowledge(filter: &mut Filter, token: u32, seq: u64, now_ns: u64) {
    filter.called(Some(token), now_ns);
    filter.acknowledged(token, &wire::ReportResponse { seq }.encode_to_vec(), now_ns);
}

#[test]
fn a_request_is_counted_in_the_second_in_which_it_started() {
    let mut filter = configured();
    let mut now = 10 * SECOND;
    start(&mut filter, 1, now + SECOND / 2, &Fake::get("/a"));
    filter.finished(1, now + 3 * SECOND, &answered(200));
    now += 4 * SECOND;
    let (_, request) = report(&mut filter, &mut now);
    let batch = request.batch.unwrap();
    let stratum = batch.strata.first().unwrap();
    assert_eq!((stratum.component.as_str(), stratum.start_second), ("a", UNIX_SECOND + 10));
    assert_eq!(batch.complete_until_second, UNIX_SECOND + 14);
}

#[test]
fn a_report_tells_the_buckets_of_users_that_were_seen_and_that_failed() {
    let mut filter = configured();
    // The buckets of an independent SipHash: those of `positions_and_buckets_are_those_of_an_independent_siphash`.
    for (context, (user, status)) in (0..).zip([("ann", 200), ("bob", 503), ("ann", 200), ("bob", 404)]) {
        start(&mut filter, context, SECOND, &Fake::get("/a").with("x-user", user));
        filter.finished(context, SECOND, &answered(status));
    }
    let (_, request) = report(&mut filter, &mut SECOND.clone());
    let arms = request.batch.unwrap().strata.remove(0).arms;
    let told: Vec<_> = arms.iter().map(|arm| (arm.users_seen, arm.users_failed)).collect();
    assert_eq!(told, [(1 << 42 | 1 << 44, 1 << 44)]);
}

#[test]
fn requests_of_no_known_service_are_neither_counted_nor_unseen() {
    let mut filter = configured();
    assert_eq!(start(&mut filter, 1, SECOND, &Fake::get("/a").with(":authority", "other")), None);
    filter.finished(1, SECOND, &answered(200));
    let (_, request) = report(&mut filter, &mut SECOND.clone());
    assert_eq!((request.seq, request.batch), (1, None));
}

#[test]
fn a_request_from_before_the_first_assignment_is_neither_counted_nor_unseen() {
    let mut filter = Filter::new(Identity::default(), 42);
    start(&mut filter, 1, SECOND, &Fake::get("/a"));
    filter.configure(assignment(1, "a", 0).to_string().as_bytes(), SECOND).unwrap();
    for expected in [0, 1] {
        filter.finished(1, 2 * SECOND, &answered(200));
        assert_eq!(filter.totals().unseen_requests, expected);
    }
}

#[test]
fn only_the_answer_of_a_grpc_call_has_a_grpc_status_and_an_upgrade_has_no_latency() {
    let mut filter = configured();
    let requests = [
        (
            Fake::get("/a").with("content-type", "application/grpc"),
            Answered { grpc: Some(8), ..answered(200) },
        ),
        (Fake::get("/a"), Answered { grpc: Some(8), ..answered(200) }),
        (Fake::get("/a").with("upgrade", "websocket"), answered(101)),
    ];
    for (context, (request, answer)) in (0..).zip(&requests) {
        start(&mut filter, context, SECOND, request);
        filter.finished(context, 2 * SECOND, answer);
    }
    let mut now = 2 * SECOND;
    let (_, request) = report(&mut filter, &mut now);
    let (mut ok, mut overload) = (0, 0);
    for arm in request.batch.unwrap().strata.into_iter().flat_map(|stratum| stratum.arms) {
        let outcomes = arm.outcomes.unwrap();
        (ok, overload) = (ok + outcomes.ok, overload + outcomes.overload);
    }
    assert_eq!((ok, overload), (2, 1));

    let mut filter = configured();
    start(&mut filter, 1, SECOND, &Fake::get("/a").with("upgrade", "websocket"));
    filter.finished(1, 9 * SECOND, &answered(101));
    let (_, request) = report(&mut filter, &mut now);
    let arm = request.batch.unwrap().strata.remove(0).arms.remove(0);
    assert_eq!((arm.outcomes.unwrap().ok, arm.latency_hdr.len()), (1, 0));
}

#[test]
fn an_end_without_a_start_is_unseen() {
    let mut filter = configured();
    start(&mut filter, 1, SECOND, &Fake::get("/a"));
    for context in [1, 1, 2] {
        filter.finished(context, SECOND, &answered(200));
    }
    let mut now = SECOND;
    let (_, request) = report(&mut filter, &mut now);
    assert_eq!(request.batch.unwrap().gaps.unwrap().unseen_requests, 2);
    assert_eq!(filter.totals().unseen_requests, 2);
}

#[test]
fn open_requests_are_reported_until_they_end_or_prove_to_be_streams() {
    let mut filter = configured();
    let mut now = SECOND;
    start(&mut filter, 1, now, &Fake::get("/a"));
    for seq in 1..4 {
        let (_, request) = report(&mut filter, &mut now);
        let open: u64 =
            request.batch.unwrap().strata.iter().flat_map(|one| &one.arms).map(|arm| arm.open).sum();
        assert_eq!(open, 1);
        acknowledge(&mut filter, 1, seq, now);
    }
    now += 300 * SECOND;
    assert_eq!(report(&mut filter, &mut now).1.batch, None);
}

#[test]
fn requests_beyond_the_bound_are_routed_and_not_counted() {
    let mut filter = configured();
    let bound = u32::try_from(MAX_OPEN).unwrap();
    for context in 0..bound {
        start(&mut filter, context, SECOND, &Fake::get("/a"));
    }
    let users = (0..64).map(|user| Fake::get("/a").with("x-user", user.to_string()));
    let canaries = users
        .zip(bound..)
        .filter(|(request, context)| start(&mut filter, *context, SECOND, request).is_some());
    assert!((16..48).contains(&canaries.count()));
    filter.finished(bound, SECOND, &answered(200));
    let mut now = SECOND;
    let (_, request) = report(&mut filter, &mut now);
    let batch = request.batch.unwrap();
    let started: u64 = batch.strata.iter().flat_map(|one| &one.arms).map(|arm| arm.started).sum();
    assert_eq!((started, batch.gaps.unwrap().unseen_requests), (u64::from(bound), 1));
    // An hour later they count as forgotten, and there is room again.
    now += 3_600 * SECOND;
    filter.tick(now);
    start(&mut filter, bound + 100, now, &Fake::get("/a"));
    filter.finished(bound + 100, now, &answered(200));
    assert_eq!(filter.totals().unseen_requests, 1);
}

#[test]
fn the_upstream_is_asked_for_of_sampled_requests_only() {
    for (sample, low, high) in [(0, 0, 0), (1, 1_600, 1_600), (16, 50, 160)] {
        let mut filter = configured();
        filter.configure(assignment(2, "a", sample).to_string().as_bytes(), SECOND).unwrap();
        let response = answered(200);
        for context in 0..1_600 {
            start(&mut filter, context, SECOND, &Fake::get("/a"));
            filter.finished(context, SECOND, &response);
        }
        let reads = response.address_reads.get();
        assert!((low..=high).contains(&reads), "{reads} of 1,600 with sample {sample}");
    }
}

#[test]
fn a_refused_assignment_leaves_the_last_good_one() {
    let mut filter = configured();
    let error = filter.configure(b"{\"version\": 2}", SECOND).unwrap_err();
    assert!(error.to_string().contains("generation"), "{error}");
    start(&mut filter, 1, SECOND, &Fake::get("/a"));
    let (_, request) = report(&mut filter, &mut SECOND.clone());
    assert_eq!((request.generation, request.batch.unwrap().strata.len()), (1, 1));
}

#[test]
fn a_failed_report_is_counted_and_a_repetition_is_not() {
    let mut filter = configured();
    let mut now = SECOND;
    start(&mut filter, 1, now, &Fake::get("/a"));
    let (first, _) = report(&mut filter, &mut now);
    filter.called(Some(1), now);
    filter.closed(1, 14, now);
    let (again, _) = report(&mut filter, &mut now);
    assert_eq!(first.body, again.body);
    acknowledge(&mut filter, 2, 1, now);
    filter.acknowledged(2, &[], now);
    assert_eq!(filter.totals(), Totals { reports_sent: 1, reports_failed: 1, ..Totals::default() });
}
