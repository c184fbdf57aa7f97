//! Puts the parts together, serves, and takes them apart in order.
//!
//! At the end, new connections are refused first, streams are ended, the rollouts' task writes its evidence, and the
//! counted reports are committed; whatever is left after [`shutdown::DEADLINE`] is cut off.

mod error;
mod sockets;

use std::net::SocketAddr;
use std::sync::Arc;

use envoy_types::pb::envoy::service::extension::v3::extension_config_discovery_service_server::ExtensionConfigDiscoveryServiceServer;
use serde::{Deserialize, Serialize};
use serin_evidence::mask::Masker;
use serin_probe::Prober;
use serin_proto::FILE_DESCRIPTOR_SET;
use serin_proto::admin::v1::admin_service_server::AdminServiceServer;
use serin_proto::admin::v1::notification_service_server::NotificationServiceServer;
use serin_proto::admin::v1::train_service_server::TrainServiceServer;
use serin_proto::evidence::v1::evidence_service_server::EvidenceServiceServer;
use serin_proto::fleet::v1::fleet_service_server::FleetServiceServer;
use serin_proto::registry::v1::registry_service_server::RegistryServiceServer;
use serin_registry::store::{ArtifactStore, OpenError};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tonic::service::interceptor::InterceptedService;
use tonic::service::{Routes, RoutesBuilder};

use crate::access::Access;
use crate::admin::Admin;
use crate::admin::train::Trains;
use crate::assignment::{self, Board, Published};
use crate::audit::{self, Audit, Interface, Methods};
use crate::config::{ArtifactPlace, Config, Listener};
use crate::ecds::ExtensionConfigs;
use crate::evidence::service::Evidence;
use crate::evidence::{self, Samples};
use crate::fleet::{Fleet, Ingest};
use crate::http::{self, Shown};
use crate::listener::{Bound, MESSAGE_BYTES_MAX};
use crate::metrics::Metrics;
use crate::notify::{self, Bell, Notifier};
use crate::otlp::{self, Intake, LoggedFailures};
use crate::probe::{self, Asker, HEARD_MAX, Hearing, Inbox};
use crate::registry::Registry;
use crate::rollouts::{COMMANDS_MAX, Lost, REPORTS_MAX, Rollouts, Shared, Task};
use crate::series::SharedSeries;
use crate::shutdown::{self, Begin, Ending};
use crate::snapshot::Directory;
use crate::store::{SqliteStore, StoreHandle};
use crate::train_key::TrainKey;
use axum::Router;
use axum::middleware::from_fn_with_state;
use sockets::Sockets;

pub use error::{ServeError, StartError};

/// Where a running server listens.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Addresses {
    /// Reports and configuration streams.
    pub fleet: SocketAddr,
    /// Administration.
    pub admin: SocketAddr,
    /// Metrics, health and status page.
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
    messages: mpsc::Sender<crate::rollouts::Message>,
    reports: mpsc::Sender<crate::fleet::report::Report>,
    registry: Registry,
    notifier: Notifier,
    logged: mpsc::Sender<Vec<LoggedFailures>>,
    inbox: Inbox,
    series: Arc<SharedSeries>,
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
        shared,
        ending: ended.clone(),
        messages,
        reports,
        registry: registered,
        logged,
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

/// Serves all listeners; ends once all have.
fn listeners(
    config: &Config,
    parts: &Parts,
    sockets: Sockets,
) -> Result<impl Future<Output = Result<(), tonic::transport::Error>> + use<>, StartError> {
    let Sockets { fleet, admin, http, otlp } = sockets;
    let fleet = serve(fleet, fleet_routes(config, parts), false, parts.ending.clone());
    let admin = serve(admin, admin_routes(config, parts)?, false, parts.ending.clone());
    let http = serve(http, http_routes(config, parts), true, parts.ending.clone());
    let otlp = otlp.zip(config.otlp.as_ref());
    let otlp = otlp.map(|(bound, otlp)| serve(bound, otlp_routes(otlp, parts), true, parts.ending.clone()));
    let otlp = async {
        match otlp {
            Some(otlp) => otlp.await,
            None => Ok(()),
        }
    };
    Ok(async { tokio::try_join!(fleet, admin, http, otlp).map(|_| ()) })
}

async fn serve(
    bound: Bound,
    routes: Routes,
    http1: bool,
    mut ending: Ending,
) -> Result<(), tonic::transport::Error> {
    let (server, incoming) = bound.into_parts();
    let asked = async move { ending.begun().await };
    server.accept_http1(http1).add_routes(routes).serve_with_incoming_shutdown(incoming, asked).await
}

fn fleet_routes(config: &Config, parts: &Parts) -> Routes {
    let Parts { shared, ending, reports, .. } = parts;
    let Shared { fleet, board, metrics, .. } = shared;
    let ingest = Ingest::new(Arc::clone(fleet), Arc::clone(metrics), reports.clone());
    let ingest = FleetServiceServer::new(ingest).max_decoding_message_size(MESSAGE_BYTES_MAX);
    let configs = ExtensionConfigs::new(
        Arc::clone(fleet),
        Arc::clone(board),
        Arc::clone(metrics),
        config.filter.clone(),
        ending.clone(),
    );
    let configs =
        ExtensionConfigDiscoveryServiceServer::new(configs).max_decoding_message_size(MESSAGE_BYTES_MAX);
    let access = Access::new(&config.fleet.tokens);
    let mut routes = RoutesBuilder::default();
    let guard = access.clone();
    routes.add_service(InterceptedService::new(ingest, move |request| guard.admit(request)));
    routes.add_service(InterceptedService::new(configs, move |request| access.admit(request)));
    routes.routes()
}

fn admin_routes(config: &Config, parts: &Parts) -> Result<Routes, StartError> {
    let Shared { store, board, directory, fleet, calls, .. } = parts.shared.clone();
    let rollouts = Rollouts { messages: parts.messages.clone() };
    let trains = TrainServiceServer::new(Trains { rollouts: rollouts.clone() });
    let trains = trains.max_decoding_message_size(MESSAGE_BYTES_MAX);
    let admin = Admin {
        rollouts,
        directory,
        fleet,
        calls,
        board,
        store,
        ending: parts.ending.clone(),
        watches: Admin::watches(),
        recordings: Admin::recordings(),
    };
    let admin = AdminServiceServer::new(admin).max_decoding_message_size(MESSAGE_BYTES_MAX);
    let registry =
        RegistryServiceServer::new(parts.registry.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX);
    let evidence = Evidence::new(config.data.clone(), Arc::clone(&parts.shared.masker));
    let evidence = EvidenceServiceServer::new(evidence).max_decoding_message_size(MESSAGE_BYTES_MAX);
    let notifications = NotificationServiceServer::new(notify::Service(parts.notifier.clone()));
    let (health, health_service) = tonic_health::server::health_reporter();
    let mut ending = parts.ending.clone();
    tokio::spawn(async move {
        health.set_serving::<AdminServiceServer<Admin>>().await;
        health.set_serving::<RegistryServiceServer<Registry>>().await;
        health.set_serving::<EvidenceServiceServer<Evidence>>().await;
        ending.begun().await;
        health.set_not_serving::<AdminServiceServer<Admin>>().await;
        health.set_not_serving::<RegistryServiceServer<Registry>>().await;
        health.set_not_serving::<EvidenceServiceServer<Evidence>>().await;
        health.set_service_status("", tonic_health::ServingStatus::NotServing).await;
    });
    let describe = || {
        let builder = tonic_reflection::server::Builder::configure();
        builder
            .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .with_service_name("serin.admin.v1.AdminService")
            .with_service_name("serin.admin.v1.NotificationService")
            .with_service_name("serin.admin.v1.TrainService")
            .with_service_name("serin.registry.v1.RegistryService")
            .with_service_name("serin.evidence.v1.EvidenceService")
            .with_service_name("grpc.health.v1.Health")
    };
    let access = Access::new(&config.admin.tokens);
    let guard = || {
        let access = access.clone();
        move |request| access.admit(request)
    };
    let mut routes = RoutesBuilder::default();
    routes.add_service(InterceptedService::new(admin, guard()));
    routes.add_service(InterceptedService::new(trains, guard()));
    routes.add_service(InterceptedService::new(registry, guard()));
    routes.add_service(InterceptedService::new(notifications, guard()));
    routes.add_service(InterceptedService::new(evidence, guard()));
    routes.add_service(InterceptedService::new(describe().build_v1()?, guard()));
    routes.add_service(InterceptedService::new(describe().build_v1alpha()?, guard()));
    routes.add_service(health_service);
    Ok(audited(parts, Interface::Grpc, access, routes.routes().into_axum_router()))
}

fn http_routes(config: &Config, parts: &Parts) -> Routes {
    let Shared { board, directory, fleet, calls, metrics, .. } = parts.shared.clone();
    let shown = Shown { directory, fleet, calls, board, metrics, ending: parts.ending.clone() };
    let (access, posts) = (Access::new(&config.http.tokens), Access::of_posts(&config.http, &config.admin));
    if posts.is_closed() {
        tracing::warn!(
            "values and alerts that are posted are refused, because nobody has a token: give listeners.http.tokens"
        );
    }
    let inbox = probe::routes(parts.inbox.clone());
    audited(parts, Interface::Http, posts.clone(), http::router(shown, inbox, access, posts))
}

/// Notes the calls of a listener in the audit log.
fn audited(parts: &Parts, interface: Interface, access: Access, router: Router) -> Routes {
    let Shared { store, masker, .. } = parts.shared.clone();
    let audit = Audit::new(store, access, masker, interface, Arc::clone(&parts.methods));
    Routes::from(router.layer(from_fn_with_state(audit, audit::note)))
}

fn otlp_routes(otlp: &Listener, parts: &Parts) -> Routes {
    let Shared { directory, metrics, board, calls, samples, .. } = parts.shared.clone();
    let (logged, series) = (parts.logged.clone(), Arc::clone(&parts.series));
    let intake = Intake::new(directory, metrics, logged, board, calls, samples, series);
    intake.routes(Access::new(&otlp.tokens))
}
