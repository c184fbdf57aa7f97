//! The sample service behind Envoy: one endpoint for the baseline, one for the canary.

use anyhow::Result;

use crate::ports::Port;
use crate::sample::fault::Faults;
use crate::sample::stats::{Key, Stats};
use crate::sample::{Sample, Settings};

/// Both endpoints, and the counts of every version that ever ran behind them.
#[derive(Debug)]
pub(super) struct Shop {
    baseline: Endpoint,
    canary: Endpoint,
    retired: Vec<Stats>,
}

/// An address that stays while the versions behind it change.
#[derive(Debug)]
pub(super) struct Endpoint {
    port: Port,
    sample: Sample,
}

impl Shop {
    pub(super) async fn open(baseline: &str, canary: &str) -> Result<Self> {
        let (baseline, canary) = (Endpoint::open(baseline).await?, Endpoint::open(canary).await?);
        Ok(Self { baseline, canary, retired: Vec::new() })
    }

    pub(super) fn baseline(&self) -> &Endpoint {
        &self.baseline
    }

    pub(super) fn canary(&self) -> &Endpoint {
        &self.canary
    }

    /// Replaces the baseline's version. What is under way there breaks: take its traffic away first.
    pub(super) async fn replace_baseline(&mut self, version: &str) -> Result<()> {
        self.retired.push(self.baseline.replace(version).await?);
        Ok(())
    }

    /// Replaces the canary's version. What is under way there breaks: take its traffic away first.
    pub(super) async fn replace_canary(&mut self, version: &str) -> Result<()> {
        self.retired.push(self.canary.replace(version).await?);
        Ok(())
    }

    /// Requests that fit `wanted`, of all versions, by the service's own counts.
    pub(super) fn total(&self, mut wanted: impl FnMut(&Key) -> bool) -> u64 {
        let running = [self.baseline.sample.stats(), self.canary.sample.stats()];
        self.retired.iter().chain(&running).map(|stats| stats.total(&mut wanted)).sum()
    }
}

impl Endpoint {
    async fn open(version: &str) -> Result<Self> {
        let port = Port::reserve()?;
        let sample = Sample::start(Settings::version(version), port.address()).await?;
        Ok(Self { port, sample })
    }

    pub(super) fn address(&self) -> std::net::SocketAddr {
        self.port.address()
    }

    pub(super) fn set_faults(&self, faults: Faults) {
        self.sample.set_faults(faults);
    }

    /// Counts of the version that runs now.
    pub(super) fn stats(&self) -> Stats {
        self.sample.stats()
    }

    async fn replace(&mut self, version: &str) -> Result<Stats> {
        self.sample.replace(Settings::version(version)).await
    }
}

/// Whether an answer of the service is a failure, by its status.
pub(super) fn is_failure(key: &Key) -> bool {
    key.status.parse::<u16>().is_ok_and(|status| status >= 500)
}
