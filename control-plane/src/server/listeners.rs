//! What each listener serves.

use std::sync::Arc;

use axum::middleware::from_fn_with_state;
use envoy_types::pb::envoy::service::extension::v3::extension_config_discovery_service_server::ExtensionConfigDiscoveryServiceServer;
use serin_proto::FILE_DESCRIPTOR_SET;
use serin_proto::admin::v1::admin_service_server::AdminServiceServer;
use serin_proto::admin::v1::notification_service_server::NotificationServiceServer;
use serin_proto::admin::v1::train_service_server::TrainServiceServer;
use serin_proto::evidence::v1::evidence_service_server::EvidenceServiceServer;
use serin_proto::fleet::v1::fleet_service_server::FleetServiceServer;
use serin_proto::registry::v1::registry_service_server::RegistryServiceServer;
use tokio::sync::mpsc;
use tonic::service::interceptor::InterceptedService;
use tonic::service::{Routes, RoutesBuilder};

use super::Parts;
use super::error::StartError;
use super::sockets::Sockets;
use crate::access::Access;
use crate::admin::train::Trains;
use crate::admin::{Admin, Readings};
use crate::audit::{self, Audit, Interface};
use crate::config::{Config, Listener};
use crate::ecds::ExtensionConfigs;
use crate::evidence::service::Evidence;
use crate::fleet::Ingest;
use crate::http::{self, Dashboard, Gate, Releases, Shown};
use crate::listener::{Bound, MESSAGE_BYTES_MAX};
use crate::notify;
use crate::otlp::{Intake, Lines};
use crate::probe;
use crate::registry::Registry;
use crate::rollouts::{Rollouts, Shared};
use crate::shutdown::Ending;

/// Serves all listeners; ends once all have.
pub(super) fn listeners(
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

/// What both the admin listener and the dashboard ask.
pub(super) fn admin(
    config: &Config,
    shared: &Shared,
    messages: mpsc::Sender<crate::rollouts::Message>,
    ending: Ending,
) -> Admin {
    let Shared { store, board, directory, fleet, calls, .. } = shared.clone();
    Admin {
        rollouts: Rollouts { messages },
        directory,
        fleet,
        calls,
        board,
        store,
        readings: Readings::new(config.data.clone()),
        ending,
        watches: Admin::watches(),
        recordings: Admin::recordings(),
    }
}

fn admin_routes(config: &Config, parts: &Parts) -> Result<Routes, StartError> {
    let admin = parts.admin.clone();
    let trains = TrainServiceServer::new(Trains { rollouts: admin.rollouts.clone() });
    let trains = trains.max_decoding_message_size(MESSAGE_BYTES_MAX);
    let admin = AdminServiceServer::new(admin).max_decoding_message_size(MESSAGE_BYTES_MAX);
    let registry =
        RegistryServiceServer::new(parts.registry.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX);
    let evidence =
        EvidenceServiceServer::new(parts.evidence.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX);
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
    let router = routes.routes().into_axum_router();
    let audit = audit(parts, Interface::Grpc, access);
    Ok(Routes::from(router.layer(from_fn_with_state(audit, audit::note))))
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
    let acts = Access::of_acts(&config.http, &config.admin);
    let gate = Gate::new(access.clone(), acts, config.http.tls.is_some());
    let audit = audit(parts, Interface::Http, posts.clone());
    let dashboard = Dashboard::new(parts.admin.clone(), parts.evidence.clone(), gate, audit);
    let inbox = probe::routes(parts.inbox.clone());
    let releases = Releases::new(config.gate.as_ref());
    Routes::from(http::router(shown, inbox, &releases, (access, posts), dashboard))
}

/// Notes the calls of a listener in the audit log.
fn audit(parts: &Parts, interface: Interface, access: Access) -> Audit {
    let Shared { store, masker, .. } = parts.shared.clone();
    Audit::new(store, access, masker, interface, Arc::clone(&parts.methods))
}

fn otlp_routes(otlp: &Listener, parts: &Parts) -> Routes {
    let Shared { directory, metrics, board, calls, samples, masker, .. } = parts.shared.clone();
    let (logged, series) = (parts.logged.clone(), Arc::clone(&parts.series));
    let lines = Lines::new(masker.as_ref().clone(), parts.log_model.clone());
    let intake = Intake::new(directory, metrics, (logged, lines), board, calls, samples, series);
    intake.routes(Access::new(&otlp.tokens))
}
