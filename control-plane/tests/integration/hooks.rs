//! Hooks of a running server: what receivers and programs see, and what waits for them.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Router, body::Bytes};
use serin_control_plane::{Config, Running, start};
use serin_outside::signature::{HEADER, Key};
use serin_proto::admin::v1::*;

use crate::crash::Process;
use crate::support::*;

const SECRET: &str = "correct-horse-battery-staple";

/// Answers with the statuses it is given, the last one for ever. 0: never.
#[derive(Clone)]
struct Receiver {
    seen: Arc<Mutex<Vec<(String, String, Bytes)>>>,
    answers: Arc<Vec<u16>>,
}

impl Receiver {
    async fn start(answers: &[u16]) -> (Self, SocketAddr) {
        let receiver = Self { seen: Arc::default(), answers: Arc::new(answers.to_vec()) };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/hook", post(receive)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (receiver, address)
    }

    fn keys(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|(key, ..)| key.clone()).collect()
    }
}

async fn receive(
    State(receiver): State<Receiver>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    let text =
        |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let count = {
        let mut seen = receiver.seen.lock().unwrap();
        seen.push((text("idempotency-key"), text(HEADER), body));
        seen.len()
    };
    let answer = *receiver.answers.get(count - 1).or(receiver.answers.last()).unwrap();
    if answer == 0 {
        std::future::pending::<()>().await;
    }
    (StatusCode::from_u16(answer).unwrap(), "warm now, token=abc")
}

/// A program that tells its arguments and what it is told.
fn program(folder: &Path) -> String {
    let path = folder.join("note.sh");
    std::fs::write(
        &path,
        "#!/bin/sh\necho \"$@ $SERIN_POINT $SERIN_KEY ${HOME:-no-home} password=hunter2\"\n",
    )
    .unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    path.display().to_string()
}

fn config(folder: &Path, receiver: SocketAddr, permit: &str) -> String {
    std::fs::write(folder.join("secret"), SECRET).unwrap();
    format!(
        "{}outside: {{permit: [{permit}]}}\ntargets:\n  webhooks: {{ci: {{url: \"http://{receiver}/hook\", secret_file: {}}}}}\n  \
         commands: {{note: {{program: {}, arguments: [fixed]}}}}\n",
        yaml(&folder.join("data")),
        folder.join("secret").display(),
        program(folder),
    )
}

async fn served(folder: &Path, receiver: SocketAddr, permit: &str) -> Running {
    start(&Config::parse(&config(folder, receiver, permit), false).unwrap()).await.unwrap()
}

fn plan(hooks: &str) -> String {
    format!("service: shop\nbaseline: v1\ncanary: v2\ninitial_weight: 20%\nhooks:\n{hooks}")
}

async fn created(admin: &mut Admin, hooks: &str) -> Rollout {
    let request = CreateRequest { plan_yaml: plan(hooks), paused: false };
    admin.create(request).await.unwrap().into_inner().rollout.unwrap()
}

fn state(rollout: &Rollout, name: &str) -> Option<String> {
    rollout.hooks.iter().rfind(|hook| hook.name == name).map(|hook| hook.state.clone())
}

#[tokio::test]
async fn a_start_waits_for_its_webhook_and_a_rollback_tells_a_program() {
    let (folder, (receiver, address)) = (tempfile::tempdir().unwrap(), Receiver::start(&[503, 200]).await);
    let server = served(folder.path(), address, "127.0.0.0/8").await;
    let mut admin = admin(server.addresses).await;
    let hooks = "  before_start: [{name: warm, webhook: {target: ci}}]\n  \
                 on_rollback: [{name: note, command: {target: note, arguments: [\"a b\", \"$HOME\"]}}]\n";
    let rollout = created(&mut admin, hooks).await;
    assert_eq!(rollout.weight_ppm, 0);
    let begun = eventually(&mut admin, &rollout.id, |rollout| rollout.weight_ppm == 200_000).await;
    let hook = &begun.hooks[0];
    assert_eq!((hook.state.as_str(), hook.attempts), ("succeeded", 2));
    assert_eq!(hook.said, "200 warm now, token=[masked:secret]");
    let key = format!("{}/before_start/warm/0/1", rollout.id);
    assert_eq!(receiver.keys(), [key.clone(), key.clone()]);
    for (_, signature, body) in receiver.seen.lock().unwrap().iter() {
        let now = now_second();
        Key::new(SECRET.as_bytes()).unwrap().verify(signature, body, now, Duration::from_secs(60)).unwrap();
        let told: serde_json::Value = serde_json::from_slice(body).unwrap();
        assert_eq!(
            (&told["key"], &told["canary"], &told["weight_ppm"]),
            (&key.clone().into(), &"v2".into(), &0.into())
        );
        assert_eq!(
            (&told["format"], &told["point"], &told["service"]),
            (&1.into(), &"before_start".into(), &"shop".into())
        );
    }
    let rollback = RollbackRequest { id: rollout.id.clone(), reason: "bad".to_owned(), ..Default::default() };
    let answered = admin.rollback(rollback).await.unwrap().into_inner().rollout.unwrap();
    assert_eq!(answered.phase(), Phase::RolledBack);
    let noted =
        eventually(&mut admin, &rollout.id, |one| state(one, "note").as_deref() == Some("succeeded")).await;
    let said = &noted.hooks.last().unwrap().said;
    assert_eq!(
        said.trim(),
        format!(
            "fixed a b $HOME on_rollback {}/on_rollback/note/0/1 no-home password=[masked:secret]",
            rollout.id
        )
    );
    server.stop().await;
}

#[tokio::test]
async fn a_hook_to_a_blocked_address_fails_at_once_and_a_person_goes_on_without_it() {
    let (folder, (receiver, address)) = (tempfile::tempdir().unwrap(), Receiver::start(&[200]).await);
    let server = served(folder.path(), address, "").await;
    let mut admin = admin(server.addresses).await;
    let rollout = created(&mut admin, "  before_start: [{name: warm, webhook: {target: ci}}]\n").await;
    let held =
        eventually(&mut admin, &rollout.id, |one| state(one, "warm").as_deref() == Some("failed")).await;
    assert!(held.summary.contains("hook warm (before_start) failed"), "{}", held.summary);
    assert_eq!((held.weight_ppm, held.hooks[0].attempts, receiver.keys().len()), (0, 1, 0));
    let skip = ApproveRequest {
        id: rollout.id.clone(),
        approval: Approval::SkipHook.into(),
        reason: "warmed by hand".to_owned(),
    };
    let answered = admin.approve(skip.clone()).await.unwrap().into_inner().rollout.unwrap();
    assert_eq!((answered.weight_ppm, state(&answered, "warm").as_deref()), (200_000, Some("skipped")));
    assert_eq!(admin.approve(skip).await.unwrap_err().code(), tonic::Code::FailedPrecondition);
    let unknown = CreateRequest {
        plan_yaml: plan("  on_rollback: [{name: x, webhook: {target: nowhere}}]\n").replace("shop", "other"),
        paused: false,
    };
    let refused = admin.create(unknown).await.unwrap_err();
    assert!(refused.message().contains("names no webhook \"nowhere\"; it names: ci"), "{refused}");
    server.stop().await;
}

#[tokio::test]
async fn a_hook_that_was_under_way_in_a_crash_is_performed_again_under_the_same_key() {
    let (folder, (receiver, address)) = (tempfile::tempdir().unwrap(), Receiver::start(&[0, 200]).await);
    let write =
        || std::fs::write(folder.path().join("extra.yaml"), config(folder.path(), address, "127.0.0.0/8"));
    write().unwrap();
    let config = folder.path().join("extra.yaml");
    let process = Process::start_with(folder.path(), &config);
    let mut client = admin(process.addresses).await;
    let rollout = created(&mut client, "  before_start: [{name: warm, webhook: {target: ci}}]\n").await;
    let waiting = async {
        while receiver.keys().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap();
    // A receiver that hangs delays nothing else.
    let asked = std::time::Instant::now();
    let other = CreateRequest { plan_yaml: crate::support::plan("other"), paused: false };
    client.create(other).await.unwrap();
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    drop(process);
    let process = Process::start_with(folder.path(), &config);
    let mut client = admin(process.addresses).await;
    let begun = eventually(&mut client, &rollout.id, |rollout| rollout.weight_ppm == 200_000).await;
    assert_eq!(begun.hooks.len(), 1);
    let key = format!("{}/before_start/warm/0/1", rollout.id);
    assert_eq!(receiver.keys(), [key.clone(), key]);
}
