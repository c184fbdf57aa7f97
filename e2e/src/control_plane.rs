//! The built control plane under the harness.
//!
//! It runs as the process that users run, on ports of its own that stay reserved while it restarts, and is asked
//! through its admin listener alone.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use serin_proto::admin::v1::ListNodesRequest;
use serin_proto::admin::v1::admin_service_client::AdminServiceClient;
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

use crate::ports::Port;
use crate::process::Process;
use crate::workspace::Workspace;

/// How long it may take to answer its first call.
const START_DEADLINE: Duration = Duration::from_secs(15);
/// How long it may take to end.
const STOP_DEADLINE: Duration = Duration::from_secs(10);
/// How long one call may take.
const CALL_DEADLINE: Duration = Duration::from_secs(5);

/// Client of the admin listener.
pub type AdminClient = AdminServiceClient<Channel>;

/// A running control plane. Dropping it kills it; its data stay in the folder it was given.
#[derive(Debug)]
pub struct ControlPlane {
    binary: PathBuf,
    folder: PathBuf,
    process: Process,
    lives: u32,
    fleet: Port,
    admin: Port,
    http: Port,
}

impl ControlPlane {
    /// Starts it on free ports and waits until it answers. Configuration, data and log lie in `folder`. The filters
    /// load their code from the workspace's build, and report at `report_interval`.
    ///
    /// # Errors
    /// When it or the filter has not been built, it ends early (with the end of its log), or does not answer in 15 s.
    pub async fn start(workspace: &Workspace, folder: &Path, report_interval: Duration) -> Result<Self> {
        let binary = workspace.binary("serin-control-plane")?;
        Self::start_binary(&binary, workspace, folder, report_interval).await
    }

    /// The same, and its HTTP listener asks for `token`.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_guarded(
        workspace: &Workspace,
        folder: &Path,
        report_interval: Duration,
        token: &str,
    ) -> Result<Self> {
        let binary = workspace.binary("serin-control-plane")?;
        let file = folder.join("http-token");
        std::fs::write(&file, token).with_context(|| format!("cannot write {}", file.display()))?;
        let more = json!({"listeners": {"http": {"tokens": {"harness": file}}}});
        Self::start_with(&binary, workspace, folder, report_interval, more).await
    }

    /// The same with more in its configuration.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_configured(
        workspace: &Workspace,
        folder: &Path,
        report_interval: Duration,
        more: Value,
    ) -> Result<Self> {
        let binary = workspace.binary("serin-control-plane")?;
        Self::start_with(&binary, workspace, folder, report_interval, more).await
    }

    /// The same with another build of it.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_binary(
        binary: &Path,
        workspace: &Workspace,
        folder: &Path,
        report_interval: Duration,
    ) -> Result<Self> {
        Self::start_with(binary, workspace, folder, report_interval, json!({})).await
    }

    async fn start_with(
        binary: &Path,
        workspace: &Workspace,
        folder: &Path,
        report_interval: Duration,
        more: Value,
    ) -> Result<Self> {
        let [fleet, admin, http] = [Port::reserve()?, Port::reserve()?, Port::reserve()?];
        let config = folder.join("control-plane.yaml");
        // JSON is YAML, and quotes any path.
        let mut document = json!({
            "data": folder.join("data"),
            "listeners": {
                "fleet": {"address": fleet.address()},
                "admin": {"address": admin.address()},
                "http": {"address": http.address()},
            },
            "filter": {"path": workspace.wasm()?},
            "report": {"interval_ms": u64::try_from(report_interval.as_millis())?},
        });
        merge(&mut document, more);
        std::fs::write(&config, serde_json::to_vec_pretty(&document)?)
            .with_context(|| format!("cannot write {}", config.display()))?;
        let (binary, folder) = (binary.to_owned(), folder.to_owned());
        let process = launch(&binary, &folder, 1)?;
        let mut started = Self { binary, folder, process, lives: 1, fleet, admin, http };
        started.wait_ready().await?;
        Ok(started)
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again on the same ports and data, after [`Self::kill`], and waits until it answers.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn restart(&mut self) -> Result<()> {
        self.lives += 1;
        self.process = launch(&self.binary, &self.folder, self.lives)?;
        self.wait_ready().await
    }

    async fn wait_ready(&mut self) -> Result<()> {
        let end = Instant::now() + START_DEADLINE;
        let mut client = self.client()?;
        // One who asks for a token answers, too.
        while let Err(status) = client.list_nodes(ListNodesRequest {}).await
            && status.code() != Code::Unauthenticated
        {
            self.process.ensure_running()?;
            if Instant::now() > end {
                let tail = self.process.tail();
                bail!(
                    "the control plane does not answer after {} s: {status}\n{tail}",
                    START_DEADLINE.as_secs()
                );
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// A client of its admin listener. It connects at the first call; each call has a deadline of five seconds.
    ///
    /// # Errors
    /// Never for a loopback address.
    pub fn client(&self) -> Result<AdminClient> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.admin.address()))?;
        let endpoint = endpoint.connect_timeout(CALL_DEADLINE).timeout(CALL_DEADLINE);
        Ok(AdminClient::new(endpoint.connect_lazy()))
    }

    /// Where Envoys attach.
    #[must_use]
    pub fn fleet(&self) -> SocketAddr {
        self.fleet.address()
    }

    /// Where people and pipelines attach.
    #[must_use]
    pub fn admin(&self) -> SocketAddr {
        self.admin.address()
    }

    /// Metrics, health and the dashboard.
    #[must_use]
    pub fn http(&self) -> SocketAddr {
        self.http.address()
    }

    /// Its process.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
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

/// Puts `more` into `document`, object by object.
fn merge(document: &mut Value, more: Value) {
    match (document, more) {
        (Value::Object(fields), Value::Object(more)) => {
            for (name, value) in more {
                merge(fields.entry(name).or_insert(Value::Null), value);
            }
        }
        (place, value) => *place = value,
    }
}

/// Each life has a log of its own.
fn launch(binary: &Path, folder: &Path, life: u32) -> Result<Process> {
    let mut command = Command::new(binary);
    command.arg("--config").arg(folder.join("control-plane.yaml"));
    Process::start("control-plane", command, &folder.join(format!("control-plane-{life}.log")))
}
