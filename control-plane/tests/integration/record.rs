//! Recordings: whole, bounded, and ended with a reason.

use std::time::Duration;

use serin_proto::admin::v1::record_request::Target;
use serin_proto::admin::v1::*;
use serin_proto::fleet::v1::HostCounts;
use tonic::transport::Endpoint;
use tonic::{Code, Streaming};

use crate::support::*;

type Recording = Streaming<RecordResponse>;

fn of_rollout(id: &str) -> RecordRequest {
    RecordRequest { target: Some(Target::RolloutId(id.to_owned())), duration: None }
}

fn of_service(service: &str) -> RecordRequest {
    RecordRequest { target: Some(Target::Service(service.to_owned())), duration: None }
}

async fn record(admin: &mut Admin, request: RecordRequest) -> Recording {
    admin.record(request).await.unwrap().into_inner()
}

/// All that comes, and how it ended.
async fn rest(mut recording: Recording) -> (Vec<RecordResponse>, Option<tonic::Status>) {
    let mut all = Vec::new();
    let reading = async {
        loop {
            match recording.message().await {
                Ok(Some(response)) => all.push(response),
                Ok(None) => break None,
                Err(status) => break Some(status),
            }
        }
    };
    let end = tokio::time::timeout(PATIENCE, reading).await.unwrap();
    (all, end)
}

/// One piece, with plan, state and evidence of the rollout as it was created.
fn is_how_it_began(told: &RecordResponse, created: &Rollout) {
    let start = told.start.clone().unwrap();
    assert!(start.last && told.strata.is_empty());
    assert_eq!((told.rollout_id.as_str(), start.plan_yaml), (created.id.as_str(), plan("shop")));
    let state: serin_rollout::State = serde_json::from_str(&start.state_json).unwrap();
    assert_eq!((state.id.0.as_str(), state.revision), (created.id.as_str(), created.revision));
    serin_rollout::Stored::read(&start.evidence).unwrap();
}

async fn roll_back(admin: &mut Admin, id: &str) {
    let reason = "enough was seen".to_owned();
    let rollback = RollbackRequest { id: id.to_owned(), reason, ..RollbackRequest::default() };
    admin.rollback(rollback).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_has_every_report_as_it_was_merged_and_ends_with_its_rollout() {
    let server = Server::new().await;
    let (mut admin, mut fleet) = (server.admin().await, server.fleet().await);
    let waiting = record(&mut admin, of_service("shop")).await;
    let created = create(&mut admin, "shop").await;
    let active = record(&mut admin, of_rollout(&created.id)).await;
    let second = now_second() - 1;
    let host = HostCounts {
        address: "10.0.0.1:80".to_owned(),
        requests: 3,
        errors: 1,
        latency_hdr: latency(20_000, 2),
    };
    let canary = serin_proto::fleet::v1::ArmCounts { open: 4, hosts: vec![host], ..arm("canary", 40, 3) };
    let sent = stratum("shop", "route-1", second, vec![arm("baseline", 160, 0), canary]);
    let of_others = stratum("other", "route-1", second, vec![arm("baseline", 1, 0)]);
    fleet.report(report("envoy-1", 1, vec![sent.clone(), of_others])).await.unwrap();
    fleet.report(report("envoy-1", 1, vec![sent.clone()])).await.unwrap();
    fleet.report(report("envoy-2", 1, vec![])).await.unwrap();
    let pause = PauseRequest { id: created.id.clone(), reason: "look".to_owned() };
    admin.pause(pause.clone()).await.unwrap();
    admin.pause(pause).await.unwrap();
    roll_back(&mut admin, &created.id).await;

    for recording in [waiting, active] {
        let (told, end) = rest(recording).await;
        assert!(end.is_none(), "{end:?}");
        let [begun, first, idle, paused, ended] = &told[..] else {
            panic!("a repetition counts once: {told:?}")
        };
        is_how_it_began(begun, &created);
        let acts = [paused, ended].map(|told| told.act.clone().unwrap().order.unwrap());
        let whole = recorded_act::Order::RollbackComponent(String::new());
        assert_eq!(acts, [recorded_act::Order::Pause(true), whole]);
        assert_eq!((first.rollout_id.as_str(), first.weight_ppm), (created.id.as_str(), created.weight_ppm));
        assert_eq!((first.node.as_str(), first.epoch, first.host_sample), ("envoy-1", 7, 16));
        assert_eq!(first.complete_until_second, second + 1);
        assert!(first.merged_at.unwrap().seconds as u64 > second);
        let [recorded] = &first.strata[..] else { panic!("{first:?}") };
        assert_eq!(recorded.arms[1].open, 4);
        let plain = |mut stratum: serin_proto::fleet::v1::Stratum| {
            let histogram = |bytes: &[u8]| serin_analysis::LatencyHistogram::from_v2_bytes(bytes).unwrap();
            let mut latencies = Vec::new();
            for arm in &mut stratum.arms {
                latencies.push(histogram(&std::mem::take(&mut arm.latency_hdr)));
                arm.hosts
                    .iter_mut()
                    .for_each(|host| latencies.push(histogram(&std::mem::take(&mut host.latency_hdr))));
            }
            (stratum, latencies)
        };
        assert_eq!(plain(recorded.clone()), plain(sent.clone()));
        assert_eq!((idle.node.as_str(), idle.strata.len()), ("envoy-2", 0));
    }
    let ended = admin.record(of_rollout(&created.id)).await.unwrap_err();
    assert_eq!(ended.code(), Code::FailedPrecondition, "{}", ended.message());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_recorded_is_refused_by_name() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let lasting = |seconds| RecordRequest {
        duration: Some(prost_types::Duration { seconds, nanos: 0 }),
        ..of_service("shop")
    };
    for (request, code, names) in [
        (RecordRequest::default(), Code::InvalidArgument, "target"),
        (of_service(""), Code::InvalidArgument, "service"),
        (of_service(&"x".repeat(129)), Code::InvalidArgument, "service"),
        (of_rollout(""), Code::InvalidArgument, "rollout_id"),
        (of_rollout("shop-1"), Code::NotFound, "shop-1"),
        (lasting(0), Code::InvalidArgument, "duration"),
        (lasting(-1), Code::InvalidArgument, "duration"),
        (lasting(86_401), Code::InvalidArgument, "duration"),
    ] {
        let status = admin.record(request).await.unwrap_err();
        assert_eq!(status.code(), code, "{}", status.message());
        assert!(status.message().contains(names), "{}", status.message());
    }
    let (reports, end) = rest(record(&mut admin, lasting(1)).await).await;
    assert!(reports.is_empty() && end.is_none(), "the time was up: {end:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_recordings_run_at_a_time_and_a_reader_that_goes_away_makes_room() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let mut recordings = Vec::new();
    for _ in 0..8 {
        recordings.push(record(&mut admin, of_service("shop")).await);
    }
    let status = admin.record(of_service("shop")).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{}", status.message());
    recordings.pop();
    let again = async {
        while admin.record(of_service("shop")).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, again).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_blocks_nobody_and_gets_all_up_to_a_stated_end() {
    let server = Server::new().await;
    let (mut admin, fleet) = (server.admin().await, server.fleet().await);
    let created = create(&mut admin, "shop").await;
    // A window of 64 KiB, which a client that reads nothing does not widen.
    let narrow = Endpoint::from_shared(format!("http://{}", server.addresses().admin)).unwrap();
    let narrow = narrow.initial_stream_window_size(65_535).connect().await.unwrap();
    let slow = record(&mut Admin::new(narrow), of_rollout(&created.id)).await;
    let second = now_second() - 1;
    let mut nodes = tokio::task::JoinSet::new();
    for node in 0..32 {
        let mut fleet = fleet.clone();
        nodes.spawn(async move {
            let node = format!("{node}-{}", "x".repeat(200));
            for seq in 1..=60 {
                let strata = vec![stratum("shop", "route-1", second, vec![arm("canary", 1, 0)])];
                fleet.report(report(&node, seq, strata)).await.unwrap();
            }
        });
    }
    tokio::time::timeout(PATIENCE, nodes.join_all()).await.unwrap();
    assert_eq!(get(&mut admin, &created.id).await.id, created.id, "commands are answered");
    let (reports, end) = rest(slow).await;
    let end = end.unwrap();
    assert_eq!(end.code(), Code::ResourceExhausted, "{}", end.message());
    assert!(end.message().contains("behind"), "{}", end.message());
    assert!((1_025..1_920).contains(&reports.len()), "{} reports and the start", reports.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_server_ends_recordings_with_a_reason() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let recording = record(&mut admin, of_service("shop")).await;
    let Server { running, folder } = server;
    let stopping = tokio::spawn(running.stop());
    let (_, end) = rest(recording).await;
    assert_eq!(end.unwrap().code(), Code::Unavailable);
    tokio::time::timeout(PATIENCE, stopping).await.unwrap().unwrap();
    drop(folder);
}
