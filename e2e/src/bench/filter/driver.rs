//! A closed-loop load over plain sockets: cheap, so that it leaves the CPU to what is measured.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::variant::route_path;
use super::{BODY, ROUTES};

/// Connections, each with one request under way.
const CONNECTIONS: u64 = 16;
/// Distinct requests: routes and users.
const REQUESTS: usize = 10_000;
/// Longest response head.
const RESPONSE_BYTES: usize = 8 * 1024;
/// How the expected response begins.
const OK: &[u8] = b"HTTP/1.1 200";
/// Deadline of one response.
const DEADLINE: Duration = Duration::from_secs(10);

/// Sends the same requests to each variant.
pub(super) struct Driver {
    requests: Arc<Vec<Vec<u8>>>,
}

impl Driver {
    pub(super) fn new() -> Self {
        Self { requests: Arc::new((0..REQUESTS).map(request).collect()) }
    }

    /// Sends `total` requests and waits for all answers.
    pub(super) async fn run(&self, connections: &mut Connections, total: u64) -> Result<()> {
        let mut tasks = JoinSet::new();
        for (place, mut connection) in connections.0.drain(..).enumerate() {
            let requests = Arc::clone(&self.requests);
            let share = total / CONNECTIONS + u64::from((place as u64) < total % CONNECTIONS);
            tasks.spawn(async move { connection.drive(&requests, share).await.map(|()| connection) });
        }
        while let Some(outcome) = tasks.join_next().await {
            connections.0.push(outcome??);
        }
        Ok(())
    }
}

/// Connections to one Envoy, kept from slice to slice.
pub(super) struct Connections(Vec<Connection>);

impl Connections {
    pub(super) async fn open(address: SocketAddr) -> Result<Self> {
        let mut connections = Vec::new();
        for first in 0..CONNECTIONS {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let next = usize::try_from(first)?;
            connections.push(Connection { stream, next, buffer: vec![0; RESPONSE_BYTES] });
        }
        Ok(Self(connections))
    }
}

struct Connection {
    stream: TcpStream,
    next: usize,
    buffer: Vec<u8>,
}

impl Connection {
    async fn drive(&mut self, requests: &[Vec<u8>], count: u64) -> Result<()> {
        for _ in 0..count {
            let request = requests.get(self.next % requests.len()).context("there are no requests")?;
            self.next += usize::try_from(CONNECTIONS)?;
            self.stream.write_all(request).await?;
            let response = response(&mut self.stream, &mut self.buffer);
            tokio::time::timeout(DEADLINE, response).await.context("no answer in time")??;
        }
        Ok(())
    }
}

/// One of the requests, with nine headers.
fn request(number: usize) -> Vec<u8> {
    let path = route_path(number % ROUTES);
    format!(
        "GET {path}items/{number}?page=2 HTTP/1.1\r\n\
         host: shop.example.com\r\n\
         user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)\r\n\
         accept: text/html,application/json;q=0.9,*/*;q=0.8\r\n\
         accept-encoding: gzip, deflate, br\r\n\
         accept-language: en-GB,en;q=0.7\r\n\
         referer: https://shop.example.com/area-1/\r\n\
         cookie: theme=dark; consent=1; visit=9f86d081884c7d659a2feaa0c55ad015\r\n\
         authorization: Bearer 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae\r\n\
         x-user-id: user-{number}\r\n\r\n"
    )
    .into_bytes()
}

/// Reads one response to its end and checks that it is the expected one.
async fn response(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<()> {
    let mut length = 0;
    loop {
        let read = stream.read(buffer.get_mut(length..).unwrap_or_default()).await?;
        ensure!(read > 0, "the connection ended in the middle of a response");
        length += read;
        let so_far = buffer.get(..length).unwrap_or_default();
        ensure!(
            length < OK.len() || so_far.starts_with(OK),
            "expected status 200, got {}",
            String::from_utf8_lossy(so_far)
        );
        if so_far.strip_suffix(BODY.as_bytes()).is_some_and(|head| head.ends_with(b"\r\n\r\n")) {
            return Ok(());
        }
    }
}
