//! A PostgreSQL server of the machine, as another user, in a folder of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serin_probe::{Database, Targets};
use serin_rollout::outside::CheckAnswer;
use serin_rollout::plan::{PostgresProbe, Probe};

use crate::server::{Manner, serve};
use crate::{WITHIN, local};

const FOLDER: &str = "/usr/local/bin";

struct Postgres {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Drop for Postgres {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// A command as the user that owns the data: PostgreSQL refuses to run as root.
fn as_nobody(program: &str) -> Command {
    let program = Path::new(FOLDER).join(program);
    if std::fs::metadata("/proc/self").is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) == 0) {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

/// `None`: the machine has none.
fn start() -> Option<Postgres> {
    if !Path::new(FOLDER).join("postgres").exists() {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    for path in [folder.path(), data.as_path()] {
        _ = Command::new("chown").arg("nobody:nogroup").arg(path).status();
    }
    let password = folder.path().join("password");
    std::fs::write(&password, "hunter2\n").unwrap();
    std::fs::set_permissions(&password, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let made = as_nobody("initdb")
        .args(["-U", "serin", "-A", "scram-sha-256", "--no-sync", "-D"])
        .arg(&data)
        .arg("--pwfile")
        .arg(&password)
        .output()
        .unwrap();
    assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let log: PathBuf = folder.path().join("log");
    let child = as_nobody("postgres")
        .args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"])
        .args(["-p", &port.to_string(), "-D"])
        .arg(&data)
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "{}", std::fs::read_to_string(&log).unwrap_or_default());
        std::thread::sleep(Duration::from_millis(50));
    }
    Some(Postgres { child, port, _folder: folder })
}

fn target(port: u16, password: &str) -> Database {
    Database {
        host: "127.0.0.1".to_owned(),
        port,
        user: "serin".to_owned(),
        password: Some(password.to_owned()),
        dbname: "postgres".to_owned(),
        tls: false,
    }
}

fn probe(query: &str) -> Probe {
    Probe::Postgres(PostgresProbe { database: "shop".to_owned(), query: query.to_owned() })
}

async fn ask(target: Database, query: &str) -> CheckAnswer {
    let databases = BTreeMap::from([("shop".to_owned(), target)]);
    local(Targets { databases, ..Targets::default() }).check(&probe(query), WITHIN).await
}

#[tokio::test]
async fn a_real_postgresql_answers_a_query_and_nothing_is_written() {
    let Some(postgres) = start() else {
        println!("skipped: {FOLDER} has no PostgreSQL");
        return;
    };
    let port = postgres.port;
    // It takes connections a moment before it serves.
    let deadline = Instant::now() + Duration::from_secs(10);
    while !matches!(ask(target(port, "hunter2"), "SELECT 1").await, CheckAnswer::Passed { .. }) {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let cases = [
        ("SELECT 1 WHERE false", "its query gives no row"),
        ("SELECT nothing", "42703"),
        ("CREATE TABLE harm (id int)", "25006"),
        ("SELECT pg_sleep(60)", "no answer within 2s"),
        ("SELECT repeat('x', 10000000)", ""),
    ];
    for (query, words) in cases {
        let answer = ask(target(port, "hunter2"), query).await;
        let CheckAnswer::Failed { reason } = &answer else { panic!("{query}: {answer:?}") };
        assert!(reason.contains(words), "{query}: {reason}");
    }
    let CheckAnswer::Failed { reason } = ask(target(port, "wrong-word"), "SELECT 1").await else { panic!() };
    assert!(reason.contains("28P01") && !reason.contains("wrong-word"), "{reason}");
    // TLS is asked of a server that has none.
    let answer = ask(Database { tls: true, ..target(port, "hunter2") }, "SELECT 1").await;
    assert!(matches!(answer, CheckAnswer::Failed { .. }), "{answer:?}");
}

#[tokio::test]
async fn something_else_than_a_database_is_a_failure_by_the_deadline() {
    for manner in [Manner::Hangs, Manner::Floods, Manner::Closes, Manner::Says(b"HTTP/1.1 400\r\n".to_vec())]
    {
        let port = serve(manner.clone()).await.port();
        let began = Instant::now();
        let answer = ask(target(port, "hunter2"), "SELECT 1").await;
        assert!(matches!(answer, CheckAnswer::Failed { .. }), "{manner:?}: {answer:?}");
        assert!(began.elapsed() < WITHIN + Duration::from_millis(300), "{manner:?}");
    }
}
