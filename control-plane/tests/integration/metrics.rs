//! Metrics over OTLP: what queries of a running rollout read of them, and what the sender is told.

use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use serin_proto::admin::v1::{CreateRequest, OutsideReading, Phase, Rollout};
use tonic::Code;
use tonic::codec::CompressionEncoding;
use tonic::transport::Channel;

use crate::otlp::{JSON, PROTOBUF, address, gzip, metric, pairs, post, server, status};
use crate::support::*;

type Metrics = MetricsServiceClient<Channel>;

const S: u64 = 1_000_000_000;

async fn metrics(server: &Server) -> Metrics {
    Metrics::connect(format!("http://{}", address(server))).await.unwrap()
}

fn point(attributes: &[(&str, &str)], start: u64, time: u64, value: i64) -> NumberDataPoint {
    NumberDataPoint {
        attributes: pairs(attributes),
        start_time_unix_nano: start * S,
        time_unix_nano: time * S,
        value: Some(Value::AsInt(value)),
        ..NumberDataPoint::default()
    }
}

fn counter(name: &str, data_points: Vec<NumberDataPoint>) -> Metric {
    let aggregation_temporality = AggregationTemporality::Cumulative.into();
    let data = Some(Data::Sum(Sum { data_points, aggregation_temporality, is_monotonic: true }));
    Metric { name: name.to_owned(), data, ..Metric::default() }
}

fn gauge(name: &str, point: NumberDataPoint) -> Metric {
    let data = Some(Data::Gauge(Gauge { data_points: vec![point] }));
    Metric { name: name.to_owned(), data, ..Metric::default() }
}

/// What a process of a version sends.
fn request(version: &str, metrics: Vec<Metric>) -> ExportMetricsServiceRequest {
    let attributes = pairs(&[("service.version", version), ("service.instance.id", "a")]);
    let resource = Some(Resource { attributes, ..Resource::default() });
    let scope_metrics = vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }];
    let of = ResourceMetrics { resource, scope_metrics, ..ResourceMetrics::default() };
    ExportMetricsServiceRequest { resource_metrics: vec![of] }
}

async fn create(admin: &mut Admin) -> Rollout {
    let asked = |metric: &str, read: &str| {
        format!(
            "{{otlp: {{metric: {metric}, where: {{service.version: $canary}}, read: {read}, over: 10s}}, every: 1s}}"
        )
    };
    let plan_yaml = format!(
        "{}queries:\n  failed: {}\n  depth: {}\ntriggers:\n  custom:\n  \
         - {{name: failed, query: failed, above: 2, for: 0s}}\n  \
         - {{name: depth, query: depth, above: 100, for: 0s, action: hold}}\n",
        plan("shop").replace("bake: 2s", "bake: 10m"),
        asked("failed", "increase"),
        asked("depth", "last"),
    );
    let request = CreateRequest { plan_yaml, paused: false };
    admin.create(request).await.unwrap().into_inner().rollout.unwrap()
}

fn is(rollout: &Rollout, kind: &str, name: &str, state: &str) -> bool {
    let found = |one: &&OutsideReading| one.kind == kind && one.name == name;
    rollout.outside.iter().find(found).is_some_and(|one| one.state == state)
}

/// Sends once it is asked for: the task that asks learns of a new rollout a moment later.
async fn taken(server: &Server, request: &ExportMetricsServiceRequest) {
    let before = metric(server, "points", "taken").await;
    let sending = async {
        while metric(server, "points", "taken").await == before {
            metrics(server).await.export(request.clone()).await.unwrap();
        }
    };
    tokio::time::timeout(PATIENCE, sending).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_metric_fires_a_trigger_and_until_it_is_known_the_rollout_holds() {
    let server = server("").await;
    let mut admin = server.admin().await;
    let id = create(&mut admin).await.id;
    let reporting = tokio::spawn(report_bad_route(server.fleet().await, "shop", "none", 0.0));
    let began = now_second();
    taken(&server, &request("v2", vec![gauge("depth", point(&[], 0, began, 5))])).await;
    let known =
        |one: &Rollout| is(one, "trigger", "depth", "quiet") && is(one, "trigger", "failed", "inconclusive");
    eventually(&mut admin, &id, known).await;
    // A process that began after it was asked for counts from zero, and for a while that is not the whole window.
    let start = now_second();
    let failed = |time, value| {
        request("v2", vec![counter("failed", vec![point(&[("kind", "card")], start, time, value)])])
    };
    let mut client = metrics(&server).await;
    client.export(failed(start, 0)).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    client.export(failed(now_second(), 2)).await.unwrap();
    let early = get(&mut admin, &id).await;
    assert!(is(&early, "trigger", "failed", "inconclusive"), "{early:#?}");
    for version in ["v1", "v2"] {
        let sending = async {
            loop {
                let now = now_second();
                let value = i64::try_from(now - start).unwrap();
                let (of, value) = if version == "v1" { ("v1", value * 100) } else { ("v2", 2) };
                let all = counter("failed", vec![point(&[("kind", "card")], start, now, value)]);
                client.export(request(of, vec![all])).await.unwrap();
                let rollout = get(&mut admin, &id).await;
                if is(&rollout, "trigger", "failed", "quiet") || version == "v1" {
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            }
        };
        tokio::time::timeout(PATIENCE, sending).await.unwrap();
    }
    client.export(failed(now_second() + 1, 9)).await.unwrap();
    let undone = eventually(&mut admin, &id, |one| phase(one) == Phase::RolledBack).await;
    assert!(undone.summary.contains("the trigger failed fired"), "{}", undone.summary);
    reporting.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn both_protocols_and_encodings_are_taken_and_points_that_cannot_be_are_told_of() {
    let server = server("").await;
    let mut admin = server.admin().await;
    create(&mut admin).await;
    let now = now_second();
    let depth = |time: u64| {
        request("v2", vec![gauge("depth", point(&[], 0, time, 5)), gauge("other", point(&[], 0, time, 5))])
    };
    taken(&server, &depth(now)).await;
    let mut packed = metrics(&server).await.send_compressed(CompressionEncoding::Gzip);
    let answer = packed.export(depth(now + 1)).await.unwrap().into_inner();
    assert_eq!(answer, ExportMetricsServiceResponse::default());

    let (at, of) = (address(&server), depth(now + 2));
    let (head, body) =
        post(at, "/v1/metrics", &format!("{PROTOBUF}content-encoding: gzip\r\n"), &gzip(&of.encode_to_vec()))
            .await;
    assert_eq!((status(&head), body.as_slice()), (200, &b""[..]), "{head}");
    let json = serde_json::to_vec(&depth(now - 1_000)).unwrap();
    let (head, body) = post(at, "/v1/metrics", JSON, &json).await;
    let told: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(status(&head), 200, "{head}");
    assert_eq!(told["partialSuccess"]["rejectedDataPoints"], "1");
    let words = told["partialSuccess"]["errorMessage"].as_str().unwrap();
    assert_eq!(words, "1 points are older than 600 s or more than 60 s ahead: set the clock");
    assert_eq!(metric(&server, "points", "taken").await, 3);
    assert!(metric(&server, "points", "unasked").await >= 4, "of the other metric");
    assert_eq!(metric(&server, "points", "out_of_time").await, 1);

    let many = (0..1_002).map(|index| point(&[("n", &index.to_string())], now, now + 3, 1)).collect();
    let answer = metrics(&server).await.export(request("v2", vec![counter("failed", many)])).await;
    let partial = answer.unwrap().into_inner().partial_success.unwrap();
    assert_eq!(partial.rejected_data_points, 3, "one series is that of the gauge");
    assert!(partial.error_message.contains("no more than 1000 are kept"), "{}", partial.error_message);
    let page = crate::http::text(server.addresses().http, "/metrics").await.1;
    assert!(page.lines().any(|line| line == "serin_otlp_series 1000"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_that_cannot_be_read_or_are_too_large_are_refused() {
    let server = server("").await;
    for (path, headers, body, expected) in [
        ("/v1/metrics", PROTOBUF, &b"\xff"[..], 400),
        ("/v1/metrics", JSON, b"[1]", 400),
        ("/v1/metrics", "content-type: text/plain\r\n", b"", 415),
        ("/v1/metrics", PROTOBUF, &vec![0; 5 << 20], 413),
    ] {
        let (head, _) = post(address(&server), path, headers, body).await;
        assert_eq!(status(&head), expected, "{head}");
    }
    let mut client = metrics(&server).await;
    let name = "x".repeat(5 << 20);
    let refused =
        client.export(request("v2", vec![counter(&name, vec![point(&[], 0, 1, 1)])])).await.unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange, "{refused}");
}
