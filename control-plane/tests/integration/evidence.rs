//! Evidence of decisions: there when they act, whole or told to be missing, and without secrets.

use std::io::Read as _;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use serin_control_plane::Addresses;
use serin_control_plane::failpoint::Failpoint;
use serin_proto::admin::v1::*;
use serin_proto::evidence::v1::evidence_service_client::EvidenceServiceClient;
use serin_proto::evidence::v1::*;
use tonic::transport::Channel;

use crate::crash::Process;
use crate::http::text;
use crate::otlp::{PROTOBUF, address, pairs, server};
use crate::support::*;

pub(crate) type Evidence = EvidenceServiceClient<Channel>;

pub(crate) async fn evidence(addresses: Addresses) -> Evidence {
    EvidenceServiceClient::connect(format!("http://{}", addresses.admin)).await.unwrap()
}

/// The manifests of a rollout, newest first.
pub(crate) async fn manifests(evidence: &mut Evidence, rollout_id: &str) -> Vec<serde_json::Value> {
    let request = ListBundlesRequest { rollout_id: rollout_id.to_owned(), ..ListBundlesRequest::default() };
    let bundles = evidence.list_bundles(request).await.unwrap().into_inner().bundles;
    bundles.iter().map(|one| serde_json::from_str(&one.manifest_json).unwrap()).collect()
}

pub(crate) async fn document(evidence: &mut Evidence, id: &str, name: &str) -> serde_json::Value {
    let found = evidence.get_bundle(GetBundleRequest { id: id.to_owned() }).await.unwrap().into_inner();
    let document = found.documents.iter().find(|document| document.name == name);
    serde_json::from_str(&document.unwrap_or_else(|| panic!("{name} of {id}")).content_json).unwrap()
}

async fn export(evidence: &mut Evidence, of: &str) -> Vec<u8> {
    let request = ExportEvidenceRequest { of: of.to_owned() };
    let mut stream = evidence.export_evidence(request).await.unwrap().into_inner();
    let mut bytes = Vec::new();
    while let Some(piece) = stream.message().await.unwrap() {
        bytes.extend_from_slice(&piece.data);
    }
    bytes
}

async fn verify(evidence: &mut Evidence) -> VerifyEvidenceResponse {
    let answers = evidence.verify_evidence(VerifyEvidenceRequest::default()).await.unwrap();
    answers.into_inner().message().await.unwrap().unwrap()
}

async fn sound(evidence: &mut Evidence) -> VerifyEvidenceResponse {
    let found = verify(evidence).await;
    let faults = &found.checked.as_ref().unwrap().faults;
    assert!(faults.is_empty(), "{faults:?}");
    found
}

async fn metric(addresses: Addresses, name: &str) -> f64 {
    let all = text(addresses.http, "/metrics").await.1;
    let line = all.lines().find(|line| line.starts_with(&format!("{name} ")));
    let line = line.unwrap_or_else(|| panic!("{name} is not in\n{all}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_automatic_rollback_has_its_evidence_whole_before_it_acts_and_learns_who_applied_it() {
    let server = Server::new().await;
    let (mut admin, mut evidence) = (server.admin().await, evidence(server.addresses()).await);
    let id = create(&mut admin, "shop").await.id;
    let reporting = tokio::spawn(report_bad_route(server.fleet().await, "shop", "route-3", 0.5));
    eventually(&mut admin, &id, |rollout| rollout.components.iter().any(|one| one.rolled_back)).await;
    let all = manifests(&mut evidence, &id).await;
    let manifest = all.iter().rfind(|one| one["kind"] == "bundle").unwrap().clone();
    assert_eq!(manifest["complete"], true, "{manifest}");
    assert_eq!(
        (&manifest["actor"], &manifest["decided"][0]),
        (&"serin".into(), &"components_rolled_back".into())
    );
    let bundle = manifest["id"].as_str().unwrap();
    let statistics = document(&mut evidence, bundle, "statistics").await;
    let judged = statistics["components"].as_array().unwrap();
    let bad = judged.iter().find(|one| one["name"] == "route-3").unwrap();
    assert_eq!(bad["assessment"]["verdict"], "regressed");
    let path = document(&mut evidence, bundle, "path").await;
    let last = path["points"].as_array().unwrap().last().unwrap();
    let strongest = last["series"].as_array().unwrap().iter().find(|one| one["scope"] == "route-3").unwrap();
    assert!(strongest["log_evidence"].as_f64() >= strongest["log_threshold"].as_f64(), "{strongest}");
    let counts = document(&mut evidence, bundle, "counts").await;
    let slots = counts["slots"].as_array().unwrap();
    let failed = |arm: &str| -> u64 {
        let of_arm = slots.iter().filter(|slot| slot["arm"] == arm && slot["component"] == "route-3");
        of_arm.map(|slot| slot["failed"].as_u64().unwrap()).sum()
    };
    assert!(failed("canary") > 0 && failed("baseline") == 0, "{counts}");
    let latencies = document(&mut evidence, bundle, "latencies").await;
    assert!(!latencies["histograms"][0]["bins"].as_array().unwrap().is_empty(), "{latencies}");
    let assignment = document(&mut evidence, bundle, "assignment").await;
    assert_ne!(assignment["before"], assignment["after"]);
    let decision = document(&mut evidence, bundle, "decision").await;
    assert!(decision["onset_second"].as_u64().is_some_and(|onset| onset <= now_second()), "{decision}");
    assert_eq!(document(&mut evidence, bundle, "environment").await["nodes"][0]["id"], "envoy-1");
    assert_eq!(document(&mut evidence, bundle, "plan").await, plan("shop"));
    assert!(metric(server.addresses(), "serin_evidence_complete_total").await >= 1.0);
    assert_eq!(metric(server.addresses(), "serin_evidence_incomplete_total").await, 0.0);
    assert!(metric(server.addresses(), "serin_detection_seconds_count").await >= 1.0);
    reporting.abort();

    // The VM of this fleet says that it obeys a later assignment.
    let mut fleet = server.fleet().await;
    let generation = get(&mut admin, &id).await.generation;
    let applied =
        serin_proto::fleet::v1::ReportRequest { generation, ..report("envoy-1", 9_000, Vec::new()) };
    fleet.report(applied).await.unwrap();
    let told = format!("{bundle}+acknowledgements");
    for _ in 0..100 {
        if manifests(&mut evidence, &id).await.iter().any(|one| one["id"] == told.as_str()) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let acknowledged = document(&mut evidence, bundle, "acknowledgements").await;
    assert_eq!(
        (&acknowledged["vms"], &acknowledged["vms_applied"]),
        (&1.into(), &1.into()),
        "{acknowledged}"
    );
    assert!(metric(server.addresses(), "serin_rollback_seconds_count").await >= 1.0);
    let found = sound(&mut evidence).await;
    assert!(found.documents >= 10, "{found:?}");
}

/// Secrets of every class, with what must not be seen of each.
const SECRETS: [(&str, &str); 9] = [
    ("Authorization: Bearer s3cr3tBearer0001", "s3cr3tBearer0001"),
    ("Cookie: session=s3cr3tCookie0002; a=b", "s3cr3tCookie0002"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzZWNyZXQiOiIzIn0.s3cr3tJwt0003", "s3cr3tJwt0003"),
    ("key AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
    ("postgres://shop:s3cr3tUrl0005@db/shop", "s3cr3tUrl0005"),
    ("password=s3cr3tPair0006", "s3cr3tPair0006"),
    ("-----BEGIN PRIVATE KEY-----\ns3cr3tPem0007\n-----END PRIVATE KEY-----", "s3cr3tPem0007"),
    ("card 4111 1111 1111 1111", "4111 1111 1111 1111"),
    ("{\"api_key\": \"s3cr3tJson0009\"}", "s3cr3tJson0009"),
];

#[tokio::test(flavor = "multi_thread")]
async fn secrets_in_logs_and_reasons_do_not_appear_in_an_export() {
    let server = server("").await;
    let (mut admin, mut evidence) = (server.admin().await, evidence(server.addresses()).await);
    let id = create(&mut admin, "shop").await.id;
    for (number, (secret, _)) in SECRETS.iter().enumerate() {
        let record = LogRecord {
            time_unix_nano: now_second() * 1_000_000_000,
            severity_number: 17,
            body: Some(AnyValue { value: Some(Value::StringValue(format!("failed with {secret}"))) }),
            attributes: pairs(&[
                ("exception.message", secret),
                ("serin.component", &format!("route-{number}")),
            ]),
            ..LogRecord::default()
        };
        let scope = ScopeLogs { log_records: vec![record], ..ScopeLogs::default() };
        let resource = Resource {
            attributes: pairs(&[("service.name", "shop"), ("service.version", "v2")]),
            ..Resource::default()
        };
        let logs =
            ResourceLogs { resource: Some(resource), scope_logs: vec![scope], ..ResourceLogs::default() };
        let request = ExportLogsServiceRequest { resource_logs: vec![logs] };
        let (status, _) =
            crate::otlp::post(address(&server), "/v1/logs", PROTOBUF, &request.encode_to_vec()).await;
        assert!(status.contains("200"), "{status}");
    }
    let reason = SECRETS.map(|(secret, _)| secret).join("\n");
    admin.rollback(RollbackRequest { id: id.clone(), reason, ..RollbackRequest::default() }).await.unwrap();
    let archive = serin_evidence::archive::Archive::read(&export(&mut evidence, &id).await).unwrap();
    assert!(archive.verify(None).chain.is_sound());
    let shown = format!("{archive:?}");
    for (secret, part) in SECRETS {
        assert!(!shown.contains(part), "{secret} is in the export");
    }
    let logs = document(&mut evidence, &format!("{id}.2"), "logs").await;
    let records = logs["records"].as_array().unwrap();
    assert_eq!(records.len(), SECRETS.len(), "{logs}");
    assert!(records.iter().all(|record| record["arm"] == "canary"), "{logs}");
    assert!(shown.matches("[masked:").count() >= 2 * SECRETS.len());
    // Any tool unpacks it.
    let mut unpacked = String::new();
    let bytes = export(&mut evidence, &format!("{id}.2")).await;
    flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut unpacked).unwrap();
    assert!(unpacked.contains("about.json"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_without_a_complete_bundle_is_counted_and_alarmed() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path(), Some(Failpoint::BundleFails));
    let (mut admin, mut evidence) = (admin(process.addresses).await, evidence(process.addresses).await);
    let id = create(&mut admin, "shop").await.id;
    let rollback = RollbackRequest { id: id.clone(), reason: "bad".to_owned(), ..RollbackRequest::default() };
    let rollout = admin.rollback(rollback).await.unwrap().into_inner().rollout.unwrap();
    assert_eq!(phase(&rollout), Phase::RolledBack, "the rollback goes on");
    assert_eq!(metric(process.addresses, "serin_evidence_incomplete_total").await, 1.0);
    assert_eq!(metric(process.addresses, "serin_evidence_complete_total").await, 0.0);
    let faults = verify(&mut evidence).await.checked.unwrap().faults;
    assert_eq!(faults, [format!("rollout {id}: its decision number 2 (rolled_back) has no evidence")]);
    let log = process.log();
    let text = format!("The evidence {id}.2 of a decision is not complete: a test asked for this failure");
    assert!(log.contains(&text), "{log}");
    let request = ListEventsRequest { rollout_id: id.clone(), ..ListEventsRequest::default() };
    let events = admin.list_events(request).await.unwrap().into_inner().events;
    let told: Vec<_> = events.iter().map(|event| (event.kind.as_str(), event.text.as_str())).collect();
    assert_eq!(
        told[2],
        ("evidence_incomplete", text.as_str()),
        "it is an event, so that targets are told: {told:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_leaves_a_decision_with_its_evidence_or_neither() {
    for point in [Failpoint::BeforePersist, Failpoint::AfterPersist, Failpoint::BeforePublish] {
        let folder = tempfile::tempdir().unwrap();
        let id = {
            let process = Process::start(folder.path(), None);
            create(&mut admin(process.addresses).await, "shop").await.id
        };
        let mut process = Process::start(folder.path(), Some(point));
        let rollback =
            RollbackRequest { id: id.clone(), reason: "bad".to_owned(), ..RollbackRequest::default() };
        admin(process.addresses).await.rollback(rollback).await.unwrap_err();
        process.wait_dead();
        drop(process);
        let process = Process::start(folder.path(), None);
        let mut evidence = evidence(process.addresses).await;
        sound(&mut evidence).await;
        let is_decided = phase(&get(&mut admin(process.addresses).await, &id).await) == Phase::RolledBack;
        assert_eq!(is_decided, point != Failpoint::BeforePersist, "{point}");
        assert_eq!(manifests(&mut evidence, &id).await.len(), usize::from(is_decided), "{point}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn addenda_that_a_killed_process_did_not_write_are_written_by_the_next_one_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let (id, generation) = {
        let process = Process::start(folder.path(), None);
        let mut admin = admin(process.addresses).await;
        let id = create(&mut admin, "shop").await.id;
        // This VM obeys what was before the rollback.
        fleet(process.addresses).await.report(report("envoy-1", 1, Vec::new())).await.unwrap();
        let rollback =
            RollbackRequest { id: id.clone(), reason: "bad".to_owned(), ..RollbackRequest::default() };
        let rollout = admin.rollback(rollback).await.unwrap().into_inner().rollout.unwrap();
        (id, rollout.generation)
    };
    let name = format!("{id}.2+acknowledgements");
    let count = |all: &[serde_json::Value]| all.iter().filter(|one| one["id"] == name.as_str()).count();
    let process = Process::start(folder.path(), None);
    let (mut evidence, mut fleet) = (evidence(process.addresses).await, fleet(process.addresses).await);
    assert_eq!(count(&manifests(&mut evidence, &id).await), 0, "it was killed before");
    let end = std::time::Instant::now() + 2 * PATIENCE;
    for seq in 2.. {
        let applied =
            serin_proto::fleet::v1::ReportRequest { generation, ..report("envoy-1", seq, Vec::new()) };
        fleet.report(applied).await.unwrap();
        if count(&manifests(&mut evidence, &id).await) > 0 {
            break;
        }
        assert!(std::time::Instant::now() < end, "nothing is added");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let acknowledged = document(&mut evidence, &format!("{id}.2"), "acknowledgements").await;
    assert_eq!((&acknowledged["vms"], &acknowledged["vms_applied"]), (&1.into(), &1.into()));
    sound(&mut evidence).await;
    drop(process);
    let process = Process::start(folder.path(), None);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut evidence = crate::evidence::evidence(process.addresses).await;
    assert_eq!(count(&manifests(&mut evidence, &id).await), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promotion_has_a_smaller_bundle() {
    let server = Server::new().await;
    let (mut admin, mut evidence) = (server.admin().await, evidence(server.addresses()).await);
    let id = create(&mut admin, "shop").await.id;
    admin.promote(PromoteRequest { id: id.clone(), reason: "sure".to_owned() }).await.unwrap();
    let manifest = &manifests(&mut evidence, &id).await[0];
    let names: Vec<_> = manifest["documents"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["assignment", "counts", "decision", "environment", "path", "plan", "statistics"]);
    let status = evidence.get_bundle(GetBundleRequest { id: "x.1".to_owned() }).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::NotFound);
}
