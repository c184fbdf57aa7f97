//! What the demo asks the control plane, as any operator or pipeline could.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use serin_proto::admin::v1 as proto;
use tokio::time::Instant;

use crate::control_plane::AdminClient;
use crate::http;

/// Name of the service in both plans.
pub(super) const SERVICE: &str = "shop";
/// Who the journal says asked.
const ACTOR: &str = "operator";
/// Time between two looks at the control plane.
const LOOK: Duration = Duration::from_millis(50);

/// The control plane, seen from outside.
#[derive(Clone)]
pub(super) struct Control {
    admin: AdminClient,
    http: SocketAddr,
}

/// One entry of the journal.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) sequence: u64,
    /// Identifier of the rollout or train.
    pub(super) rollout: String,
    pub(super) at: SystemTime,
    pub(super) kind: String,
    pub(super) actor: String,
    pub(super) text: String,
    /// Components that it names.
    pub(super) components: Vec<String>,
    /// Blocks of code that it returns to previous versions.
    pub(super) blocks: Vec<String>,
    /// The stage of a rollback that it records, and how that ended.
    pub(super) stage: Option<(String, String)>,
}

/// A histogram of `/metrics`: how many observations, and their sum in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Observed {
    count: f64,
    sum: f64,
}

impl Control {
    pub(super) fn new(admin: AdminClient, http: SocketAddr) -> Self {
        Self { admin, http }
    }

    pub(super) async fn create(&self, plan_yaml: &str) -> Result<proto::Rollout> {
        let request = proto::CreateRequest { plan_yaml: plan_yaml.to_owned(), paused: false };
        let answer = self.admin.clone().create(asked(request)).await.context("the plan was refused")?;
        answer.into_inner().rollout.context("the answer has no rollout")
    }

    pub(super) async fn hand_over(&self, reason: &str) -> Result<()> {
        let request = proto::HandOverRequest { id: SERVICE.to_owned(), reason: reason.to_owned() };
        self.admin.clone().hand_over(asked(request)).await.context("hand-over was refused")?;
        Ok(())
    }

    /// Returns the version of the service to its baseline.
    pub(super) async fn roll_back(&self, reason: &str) -> Result<()> {
        let (id, reason) = (SERVICE.to_owned(), reason.to_owned());
        let request = proto::RollbackRequest { id, reason, ..proto::RollbackRequest::default() };
        self.admin.clone().rollback(asked(request)).await.context("rollback was refused")?;
        Ok(())
    }

    /// The newest rollout of the service.
    pub(super) async fn rollout(&self) -> Result<proto::Rollout> {
        self.rollout_of(SERVICE).await
    }

    /// The newest rollout of a service.
    pub(super) async fn rollout_of(&self, service: &str) -> Result<proto::Rollout> {
        let request = proto::GetRequest { id: service.to_owned() };
        let answer = self.admin.clone().get(request).await.context("the rollout cannot be read")?;
        answer.into_inner().rollout.context("the answer has no rollout")
    }

    /// Entries of the journal, of all rollouts, after `sequence`.
    pub(super) async fn events_after(&self, sequence: u64) -> Result<Vec<Event>> {
        let request =
            proto::ListEventsRequest { after_sequence: sequence, ..proto::ListEventsRequest::default() };
        let answer = self.admin.clone().list_events(request).await.context("the journal cannot be read")?;
        answer.into_inner().events.into_iter().map(Event::try_from).collect()
    }

    /// VMs of all Envoys that report.
    pub(super) async fn vms(&self) -> Result<u32> {
        let answer = self.admin.clone().list_nodes(proto::ListNodesRequest {}).await?;
        Ok(answer.into_inner().nodes.iter().map(|node| node.vms).sum())
    }

    /// Waits until the newest rollout fits `wanted`; `None` at the deadline.
    pub(super) async fn until(
        &self,
        deadline: Duration,
        wanted: impl FnMut(&proto::Rollout) -> bool,
    ) -> Result<Option<proto::Rollout>> {
        self.until_of(SERVICE, deadline, wanted).await
    }

    /// The same of another service.
    pub(super) async fn until_of(
        &self,
        service: &str,
        deadline: Duration,
        mut wanted: impl FnMut(&proto::Rollout) -> bool,
    ) -> Result<Option<proto::Rollout>> {
        let end = Instant::now() + deadline;
        loop {
            let rollout = self.rollout_of(service).await?;
            if wanted(&rollout) {
                return Ok(Some(rollout));
            }
            if Instant::now() > end {
                return Ok(None);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until every VM that lives applies the change of the rollout of this generation, or a later one. A decision is in the journal
    /// before it is shown.
    pub(super) async fn until_applied(&self, generation: u64, deadline: Duration) -> Result<()> {
        let applied = |rollout: &proto::Rollout| {
            rollout.vms_known > 0
                && rollout.vms_applied == rollout.vms_known
                && rollout.generation >= generation
        };
        match self.until(deadline, applied).await? {
            Some(_) => Ok(()),
            None => bail!("not every worker applies the newest assignment after {} s", deadline.as_secs()),
        }
    }

    /// Waits for the first entry after `sequence` that fits `wanted`; `None` at the deadline.
    pub(super) async fn event(
        &self,
        sequence: u64,
        deadline: Duration,
        wanted: impl Fn(&Event) -> bool,
    ) -> Result<Option<Event>> {
        let end = Instant::now() + deadline;
        loop {
            if let Some(event) = self.events_after(sequence).await?.into_iter().find(|event| wanted(event)) {
                return Ok(Some(event));
            }
            if Instant::now() > end {
                return Ok(None);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Position of the newest entry of the journal.
    pub(super) async fn last_sequence(&self) -> Result<u64> {
        Ok(self.events_after(0).await?.last().map_or(0, |event| event.sequence))
    }

    /// The histogram `name` (without `_seconds`) of `/metrics`.
    pub(super) async fn observed(&self, name: &str) -> Result<Observed> {
        let text = http::get(self.http, "/metrics", &[]).await?.text();
        let value = |suffix: &str| {
            let series = format!("serin_{name}_seconds_{suffix} ");
            text.lines().find_map(|line| line.strip_prefix(series.as_str())?.trim().parse::<f64>().ok())
        };
        match (value("count"), value("sum")) {
            (Some(count), Some(sum)) => Ok(Observed { count, sum }),
            (None, _) | (_, None) => bail!("/metrics has no histogram serin_{name}_seconds"),
        }
    }

    /// The next observation of that histogram, in milliseconds; `None` at the deadline. Its mean, if several came at
    /// once.
    pub(super) async fn next_observation(
        &self,
        name: &str,
        before: Observed,
        deadline: Duration,
    ) -> Result<Option<u64>> {
        let end = Instant::now() + deadline;
        while Instant::now() < end {
            let now = self.observed(name).await?;
            if now.count > before.count {
                let seconds = (now.sum - before.sum) / (now.count - before.count);
                return Ok(Some((seconds * 1_000.0).round().max(0.0) as u64));
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(None)
    }
}

impl Event {
    /// Name of the service, or of the train, that it belongs to: identifiers are names with a suffix.
    pub(super) fn service(&self) -> &str {
        self.rollout.rsplit_once('-').map_or(self.rollout.as_str(), |(name, _)| name)
    }
}

/// A request with the name of who asks, as the command line sends it.
fn asked<T>(message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert("x-serin-actor", tonic::metadata::MetadataValue::from_static(ACTOR));
    request
}

impl TryFrom<proto::Event> for Event {
    type Error = anyhow::Error;

    fn try_from(event: proto::Event) -> Result<Self> {
        let at = event.at.context("an entry of the journal has no time")?;
        let document: serde_json::Value =
            serde_json::from_str(&event.json).context("an entry of the journal is no JSON")?;
        let components = document.get("components").and_then(|components| components.as_array());
        let components = components.into_iter().flatten().chain(document.get("component"));
        let components = components.filter_map(|name| Some(name.as_str()?.to_owned()));
        let blocks = document.get("blocks").and_then(|blocks| blocks.as_object());
        let blocks = blocks.into_iter().flat_map(serde_json::Map::keys).cloned();
        let text = |field: &str| Some(document.get(field)?.as_str()?.to_owned());
        Ok(Self {
            stage: text("stage").zip(text("outcome")),
            sequence: event.sequence,
            rollout: event.rollout_id,
            at: SystemTime::UNIX_EPOCH + Duration::new(u64::try_from(at.seconds)?, u32::try_from(at.nanos)?),
            kind: event.kind,
            actor: event.actor,
            text: event.text,
            components: components.collect(),
            blocks: blocks.collect(),
        })
    }
}
