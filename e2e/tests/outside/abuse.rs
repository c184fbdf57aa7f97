//! Floods of log records and what nobody should send: memory stays within its bounds, what is shed is counted, decisions are made on time,
//! and an exception is heard all the same.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hyper::Request;
use hyper::body::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use serde_json::json;
use serin_e2e::http::{self, HttpClient};
use serin_e2e::workspace::Workspace;
use serin_proto::admin::v1::{Phase, Rollout};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::plane::Plane;

/// Records of a request, and how often a request leaves: 50,000 records a second.
const RECORDS: usize = 500;
const EVERY: Duration = Duration::from_millis(10);
/// Requests: a million records, each of a template of its own.
const REQUESTS: usize = 2_000;
/// Requests under way at most; those beyond are not sent and counted.
const UNDER_WAY: usize = 64;
/// What the flood may add to the memory of the control plane: templates, requests that are read and that wait, and what the allocator
/// keeps of them.
const MEMORY: u64 = 96 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(40);
/// A decision beside the flood may take so much longer than one of the twin's.
const LATER: Duration = Duration::from_secs(2);
const HOUR_NS: u64 = 3_600_000_000_000;
/// What stands in for a time and for a word until a request is sent.
const TIME: u64 = 0x1122_3344_5566_7788;
const WORD: &str = "qqqqqqqq";

fn now_ns() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap()
}

fn text(key: &str, value: &str) -> KeyValue {
    let value = AnyValue { value: Some(Any::StringValue(value.to_owned())) };
    KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
}

/// A request of `records` alike, of one version.
fn request(version: &str, records: usize, body: &str, exception: Option<&str>) -> ExportLogsServiceRequest {
    let attributes = exception.map(|exception| text("exception.type", exception));
    let record = LogRecord {
        time_unix_nano: TIME,
        severity_number: if exception.is_some() { 17 } else { 9 },
        body: Some(AnyValue { value: Some(Any::StringValue(body.to_owned())) }),
        attributes: attributes.into_iter().collect(),
        ..LogRecord::default()
    };
    let resource = Resource {
        attributes: vec![text("service.name", "shop"), text("service.version", version)],
        ..Resource::default()
    };
    let logs = ScopeLogs { log_records: vec![record; records], ..ScopeLogs::default() };
    let logs = ResourceLogs { resource: Some(resource), scope_logs: vec![logs], ..ResourceLogs::default() };
    ExportLogsServiceRequest { resource_logs: vec![logs] }
}

/// The bytes of a request in which times and words are put in anew each time: writing messages would take longer than reading them.
struct Form {
    bytes: Vec<u8>,
    times: Vec<usize>,
    words: Vec<usize>,
}

impl Form {
    fn new(request: &ExportLogsServiceRequest) -> Self {
        let bytes = request.encode_to_vec();
        let places = |of: &[u8]| {
            let found = bytes.windows(of.len()).enumerate().filter(|(_, window)| *window == of);
            found.map(|(at, _)| at).collect::<Vec<_>>()
        };
        let (times, words) = (places(&TIME.to_le_bytes()), places(WORD.as_bytes()));
        Self { bytes, times, words }
    }

    /// With this time, and words that no other request has.
    fn filled(&self, time_ns: u64, mut number: u64) -> Bytes {
        let mut bytes = self.bytes.clone();
        for at in &self.times {
            bytes[*at..*at + 8].copy_from_slice(&time_ns.to_le_bytes());
        }
        for at in &self.words {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            for (index, letter) in bytes[*at..*at + WORD.len()].iter_mut().enumerate() {
                *letter = b'a' + u8::try_from((number >> (8 * index)) % 26).unwrap();
            }
        }
        bytes.into()
    }
}

#[derive(Clone)]
struct Door {
    client: HttpClient,
    address: SocketAddr,
}

impl Door {
    fn of(plane: &Plane) -> Self {
        let address = plane.otlp("").trim_start_matches("http://").parse().unwrap();
        Self { client: http::client(), address }
    }

    /// Sends the bytes of a request, and gives the status of the answer.
    async fn send(&self, bytes: Bytes) -> u16 {
        let request = Request::post(format!("http://{}/v1/logs", self.address));
        let request = request.header("content-type", "application/x-protobuf").body(bytes.into()).unwrap();
        http::exchange(&self.client, request).await.unwrap().status()
    }
}

/// What became of requests: how often which status was answered. 0: not sent.
type Answered = BTreeMap<u16, u64>;

/// A million records of both versions in turns, each of a template of its own.
async fn flood(door: Door) -> Answered {
    let body = [WORD; 4].join(" ");
    let forms = ["v1", "v2"].map(|version| Form::new(&request(version, RECORDS, &body, None)));
    let (room, mut sent, mut answered) =
        (Arc::new(Semaphore::new(UNDER_WAY)), JoinSet::new(), Answered::new());
    let begin = tokio::time::Instant::now();
    for number in 0..REQUESTS {
        tokio::time::sleep_until(begin + EVERY * u32::try_from(number).unwrap()).await;
        while let Some(status) = sent.try_join_next() {
            *answered.entry(status.unwrap()).or_default() += 1;
        }
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
            *answered.entry(0).or_default() += 1;
            continue;
        };
        let bytes = forms[number % 2].filled(now_ns(), u64::try_from(number).unwrap() << 32);
        let door = door.clone();
        sent.spawn(async move {
            let status = door.send(bytes).await;
            drop(place);
            status
        });
    }
    for status in sent.join_all().await {
        *answered.entry(status).or_default() += 1;
    }
    answered
}

/// The canary complains of an exception that no version knew, 20 times a second, until the task is aborted.
async fn complain(door: Door) {
    let form = Form::new(&request("v2", 2, "cannot reserve stock", Some("StockError")));
    loop {
        door.send(form.filled(now_ns(), 0)).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The values of a counter of requests or lines, by result.
fn by_result(metrics: &str, name: &str) -> BTreeMap<String, u64> {
    let lines = metrics.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix("{result=\""));
    lines
        .filter_map(|line| line.split_once("\"} "))
        .map(|(result, value)| (result.to_owned(), value.parse().unwrap()))
        .collect()
}

/// Time from the first report of a bad canary to its rollback.
async fn decision(plane: &Plane, service: &str) -> Duration {
    let id = plane.create(service, &json!({})).await;
    let begin = Instant::now();
    let (reporting, _) = plane.report_obediently(service, true).await;
    plane
        .until_rollout(&id, PATIENCE, |one| one.components.iter().any(|component| component.rolled_back))
        .await;
    reporting.abort();
    begin.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_log_lines_takes_bounded_memory_delays_no_decision_and_drowns_no_exception() {
    let workspace = Workspace::locate().unwrap();
    let scratch = workspace.scratch("abuse").unwrap();
    let (plane, twin) = (
        Plane::start(&workspace, &scratch.join("plane"), &json!({})).await,
        Plane::start(&workspace, &scratch.join("twin"), &json!({})).await,
    );
    let id = plane.create("shop", &json!({"logs": {}})).await;
    let reporting = plane.report("shop", false).await;
    let looks = |one: &Rollout| one.sources.iter().any(|source| source.source == "logs");
    plane.until_rollout(&id, PATIENCE, looks).await;
    let (door, memory, ticks) =
        (Door::of(&plane), plane.peak_memory(), [plane.ticks().await, twin.ticks().await]);
    let flood = tokio::spawn(flood(door.clone()));
    tokio::time::sleep(Duration::from_secs(4)).await;
    let complaining = tokio::spawn(complain(door));
    let (decided, twins) = (decision(&plane, "billing").await, decision(&twin, "billing").await);
    let answered = flood.await.unwrap();
    let late = [&plane, &twin]
        .into_iter()
        .zip(&ticks)
        .map(async |(plane, before)| plane.ticks().await.late - before.late);
    let mut lates = Vec::new();
    for late in late {
        lates.push(late.await);
    }
    let grown = plane.peak_memory() - memory;
    println!(
        "answers {answered:?}; {} MiB more memory; ticks later than 50 ms: {} beside the flood, {} without; a decision after {decided:?}, {twins:?} without",
        grown >> 20,
        lates[0],
        lates[1],
    );
    let undone = plane.until_rollout(&id, PATIENCE, |one| one.phase() == Phase::RolledBack).await;
    complaining.abort();
    reporting.abort();
    let finding = undone.findings.iter().find(|finding| finding.harmful).unwrap();
    assert!(finding.name.contains("StockError") && finding.only_canary, "{finding:?}");
    assert!(grown <= MEMORY, "{} MiB", grown >> 20);
    assert!(decided <= twins + LATER, "{decided:?} beside the flood, {twins:?} without it");
    let metrics = plane.metrics().await;
    let (lines, requests) =
        (by_result(&metrics, "serin_otlp_log_lines_total"), by_result(&metrics, "serin_otlp_requests_total"));
    println!("lines {lines:?}; requests {requests:?}");
    // What was taken is counted, or counted as shed, or as of no rollout once this one is undone; what was refused is counted, too.
    let taken = answered[&200] * u64::try_from(RECORDS).unwrap();
    let seen: u64 = lines.values().sum();
    let beyond = lines["shed"] + lines["not_looked_at"];
    assert!(seen >= taken && lines["shed"] > 0 && beyond >= taken * 9 / 10, "{lines:?} of {taken}");
    assert_eq!(
        requests.get("busy").copied().unwrap_or_default(),
        answered.get(&429).copied().unwrap_or_default()
    );
    assert_eq!(answered.keys().find(|status| ![0, 200, 429].contains(status)), None, "{answered:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_malformed_skewed_or_late_is_counted_and_says_nothing_of_the_canary() {
    let workspace = Workspace::locate().unwrap();
    let plane = Plane::start(&workspace, &workspace.scratch("abuse-malformed").unwrap(), &json!({})).await;
    let id = plane.create("shop", &json!({"logs": {}})).await;
    let reporting = plane.report("shop", false).await;
    plane.until_rollout(&id, PATIENCE, |one| one.sources.iter().any(|source| source.source == "logs")).await;
    let door = Door::of(&plane);
    let form = Form::new(&request("v2", 10, "cannot reserve stock", Some("StockError")));
    let whole = Form::new(&request("v2", 10, "stock is reserved", None)).filled(now_ns(), 0);
    // Cut off at every place of the first record, and with every byte of it turned.
    let garbled = (1..120).flat_map(|at| {
        let mut turned = whole.to_vec();
        turned[at] ^= 0xff;
        [whole.slice(..whole.len() - at), turned.into()]
    });
    let mut refused = 0;
    for bytes in garbled {
        let status = door.send(bytes).await;
        assert!([200, 400].contains(&status), "{status}");
        refused += u64::from(status == 400);
    }
    assert!(refused >= 120, "{refused}");
    let before = by_result(&plane.metrics().await, "serin_otlp_log_lines_total");
    for skewed in [now_ns() + HOUR_NS, now_ns() - HOUR_NS, 1, u64::MAX] {
        assert_eq!(door.send(form.filled(skewed, 0)).await, 200);
    }
    // Within the time that counts, and after its second was judged.
    for _ in 0..50 {
        assert_eq!(door.send(form.filled(now_ns() - HOUR_NS / 120, 0)).await, 200);
    }
    let metrics = plane.metrics().await;
    let lines = by_result(&metrics, "serin_otlp_log_lines_total");
    let more = |result: &str| lines[result] - before.get(result).copied().unwrap_or_default();
    assert_eq!((more("out_of_time"), more("counted")), (40, 500));
    assert_eq!(by_result(&metrics, "serin_otlp_requests_total")["malformed"], refused);
    tokio::time::sleep(Duration::from_secs(12)).await;
    let quiet = plane.until_rollout(&id, PATIENCE, |_| true).await;
    assert_eq!(quiet.phase(), Phase::Progressing, "{}", quiet.summary);
    reporting.abort();
}
