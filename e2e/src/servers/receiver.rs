//! An HTTP receiver that keeps what it is sent, and misbehaves when it is asked to.
//!
//! It speaks HTTP by itself, without a library, so that it can break every rule: hang, drip, close, answer without end.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Longest head, and longest body, of a request that is kept.
const REQUEST_MAX: usize = 4 << 20;
/// Requests that are kept; further ones are answered and forgotten.
const KEPT_MAX: usize = 10_000;
/// Bytes of the body that [`Mode::Huge`] sends.
const HUGE: usize = 10 << 20;

/// What it does with a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Mode {
    /// Answers with a status and no body.
    Status(u16),
    /// Never answers.
    Hang,
    /// Answers 200 with ten megabytes.
    Huge,
    /// Answers 307 with this location.
    Redirect(String),
    /// Answers 200 and then one byte every 50 ms, without end.
    Drip,
    /// Closes the connection.
    Close,
}

/// A request that it got.
#[derive(Clone, Debug)]
pub struct Received {
    /// When.
    pub at: Instant,
    /// Path with query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// A running receiver.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    mode: Mutex<Mode>,
    received: Mutex<Vec<Received>>,
}

impl Received {
    /// A header by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Receiver {
    /// Starts one that answers 200.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port for the receiver")?;
        let address = listener.local_addr()?;
        let (mode, received) = (Mutex::new(Mode::Status(200)), Mutex::default());
        let shared = Arc::new(Shared { mode, received });
        let serving = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&serving);
                tokio::spawn(async move {
                    // The other side may break off at any time.
                    let _ = serve(stream, &shared).await;
                });
            }
        });
        Ok(Self { address, shared, task })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Address of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What it does from now on, also with connections that are open.
    pub fn set(&self, mode: Mode) {
        *self.shared.mode.lock().unwrap_or_else(PoisonError::into_inner) = mode;
    }

    /// What it got so far, in order.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until what it got is as `wanted` says.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn until(
        &self,
        within: Duration,
        wanted: impl Fn(&[Received]) -> bool,
    ) -> Result<Vec<Received>> {
        let end = Instant::now() + within;
        loop {
            let received = self.received();
            if wanted(&received) {
                return Ok(received);
            }
            if Instant::now() > end {
                bail!("not received within {within:?}; it got {} requests", received.len());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, shared: &Shared) -> Result<()> {
    let mut stream = BufReader::new(stream);
    let received = read(&mut stream).await?;
    {
        let mut kept = shared.received.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT_MAX {
            kept.push(received);
        }
    }
    let mode = shared.mode.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let head = |status: u16, more: &str| format!("HTTP/1.1 {status} x\r\nconnection: close\r\n{more}\r\n");
    match mode {
        Mode::Status(status) => {
            stream.write_all(head(status, "content-length: 0\r\n").as_bytes()).await?;
        }
        Mode::Hang => std::future::pending().await,
        Mode::Huge => {
            stream.write_all(head(200, "").as_bytes()).await?;
            stream.write_all(&vec![b'x'; HUGE]).await?;
        }
        Mode::Redirect(location) => {
            let more = format!("location: {location}\r\ncontent-length: 0\r\n");
            stream.write_all(head(307, &more).as_bytes()).await?;
        }
        Mode::Drip => {
            stream.write_all(head(200, "content-length: 1000000\r\n").as_bytes()).await?;
            loop {
                stream.write_all(b"x").await?;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Mode::Close => {}
    }
    stream.shutdown().await?;
    Ok(())
}

async fn read(stream: &mut BufReader<TcpStream>) -> Result<Received> {
    let mut limited = stream.take(REQUEST_MAX as u64);
    let mut line = String::new();
    limited.read_line(&mut line).await?;
    let path = line.split(' ').nth(1).context("no request line")?.to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        limited.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0_usize);
    let mut body = vec![0; length.min(REQUEST_MAX)];
    limited.read_exact(&mut body).await?;
    Ok(Received { at: Instant::now(), path, headers, body })
}
