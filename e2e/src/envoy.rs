//! A real Envoy under the harness.
//!
//! [`binary::locate`] finds or fetches it; [`Envoy::start`] runs it with a [`Bootstrap`] on ports of its own and waits
//! until it is ready. Nothing about Envoy is imitated.

pub mod admin;
pub mod binary;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use self::admin::Admin;
use crate::bootstrap::Bootstrap;
use crate::ports::Port;
use crate::process::{self, Process};
use crate::workspace::Workspace;

/// How long Envoy may take to become ready.
const START_DEADLINE: Duration = Duration::from_secs(30);
/// How long Envoy may take to end.
const STOP_DEADLINE: Duration = Duration::from_secs(10);

/// How Envoy is run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name of the log file and of the node.
    pub name: String,
    /// Worker threads.
    pub workers: u32,
    /// Log level, as Envoy names it.
    pub log_level: String,
}

impl Settings {
    /// One worker, warnings only.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), workers: 1, log_level: "warning".to_owned() }
    }

    /// With this many worker threads.
    #[must_use]
    pub fn workers(mut self, workers: u32) -> Self {
        self.workers = workers;
        self
    }
}

/// A running Envoy. Dropping it kills it.
#[derive(Debug)]
pub struct Envoy {
    process: Process,
    listener: Port,
    admin: Admin,
    _admin_port: Port,
}

impl Envoy {
    /// Starts Envoy with `bootstrap`, its listener and admin interface moved to free ports, and waits until it is ready.
    /// Configuration and log lie in `folder`.
    ///
    /// # Errors
    /// When Envoy cannot be found or started, ends early (with the end of its log) or is not ready in 30 s.
    pub async fn start(
        workspace: &Workspace,
        settings: &Settings,
        bootstrap: Bootstrap,
        folder: &Path,
    ) -> Result<Self> {
        let listener = Port::reserve()?;
        let admin_port = Port::reserve()?;
        let config = folder.join(format!("{}.json", settings.name));
        bootstrap
            .node(&settings.name)
            .listen_on(listener.number())?
            .admin_on(admin_port.number())
            .write(&config)?;
        let mut command = Command::new(binary::locate(workspace)?);
        command
            .arg("--config-path")
            .arg(&config)
            .args(["--concurrency", &settings.workers.to_string()])
            .args(["--log-level", &settings.log_level])
            .args(["--disable-hot-restart", "--drain-time-s", "1", "--parent-shutdown-time-s", "2"]);
        let log = folder.join(format!("{}.log", settings.name));
        let process = Process::start(&settings.name, command, &log)?;
        let mut envoy =
            Self { process, listener, admin: Admin::new(admin_port.address()), _admin_port: admin_port };
        envoy.wait_ready().await?;
        Ok(envoy)
    }

    async fn wait_ready(&mut self) -> Result<()> {
        let end = Instant::now() + START_DEADLINE;
        while !self.admin.is_ready().await {
            self.process.ensure_running()?;
            if Instant::now() > end {
                bail!("Envoy is not ready after {} s:\n{}", START_DEADLINE.as_secs(), self.process.tail());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Where it serves requests.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Its admin interface.
    #[must_use]
    pub fn admin(&self) -> Admin {
        self.admin
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Its process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// CPU time that all its threads have used so far.
    ///
    /// # Errors
    /// When it is gone.
    pub fn cpu_time(&self) -> Result<Duration> {
        Ok(process::cpu_time(self.process.id())?)
    }

    /// Ends it in good order.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub async fn stop(self) -> Result<()> {
        self.process.stop(STOP_DEADLINE).await?;
        Ok(())
    }
}
