//! A flood of beacons: every one is answered at the edge, none is lost uncounted, memory stays bounded, and users' requests go on.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::json;
use serin_e2e::process::peak_memory;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::crowd::versions_of_users;
use crate::support::patrol::Patrol;
use crate::support::scene::Stage;
use crate::support::totals::Totals;
use crate::support::{PATIENCE, assignment, eventually};

/// 10,000 a second for eight seconds, by as many connections, of which each has one under way.
const CONNECTIONS: u64 = 50;
const BEACONS: u64 = 1_600;
const EVERY: Duration = Duration::from_millis(5);
/// How long one may take.
const DEADLINE: Duration = Duration::from_secs(20);
const USERS: usize = 200;
/// What the flood may add to Envoy's memory: its connections, and what waits for the next report.
const MEMORY: u64 = 48 * 1024 * 1024;
const TAKEN: &[u8] = b"HTTP/1.1 204 ";

/// Sends the beacons of one connection, each of a user and page of its own.
async fn send(address: SocketAddr, connection: u64) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut answer = vec![0_u8; 4_096];
    let begin = tokio::time::Instant::now();
    for number in 0..BEACONS {
        tokio::time::sleep_until(begin + EVERY * u32::try_from(number).unwrap()).await;
        let visitor = connection * BEACONS + number;
        let body = format!("v=1\np=/orders/{visitor}\nl={}\nc=3\nk={}", 200 + visitor % 900, visitor % 2);
        let request = format!(
            "POST /.well-known/serin/beacon HTTP/1.1\r\nhost: shop\r\nuser-agent: Mozilla/5.0 Firefox/140.0\r\n\
             x-user-id: visitor-{visitor}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let (mut read, end) = (0, tokio::time::Instant::now() + DEADLINE);
        while !answer[..read].ends_with(b"\r\n\r\n") {
            let more = tokio::time::timeout_at(end, stream.read(&mut answer[read..])).await.unwrap().unwrap();
            assert!(
                more > 0,
                "the connection was closed after {number} beacons: {}",
                String::from_utf8_lossy(&answer[..read])
            );
            read += more;
        }
        assert!(answer.starts_with(TAKEN), "{}", String::from_utf8_lossy(&answer[..read]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_beacons_a_second_are_counted_or_counted_as_lost_and_harm_no_request() {
    let stage = Stage::open("beacons", 2).await;
    let components = json!([{"name": "orders", "matches": [{"path": {"prefix": "/orders"}}]}]);
    stage.assign(&assignment::of_shop(500_000, &json!({"behaviour": true, "components": components}))).await;
    let address = stage.envoy.address();
    let expected = versions_of_users(address, "/home", USERS).await;
    let memory = peak_memory(stage.envoy.id()).unwrap();
    let patrol = Patrol::start(address, &expected, 100);
    let begin = Instant::now();
    let sending: Vec<_> = (0..CONNECTIONS).map(|number| tokio::spawn(send(address, number))).collect();
    for connection in sending {
        connection.await.unwrap();
    }
    let (took, sent) = (begin.elapsed(), CONNECTIONS * BEACONS);
    let findings = patrol.finish().await;
    let grown = peak_memory(stage.envoy.id()).unwrap() - memory;
    println!("{sent} beacons taken in {took:?}, {} KiB more memory", grown >> 10);
    findings.assert_clean();
    assert!(grown <= MEMORY, "{} MiB", grown >> 20);
    let counted = |totals: &Totals| {
        let gaps = &totals.gaps;
        totals.views.values().sum::<u64>() + gaps.dropped_beacons + gaps.unattributed_beacons
    };
    let totals = eventually("all beacons are reported", PATIENCE, async || {
        let totals = stage.stand_in.totals();
        (counted(&totals) >= sent).then_some(totals)
    })
    .await;
    assert_eq!(counted(&totals), sent);
    assert!(totals.views.values().sum::<u64>() >= sent * 9 / 10, "{:?}", totals.gaps);
    assert_eq!((totals.gaps.malformed_beacons, totals.gaps.bot_beacons), (0, 0));
    let requests = USERS as u64 + findings.asked;
    assert_eq!(stage.stand_in.settled(requests).await.all().finished(), requests, "beacons are no requests");
}
