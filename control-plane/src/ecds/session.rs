//! What one configuration stream has asked for, was sent and has answered; the same for both protocol forms.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::config::core::v3::node::UserAgentVersionType;
use envoy_types::pb::google::rpc;
use tokio::sync::{mpsc, watch};
use tonic::Status;

use super::resource::Resource;
use super::{Shared, TYPE_URL};
use crate::assignment::Posted;
use crate::clock;
use crate::shutdown::Ending;

/// Names that one stream may ask for.
const NAMES_MAX: usize = 1_024;
/// Bytes of a name, and of a node id.
const NAME_BYTES_MAX: usize = 256;
/// Answers that are remembered until Envoy reacts; older ones are forgotten.
const OUTSTANDING_MAX: usize = 64;

pub(super) struct Session {
    shared: Arc<Shared>,
    newest: watch::Receiver<Posted>,
    ending: Ending,
    node: Option<String>,
    names: BTreeSet<String>,
    /// Version of each resource that Envoy has or was sent.
    versions: BTreeMap<String, String>,
    nonce: u64,
    outstanding: BTreeMap<u64, Outstanding>,
    /// Generation when the stream opened; later ones are pushes.
    opened_at: u64,
}

struct Outstanding {
    generation: u64,
    decided: Instant,
}

/// What a stream is to be sent.
pub(super) struct Push {
    pub(super) nonce: String,
    pub(super) generation: u64,
    /// Resources that changed, with their names.
    pub(super) changed: Vec<(String, Arc<Resource>)>,
    /// All that the stream asked for, for the form that sends the state of the world.
    pub(super) all: Vec<Arc<Resource>>,
    /// Names that stand for nothing.
    pub(super) unknown: Vec<String>,
}

impl Session {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let (newest, ending) = (shared.board.subscribe(), shared.ending.clone());
        let opened_at = newest.borrow().published.generation;
        Self {
            shared,
            newest,
            ending,
            node: None,
            names: BTreeSet::new(),
            versions: BTreeMap::new(),
            nonce: 0,
            outstanding: BTreeMap::new(),
            opened_at,
        }
    }

    /// Waits until there is a newer assignment (true) or the server ends (false).
    pub(super) async fn changed(&mut self) -> bool {
        tokio::select! {
            () = self.ending.begun() => false,
            changed = self.newest.changed() => changed.is_ok(),
        }
    }

    /// Hands an answer over. False when the stream or the server ends.
    pub(super) async fn deliver<T>(&mut self, answers: &mpsc::Sender<T>, answer: T) -> bool {
        tokio::select! {
            sent = answers.send(answer) => sent.is_ok(),
            () = self.ending.begun() => false,
        }
    }

    /// Checks the type and, in the first request, the node.
    pub(super) fn begin(&mut self, type_url: &str, node: Option<&Node>) -> Result<(), Status> {
        if !type_url.is_empty() && type_url != TYPE_URL {
            return Err(Status::invalid_argument(format!("type_url: only {TYPE_URL} is served")));
        }
        if self.node.is_some() {
            return Ok(());
        }
        let id = node.map(|node| node.id.as_str()).filter(|id| (1..=NAME_BYTES_MAX).contains(&id.len()));
        let id = id.ok_or_else(|| Status::invalid_argument("node.id: must be 1 to 256 bytes long"))?;
        let mut nodes = self.shared.fleet.nodes();
        let now = clock::now();
        let known = nodes.entry(id, now).ok_or_else(|| Status::resource_exhausted("too many nodes"))?;
        known.streams += 1;
        known.at = now;
        if let Some(node) = node.filter(|node| node.cluster.len() <= NAME_BYTES_MAX) {
            known.cluster.clone_from(&node.cluster);
        }
        if let Some(version) = node.and_then(version) {
            known.envoy_version = version;
        }
        self.node = Some(id.to_owned());
        tracing::info!(node = id, "a configuration stream opened");
        Ok(())
    }

    /// Takes Envoy's reaction to an answer.
    pub(super) fn react(&mut self, nonce: &str, error: Option<&rpc::Status>) {
        let Ok(nonce) = nonce.parse::<u64>() else { return };
        let Some(Outstanding { generation, decided }) = self.outstanding.remove(&nonce) else { return };
        self.outstanding = self.outstanding.split_off(&nonce);
        let Some(name) = &self.node else { return };
        let mut nodes = self.shared.fleet.nodes();
        let Some(node) = nodes.known(name) else { return };
        if let Some(error) = error {
            node.rejected(&error.message, clock::now());
            self.shared.metrics.rejected.inc();
            tracing::error!(node = name, generation, error = error.message, "an assignment was refused");
            return;
        }
        node.acknowledged(generation, clock::now());
        if generation > self.opened_at {
            self.shared.metrics.acknowledged(decided.elapsed());
        }
    }

    /// Replaces the names that are asked for.
    pub(super) fn ask(&mut self, names: Vec<String>) -> Result<(), Status> {
        self.names.clear();
        self.ask_also(names)?;
        let names = &self.names;
        self.versions.retain(|name, _| names.contains(name));
        Ok(())
    }

    /// Adds names that are asked for.
    pub(super) fn ask_also(&mut self, names: Vec<String>) -> Result<(), Status> {
        if self.names.len() + names.len() > NAMES_MAX || names.iter().any(|name| name.len() > NAME_BYTES_MAX)
        {
            return Err(Status::invalid_argument("resource names: at most 1024 of at most 256 bytes each"));
        }
        self.names.extend(names);
        Ok(())
    }

    /// Drops names that are asked for no more.
    pub(super) fn ask_no_more(&mut self, names: &[String]) {
        for name in names {
            self.names.remove(name);
            self.versions.remove(name);
        }
    }

    /// Takes over what Envoy already has.
    pub(super) fn has(&mut self, versions: impl IntoIterator<Item = (String, String)>) {
        let known = versions.into_iter().filter(|(name, _)| self.names.contains(name));
        self.versions.extend(known);
    }

    /// What is to be sent now. `None`: nothing changed.
    pub(super) fn push(&mut self) -> Option<Push> {
        let Posted { published, decided } = self.newest.borrow_and_update().clone();
        let (mut changed, mut all, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
        for name in &self.names {
            let Some(resource) = self.shared.resources.render(name, &published) else {
                if self.versions.insert(name.clone(), String::new()).is_none() {
                    unknown.push(name.clone());
                }
                continue;
            };
            if self.versions.get(name) != Some(&resource.version) {
                self.versions.insert(name.clone(), resource.version.clone());
                changed.push((name.clone(), Arc::clone(&resource)));
            }
            all.push(resource);
        }
        if changed.is_empty() && unknown.is_empty() {
            return None;
        }
        self.nonce += 1;
        let generation = published.generation;
        self.outstanding.insert(self.nonce, Outstanding { generation, decided });
        if self.outstanding.len() > OUTSTANDING_MAX {
            self.outstanding.pop_first();
        }
        Some(Push { nonce: self.nonce.to_string(), generation, changed, all, unknown })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(name) = &self.node else { return };
        if let Some(node) = self.shared.fleet.nodes().known(name) {
            node.streams = node.streams.saturating_sub(1);
            tracing::info!(node = name, "a configuration stream ended");
        }
    }
}

/// The version that Envoy says it has.
fn version(node: &Node) -> Option<String> {
    match node.user_agent_version_type.as_ref()? {
        UserAgentVersionType::UserAgentVersion(version) if version.len() <= NAME_BYTES_MAX => {
            Some(version.clone())
        }
        UserAgentVersionType::UserAgentVersion(_) => None,
        UserAgentVersionType::UserAgentBuildVersion(build) => {
            let version = build.version.as_ref()?;
            Some(format!("{}.{}.{}", version.major_number, version.minor_number, version.patch))
        }
    }
}
