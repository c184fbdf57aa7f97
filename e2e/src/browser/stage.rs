//! The real stack with a browser in front: two versions of the shop behind Envoy, their clients, a control plane that asks for
//! a token, and Chromium.
//!
//! Tests and pictures play on it. It asks the control plane only what any pipeline could.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};
use serde_json::json;
use serin_proto::admin::v1 as proto;

use super::Browser;
use crate::bootstrap::{BASELINE_CLUSTER, Bootstrap, CANARY_CLUSTER, CONTROL_PLANE_CLUSTER};
use crate::control_plane::{AdminClient, ControlPlane};
use crate::envoy::{Envoy, Settings};
use crate::load::{Load, Plan};
use crate::ports::Port;
use crate::sample::{self, Sample};
use crate::workspace::Workspace;

/// Who may act.
pub const PERSON: &str = "alice";
/// What shows that it is that person.
pub const TOKEN: &str = "correct-horse-battery-staple";
/// How long anything takes that is not a decision.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// Within which evidence of a bad route gathers.
pub const DECISION: Duration = Duration::from_secs(60);
/// Worker threads of Envoy.
const WORKERS: u32 = 2;
/// Twice as often as by default, so that a second is judged half a second earlier.
const REPORT_INTERVAL: Duration = Duration::from_millis(500);
/// Time between two looks at the control plane.
const LOOK: Duration = Duration::from_millis(50);

/// All that runs. Dropping it ends it.
#[derive(Debug)]
pub struct Stage {
    /// Chromium.
    pub browser: Browser,
    /// The version that serves.
    pub baseline: Sample,
    /// The version on trial.
    pub canary: Sample,
    /// The control plane.
    pub control_plane: ControlPlane,
    /// The Envoy, unless it was stopped.
    pub envoy: Option<Envoy>,
    /// Where log records are taken.
    pub logs: Port,
    /// The clients, unless they were stopped.
    pub load: Option<Load>,
    workspace: Workspace,
    folder: PathBuf,
}

impl Stage {
    /// Everything runs but the clients, and nothing is rolled out yet. `name` names the folder of its files.
    ///
    /// # Errors
    /// When a part has not been built or cannot be started.
    pub async fn set(workspace: &Workspace, name: &str) -> Result<Self> {
        let folder = workspace.scratch(name)?;
        let browser = Browser::start(workspace, &folder).await?;
        let version = |label| Sample::start_anywhere(sample::Settings::version(label));
        let (baseline, canary) = tokio::try_join!(version("v1"), version("v2"))?;
        let (token, logs) = (folder.join("token"), Port::reserve()?);
        std::fs::write(&token, TOKEN)?;
        let more = json!({"listeners": {
            "admin": {"tokens": {PERSON: token}},
            "otlp": {"address": logs.address()},
        }});
        let control_plane = ControlPlane::start_configured(workspace, &folder, REPORT_INTERVAL, more).await?;
        let workspace = workspace.clone();
        let envoy = None;
        let mut stage =
            Self { browser, baseline, canary, control_plane, envoy, logs, load: None, workspace, folder };
        stage.start_envoy().await?;
        Ok(stage)
    }

    async fn start_envoy(&mut self) -> Result<()> {
        let bootstrap = Bootstrap::shipped(&self.workspace)?
            .cluster_at(BASELINE_CLUSTER, self.baseline.address())?
            .cluster_at(CANARY_CLUSTER, self.canary.address())?
            .cluster_at(CONTROL_PLANE_CLUSTER, self.control_plane.fleet())?;
        let settings = Settings::named("envoy-1").workers(WORKERS);
        self.envoy = Some(Envoy::start(&self.workspace, &settings, bootstrap, &self.folder).await?);
        Ok(())
    }

    /// Lets clients ask for the routes of the shop, so many times a second.
    ///
    /// # Errors
    /// When no Envoy runs.
    pub fn send(&mut self, requests_per_second: f64) -> Result<()> {
        let envoy = self.envoy.as_ref().context("no Envoy runs")?;
        self.load = Some(Load::start(Plan::of_shop(envoy.address(), requests_per_second))?);
        Ok(())
    }

    /// Where files of the run lie.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Address of a page.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.control_plane.http())
    }

    fn admin(&self) -> Result<AdminClient> {
        self.control_plane.client()
    }

    /// Begins a rollout, as a pipeline would, and gives its identifier.
    ///
    /// # Errors
    /// When the plan is refused.
    pub async fn begin(&self, plan: &str) -> Result<String> {
        let request = proto::CreateRequest { plan_yaml: plan.to_owned(), paused: false };
        let created = self.admin()?.create(asked(request)?).await.context("the plan was refused")?;
        Ok(created.into_inner().rollout.context("no rollout was created")?.id)
    }

    /// The rollout as it is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn rollout(&self, id: &str) -> Result<proto::Rollout> {
        let request = proto::GetRequest { id: id.to_owned() };
        let answer = self.admin()?.get(asked(request)?).await.context("the rollout cannot be read")?;
        answer.into_inner().rollout.context("the answer has no rollout")
    }

    /// Waits until it fits.
    ///
    /// # Errors
    /// When it does not by the deadline; the error says `what` was waited for.
    pub async fn until(
        &self,
        what: &str,
        id: &str,
        fits: impl Fn(&proto::Rollout) -> bool,
    ) -> Result<proto::Rollout> {
        let end = Instant::now() + DECISION;
        loop {
            let rollout = self.rollout(id).await?;
            if fits(&rollout) {
                return Ok(rollout);
            }
            if Instant::now() > end {
                bail!("not within {} s: {what}; it is: {}", DECISION.as_secs(), rollout.summary);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The journal of a rollout.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn events(&self, id: &str) -> Result<Vec<proto::Event>> {
        let rollout_id = id.to_owned();
        let request = proto::ListEventsRequest { rollout_id, ..proto::ListEventsRequest::default() };
        let answer = self.admin()?.list_events(asked(request)?).await?;
        Ok(answer.into_inner().events)
    }

    /// The first entry of this kind, once it is there.
    ///
    /// # Errors
    /// When it is not there by the deadline.
    pub async fn event(&self, id: &str, kind: &str) -> Result<proto::Event> {
        let end = Instant::now() + DECISION;
        loop {
            if let Some(event) = self.events(id).await?.into_iter().find(|event| event.kind == kind) {
                return Ok(event);
            }
            if Instant::now() > end {
                bail!("not within {} s: {kind}", DECISION.as_secs());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Ends all of it in good order.
    ///
    /// # Errors
    /// When something cannot be waited for.
    pub async fn clear(mut self) -> Result<()> {
        self.browser.stop().await?;
        self.load = None;
        if let Some(envoy) = self.envoy.take() {
            envoy.stop().await?;
        }
        self.control_plane.stop().await?;
        // It lies below the target folder; what cannot be removed does no harm there.
        let _ = std::fs::remove_dir_all(&self.folder);
        Ok(())
    }
}

/// A request with the token of who may act.
///
/// # Errors
/// Never for a token of visible ASCII.
pub fn asked<T>(message: T) -> Result<tonic::Request<T>> {
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {TOKEN}").parse()?);
    Ok(request)
}

/// When an event was.
///
/// # Errors
/// When it tells no time.
pub fn time_of(event: &proto::Event) -> Result<SystemTime> {
    event.at.and_then(|at| at.try_into().ok()).context("an entry of the journal has no time")
}
