//! What the operator allows plans to ask for.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ClientConfig;
use serin_migrate::runner::Secret;
use serin_outside::signature::Key;
use serin_outside::{HttpClient, Url};
use serin_rollout::Plan;
use serin_rollout::plan::HookAction;

use crate::Cluster;

/// Names that an error lists.
const LISTED_MAX: usize = 20;

/// All targets, by name.
#[derive(Clone, Debug)]
pub struct Targets {
    /// Where webhooks go.
    pub webhooks: BTreeMap<String, Webhook>,
    /// Programs that may run.
    pub commands: BTreeMap<String, Command>,
    /// Databases whose schema may be changed.
    pub databases: BTreeMap<String, Database>,
    /// Clusters of Kubernetes in which hooks may act.
    pub clusters: BTreeMap<String, Cluster>,
    /// How others are called.
    pub client: HttpClient,
}

/// A webhook.
#[derive(Clone)]
pub struct Webhook {
    /// Where.
    pub url: Url,
    /// What it is signed with. `None`: it is not.
    pub key: Option<Key>,
}

/// A program.
#[derive(Clone, Debug)]
pub struct Command {
    /// Its absolute path.
    pub program: PathBuf,
    /// Arguments before those of a plan.
    pub arguments: Vec<String>,
    /// Where it runs.
    pub folder: PathBuf,
}

/// A database.
#[derive(Clone)]
pub struct Database {
    /// Name or address of its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Role.
    pub user: String,
    /// Its password.
    pub password: Option<Secret>,
    /// Name of the database.
    pub database: String,
    /// `None`: without TLS.
    pub tls: Option<Arc<ClientConfig>>,
}

/// What a plan asks for and the configuration does not allow.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TargetError {
    /// A target that is not there.
    #[error("{field}: the server's configuration names no {kind} {name:?}; it names: {}", listed(.known))]
    Unknown {
        /// Field of the plan.
        field: String,
        /// `webhook`, `command`, `kubernetes` or `database`.
        kind: &'static str,
        /// What was asked for.
        name: String,
        /// What there is, the first 20.
        known: Vec<String>,
    },
    /// A namespace in which hooks may not act.
    #[error(
        "{field}: the server's configuration does not allow namespace {namespace:?} of {target:?}; it allows: {}",
        listed(.allowed)
    )]
    Namespace {
        /// Field of the plan.
        field: String,
        /// Name of the cluster.
        target: String,
        /// The namespace.
        namespace: String,
        /// Those in which they may, the first 20.
        allowed: Vec<String>,
    },
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

impl Targets {
    /// Whether a plan asks only for what is there.
    ///
    /// # Errors
    /// The first target that is not, and the first namespace that is not allowed.
    pub fn check(&self, plan: &Plan) -> Result<(), TargetError> {
        for (point, hook) in plan.hooks().all() {
            let (kind, name) = (hook.action.kind(), hook.action.target());
            let field = format!("hooks.{point}: {}", hook.name);
            let all: Vec<&String> = match &hook.action {
                HookAction::Webhook { .. } => self.webhooks.keys().collect(),
                HookAction::Command { .. } => self.commands.keys().collect(),
                HookAction::Kubernetes(_) => self.clusters.keys().collect(),
            };
            find(field.clone(), kind, name, &all)?;
            if let HookAction::Kubernetes(order) = &hook.action {
                self.allows(field, &order.target, &order.namespace)?;
            }
        }
        if let Some(migrations) = plan.migrations() {
            let all: Vec<&String> = self.databases.keys().collect();
            find("migrations.database".to_owned(), "database", &migrations.database, &all)?;
        }
        Ok(())
    }

    fn allows(&self, field: String, target: &str, namespace: &str) -> Result<(), TargetError> {
        let Some(cluster) = self.clusters.get(target).filter(|cluster| !cluster.allows(namespace)) else {
            return Ok(());
        };
        let allowed = cluster.namespaces().iter().take(LISTED_MAX).cloned().collect();
        let (target, namespace) = (target.to_owned(), namespace.to_owned());
        Err(TargetError::Namespace { field, target, namespace, allowed })
    }
}

fn find(field: String, kind: &'static str, name: &str, all: &[&String]) -> Result<(), TargetError> {
    if all.iter().any(|known| *known == name) {
        return Ok(());
    }
    let known = all.iter().take(LISTED_MAX).map(|known| (*known).clone()).collect();
    Err(TargetError::Unknown { field, kind, name: name.to_owned(), known })
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Webhook").field("host", &self.url.host()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Database").field("host", &self.host).finish_non_exhaustive()
    }
}
