//! Puts the parts together, serves, and takes them apart in order.
//!
//! At the end, new connections are refused first, streams are ended, the rollouts' task writes its evidence, and the
//! counted reports are committed; whatever is left after [`shutdown::DEADLINE`] is cut off.

mod error;
mod listeners;
mod sockets;

use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serin_evidence::mask::Masker;
use serin_probe::Prober;
use serin_proto::FILE_DESCRIPTOR_SET;
use serin_registry::store::{ArtifactStore, OpenError};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::admin::Admin;
use crate::assignment::{self, Board, Published};
use crate::audit::Methods;
use crate::config::{ArtifactPlace, Config};
use crate::evidence::service::Evidence;
use crate::evidence::{self, Samples};
use crate::fleet::Fleet;
use crate::metrics::Metrics;
use crate::notify::{Bell, Notifier};
use crate::otlp::{self, LoggedCounts};
use crate::probe::{Asker, HEARD_MAX, Hearing, Inbox};
use crate::registry::Registry;
use crate::rollouts::{COMMANDS_MAX, Lost, REPORTS_MAX, Shared, Task};
use crate::series::SharedSeries;
use crate::shutdown::{self, Begin, Ending};
use crate::snapshot::Directory;
use crate::store::{SqliteStore, StoreHandle};
use crate::train_key::TrainKey;
use listeners::{admin, listeners};
use serin_logs::classify::Model;
use sockets::Sockets;

pub use error::{ServeError, StartError};

/// Where a running server listens.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Addresses {
    /// Reports and configuration streams.
    pub fleet: SocketAddr,
    /// Administration.
    pub admin: SocketAddr,
    /// Dashboard, metrics and health.
    pub http: SocketAddr,
    /// Log records, traces and metrics. `None`: they are not taken.
    #[serde(default)]
    pub otlp: Option<SocketAddr>,
}

/// A server that runs.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub addresses: Addresses,
    ending: Begin,
    task: JoinHandle<Result<(), Lost>>,
    listeners: JoinHandle<Result<(), tonic::transport::Error>>,
    fleet: Arc<Fleet>,
    writer: JoinHandle<()>,
    sweeper: JoinHandle<()>,
    asker: JoinHandle<()>,
    keeper: JoinHandle<()>,
    notifier: JoinHandle<()>,
    store: StoreHandle,
}

/// Everything that the listeners serve from.
struct Parts {
    shared: Shared,
    ending: Ending,
    admin: Admin,
    evidence: Evidence,
    reports: mpsc::Sender<crate::fleet::report::Report>,
    registry: Registry,
    notifier: Notifier,
    logged: mpsc::Sender<LoggedCounts>,
    inbox: Inbox,
    series: Arc<SharedSeries>,
    log_model: Option<Model>,
    methods: Arc<Methods>,
}

/// Starts a server. It runs until [`Running::stop`].
///
/// # Errors
/// When a listener cannot be opened or the store cannot be used; nothing is left running then.
pub async fn start(config: &Config) -> Result<Running, StartError> {
    let sockets = Sockets::open(config).await?;
    let addresses = sockets.addresses();
    let store = StoreHandle::spawn(Box::new(SqliteStore::open(&config.data)?))?;
    let mut loaded = store.call(|store| store.load()).await?;
    let fleet = Arc::new(Fleet::new(std::mem::take(&mut loaded.ledger), config.report.interval));
    let (ending, ended) = shutdown::channel();
    let train_key = TrainKey::open(&config.data)?;
    let shared = shared(config, store.clone(), Arc::clone(&fleet), train_key)?;
    let task = Task::restore(shared.clone(), &loaded)?;
    let (messages, commands) = mpsc::channel(COMMANDS_MAX);
    let (reports, merged) = mpsc::channel(REPORTS_MAX);
    let (logged, counted) = mpsc::channel(otlp::REQUESTS_MAX);
    let (told, heard) = mpsc::channel(HEARD_MAX);
    let hearing = Hearing::new(told, Arc::clone(&shared.metrics));
    let prober = Prober::new(config.outside.client()?, &config.outside.roots, config.servers.clone())?;
    let series: Arc<SharedSeries> = Arc::default();
    let asker = Asker::new(prober, Arc::clone(&series), shared.watched.subscribe(), hearing.clone());
    let inbox = Inbox::new(shared.watched.subscribe(), hearing);
    let registry = Registry::new(
        artifacts(&config.registry.store)?,
        store.clone(),
        Arc::clone(&shared.directory),
        config.registry.policy,
        ended.clone(),
    );
    let registered = registry.clone();
    let methods = Arc::new(Methods::read(FILE_DESCRIPTOR_SET)?);
    let notifier = notifier(config, &shared).await?;
    let telling = notifier.clone();
    let parts = Parts {
        admin: admin(config, &shared, messages, ended.clone()),
        evidence: Evidence::new(config.data.clone(), Arc::clone(&shared.masker)),
        shared,
        ending: ended.clone(),
        reports,
        registry: registered,
        logged,
        log_model: config.log_model.clone(),
        inbox,
        series,
        notifier,
        methods,
    };
    let listeners = listeners(config, &parts, sockets)?;
    let asker = tokio::spawn(asker.run(ended.clone()));
    let task = tokio::spawn(task.run(commands, merged, counted, heard, ended));
    let (accounts, write_to) = (Arc::clone(&fleet), store.clone());
    let writer = tokio::spawn(async move { accounts.accounts.write(&write_to).await });
    let sweeper = tokio::spawn(async move { registry.keep_swept().await });
    let keeper = tokio::spawn(evidence::keep::keep(store.clone(), config.evidence.retention));
    let (notifier, listeners) = (tokio::spawn(telling.run()), tokio::spawn(listeners));
    Ok(Running { addresses, ending, task, listeners, fleet, writer, sweeper, asker, keeper, notifier, store })
}

/// Who tells people; from here on nothing that happens is missed.
async fn notifier(config: &Config, shared: &Shared) -> Result<Notifier, StartError> {
    let notifier = Notifier::new(
        &config.notifications,
        &config.outside,
        config.outside.client()?,
        shared.store.clone(),
        Arc::clone(&shared.metrics),
        shared.journal.clone(),
    )?;
    notifier.prepare().await?;
    Ok(notifier)
}

fn artifacts(place: &ArtifactPlace) -> Result<ArtifactStore, OpenError> {
    match place {
        ArtifactPlace::Folder(folder) => ArtifactStore::in_folder(folder),
        ArtifactPlace::S3(s3) => ArtifactStore::in_s3(s3),
    }
}

impl Running {
    /// Waits until the server ends by itself.
    ///
    /// # Errors
    /// Why it did.
    pub async fn failed(&mut self) -> Result<(), ServeError> {
        tokio::select! {
            task = &mut self.task => task??,
            listeners = &mut self.listeners => listeners??,
        }
        Ok(())
    }

    /// Ends the server, within [`shutdown::DEADLINE`].
    pub async fn stop(self) {
        let Self { ending, task, listeners, fleet, writer, sweeper, asker, keeper, notifier, store, .. } =
            self;
        ending.begin();
        sweeper.abort();
        asker.abort();
        keeper.abort();
        let drained = timeout(shutdown::DEADLINE, async {
            tokio::join!(finished(task), finished(listeners));
            writer.abort();
            // What it did not send is pending, and sent after the next start.
            notifier.abort();
            fleet.accounts.flush(&store).await;
            store.close().await;
        });
        if drained.await.is_err() {
            tracing::warn!("the shutdown took too long; what was left is cut off");
        }
    }
}

/// Waits for a part, unless its end was already seen by [`Running::failed`].
async fn finished<T>(part: JoinHandle<T>) {
    if !part.is_finished() {
        let _its_end_is_all_that_counts = part.await;
    }
}

fn shared(
    config: &Config,
    store: StoreHandle,
    fleet: Arc<Fleet>,
    train_key: TrainKey,
) -> Result<Shared, StartError> {
    let report = assignment::report(config);
    let nothing = Published { generation: 0, report: report.clone(), services: Vec::new() };
    let (board, directory) = (Arc::new(Board::new(nothing)), Arc::new(Directory::default()));
    let metrics = Arc::new(Metrics::new(Arc::clone(&fleet), Arc::clone(&directory), Arc::clone(&board)));
    let watched = watch::channel(Vec::new()).0;
    let masker = Masker::new(config.evidence.mask_emails)?;
    let (samples, masker) = (Arc::new(Samples::new(masker.clone())), Arc::new(masker));
    let targets = Arc::new(config.targets.clone());
    let (calls, journal) = (Arc::default(), Bell::default());
    Ok(Shared {
        store,
        board,
        directory,
        fleet,
        calls,
        metrics,
        watched,
        journal,
        masker,
        samples,
        report,
        limits: config.limits,
        targets,
        train_key,
    })
}
