//! Who asked for what: noted before it acts, whoever asks and however it ends.

use serin_control_plane::failpoint::Failpoint;
use serin_control_plane::{Config, start};
use serin_proto::admin::v1::*;
use serin_proto::evidence::v1::*;
use serin_proto::registry::v1::registry_service_client::RegistryServiceClient;
use serin_proto::registry::v1::{ListLiveRequest, RegisterReleaseRequest};
use tonic::Request;

use crate::crash::Process;
use crate::evidence::evidence;
use crate::support::*;

async fn records(addresses: serin_control_plane::Addresses) -> Vec<serde_json::Value> {
    let mut evidence = evidence(addresses).await;
    let entries = evidence.list_audit(ListAuditRequest::default()).await.unwrap().into_inner().entries;
    let answers = evidence.verify_audit(VerifyAuditRequest::default()).await.unwrap();
    let checked = answers.into_inner().message().await.unwrap().unwrap().checked.unwrap();
    assert!(checked.faults.is_empty(), "{checked:?}");
    assert_eq!(checked.entries, entries.len() as u64);
    entries.iter().map(|entry| serde_json::from_str(&entry.body_json).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_noted_with_who_what_from_where_and_outcome_and_reads_are_not() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let id = create(&mut admin, "shop").await.id;
    get(&mut admin, &id).await;
    let mut named = Request::new(RollbackRequest {
        id: id.clone(),
        reason: "token=abcdef123".to_owned(),
        component: "nothing".to_owned(),
        ..RollbackRequest::default()
    });
    named.metadata_mut().insert("x-serin-actor", "anna".parse().unwrap());
    admin.rollback(named).await.unwrap_err();
    let mut registry =
        RegistryServiceClient::connect(format!("http://{}", server.addresses().admin)).await.unwrap();
    registry.list_live(ListLiveRequest::default()).await.unwrap();
    let nothing = tokio_stream::iter(Vec::<RegisterReleaseRequest>::new());
    let refused = registry.register_release(nothing).await;
    if let Ok(answers) = refused {
        answers.into_inner().message().await.unwrap_err();
    }
    let all = records(server.addresses()).await;
    let told: Vec<_> =
        all.iter().map(|one| (one["kind"].as_str().unwrap(), one["method"].as_str())).collect();
    let method = |name: &str| format!("serin.{name}");
    let (create, rollback, register) = (
        method("admin.v1.AdminService/Create"),
        method("admin.v1.AdminService/Rollback"),
        method("registry.v1.RegistryService/RegisterRelease"),
    );
    let expected = [Some(create.as_str()), None, Some(&rollback), None, Some(&register), None]
        .map(|method| (if method.is_some() { "asked" } else { "answered" }, method));
    assert_eq!(told, expected);
    assert_eq!((&all[0]["actor"], &all[2]["actor"]), (&"unknown".into(), &"anna".into()));
    assert!(all[0]["peer"].as_str().unwrap().starts_with("127.0.0.1:"), "{}", all[0]);
    assert_eq!(all[0]["interface"], "grpc");
    assert_eq!(all[2]["arguments"]["reason"], "token=[masked:secret]");
    assert_eq!((&all[1]["outcome"], &all[1]["asked"]), (&"ok".into(), &1.into()));
    assert_eq!(all[3]["outcome"], "InvalidArgument");
    assert!(all[3]["message"].as_str().unwrap().contains("nothing"), "{}", all[3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_leaves_no_command_without_its_entry() {
    let folder = tempfile::tempdir().unwrap();
    let id = {
        let process = Process::start(folder.path(), None);
        create(&mut admin(process.addresses).await, "shop").await.id
    };
    for (point, revision) in [(Failpoint::AfterAsked, 1), (Failpoint::AfterPersist, 2)] {
        let mut process = Process::start(folder.path(), Some(point));
        let pause = PauseRequest { id: id.clone(), reason: "lunch".to_owned() };
        admin(process.addresses).await.pause(pause).await.unwrap_err();
        process.wait_dead();
        drop(process);
        let process = Process::start(folder.path(), None);
        assert_eq!(get(&mut admin(process.addresses).await, &id).await.revision, revision, "{point}");
        let all = records(process.addresses).await;
        let last = all.last().unwrap();
        assert_eq!(
            (&last["kind"], &last["arguments"]["reason"]),
            (&"asked".into(), &"lunch".into()),
            "{point}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_turned_away_is_noted_and_how_often_has_a_bound() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "0123456789abcdef0123\n").unwrap();
    let token = folder.path().join("token");
    let guarded = format!("admin: {{address: \"127.0.0.1:0\", tokens: {{ops: \"{}\"}}}}", token.display());
    let yaml = yaml(folder.path()).replace("admin: {address: \"127.0.0.1:0\"}", &guarded);
    let running = start(&Config::parse(&yaml, false).unwrap()).await.unwrap();
    let mut stranger = admin(running.addresses).await;
    for _ in 0..100 {
        let pause = PauseRequest { id: "shop".to_owned(), reason: "x".to_owned() };
        assert_eq!(stranger.pause(pause).await.unwrap_err().code(), tonic::Code::Unauthenticated);
    }
    let bearer = "Bearer 0123456789abcdef0123";
    let mut request = Request::new(ListAuditRequest::default());
    request.metadata_mut().insert("authorization", bearer.parse().unwrap());
    let entries = evidence(running.addresses).await.list_audit(request).await.unwrap().into_inner().entries;
    // The minute may have turned within the hundred calls.
    assert!((60..=101).contains(&entries.len()), "{}", entries.len());
    assert!(entries[0].body_json.contains("\"kind\":\"denied\""), "{:?}", entries[0]);
    let mut request = Request::new(PauseRequest { id: "shop".to_owned(), reason: "x".to_owned() });
    request.metadata_mut().insert("authorization", bearer.parse().unwrap());
    request.metadata_mut().insert("x-serin-actor", "anna".parse().unwrap());
    admin(running.addresses).await.pause(request).await.unwrap_err();
    let mut request = Request::new(ListAuditRequest::default());
    request.metadata_mut().insert("authorization", bearer.parse().unwrap());
    let entries = evidence(running.addresses).await.list_audit(request).await.unwrap().into_inner().entries;
    let asked: serde_json::Value = serde_json::from_str(&entries[entries.len() - 2].body_json).unwrap();
    assert_eq!(asked["actor"], "anna (token ops)");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_cannot_be_noted_does_not_happen() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let created = create(&mut admin, "shop").await;
    let connection = rusqlite::Connection::open(server.folder.path().join("serin.db")).unwrap();
    connection
        .execute_batch("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT raise(ABORT, 'full'); END")
        .unwrap();
    let pause = PauseRequest { id: created.id.clone(), reason: "lunch".to_owned() };
    let status = admin.pause(pause).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable);
    assert!(status.message().contains("the audit log cannot be written"), "{}", status.message());
    assert_eq!(get(&mut admin, &created.id).await.revision, created.revision);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_read_on_the_http_listener_is_noted_and_a_scrape_is_not() {
    let server = Server::new().await;
    let http = server.addresses().http;
    crate::http::text(http, "/metrics").await;
    let (status, _) =
        crate::otlp::post(http, "/api/rollouts?token=abcdef123", "x-serin-actor: anna\r\n", b"{}").await;
    assert!(status.contains("405"), "{status}");
    let all = records(server.addresses()).await;
    assert_eq!(all.len(), 2, "{all:?}");
    assert_eq!((&all[0]["interface"], &all[0]["method"]), (&"http".into(), &"api/rollouts".into()));
    assert_eq!(
        (&all[0]["actor"], &all[0]["arguments"]["query"]),
        (&"anna".into(), &"token=[masked:secret]".into())
    );
    assert_eq!(all[1]["outcome"], "405");
}
