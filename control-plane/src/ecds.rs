//! Tells Envoys their assignment, as Envoy's extension configuration (xDS type
//! `envoy.config.core.v3.TypedExtensionConfig`).
//!
//! Envoy asks for `serin` (all services) or `serin/NAME` (that service alone) and gets the filter's configuration.
//! It acknowledges or refuses each version; both are noted with the node. A refused version is not sent again.
//! Each stream remembers what it sent and watches the board, so a slow one costs one pending answer and then gets
//! the newest assignment; a dead one is ended by HTTP/2 keepalive. At most [`STREAMS_MAX`] streams are served.

mod capabilities;
mod delta;
mod form;
mod resource;
mod session;
mod world;

use std::pin::Pin;
use std::sync::Arc;

use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse,
};
use envoy_types::pb::envoy::service::extension::v3::extension_config_discovery_service_server::ExtensionConfigDiscoveryService;
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::{Request, Response, Status, Streaming};

use crate::assignment::Board;
use crate::config::Filter;
use crate::fleet::Fleet;
use crate::metrics::Metrics;
use crate::shutdown::Ending;
use delta::Delta;
use resource::Resources;
use session::Session;
use world::World;

/// Streams that are served at a time.
pub const STREAMS_MAX: usize = 40_000;
/// Type of the resources.
const TYPE_URL: &str = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";

/// The gRPC service.
#[derive(Clone, Debug)]
pub struct ExtensionConfigs {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    fleet: Arc<Fleet>,
    board: Arc<Board>,
    metrics: Arc<Metrics>,
    resources: Resources,
    places: Arc<Semaphore>,
    ending: Ending,
}

impl ExtensionConfigs {
    /// Serves what hangs on `board` until the end begins.
    #[must_use]
    pub fn new(
        fleet: Arc<Fleet>,
        board: Arc<Board>,
        metrics: Arc<Metrics>,
        filter: Filter,
        ending: Ending,
    ) -> Self {
        let (resources, places) = (Resources::new(filter), Arc::new(Semaphore::new(STREAMS_MAX)));
        Self { shared: Arc::new(Shared { fleet, board, metrics, resources, places, ending }) }
    }

    /// Serves one stream by `work` in a task of its own, if there is a place.
    fn serve<T, W>(&self, work: impl FnOnce(Session, mpsc::Sender<Result<T, Status>>) -> W) -> Answer<T>
    where
        T: Send + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        let place = Arc::clone(&self.shared.places).try_acquire_owned();
        let place = place.map_err(|_| Status::resource_exhausted("too many configuration streams"))?;
        let (answers, stream) = mpsc::channel(1);
        let work = work(Session::new(Arc::clone(&self.shared)), answers);
        tokio::spawn(async move {
            work.await;
            drop(place);
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;
type Answer<T> = Result<Response<Answers<T>>, Status>;

#[tonic::async_trait]
impl ExtensionConfigDiscoveryService for ExtensionConfigs {
    type StreamExtensionConfigsStream = Answers<DiscoveryResponse>;
    type DeltaExtensionConfigsStream = Answers<DeltaDiscoveryResponse>;

    async fn stream_extension_configs(
        &self,
        request: Request<Streaming<DiscoveryRequest>>,
    ) -> Answer<DiscoveryResponse> {
        let requests = request.into_inner();
        self.serve(|session, answers| form::serve::<World>(session, requests, answers))
    }

    async fn delta_extension_configs(
        &self,
        request: Request<Streaming<DeltaDiscoveryRequest>>,
    ) -> Answer<DeltaDiscoveryResponse> {
        let requests = request.into_inner();
        self.serve(|session, answers| form::serve::<Delta>(session, requests, answers))
    }

    async fn fetch_extension_configs(
        &self,
        _request: Request<DiscoveryRequest>,
    ) -> Result<Response<DiscoveryResponse>, Status> {
        Err(Status::unimplemented("polling is not served; use a stream"))
    }
}
