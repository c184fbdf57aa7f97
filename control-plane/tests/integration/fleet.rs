//! Reports: what is counted, what is not, and what is refused.

use serin_proto::admin::v1::ListNodesRequest;
use serin_proto::fleet::v1::{ArmCounts, BehaviourCounts, Device, Gaps, HostCounts, ReportRequest};
use tonic::Code;

use crate::http::text;
use crate::support::*;

/// The value of a sample of `/metrics`, whose name and labels begin and end with these.
async fn sample(server: &Server, begin: &str, labels: &[&str]) -> Option<u64> {
    let metrics = text(server.addresses().http, "/metrics").await.1;
    let line = metrics
        .lines()
        .find(|line| line.starts_with(begin) && labels.iter().all(|label| line.contains(label)));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok())
}

#[tokio::test]
async fn repeated_and_reordered_reports_are_counted_once_also_over_a_restart() {
    let mut server = Server::new().await;
    let strata = |count| vec![stratum("shop", "route-1", now_second(), vec![arm("canary", count, 2)])];
    let requests =
        [report("envoy-1", 1, strata(10)), report("envoy-1", 2, strata(20)), report("envoy-2", 1, strata(5))];
    for round in 0..3 {
        let mut fleet = server.fleet().await;
        for request in &requests {
            let answer = fleet.report(request.clone()).await.unwrap().into_inner();
            assert_eq!(answer.seq, request.seq);
        }
        let started =
            sample(&server, "serin_requests_started_total", &["component=\"route-1\"", "arm=\"canary\""])
                .await;
        assert_eq!(started, Some(35), "round {round}");
        let failed = sample(&server, "serin_requests_finished_total", &["outcome=\"server_error\""]).await;
        assert_eq!(failed, Some(6), "round {round}");
        server = server.restarted().await;
    }
}

#[tokio::test]
async fn a_report_that_can_never_be_merged_is_refused_with_its_field() {
    let server = Server::new().await;
    let mut fleet = server.fleet().await;
    let with = |change: fn(&mut ReportRequest)| {
        let arms = vec![arm("baseline", 3, 0), arm("canary", 3, 0)];
        let mut request = report("envoy-1", 1, vec![stratum("shop", "route-1", now_second(), arms)]);
        change(&mut request);
        request
    };
    fn first_arm(request: &mut ReportRequest) -> &mut ArmCounts {
        &mut request.batch.as_mut().unwrap().strata[0].arms[0]
    }
    let cases: [(ReportRequest, &str); 12] = [
        (with(|request| request.node.clear()), "node: "),
        (with(|request| request.node = "n".repeat(257)), "node: "),
        (with(|request| request.epoch = 0), "epoch: "),
        (with(|request| request.seq = 0), "seq: "),
        (with(|request| request.filter_version = "v".repeat(65)), "filter_version: "),
        (
            with(|request| request.batch.as_mut().unwrap().complete_until_second = u64::MAX),
            "batch.complete_until_second: ",
        ),
        (
            with(|request| request.batch.as_mut().unwrap().strata[0].start_second += 100_000),
            "batch.strata[0].start_second: ",
        ),
        (
            with(|request| first_arm(request).latency_hdr = vec![1, 2, 3]),
            "batch.strata[0].arms[0].latency_hdr: ",
        ),
        (
            with(|request| first_arm(request).arm = "canary".to_owned()),
            "batch.strata[0].arms[1].arm: is given twice",
        ),
        (with(|request| first_arm(request).started = u64::MAX), "batch.strata[0].arms[0].started: "),
        (
            with(|request| first_arm(request).hosts = vec![HostCounts::default()]),
            "batch.strata[0].arms[0].hosts[0].address: ",
        ),
        (
            with(|request| {
                request.batch.as_mut().unwrap().gaps =
                    Some(Gaps { dropped_requests: u64::MAX, ..Gaps::default() });
            }),
            "batch.gaps.dropped_requests: ",
        ),
    ];
    for (request, field) in cases {
        let status = fleet.report(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{}", status.message());
        assert!(status.message().starts_with(field), "{} does not begin with {field}", status.message());
    }
    assert_eq!(sample(&server, "serin_reports_total", &["result=\"refused\""]).await, Some(12));
    assert_eq!(sample(&server, "serin_requests_started_total", &[]).await, None);
}

#[tokio::test]
async fn page_views_of_a_report_that_comes_again_count_once() {
    let server = Server::new().await;
    let mut fleet = server.fleet().await;
    let mut request = report("envoy-1", 1, Vec::new());
    let batch = request.batch.as_mut().unwrap();
    batch.behaviour = vec![BehaviourCounts {
        service: "shop".to_owned(),
        component: "checkout".to_owned(),
        arm: "canary".to_owned(),
        second: batch.complete_until_second,
        device: Device::Phone.into(),
        views: 3,
        converted: 2,
        clicks: 9,
        country: "NL".to_owned(),
        ..BehaviourCounts::default()
    }];
    batch.gaps = Some(Gaps { bot_beacons: 4, ..Gaps::default() });
    for _ in 0..2 {
        fleet.report(request.clone()).await.unwrap();
    }
    let canary = ["component=\"checkout\"", "arm=\"canary\""];
    assert_eq!(sample(&server, "serin_page_views_total", &canary).await, Some(3));
    assert_eq!(sample(&server, "serin_page_clicks_total", &canary).await, Some(9));
    let converted = [&canary[..], &["trait=\"converted\""]].concat();
    assert_eq!(sample(&server, "serin_page_views_with_total", &converted).await, Some(2));
    let dutch = ["service=\"shop\"", "arm=\"canary\"", "device=\"phone\"", "country=\"NL\""];
    assert_eq!(sample(&server, "serin_page_views_by_cohort_total", &dutch).await, Some(3));
    let converted = [&dutch[..], &["trait=\"converted\""]].concat();
    assert_eq!(sample(&server, "serin_page_views_by_cohort_with_total", &converted).await, Some(2));
    assert_eq!(sample(&server, "serin_beacons_lost_total", &["reason=\"bot\""]).await, Some(4));
}

#[tokio::test]
async fn nodes_show_their_vms_generations_losses_and_restarts() {
    let server = Server::new().await;
    let (mut fleet, mut admin) = (server.fleet().await, server.admin().await);
    let mut request = report("envoy-1", 1, Vec::new());
    request.batch.as_mut().unwrap().gaps =
        Some(Gaps { dropped_requests: 3, unseen_requests: 4, ..Gaps::default() });
    fleet.report(request).await.unwrap();
    let second_vm = ReportRequest { epoch: 8, generation: 5, ..report("envoy-1", 1, Vec::new()) };
    fleet.report(second_vm).await.unwrap();
    let nodes = admin.list_nodes(ListNodesRequest {}).await.unwrap().into_inner().nodes;
    assert_eq!(nodes.len(), 1);
    let node = &nodes[0];
    assert_eq!((node.node.as_str(), node.cluster.as_str(), node.vms), ("envoy-1", "shop", 2));
    assert_eq!((node.generation_min, node.generation_max), (1, 5));
    assert_eq!((node.requests_lost, node.reports, node.connected), (7, 2, false));
    assert!(node.last_report_at.is_some());
}
