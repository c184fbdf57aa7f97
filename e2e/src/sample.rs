//! The sample service: a small shop whose versions can be made to fail while they run.
//!
//! One port speaks HTTP/1.1, HTTP/2 with prior knowledge, gRPC (without generated code) and WebSocket (echo). Every answer
//! carries its version in `x-version`; every request is counted once, by what was decided for it. What differs from
//! request to request (latency, whether a fault hits) comes from a hash of the seed and the number of the request, so a
//! run can be repeated.
//!
//! `POST /_faults` replaces the [faults](fault::Faults), `GET /_stats` tells the [counts](stats::Stats). Both are meant for
//! loopback only.

mod answer;
pub mod fault;
mod route;
mod serve;
pub mod stats;
mod websocket;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::fault::Faults;
use self::stats::{Counts, Stats};

pub use self::route::{GRPC_METHOD, OTHER, ROUTES, WEBSOCKET, components};

/// Response header that names the version that answered.
pub const VERSION_HEADER: &str = "x-version";
/// Request header with a [`fault::Kind`] as JSON, for this request alone.
pub const FAULT_HEADER: &str = "x-sample-fault";

/// How one version of the service behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What it says in `x-version`.
    pub version: String,
    /// Makes two runs alike.
    pub seed: u64,
    /// Median of the latency without faults. Zero: it answers at once.
    pub median_latency: Duration,
}

impl Settings {
    /// A version with a median latency of 2 ms.
    #[must_use]
    pub fn version(version: &str) -> Self {
        Self { version: version.to_owned(), seed: 1, median_latency: Duration::from_millis(2) }
    }
}

/// A running sample service. Dropping it closes the port and all connections.
#[derive(Debug)]
pub struct Sample {
    address: SocketAddr,
    service: Arc<Service>,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Sample {
    /// Starts the service on `listen`; port 0 takes any free one.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start(settings: Settings, listen: SocketAddr) -> Result<Self> {
        let listener =
            TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let service = Arc::new(Service::new(settings));
        let accepting = tokio::spawn(serve::accept(listener, Arc::clone(&service), stopped));
        Ok(Self { address, service, stop, accepting })
    }

    /// Starts the service on a free loopback port.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start_anywhere(settings: Settings) -> Result<Self> {
        Self::start(settings, ([127, 0, 0, 1], 0).into()).await
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Replaces the faults, as `POST /_faults` does.
    pub fn set_faults(&self, faults: Faults) {
        self.service.faults.send_replace(Arc::new(faults));
    }

    /// What it has been asked so far, as `GET /_stats` tells.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.service.stats()
    }

    /// Ends it and starts another version at the same address. What is under way breaks. Returns the counts of the one
    /// that ended.
    ///
    /// # Errors
    /// When the port was taken meanwhile; then nothing listens there.
    pub async fn replace(&mut self, settings: Settings) -> Result<Stats> {
        self.stop.send_replace(true);
        self.accepting.abort();
        // The port is free once the task is gone; that it was cancelled is no news.
        let _ = (&mut self.accepting).await;
        let stats = self.stats();
        *self = Self::start(settings, self.address).await?;
        Ok(stats)
    }

    /// Serves until the port is closed by an error.
    ///
    /// # Errors
    /// When the task that accepts connections died.
    pub async fn serve(mut self) -> Result<()> {
        (&mut self.accepting).await.context("the sample service died")
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.accepting.abort();
    }
}

/// What all connections share.
#[derive(Debug)]
struct Service {
    settings: Settings,
    faults: watch::Sender<Arc<Faults>>,
    counts: Counts,
    numbers: AtomicU64,
}

impl Service {
    fn new(settings: Settings) -> Self {
        let faults = watch::channel(Arc::default()).0;
        Self { settings, faults, counts: Counts::default(), numbers: AtomicU64::new(0) }
    }

    /// The draws of the next request.
    fn next_draws(&self) -> Draws {
        Draws { state: splitmix(self.settings.seed) ^ splitmix(self.numbers.fetch_add(1, Ordering::Relaxed)) }
    }

    fn stats(&self) -> Stats {
        Stats { version: self.settings.version.clone(), requests: self.counts.list() }
    }
}

/// Uniform draws in [0, 1) that depend on nothing but where they start.
struct Draws {
    state: u64,
}

impl Draws {
    fn next(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        // The upper 53 bits are what an f64 holds exactly.
        (splitmix(self.state) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A log-normal latency around `median`, by Box and Muller; one request in a hundred takes more than 2.5 times that.
    fn latency(&mut self, median: Duration) -> Duration {
        const SPREAD: f64 = 0.4;
        let radius = (-2.0 * (1.0 - self.next()).ln()).sqrt();
        let normal = radius * (std::f64::consts::TAU * self.next()).cos();
        median.mul_f64((SPREAD * normal).exp())
    }
}

/// The finaliser of SplitMix64: every input bit changes half of the output.
pub(crate) fn splitmix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests;
