//! The built control plane under the harness.
//!
//! It runs as the process that users run, on ports of its own that stay reserved while it restarts, and is asked
//! through its admin listener alone.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;
use serin_proto::admin::v1::ListNodesRequest;
use serin_proto::admin::v1::admin_service_client::AdminServiceClient;
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
    process: Process,
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
        let [fleet, admin, http] = [Port::reserve()?, Port::reserve()?, Port::reserve()?];
        let config = folder.join("control-plane.yaml");
        // JSON is YAML, and quotes any path.
        let document = json!({
            "data": folder.join("data"),
            "listeners": {
                "fleet": {"address": fleet.address()},
                "admin": {"address": admin.address()},
                "http": {"address": http.address()},
            },
            "filter": {"path": workspace.wasm()?},
            "report": {"interval_ms": u64::try_from(report_interval.as_millis())?},
        });
        std::fs::write(&config, serde_json::to_vec_pretty(&document)?)
            .with_context(|| format!("cannot write {}", config.display()))?;
        let process = launch(binary, &config, &folder.join("control-plane.log"))?;
        let mut started = Self { process, fleet, admin, http };
        started.wait_ready().await?;
        Ok(started)
    }

    async fn wait_ready(&mut self) -> Result<()> {
        let end = Instant::now() + START_DEADLINE;
        let mut client = self.client()?;
        while let Err(status) = client.list_nodes(ListNodesRequest {}).await {
            self.process.ensure_running()?;
            if Instant::now() > end {
                let tail = self.process.tail();
                bail!(
                    "the control plane does not answer after {} s: {status}\n{tail}",
                    START_DEADLINE.as_secs()
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
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

    /// Metrics, health and the status page.
    #[must_use]
    pub fn http(&self) -> SocketAddr {
        self.http.address()
    }

    /// Its process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
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

fn launch(binary: &Path, config: &Path, log: &Path) -> Result<Process> {
    let mut command = Command::new(binary);
    command.arg("--config").arg(config);
    Process::start("control-plane", command, log)
}
