//! What the operator allows plans to ask for.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ClientConfig;
use serin_migrate::runner::Secret;
use serin_outside::signature::Key;
use serin_outside::{HttpClient, Url};
use serin_rollout::Plan;

/// All targets, by name.
#[derive(Clone, Debug)]
pub struct Targets {
    /// Where webhooks go.
    pub webhooks: BTreeMap<String, Webhook>,
    /// Programs that may run.
    pub commands: BTreeMap<String, Command>,
    /// Databases whose schema may be changed.
    pub databases: BTreeMap<String, Database>,
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

/// A target that a plan asks for and the configuration does not name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{field}: the server's configuration names no {kind} {name:?}; it names: {}", listed(.known))]
pub struct UnknownTarget {
    /// Field of the plan.
    pub field: String,
    /// `webhook`, `command` or `database`.
    pub kind: &'static str,
    /// What was asked for.
    pub name: String,
    /// What there is, the first 20.
    pub known: Vec<String>,
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

impl Targets {
    /// Whether a plan asks only for what is there.
    ///
    /// # Errors
    /// The first target that is not.
    pub fn check(&self, plan: &Plan) -> Result<(), UnknownTarget> {
        for (point, hook) in plan.hooks().all() {
            let (kind, name) = (hook.action.kind(), hook.action.target());
            let all: Vec<&String> = match kind {
                "webhook" => self.webhooks.keys().collect(),
                _ => self.commands.keys().collect(),
            };
            find(format!("hooks.{point}: {}", hook.name), kind, name, &all)?;
        }
        if let Some(migrations) = plan.migrations() {
            let all: Vec<&String> = self.databases.keys().collect();
            find("migrations.database".to_owned(), "database", &migrations.database, &all)?;
        }
        Ok(())
    }
}

fn find(field: String, kind: &'static str, name: &str, all: &[&String]) -> Result<(), UnknownTarget> {
    if all.iter().any(|known| *known == name) {
        return Ok(());
    }
    let known = all.iter().take(20).map(|known| (*known).clone()).collect();
    Err(UnknownTarget { field, kind, name: name.to_owned(), known })
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
