//! The real binary, killed where it hurts, and started again on what it left.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serin_control_plane::Addresses;
use serin_control_plane::failpoint::Failpoint;
use serin_proto::admin::v1::*;
use serin_proto::assignment;

use crate::support::*;

/// A process that is killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) addresses: Addresses,
    log: PathBuf,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _may_have_ended = self.child.kill();
        let _status = self.child.wait();
    }
}

fn command(folder: &Path) -> Command {
    let config = folder.join("serin.yaml");
    std::fs::write(&config, yaml(&folder.join("data"))).unwrap();
    command_with(&config)
}

fn command_with(config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_serin-control-plane"));
    command.arg("--config").arg(config).env_remove("SERIN_FAILPOINT").env("RUST_LOG", "warn");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

impl Process {
    pub(crate) fn start(folder: &Path, failpoint: Option<Failpoint>) -> Self {
        let mut command = command(folder);
        if let Some(point) = failpoint {
            command.env("SERIN_FAILPOINT", point.name());
        }
        Self::run(folder, command)
    }

    /// The same with another configuration.
    pub(crate) fn start_with(folder: &Path, config: &Path) -> Self {
        Self::run(folder, command_with(config))
    }

    fn run(folder: &Path, mut command: Command) -> Self {
        let ready = folder.join("ready.json");
        let _may_not_exist = std::fs::remove_file(&ready);
        command.arg("--ready-file").arg(&ready);
        let log = folder.join("log.json");
        let child = command.stderr(std::fs::File::create(&log).unwrap()).spawn().unwrap();
        let addresses = addresses(&ready);
        Self { child, addresses, log }
    }

    /// What it has said since its start.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    pub(crate) fn wait_dead(&mut self) {
        let end = Instant::now() + PATIENCE;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < end, "the process lives");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn addresses(ready: &Path) -> Addresses {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Ok(text) = std::fs::read_to_string(ready) {
            return serde_json::from_str(&text).unwrap();
        }
        assert!(Instant::now() < end, "the process does not come up");
        std::thread::sleep(Duration::from_millis(10));
    }
}

async fn told(admin: &mut Admin) -> assignment::Assignment {
    let answer = admin.get_assignment(GetAssignmentRequest::default()).await.unwrap().into_inner();
    assignment::parse(answer.assignment_json.as_bytes()).unwrap()
}

/// What is durable: the journal. It says what a restart must come back to.
async fn kinds(admin: &mut Admin) -> Vec<String> {
    let events = admin.list_events(ListEventsRequest::default()).await.unwrap().into_inner().events;
    events.into_iter().map(|event| event.kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_around_any_effect_of_a_rollback_leaves_it_undone_or_whole() {
    for point in Failpoint::DECISION {
        let folder = tempfile::tempdir().unwrap();
        let created = {
            let process = Process::start(folder.path(), None);
            create(&mut admin(process.addresses).await, "shop").await
        };
        let mut process = Process::start(folder.path(), Some(point));
        let mut client = admin(process.addresses).await;
        let rollback = RollbackRequest {
            id: created.id.clone(),
            component: "route-2".to_owned(),
            reason: "bad".to_owned(),
            ..RollbackRequest::default()
        };
        client.rollback(rollback.clone()).await.unwrap_err();
        process.wait_dead();
        drop(process);

        let process = Process::start(folder.path(), None);
        let mut client = admin(process.addresses).await;
        let expected: &[&str] = if point == Failpoint::BeforePersist {
            &["initialised", "created"]
        } else {
            &["initialised", "created", "components_rolled_back"]
        };
        assert_eq!(kinds(&mut client).await, expected, "{point}");
        let rollout = get(&mut client, &created.id).await;
        let assignment = told(&mut client).await;
        let service = &assignment.services[0];
        let pinned = service.components.iter().filter(|one| one.pinned.is_some()).count();
        assert_eq!(
            rollout.components.iter().filter(|one| one.rolled_back).count(),
            expected.len() - 2,
            "{point}"
        );
        assert_eq!((pinned, assignment.generation.0), (expected.len() - 2, rollout.generation), "{point}");
        let repeated = client.rollback(rollback).await.unwrap().into_inner().rollout.unwrap();
        assert_eq!(repeated.revision, 2, "{point}: asking again takes effect once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_around_any_effect_of_a_replacement_keeps_the_service_assigned() {
    for point in Failpoint::DECISION {
        let folder = tempfile::tempdir().unwrap();
        let promoted = {
            let process = Process::start(folder.path(), None);
            let mut client = admin(process.addresses).await;
            let id = create(&mut client, "shop").await.id;
            let promote = PromoteRequest { id, reason: "sure".to_owned() };
            client.promote(promote).await.unwrap().into_inner().rollout.unwrap()
        };
        let mut process = Process::start(folder.path(), Some(point));
        let mut client = admin(process.addresses).await;
        let next = plan("shop").replace("canary: v2", "canary: v3").replace("baseline: v1", "baseline: v2");
        client.create(CreateRequest { plan_yaml: next, paused: true }).await.unwrap_err();
        process.wait_dead();
        drop(process);

        let process = Process::start(folder.path(), None);
        let mut client = admin(process.addresses).await;
        let newest = get(&mut client, "shop").await;
        let assignment = told(&mut client).await;
        assert_eq!(assignment.services.len(), 1, "{point}");
        let rollout = assignment.services[0].rollout.clone().unwrap();
        if point == Failpoint::BeforePersist {
            assert_eq!((newest.id.as_str(), newest.revision), (promoted.id.as_str(), promoted.revision));
        } else {
            assert_ne!(newest.id, promoted.id, "{point}");
        }
        assert_eq!(rollout, newest.id, "{point}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_reports_and_decisions_survive_being_killed_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let (mut seq, mut acknowledged, mut generation) = (1, 0, 0);
    for round in 0..8 {
        let process = Process::start(folder.path(), None);
        let mut client = admin(process.addresses).await;
        if round == 0 {
            create(&mut client, "shop").await;
        }
        let mut fleet = fleet(process.addresses).await;
        let killer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(350 + 40 * round));
            drop(process);
        });
        loop {
            let weight = SetWeightRequest {
                id: "shop".to_owned(),
                weight_ppm: 1_000 + seq as u32,
                reason: "x".to_owned(),
            };
            if let Ok(answer) = client.set_weight(weight).await {
                generation = answer.into_inner().rollout.unwrap().generation.max(generation);
            }
            let arms = vec![arm("canary", 3, 1)];
            let request = report("envoy-1", seq, vec![stratum("shop", "route-1", now_second(), arms)]);
            match fleet.report(request).await {
                Ok(_) => (seq, acknowledged) = (seq + 1, acknowledged + 3),
                Err(_) => break,
            }
        }
        killer.join().unwrap();
    }
    let process = Process::start(folder.path(), None);
    let mut fleet = fleet(process.addresses).await;
    let arms = vec![arm("canary", 3, 1)];
    fleet.report(report("envoy-1", seq, vec![stratum("shop", "route-1", now_second(), arms)])).await.unwrap();
    let metrics = crate::http::text(process.addresses.http, "/metrics").await.1;
    let line = format!(
        "serin_requests_started_total{{service=\"shop\",component=\"route-1\",arm=\"canary\"}} {}",
        acknowledged + 3
    );
    assert!(acknowledged > 0 && metrics.contains(&line), "{line} is not in\n{metrics}");
    let rollout = get(&mut admin(process.addresses).await, "shop").await;
    assert!(rollout.generation >= generation, "an acknowledged command is durable");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_cannot_be_trusted_is_refused_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("data/serin.db");
    create(&mut admin(Process::start(folder.path(), None).addresses).await, "shop").await;

    let running = Process::start(folder.path(), None);
    assert!(refused(folder.path()).contains("is in use by another control plane"));
    drop(running);

    let connection = rusqlite::Connection::open(&database).unwrap();
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(connection);
    let whole = std::fs::read(&database).unwrap();
    let mut damaged = whole.clone();
    damaged[4_096..].fill(0xA5);
    for bytes in [b"this is no database".as_slice(), &whole[..whole.len() / 2], &damaged] {
        std::fs::write(&database, bytes).unwrap();
        let words = refused(folder.path());
        assert!(words.contains("restore it from a backup"), "{words}");
        assert_eq!(std::fs::read(&database).unwrap(), bytes, "nothing is repaired or overwritten");
    }

    std::fs::write(&database, &whole).unwrap();
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection.execute_batch("UPDATE schema_version SET version = 99").unwrap();
    drop(connection);
    assert!(refused(folder.path()).contains("schema version 99"));
}

/// What it says when it does not start.
fn refused(folder: &Path) -> String {
    let log = folder.join("refused.log");
    let mut child = command(folder).stderr(std::fs::File::create(&log).unwrap()).spawn().unwrap();
    let end = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > end {
            child.kill().unwrap();
            panic!("it started");
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    assert_eq!(status.code(), Some(1));
    std::fs::read_to_string(&log).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_it_in_good_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = Process::start(folder.path(), None);
    let mut client = admin(process.addresses).await;
    let id = create(&mut client, "shop").await.id;
    let mut stream = client.watch(WatchRequest { id }).await.unwrap().into_inner();
    stream.message().await.unwrap().unwrap();
    let pid = process.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let asked = Instant::now();
    while stream.message().await.is_ok_and(|message| message.is_some()) {}
    process.wait_dead();
    assert!(asked.elapsed() < Duration::from_secs(10), "streams do not hold it up");
    assert_eq!(process.child.wait().unwrap().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_for_a_while_changes_nothing_and_is_tried_again() {
    let server = Server::new().await;
    let (mut admin, mut fleet) = (server.admin().await, server.fleet().await);
    let created = create(&mut admin, "shop").await;
    let connection = rusqlite::Connection::open(server.folder.path().join("serin.db")).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    let pause = PauseRequest { id: created.id.clone(), reason: "lunch".to_owned() };
    let status = admin.pause(pause.clone()).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable, "{}", status.message());
    assert_eq!(get(&mut admin, &created.id).await.revision, created.revision);
    let strata = vec![stratum("shop", "route-1", now_second(), vec![arm("canary", 9, 0)])];
    let request = report("envoy-1", 1, strata);
    assert_eq!(fleet.report(request.clone()).await.unwrap_err().code(), tonic::Code::Unavailable);
    connection.execute_batch("ROLLBACK").unwrap();
    fleet.report(request).await.unwrap();
    let paused = admin.pause(pause).await.unwrap().into_inner().rollout.unwrap();
    assert_eq!(phase(&paused), Phase::Paused);
    let metrics = crate::http::text(server.addresses().http, "/metrics").await.1;
    let line = "serin_requests_started_total{service=\"shop\",component=\"route-1\",arm=\"canary\"} 9";
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_someone_else_wrote_to_is_read_again_by_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = Process::start(folder.path(), None);
    let mut client = admin(process.addresses).await;
    let id = create(&mut client, "shop").await.id;
    let connection = rusqlite::Connection::open(folder.path().join("data/serin.db")).unwrap();
    let event = serde_json::json!({
        "format": 1, "rollout": id, "revision": 2, "at": 1, "actor": "other", "kind": "paused", "reason": "theirs",
    });
    let insert = "INSERT INTO journal VALUES (NULL, ?1, 2, 1, 'paused', 'other', 'Paused', ?2, 0)";
    connection.execute(insert, [&id, &event.to_string()]).unwrap();
    connection.execute("UPDATE rollouts SET revision = 2 WHERE rollout_id = ?1", [&id]).unwrap();
    let promote = PromoteRequest { id: id.clone(), reason: "sure".to_owned() };
    assert_eq!(client.promote(promote).await.unwrap_err().code(), tonic::Code::Aborted);
    process.wait_dead();
    assert_eq!(process.child.wait().unwrap().code(), Some(1), "a supervisor starts it again");
    let process = Process::start(folder.path(), None);
    let rollout = get(&mut admin(process.addresses).await, &id).await;
    assert_eq!((phase(&rollout), rollout.revision), (Phase::Paused, 2));
}
