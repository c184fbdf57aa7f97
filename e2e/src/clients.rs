//! Example services that switch a block by stock OpenFeature SDKs, one in each language, under the harness.
//!
//! Their sources lie in `e2e/clients`. What they need is installed below the target folder, at pinned versions, and
//! never into the source tree; a step that fails is told with what must be there for it.

mod install;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use serde::Deserialize;

use crate::http;
use crate::ports::Port;
use crate::process::Process;
use crate::workspace::Workspace;

/// How long a service may take to answer its first request.
const START_DEADLINE: Duration = Duration::from_secs(30);
/// How long it may take to end.
const STOP_DEADLINE: Duration = Duration::from_secs(5);

/// A language that has an example.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Language {
    /// PyPI `openfeature-sdk` and `openfeature-provider-ofrep`.
    Python,
    /// npm `@openfeature/server-sdk` and `@openfeature/ofrep-provider`.
    Node,
    /// The crates `open-feature` and `open-feature-ofrep`.
    Rust,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Python, Self::Node, Self::Rust];

    /// Name of its folder in `e2e/clients`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Node => "node",
            Self::Rust => "rust",
        }
    }

    /// Installs what its example needs, unless it is there, and gives the command that runs it.
    ///
    /// # Errors
    /// When a step fails; its output has been shown.
    pub fn install(self, workspace: &Workspace) -> Result<Command> {
        match self {
            Self::Python => install::python(workspace),
            Self::Node => install::node(workspace),
            Self::Rust => install::rust(workspace),
        }
    }
}

/// Where what the example of `language` needs is installed.
#[must_use]
pub fn folder(workspace: &Workspace, language: Language) -> PathBuf {
    workspace.target().join("clients").join(language.name())
}

/// What a service is told.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// The control plane's HTTP listener.
    pub flags: SocketAddr,
    /// Token of that listener.
    pub token: Option<&'a str>,
    /// Version that the service is.
    pub version: &'a str,
    /// How often it asks for the flag.
    pub poll: Duration,
}

/// A running example. Dropping it ends it.
#[derive(Debug)]
pub struct Client {
    language: Language,
    process: Process,
    port: Port,
}

/// What a checkout says of itself.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub struct Checkout {
    /// Version of the block that ran.
    pub version: String,
    /// What told it: `baggage` or `flag`.
    pub by: String,
    /// What it computed.
    pub tax_cents: u64,
}

impl Client {
    /// Starts an example by the `command` that [`Language::install`] gave, and waits until it answers. Its log lies in
    /// `folder`.
    ///
    /// # Errors
    /// When it ends early (with the end of its log) or does not answer in 30 s.
    pub async fn start(
        language: Language,
        mut command: Command,
        settings: &Settings<'_>,
        folder: &Path,
    ) -> Result<Self> {
        let port = Port::reserve()?;
        command
            .env("PORT", port.number().to_string())
            .env("FLAGS_URL", format!("http://{}", settings.flags))
            .env("SERVICE_VERSION", settings.version)
            .env("POLL_MS", settings.poll.as_millis().to_string())
            // A machine's proxy is not on the way to loopback.
            .env("NO_PROXY", "127.0.0.1")
            .env_remove("FLAGS_TOKEN");
        if let Some(token) = settings.token {
            command.env("FLAGS_TOKEN", token);
        }
        let name = format!("checkout-{}-{}", language.name(), port.number());
        let process = Process::start(&name, command, &folder.join(format!("{name}.log")))?;
        let mut client = Self { language, process, port };
        client.wait_ready().await?;
        Ok(client)
    }

    async fn wait_ready(&mut self) -> Result<()> {
        let end = Instant::now() + START_DEADLINE;
        while let Err(error) = self.checkout(None).await {
            self.process.ensure_running()?;
            if Instant::now() > end {
                let tail = self.process.tail();
                bail!(
                    "{} does not answer after {} s: {error:#}\n{tail}",
                    self.language.name(),
                    START_DEADLINE.as_secs()
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Its language.
    #[must_use]
    pub fn language(&self) -> Language {
        self.language
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Buys something here.
    ///
    /// # Errors
    /// As [`checkout`].
    pub async fn checkout(&self, baggage: Option<&str>) -> Result<Checkout> {
        checkout(self.address(), baggage).await
    }

    /// The last lines of its log.
    #[must_use]
    pub fn tail(&self) -> String {
        self.process.tail()
    }

    /// Ends it.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub async fn stop(self) -> Result<()> {
        self.process.stop(STOP_DEADLINE).await?;
        Ok(())
    }
}

/// Buys something for 10.50 at `address`, with a `baggage` header or none.
///
/// # Errors
/// When it does not answer as it should.
pub async fn checkout(address: SocketAddr, baggage: Option<&str>) -> Result<Checkout> {
    let headers: Vec<_> = baggage.iter().map(|value| ("baggage", *value)).collect();
    let answer = http::get(address, "/checkout?cents=1050", &headers).await?;
    ensure!(answer.status() == 200, "status {}: {}", answer.status(), answer.text());
    Ok(serde_json::from_slice(&answer.body)?)
}
