//! Tells people what happened: by the log, and by the targets that the configuration names.
//!
//! The log is written where a decision is performed. Targets are told by a follower of the journal ([`Notifier`]), which
//! knows by a durable cursor how far it read: what a crash cuts off is read again, and nothing that is slow here delays a
//! decision. What is to be told is written with the cursor; each target then has a worker with a queue of its own, so that
//! a slow or dead one delays no other. A message arrives at least once, always with the same key.
//!
//! Who is told what, together with what and when, is decided by the pure core `serin-notify`.

mod attempts;
mod follow;
mod service;
mod standing;

use std::sync::Arc;

use serin_notify::send::{Sender, SenderError};
use serin_outside::HttpClient;
use serin_rollout::{Notice, Severity};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::config::{Notifications, Outside};
use crate::metrics::Metrics;
use crate::store::{StoreError, StoreHandle};

pub(crate) use service::Service;
use standing::Standings;

/// Tells people. Harmless when repeated.
pub fn notify(rollout: &str, notice: &Notice) {
    let (severity, text) = (notice.severity.name(), notice.text.as_str());
    match notice.severity {
        Severity::Info => tracing::info!(rollout, severity, "{text}"),
        Severity::Warning => tracing::warn!(rollout, severity, "{text}"),
        Severity::Critical => tracing::error!(rollout, severity, "{text}"),
    }
}

/// Rings when there is something to read or to send. Who misses it looks by itself a little later.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bell(Arc<Notify>);

impl Bell {
    pub(crate) fn ring(&self) {
        self.0.notify_one();
    }

    async fn rung(&self) {
        self.0.notified().await;
    }
}

/// What follower, workers and service share.
#[derive(Clone, Debug)]
pub(crate) struct Notifier {
    config: Arc<Notifications>,
    store: StoreHandle,
    sender: Sender,
    metrics: Arc<Metrics>,
    /// Rings when the journal grows.
    journal: Bell,
    standings: Arc<Standings>,
}

impl Notifier {
    /// Prepares everything; nothing is read or sent yet.
    ///
    /// # Errors
    /// When TLS cannot be set up for a target.
    pub(crate) fn new(
        config: &Notifications,
        outside: &Outside,
        client: HttpClient,
        store: StoreHandle,
        metrics: Arc<Metrics>,
        journal: Bell,
    ) -> Result<Self, SenderError> {
        let sender = Sender::new(client, config.context.clone(), outside.timeout, &config.targets)?;
        let standings = Arc::new(Standings::new(config.targets.iter().map(|target| target.name.as_str())));
        Ok(Self { config: Arc::new(config.clone()), store, sender, metrics, journal, standings })
    }

    /// Notes where the journal ends, the first time: from there on it is told.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn prepare(&self) -> Result<(), StoreError> {
        if self.config.targets.is_empty() {
            return Ok(());
        }
        self.store.call(|store| store.notifier()).await.map(drop)
    }

    /// Follows the journal and sends, until it is dropped. Without targets it does nothing.
    pub(crate) async fn run(self) {
        if self.config.targets.is_empty() {
            return;
        }
        let mut workers = JoinSet::new();
        for target in &self.config.targets {
            workers.spawn(attempts::work(self.clone(), target.clone()));
        }
        follow::follow(self).await;
    }
}
