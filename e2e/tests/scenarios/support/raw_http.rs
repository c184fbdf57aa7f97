//! HTTP/1.1 byte by byte, for requests that no client library would send.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long one exchange may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// Status and headers (names in lower case) of an answer.
#[derive(Debug)]
pub(crate) struct RawAnswer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
}

impl RawAnswer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// One connection; made anew when the server has closed it.
#[derive(Debug)]
pub(crate) struct RawClient {
    address: SocketAddr,
    stream: Option<TcpStream>,
}

impl RawClient {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, stream: None }
    }

    /// Sends bytes and reads one answer.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<RawAnswer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => TcpStream::connect(self.address).await?,
        };
        let answer = timeout(DEADLINE, async {
            stream.write_all(request).await?;
            read_answer(&mut stream).await
        });
        let answer = answer.await.context("no answer")??;
        if answer.header("connection") != Some("close") {
            self.stream = Some(stream);
        }
        Ok(answer)
    }
}

/// Reads one answer, and past its body, whose length is told by `content-length`; an upgrade has none.
pub(crate) async fn read_answer(stream: &mut TcpStream) -> Result<RawAnswer> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > 64 * 1024 {
            bail!("endless head");
        }
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.lines();
    let status =
        lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).context("no status line")?;
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .map_or(Ok(0), |(_, value)| value.parse())?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(RawAnswer { status, headers })
}
