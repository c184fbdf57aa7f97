//! Those who look on: each follows the stream that its page names, over a connection of its own, and counts its bytes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::Options;
use super::report::Cost;
use crate::control_plane::ControlPlane;
use crate::http;
use crate::process::cpu_time;

/// Where streams lie.
const LIVE: &str = "/live/";
/// How long what a page shows at first may come, which is not counted.
const SETTLE: Duration = Duration::from_secs(3);
/// How long an answer to a viewer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What `options.viewers` viewers of these pages cost, who are spread over them evenly.
pub(super) async fn cost(control_plane: &ControlPlane, paths: &[String], options: &Options) -> Result<Cost> {
    let mut streams = Vec::new();
    for path in paths {
        streams.push(stream(control_plane.http(), path).await?);
    }
    let length = Duration::from_secs(options.seconds);
    let process = control_plane.process().id();
    let used = async || {
        let (before, since) = (cpu_time(process)?, Instant::now());
        tokio::time::sleep(length).await;
        anyhow::Ok((cpu_time(process)? - before).as_secs_f64() / since.elapsed().as_secs_f64())
    };
    let (mut without, mut with, mut bytes_per_second) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..options.turns {
        without.push(used().await?);
        let viewers = Viewers::look(control_plane.http(), &streams, options.viewers).await?;
        tokio::time::sleep(SETTLE).await;
        let (before, since) = (viewers.bytes(), Instant::now());
        with.push(used().await?);
        let bytes = (viewers.bytes() - before) as f64 / since.elapsed().as_secs_f64();
        bytes_per_second.push(bytes / f64::from(options.viewers));
        viewers.ensure_all_look()?;
    }
    Ok(Cost::of(without, with, bytes_per_second))
}

/// The stream that a page names.
async fn stream(address: SocketAddr, path: &str) -> Result<String> {
    let page = http::get(address, path, &[]).await?.text();
    let from = page.find(LIVE).with_context(|| format!("{path} names no stream below {LIVE}"))?;
    let rest = page.get(from..).unwrap_or_default();
    let end = rest.find(['"', '\'']).with_context(|| format!("{path}: the name of its stream has no end"))?;
    Ok(rest.get(..end).unwrap_or_default().replace("&amp;", "&"))
}

/// Viewers. Dropping it ends them.
struct Viewers {
    tasks: JoinSet<Result<()>>,
    bytes: Arc<AtomicU64>,
}

impl Viewers {
    /// Returns once each of them got its first bytes.
    async fn look(address: SocketAddr, streams: &[String], number: u32) -> Result<Self> {
        let bytes = Arc::new(AtomicU64::new(0));
        let mut tasks = JoinSet::new();
        for stream in streams.iter().cycle().take(number as usize) {
            let opened = tokio::time::timeout(PATIENCE, open(address, stream, &bytes)).await;
            let connection = opened.with_context(|| format!("{stream} does not answer"))??;
            tasks.spawn(follow(connection, Arc::clone(&bytes)));
        }
        Ok(Self { tasks, bytes })
    }

    fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn ensure_all_look(mut self) -> Result<()> {
        let ended = self.tasks.try_join_next();
        ensure!(ended.is_none(), "a stream ended: {ended:?}");
        Ok(())
    }
}

/// Asks as browsers do, and reads until something came.
async fn open(address: SocketAddr, stream: &str, bytes: &AtomicU64) -> Result<TcpStream> {
    let mut connection = TcpStream::connect(address).await?;
    let request = format!(
        "GET {stream} HTTP/1.1\r\nhost: {address}\r\naccept: text/event-stream\r\n\
         accept-encoding: gzip, deflate, br, zstd\r\ncache-control: no-cache\r\n\r\n"
    );
    connection.write_all(request.as_bytes()).await?;
    let mut buffer = vec![0; 64 * 1024];
    let read = connection.read(&mut buffer).await?;
    let head = String::from_utf8_lossy(buffer.get(..read).unwrap_or_default()).into_owned();
    ensure!(head.starts_with("HTTP/1.1 200"), "{stream}: {}", head.lines().next().unwrap_or_default());
    bytes.fetch_add(read as u64, Ordering::Relaxed);
    Ok(connection)
}

async fn follow(mut connection: TcpStream, bytes: Arc<AtomicU64>) -> Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = connection.read(&mut buffer).await?;
        ensure!(read > 0, "the stream was closed");
        bytes.fetch_add(read as u64, Ordering::Relaxed);
    }
}
