//! Everything that runs during the demo, started in the order in which an operator would.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::control::Control;
use super::shop::Shop;
use crate::bootstrap::{BASELINE_CLUSTER, Bootstrap, CANARY_CLUSTER, CONTROL_PLANE_CLUSTER};
use crate::control_plane::ControlPlane;
use crate::envoy::{self, Envoy};
use crate::load::Plan;
use crate::workspace::Workspace;

/// Rate of the load. Two cores carry it, with the load generator and the services on them, at less than half of their
/// time.
pub(super) const REQUESTS_PER_SECOND: f64 = 1_500.0;
/// Worker threads of Envoy.
pub(super) const WORKERS: u32 = 2;
/// Twice as often as by default: a demo with one Envoy can afford it, and a second is judged half a second earlier.
const REPORT_INTERVAL: Duration = Duration::from_millis(500);
/// How long the filter may take to report for the first time.
const ATTACH_DEADLINE: Duration = Duration::from_secs(20);

/// What runs beside the service and its clients. Dropping it ends all of it and removes its files.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) envoy: Envoy,
    pub(super) control_plane: ControlPlane,
    // Last, so that its files go when nobody writes them any more.
    folder: Folder,
}

impl Stage {
    /// Starts the control plane and Envoy in front of `shop`, and waits until the filter reports.
    pub(super) async fn set(workspace: &Workspace, shop: &Shop) -> Result<(Self, Control)> {
        let folder = Folder::make(workspace)?;
        let before = |bootstrap: Bootstrap| {
            bootstrap
                .cluster_at(BASELINE_CLUSTER, shop.baseline().address())?
                .cluster_at(CANARY_CLUSTER, shop.canary().address())
        };
        Self::build(workspace, folder, json!({}), before).await
    }

    /// The same in front of whatever `before` puts into Envoy's bootstrap, and with `more` in the control plane's configuration.
    pub(super) async fn build(
        workspace: &Workspace,
        folder: Folder,
        more: Value,
        before: impl FnOnce(Bootstrap) -> Result<Bootstrap>,
    ) -> Result<(Self, Control)> {
        let control_plane =
            ControlPlane::start_configured(workspace, folder.path(), REPORT_INTERVAL, more).await?;
        let control = Control::new(control_plane.client()?, control_plane.http());
        let bootstrap = before(Bootstrap::shipped(workspace)?)?
            .cluster_at(CONTROL_PLANE_CLUSTER, control_plane.fleet())?;
        let settings = envoy::Settings::named("envoy-1").workers(WORKERS);
        let envoy = Envoy::start(workspace, &settings, bootstrap, folder.path()).await?;
        attached(&control).await?;
        Ok((Self { envoy, control_plane, folder }, control))
    }

    /// What the clients send.
    pub(super) fn load_plan(&self) -> Plan {
        Plan::of_shop(self.envoy.address(), REQUESTS_PER_SECOND)
    }

    /// Ends it in good order.
    pub(super) async fn clear(self) -> Result<()> {
        let Self { envoy, control_plane, folder } = self;
        envoy.stop().await?;
        control_plane.stop().await?;
        drop(folder);
        Ok(())
    }

    /// The ends of the logs, to explain a run that broke off.
    pub(super) fn tails(&mut self) -> String {
        let control_plane = self.control_plane.process().tail();
        let envoy = self.envoy.process().tail();
        format!(
            "the files were in {}\n--- control plane\n{control_plane}\n--- Envoy\n{envoy}",
            self.folder.path().display()
        )
    }
}

/// Waits until a VM for each worker reports.
async fn attached(control: &Control) -> Result<()> {
    let end = Instant::now() + ATTACH_DEADLINE;
    loop {
        let vms = control.vms().await?;
        if vms >= WORKERS {
            return Ok(());
        }
        if Instant::now() > end {
            bail!("{vms} filters report after {} s, {WORKERS} were expected", ATTACH_DEADLINE.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A folder that is removed with everything in it.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn make(workspace: &Workspace) -> Result<Self> {
        Ok(Self(workspace.scratch("demo")?))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // It lies below the target folder; what cannot be removed does no harm there.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Version of Envoy as it reports it, for example `1.40.0`.
pub(super) async fn envoy_version(envoy: &Envoy) -> Result<String> {
    let text = envoy.admin().text("/server_info").await?;
    let document: serde_json::Value = serde_json::from_str(&text)?;
    let version = document.get("version").and_then(|version| version.as_str()).unwrap_or_default();
    Ok(version.split('/').nth(1).context("Envoy tells no version")?.to_owned())
}
