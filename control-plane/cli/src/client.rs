//! The connection to the control plane: one method per call, in the program's own types.
//!
//! Nothing outside this module sees protobuf or gRPC. Every call ends within its deadline, connecting included.
//! No call is repeated by itself, so that a person always knows what was asked; only [`Watch`] reconnects, because
//! it changes nothing.

mod convert;
mod decision;
mod emergency;
mod evidence;
mod notifications;
mod record;
mod refusal;
mod registry;
mod traffic;
mod train;
mod watch;

use std::future::Future;
use std::time::{Duration, Instant};

use serin_proto::admin::v1 as proto;
use serin_proto::admin::v1::admin_service_client::AdminServiceClient;
use serin_proto::admin::v1::notification_service_client::NotificationServiceClient;
use serin_proto::admin::v1::train_service_client::TrainServiceClient;
use serin_proto::evidence::v1::evidence_service_client::EvidenceServiceClient;
use serin_proto::registry::v1::registry_service_client::RegistryServiceClient;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity, Uri};
use tonic::{Code, Request, Response, Status};

use crate::arguments::Connection;
use crate::failure::{Failure, Kind};
use crate::model::{Event, Known, Node, Rollout};

pub(crate) use evidence::{Bundle, BundleQuery, Checked};
pub(crate) use record::{Recording, Wanted};
pub(crate) use registry::{Sent, VersionQuery};
pub(crate) use watch::Watch;

use refusal::Refusal;

/// Metadata in which a caller gives the name of the person it acts for.
const ACTOR_METADATA: &str = "x-serin-actor";
/// Longest time to reach the server.
const CONNECT: Duration = Duration::from_secs(5);
/// Largest answer that is read: a list of 1,000 rollouts with many components.
const ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// A client of the control plane's admin listener.
#[derive(Clone)]
pub(crate) struct Client {
    service: Service,
    registry: RegistryService,
    trains: TrainService,
    evidence: EvidenceService,
    notifications: NotificationService,
    server: String,
    call: Duration,
}

type Service = AdminServiceClient<InterceptedService<Channel, Caller>>;
type TrainService = TrainServiceClient<InterceptedService<Channel, Caller>>;
type EvidenceService = EvidenceServiceClient<InterceptedService<Channel, Caller>>;
type NotificationService = NotificationServiceClient<InterceptedService<Channel, Caller>>;
type RegistryService = RegistryServiceClient<InterceptedService<Channel, Caller>>;

/// What is rolled back: one of these. All empty: the whole version, or the experiment.
#[derive(Debug, Default)]
pub(crate) struct Undone {
    pub(crate) component: String,
    pub(crate) block: String,
    pub(crate) arm: String,
}

/// Which events are asked for.
pub(crate) struct EventQuery {
    /// Only this rollout; empty: all.
    pub(crate) rollout_id: String,
    /// Only events above this sequence.
    pub(crate) after: u64,
    /// At most so many.
    pub(crate) limit: u32,
}

impl Client {
    /// Prepares the connection; it is made at the first call. Must be called within a runtime.
    pub(crate) fn new(connection: &Connection) -> Result<Self, Failure> {
        let token = connection.token()?;
        let uri: Uri = connection.server.parse().map_err(|_| not_a_url(&connection.server))?;
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            Some(_) | None => return Err(not_a_url(&connection.server)),
        };
        if token.is_some() && !secure && !connection.insecure && !is_loopback(uri.host().unwrap_or_default())
        {
            return Err(Failure::usage("a token would be sent unencrypted to another machine")
                .advise("use an https:// address in --server, or say --insecure if the network is trusted"));
        }
        let mut endpoint = Endpoint::from(uri)
            .connect_timeout(CONNECT.min(connection.timeout))
            .http2_keep_alive_interval(Duration::from_secs(10))
            .keep_alive_timeout(Duration::from_secs(5));
        if secure {
            let tls = tls(connection)?;
            endpoint = endpoint.tls_config(tls).map_err(|error| {
                Failure::usage(format!("the certificates cannot be used: {}", refusal::chain(&error)))
            })?;
        }
        let (channel, caller) = (endpoint.connect_lazy(), Caller::new(token, connection.actor())?);
        let service = AdminServiceClient::with_interceptor(channel.clone(), caller.clone())
            .max_decoding_message_size(ANSWER_BYTES);
        let registry = RegistryServiceClient::with_interceptor(channel.clone(), caller.clone())
            .max_decoding_message_size(ANSWER_BYTES);
        let trains = TrainServiceClient::with_interceptor(channel.clone(), caller.clone())
            .max_decoding_message_size(ANSWER_BYTES);
        let notifications = NotificationServiceClient::with_interceptor(channel.clone(), caller.clone())
            .max_decoding_message_size(ANSWER_BYTES);
        let evidence =
            EvidenceServiceClient::with_interceptor(channel, caller).max_decoding_message_size(ANSWER_BYTES);
        let (server, call) = (connection.server.clone(), connection.timeout);
        Ok(Self { service, registry, trains, evidence, notifications, server, call })
    }

    pub(crate) async fn create(&self, plan_yaml: String, paused: bool) -> Result<Rollout, Failure> {
        let mut service = self.service.clone();
        let request = self.request(proto::CreateRequest { plan_yaml, paused });
        let answer = self.bounded(service.create(request)).await.map_err(|failure| {
            // The only argument of Create that can be wrong is the plan.
            if failure.is_invalid_argument() { failure.into_plan_invalid() } else { failure.into() }
        })?;
        self.rollout(answer.rollout)
    }

    pub(crate) async fn rollout_of(&self, id: &str) -> Result<Rollout, Failure> {
        let mut service = self.service.clone();
        let request = self.request(proto::GetRequest { id: id.to_owned() });
        let answer = self.bounded(service.get(request)).await?;
        self.rollout(answer.rollout)
    }

    /// Newest first. An empty `service` asks for all.
    pub(crate) async fn rollouts(&self, service_name: String, limit: u32) -> Result<Vec<Rollout>, Failure> {
        let mut service = self.service.clone();
        let request = self.request(proto::ListRequest { service: service_name, limit });
        let answer = self.bounded(service.list(request)).await?;
        Ok(answer.rollouts.into_iter().map(Rollout::from).collect())
    }

    pub(crate) async fn set_weight(
        &self,
        id: String,
        weight_ppm: u32,
        reason: String,
    ) -> Result<Rollout, Failure> {
        let mut service = self.service.clone();
        let request = self.request(proto::SetWeightRequest { id, weight_ppm, reason });
        let answer = self.bounded(service.set_weight(request)).await?;
        self.rollout(answer.rollout)
    }

    pub(crate) async fn pause(&self, id: String, reason: String) -> Result<Rollout, Failure> {
        let mut service = self.service.clone();
        let request = self.request(proto::PauseRequest { id, reason });
        let answer = self.bounded(service.pause(request)).await?;
        self.rollout(answer.rollout)
    }

    pub(crate) async fn resume(&self, id: String, reason: String) -> Result<Rollout, Failure> {
        let mut service = self.service.clone();
        let request = self.request(proto::ResumeRequest { id, reason });
        let answer = self.bounded(service.resume(request)).await?;
        self.rollout(answer.rollout)
    }

    pub(crate) async fn promote(&self, id: String, reason: String) -> Result<Rollout, Failure> {
        let mut service = self.service.clone();
        let request = self.request(proto::PromoteRequest { id, reason });
        let answer = self.bounded(service.promote(request)).await?;
        self.rollout(answer.rollout)
    }

    pub(crate) async fn hand_over(&self, id: String, reason: String) -> Result<Rollout, Failure> {
        let mut service = self.service.clone();
        let request = self.request(proto::HandOverRequest { id, reason });
        let answer = self.bounded(service.hand_over(request)).await?;
        self.rollout(answer.rollout)
    }

    pub(crate) async fn override_windows(&self, id: String, reason: String) -> Result<Rollout, Failure> {
        let mut service = self.service.clone();
        let request = self.request(proto::OverrideWindowsRequest { id, reason });
        let answer = self.bounded(service.override_windows(request)).await?;
        self.rollout(answer.rollout)
    }

    /// At most one of `component` and `block` is not empty; with neither, the whole version is rolled back.
    pub(crate) async fn rollback(
        &self,
        id: String,
        scope: Undone,
        reason: String,
    ) -> Result<Rollout, Failure> {
        let mut service = self.service.clone();
        let Undone { component, block, arm } = scope;
        let request = self.request(proto::RollbackRequest { id, component, reason, block, arm });
        let answer = self.bounded(service.rollback(request)).await?;
        self.rollout(answer.rollout)
    }

    /// Allows what waits for a person.
    pub(crate) async fn approve(
        &self,
        id: String,
        approval: proto::Approval,
        reason: String,
    ) -> Result<Rollout, Failure> {
        let mut service = self.service.clone();
        let request = self.request(proto::ApproveRequest { id, approval: approval.into(), reason });
        let answer = self.bounded(service.approve(request)).await?;
        self.rollout(answer.rollout)
    }

    /// By node id.
    pub(crate) async fn nodes(&self) -> Result<Vec<Node>, Failure> {
        let mut service = self.service.clone();
        let request = self.request(proto::ListNodesRequest {});
        let answer = self.bounded(service.list_nodes(request)).await?;
        Ok(answer.nodes.into_iter().map(Node::from).collect())
    }

    /// By service and name. An empty `service` asks for all.
    pub(crate) async fn components(&self, service_name: String) -> Result<Known, Failure> {
        let mut service = self.service.clone();
        let request = self.request(proto::ListComponentsRequest { service: service_name });
        Ok(self.bounded(service.list_components(request)).await?.into())
    }

    /// Oldest first.
    pub(crate) async fn events(&self, query: EventQuery) -> Result<Vec<Event>, Failure> {
        let mut service = self.service.clone();
        let EventQuery { rollout_id, after: after_sequence, limit } = query;
        let request = self.request(proto::ListEventsRequest { rollout_id, after_sequence, limit });
        let answer = self.bounded(service.list_events(request)).await?;
        Ok(answer.events.into_iter().map(Event::from).collect())
    }

    /// The assignment as JSON. An empty `service` asks for all services.
    pub(crate) async fn assignment(&self, service_name: String) -> Result<String, Failure> {
        let mut service = self.service.clone();
        let request = self.request(proto::GetAssignmentRequest { service: service_name });
        Ok(self.bounded(service.get_assignment(request)).await?.assignment_json)
    }

    /// Follows a rollout; see [`Watch`].
    pub(crate) fn watch(&self, id: String) -> Watch {
        Watch::new(self.clone(), id)
    }

    /// Begins to record; refused at once when there is nothing to record.
    pub(crate) async fn record(&self, wanted: Wanted, lasting: Duration) -> Result<Recording, Failure> {
        let target = match wanted {
            Wanted::Rollout(id) => proto::record_request::Target::RolloutId(id),
            Wanted::Service(service) => proto::record_request::Target::Service(service),
        };
        let request = proto::RecordRequest { target: Some(target), duration: lasting.try_into().ok() };
        let mut service = self.service.clone();
        let stream = self.bounded(service.record(Request::new(request))).await?;
        Ok(Recording::new(stream, self.server.clone()))
    }

    /// Address of the server, as it was given.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.set_timeout(self.call);
        request
    }

    async fn bounded<T>(
        &self,
        call: impl Future<Output = Result<Response<T>, Status>>,
    ) -> Result<T, Refusal> {
        let began = Instant::now();
        match tokio::time::timeout(self.call, call).await {
            Ok(Ok(response)) => Ok(response.into_inner()),
            // The transport keeps the same deadline, and may be the first to notice.
            Ok(Err(status)) if status.code() == Code::Cancelled && began.elapsed() >= self.call => {
                Err(Refusal::timeout(self.call, &self.server))
            }
            Ok(Err(status)) => Err(Refusal::new(&status, &self.server)),
            Err(_) => Err(Refusal::timeout(self.call, &self.server)),
        }
    }

    fn rollout(&self, rollout: Option<proto::Rollout>) -> Result<Rollout, Failure> {
        rollout.map(Rollout::from).ok_or_else(|| {
            Failure::new(Kind::Refused, format!("{} answered without a rollout", self.server))
                .advise("check that client and server are of compatible versions")
        })
    }
}

/// Adds the token, and the name of who asks, to every call.
#[derive(Clone)]
struct Caller {
    token: Option<MetadataValue<Ascii>>,
    actor: Option<MetadataValue<Ascii>>,
}

impl Caller {
    fn new(token: Option<String>, actor: Option<String>) -> Result<Self, Failure> {
        let value = |text: String, what: &str| {
            text.parse::<MetadataValue<Ascii>>()
                .map_err(|_| Failure::usage(format!("{what} holds a character that is not visible ASCII")))
        };
        let mut token = token.map(|token| value(format!("Bearer {token}"), "the token")).transpose()?;
        if let Some(token) = &mut token {
            token.set_sensitive(true);
        }
        let actor = actor.map(|actor| value(actor, "--actor")).transpose()?;
        Ok(Self { token, actor })
    }
}

impl tonic::service::Interceptor for Caller {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let metadata = request.metadata_mut();
        if let Some(token) = &self.token {
            metadata.insert("authorization", token.clone());
        }
        if let Some(actor) = &self.actor {
            metadata.insert(ACTOR_METADATA, actor.clone());
        }
        Ok(request)
    }
}

/// Trusts `--ca` alone when it is given, else the machine's certificates.
fn tls(connection: &Connection) -> Result<ClientTlsConfig, Failure> {
    let tls = ClientTlsConfig::new().timeout(CONNECT);
    let tls = match &connection.ca {
        Some(path) => tls.ca_certificate(Certificate::from_pem(crate::input::small_file(path)?)),
        None => tls.with_native_roots(),
    };
    match (&connection.cert, &connection.key) {
        (Some(cert), Some(key)) => {
            let identity =
                Identity::from_pem(crate::input::small_file(cert)?, crate::input::small_file(key)?);
            Ok(tls.identity(identity))
        }
        (Some(_), None) | (None, Some(_) | None) => Ok(tls),
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn not_a_url(server: &str) -> Failure {
    Failure::usage(format!("--server: {server:?} is not an http:// or https:// address"))
        .advise("write it as http://HOST:PORT, for example http://127.0.0.1:7441")
}
