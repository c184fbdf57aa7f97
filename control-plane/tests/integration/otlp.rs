//! Log records over OTLP: what they locate, and what becomes of requests that cannot be taken.

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use serin_control_plane::{Config, start};
use serin_proto::admin::v1::record_request::Target;
use serin_proto::admin::v1::{CreateRequest, RecordRequest};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;
use tonic::codec::CompressionEncoding;
use tonic::transport::Channel;

use crate::http::text;
use crate::support::*;

type Logs = LogsServiceClient<Channel>;

pub(crate) const PROTOBUF: &str = "content-type: application/x-protobuf\r\n";
pub(crate) const JSON: &str = "content-type: application/json\r\n";

/// A server that takes log records, with `more` about the listener.
pub(crate) async fn server(more: &str) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let yaml = format!("{}  otlp: {{address: \"127.0.0.1:0\"{more}}}\n", yaml(folder.path()));
    let config = Config::parse(&yaml, false).unwrap();
    Server { running: start(&config).await.unwrap(), folder }
}

pub(crate) fn address(server: &Server) -> SocketAddr {
    server.addresses().otlp.unwrap()
}

async fn logs(server: &Server) -> Logs {
    Logs::connect(format!("http://{}", address(server))).await.unwrap()
}

/// A rollout of which one component has blocks.
async fn create_with_blocks(admin: &mut Admin, service: &str) -> serin_proto::admin::v1::Rollout {
    let plan_yaml = format!(
        "service: {service}\nhosts: [{service}.example.com]\nbaseline: v1\ncanary: v2\n\
         steps: [{{weight: 20%, bake: 10m}}]\nwarm_up: 1s\ncomponents:\n\
         - name: cart\n  matches: [{{path: {{prefix: /cart}}}}]\n  granularity: fine\n  \
         blocks: [{{name: tax, current: t2, previous: [t1]}}, {{name: price, current: p2, previous: [p1]}}]\n\
         - {{name: home, matches: [{{path: {{exact: /}}}}]}}\n"
    );
    let request = CreateRequest { plan_yaml, paused: false };
    admin.create(request).await.unwrap().into_inner().rollout.unwrap()
}

pub(crate) fn pairs(pairs: &[(&str, &str)]) -> Vec<KeyValue> {
    let of = |(key, value): &(&str, &str)| KeyValue {
        key: (*key).to_owned(),
        value: Some(AnyValue { value: Some(Value::StringValue((*value).to_owned())) }),
        ..KeyValue::default()
    };
    pairs.iter().map(of).collect()
}

/// `count` error records of a version of the service, now.
fn errors(version: &str, attributes: &[(&str, &str)], count: usize) -> ExportLogsServiceRequest {
    errors_at(now_second(), version, attributes, count)
}

/// The same of another second.
fn errors_at(
    second: u64,
    version: &str,
    attributes: &[(&str, &str)],
    count: usize,
) -> ExportLogsServiceRequest {
    let record = LogRecord {
        time_unix_nano: second * 1_000_000_000,
        severity_number: 17,
        attributes: pairs(attributes),
        ..LogRecord::default()
    };
    let scope = ScopeLogs { log_records: vec![record; count], ..ScopeLogs::default() };
    let attributes = pairs(&[("service.name", "shop"), ("service.version", version)]);
    let resource = Some(Resource { attributes, ..Resource::default() });
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs { resource, scope_logs: vec![scope], ..ResourceLogs::default() }],
    }
}

/// Head and body of the answer to a POST.
pub(crate) async fn post(address: SocketAddr, path: &str, headers: &str, body: &[u8]) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
    );
    let mut answer = Vec::new();
    let exchange = async {
        stream.write_all(head.as_bytes()).await.unwrap();
        // A server that refuses early does not read all of it.
        let _refused_early = stream.write_all(body).await;
        let _reset_after_the_answer = stream.read_to_end(&mut answer).await;
    };
    tokio::time::timeout(PATIENCE, exchange).await.unwrap();
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let body = answer.split_off(end + 4);
    (String::from_utf8(answer).unwrap().to_lowercase(), body)
}

pub(crate) fn status(head: &str) -> u16 {
    head.split(' ').nth(1).unwrap().parse().unwrap()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A counter of the intake.
pub(crate) async fn metric(server: &Server, name: &str, result: &str) -> u64 {
    let (_, metrics) = text(server.addresses().http, "/metrics").await;
    let sample = format!("serin_otlp_{name}_total{{result=\"{result}\"}} ");
    let value = metrics.lines().find_map(|line| line.strip_prefix(&sample));
    value.unwrap_or_else(|| panic!("{sample} in {metrics}")).parse().unwrap()
}

/// Reports each second a cart whose canary fails, without a word on blocks; log records by both protocols name one.
async fn fail_and_log(mut fleet: Fleet, mut logs: Logs, address: SocketAddr) {
    let mut seq = 0;
    loop {
        let second = now_second();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let cart = vec![arm("baseline", 160, 0), arm("canary", 40, 20)];
        let home = vec![arm("baseline", 160, 0), arm("canary", 40, 0)];
        let strata = vec![stratum("shop", "cart", second, cart), stratum("shop", "home", second, home)];
        seq += 1;
        if fleet.report(report("envoy-1", seq, strata)).await.is_err() {
            return;
        }
        let _ending = logs.export(errors_at(second, "v2", &[("serin.block", "tax")], 10)).await;
        let by_function = errors_at(second, "v2", &[("code.function.name", "shop::cart::tax")], 10);
        post(address, "/v1/logs", JSON, &serde_json::to_vec(&by_function).unwrap()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn log_records_locate_the_block_where_no_response_names_one() {
    let server = server("").await;
    let mut admin = server.admin().await;
    let created = create_with_blocks(&mut admin, "shop").await;
    let traffic = tokio::spawn(fail_and_log(server.fleet().await, logs(&server).await, address(&server)));
    let restored = |rollout: &serin_proto::admin::v1::Rollout| {
        let cart = rollout.components.iter().find(|component| component.name == "cart").unwrap();
        let tax = cart.blocks.iter().find(|block| block.name == "tax").unwrap();
        assert!(!cart.rolled_back, "the block is returned, not its component: {cart:?}");
        !tax.restored.is_empty()
    };
    let rollout = eventually(&mut admin, &created.id, restored).await;
    traffic.abort();
    let cart = &rollout.components[0];
    assert!(cart.blocks.iter().all(|block| (block.name == "tax") != block.restored.is_empty()), "{cart:?}");
    assert!(metric(&server, "log_records", "counted").await >= 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_has_what_log_records_said_as_it_was_merged() {
    let server = server("").await;
    let mut admin = server.admin().await;
    let created = create_with_blocks(&mut admin, "shop").await;
    let request = RecordRequest { target: Some(Target::RolloutId(created.id.clone())), duration: None };
    let mut recording = admin.record(request).await.unwrap().into_inner();
    assert!(recording.message().await.unwrap().unwrap().start.is_some());
    let request = errors("v1", &[("serin.block", "price")], 3);
    let second = request.resource_logs[0].scope_logs[0].log_records[0].time_unix_nano / 1_000_000_000;
    let answer = logs(&server).await.export(request).await.unwrap().into_inner();
    assert_eq!(answer.partial_success, None);
    let told = tokio::time::timeout(PATIENCE, recording.message()).await.unwrap().unwrap().unwrap();
    assert!(told.merged_at.is_some() && told.strata.is_empty());
    let [one] = &told.logged[..] else { panic!("{told:?}") };
    assert_eq!((one.component.as_str(), one.block.as_str(), one.arm.as_str()), ("cart", "price", "baseline"));
    assert_eq!((one.second, one.errors), (second, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_is_answered_as_the_specification_says() {
    let server = server("").await;
    let mut admin = server.admin().await;
    create_with_blocks(&mut admin, "shop").await;
    let packed = logs(&server).await.send_compressed(CompressionEncoding::Gzip);
    let fine = errors("v2", &[("serin.block", "tax")], 2);
    let mixed = {
        let mut request = fine.clone();
        for more in [
            errors("v2", &[("serin.block", "unknown")], 3),
            errors("v3", &[("serin.block", "tax")], 4),
            errors("v2", &[("code.function.name", "main")], 5),
        ] {
            request.resource_logs.extend(more.resource_logs);
        }
        let old = errors_at(1, "v2", &[("serin.block", "tax")], 6);
        request.resource_logs.extend(old.resource_logs);
        request.resource_logs[0].scope_logs[0].log_records.push(LogRecord::default());
        request
    };
    let partial = |answer: ExportLogsServiceResponse| {
        let ExportLogsPartialSuccess { rejected_log_records, error_message } =
            answer.partial_success.unwrap();
        assert_eq!(rejected_log_records, 9, "{error_message}");
        assert!(error_message.contains("3 records name in serin.block what is no block"), "{error_message}");
    };
    assert_eq!(packed.clone().export(fine.clone()).await.unwrap().into_inner().partial_success, None);
    partial(packed.clone().export(mixed.clone()).await.unwrap().into_inner());
    for (head, body) in [
        (PROTOBUF.to_owned(), mixed.encode_to_vec()),
        (format!("{PROTOBUF}content-encoding: gzip\r\n"), gzip(&mixed.encode_to_vec())),
    ] {
        let (head, answer) = post(address(&server), "/v1/logs", &head, &body).await;
        assert!(status(&head) == 200 && head.contains("content-type: application/x-protobuf"), "{head}");
        partial(ExportLogsServiceResponse::decode(&answer[..]).unwrap());
    }
    let json = serde_json::to_vec(&mixed).unwrap();
    let head = "content-type: application/json; charset=utf-8\r\ncontent-encoding: gzip\r\n";
    let (head, answer) = post(address(&server), "/v1/logs", head, &gzip(&json)).await;
    assert!(status(&head) == 200 && head.contains("content-type: application/json"), "{head}");
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer["partialSuccess"]["rejectedLogRecords"], "9");
    for (result, records) in [
        ("counted", 10),
        ("unknown_block", 12),
        ("unknown_version", 16),
        ("no_block", 20),
        ("out_of_time", 24),
        ("not_error", 4),
    ] {
        assert_eq!(metric(&server, "log_records", result).await, records, "{result}");
    }
    assert_eq!(metric(&server, "requests", "taken").await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_is_refused_by_name_and_counted() {
    let server = server("").await;
    let bomb = gzip(&vec![0; 64 * 1024 * 1024]);
    let packed_twice = format!("{PROTOBUF}content-encoding: zstd\r\n");
    let gzipped = format!("{PROTOBUF}content-encoding: gzip\r\n");
    let large = vec![0; 4 * 1024 * 1024 + 1];
    for (path, headers, body, code, words) in [
        ("/v1/logs", PROTOBUF, &b"not protobuf"[..], 400, "ExportLogsServiceRequest"),
        ("/v1/logs", JSON, b"{\"resourceLogs\":3}", 400, "a list"),
        ("/v1/logs", &gzipped, b"not gzip", 400, "gzip"),
        ("/v1/logs", PROTOBUF, &large, 413, "smaller batches"),
        ("/v1/logs", &gzipped, &bomb, 413, "smaller batches"),
        ("/v1/logs", "content-type: text/plain\r\n", b"{}", 415, "content-type"),
        ("/v1/logs", "", b"", 415, "content-type"),
        ("/v1/logs", &packed_twice, b"", 415, "content-encoding"),
        ("/v1/profiles", PROTOBUF, b"", 404, ""),
    ] {
        let (head, answer) = post(address(&server), path, headers, body).await;
        assert_eq!(status(&head), code, "{head}");
        assert!(String::from_utf8_lossy(&answer).contains(words), "{head} {answer:?}");
    }
    let mut client = logs(&server).await;
    let huge = errors("v2", &[("serin.block", &"x".repeat(5 * 1024 * 1024))], 1);
    assert_eq!(client.export(huge.clone()).await.unwrap_err().code(), Code::OutOfRange);
    let packed = logs(&server).await.send_compressed(CompressionEncoding::Gzip);
    let bomb = packed.clone().export(huge).await.unwrap_err();
    assert_eq!((bomb.code(), bomb.details()), (Code::ResourceExhausted, &[][..]), "not to be sent again");
    for (result, requests) in [("malformed", 3), ("too_large", 4), ("unsupported", 3), ("taken", 0)] {
        assert_eq!(metric(&server, "requests", result).await, requests, "{result}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_with_tokens_takes_records_from_their_holders_alone() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "correct-horse-battery").unwrap();
    let server = server(&format!(", tokens: {{collector: {}}}", token.display())).await;
    let (head, _) = post(address(&server), "/v1/logs", JSON, b"{}").await;
    assert!(status(&head) == 401 && head.contains("www-authenticate: bearer"), "{head}");
    let status_of = logs(&server).await.export(ExportLogsServiceRequest::default()).await.unwrap_err();
    assert_eq!(status_of.code(), Code::Unauthenticated);
    let headers = format!("{JSON}authorization: Bearer correct-horse-battery\r\n");
    let (head, answer) = post(address(&server), "/v1/logs", &headers, b"{}").await;
    assert_eq!((status(&head), &answer[..]), (200, &b"{}"[..]), "{head}");
    let mut request = tonic::Request::new(ExportLogsServiceRequest::default());
    request.metadata_mut().insert("authorization", "Bearer correct-horse-battery".parse().unwrap());
    logs(&server).await.export(request).await.unwrap();
    assert_eq!(metric(&server, "requests", "denied").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_listener_no_records_are_taken_and_two_servers_do_not_collide() {
    let (first, second) = (server("").await, server("").await);
    assert_ne!(address(&first), address(&second));
    assert_eq!(Server::new().await.addresses().otlp, None);
}
