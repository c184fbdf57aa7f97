//! Pages that change while somebody looks.

use std::time::{Duration, Instant};

use serin_proto::admin::v1::*;
use tokio::io::{AsyncBufReadExt, BufReader};

use super::*;

/// A stream of events.
struct Live {
    stream: BufReader<TcpStream>,
}

impl Live {
    async fn open(address: SocketAddr, path: &str) -> Self {
        Self::open_with(address, path, "").await
    }

    async fn open_with(address: SocketAddr, path: &str, header: &str) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n{header}accept: text/event-stream\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        Self { stream: BufReader::new(stream) }
    }

    /// The next line. `None`: the stream ended.
    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = tokio::time::timeout(PATIENCE, self.stream.read_line(&mut line)).await.unwrap().unwrap();
        (read > 0).then_some(line)
    }

    /// Reads until a line contains this.
    async fn until(&mut self, wanted: &str) -> String {
        loop {
            let line = self.line().await.unwrap_or_else(|| panic!("the stream ended before {wanted}"));
            if line.contains(wanted) {
                return line;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_is_on_every_page_that_is_looked_at_within_a_second() {
    let server = Server::new().await;
    let mut admin = server.admin().await;
    let id = create(&mut admin, "shop").await.id;
    let address = server.addresses().http;
    let mut rollout = Live::open(address, &format!("/live/rollouts/{id}")).await;
    let mut fleet = Live::open(address, "/live/fleet").await;
    rollout.until("text/event-stream").await;
    let whole = rollout.until("data: {").await;
    assert!(whole.contains("\"main\"") && whole.contains("warming up"), "{whole}");
    fleet.until("data: {").await;
    rollout.until("event: tick").await;
    let request = RollbackRequest { id, reason: "it is bad".to_owned(), ..RollbackRequest::default() };
    let decided = Instant::now();
    admin.rollback(request).await.unwrap();
    rollout.until("it is bad").await;
    fleet.until("olled back").await;
    assert!(decided.elapsed() < Duration::from_secs(1), "{:?}", decided.elapsed());
    let before: u64 = rollout.until("data: 1").await.trim_start_matches("data: ").trim().parse().unwrap();
    let after: u64 = rollout.until("data: 1").await.trim_start_matches("data: ").trim().parse().unwrap();
    assert!((1..5_000).contains(&(after - before)), "the time comes about once a second: {before} {after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_have_a_bound_beyond_which_a_page_stays_as_it_was_loaded() {
    let server = Server::new().await;
    let address = server.addresses().http;
    let mut viewers = Vec::new();
    for _ in 0..512 {
        let mut viewer = Live::open(address, "/live/fleet").await;
        assert!(viewer.line().await.unwrap().contains("200"));
        viewers.push(viewer);
    }
    let refused = see(address, "/live/fleet").await;
    assert_eq!(refused.status, 503);
    assert!(refused.body.contains("512 live pages"), "{}", refused.body);
    assert_eq!(see(address, "/").await.status, 200);
    drop(viewers);
    let freed = async {
        while !Live::open(address, "/live/fleet").await.line().await.unwrap().contains("200") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, freed).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_end_with_the_server_and_with_their_session() {
    let folder = tempfile::tempdir().unwrap();
    let running = guarded(folder.path(), false).await;
    let address = running.addresses.http;
    let cookie = sign_in(address, OPS, "anna").await;
    let mut signed_in = Live::open_with(address, "/live/fleet", &format!("cookie: {cookie}\r\n")).await;
    let mut open = Live::open(address, "/live/nodes").await;
    signed_in.until("event: tick").await;
    let own = format!("http://{address}");
    form(address, "/logout", &[("cookie", &cookie), ("origin", &own)], "").await;
    while signed_in.line().await.is_some_and(|line| line.trim() != "0") {}
    open.until("event: tick").await;
    let began = Instant::now();
    running.stop().await;
    while open.line().await.is_some() {}
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}
