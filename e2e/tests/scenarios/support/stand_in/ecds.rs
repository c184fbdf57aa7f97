//! The configuration stream, state of the world.

use std::pin::Pin;
use std::sync::Arc;

use envoy_types::pb::envoy::config::core::v3::{
    AsyncDataSource, BackoffStrategy, DataSource, TypedExtensionConfig, async_data_source, data_source,
};
use envoy_types::pb::envoy::extensions::filters::http::wasm::v3::Wasm;
use envoy_types::pb::envoy::extensions::wasm::v3::{
    FailurePolicy, PluginConfig, ReloadConfig, VmConfig, plugin_config,
};
use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse,
};
use envoy_types::pb::envoy::service::extension::v3::extension_config_discovery_service_server::ExtensionConfigDiscoveryService;
use envoy_types::pb::google::protobuf::{Any, BoolValue, BytesValue, Duration};
use prost::{Message, Name};
use serin_e2e::bootstrap::FILTER;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status, Streaming};

use super::{Offer, Shared, lock};

pub(super) struct Ecds(pub(super) Arc<Shared>);

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl ExtensionConfigDiscoveryService for Ecds {
    type StreamExtensionConfigsStream = Answers<DiscoveryResponse>;
    type DeltaExtensionConfigsStream = Answers<DeltaDiscoveryResponse>;

    async fn stream_extension_configs(
        &self,
        request: Request<Streaming<DiscoveryRequest>>,
    ) -> Result<Response<Self::StreamExtensionConfigsStream>, Status> {
        let (answers, stream) = mpsc::channel(1);
        tokio::spawn(serve(Arc::clone(&self.0), request.into_inner(), answers));
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    async fn delta_extension_configs(
        &self,
        _request: Request<Streaming<DeltaDiscoveryRequest>>,
    ) -> Result<Response<Self::DeltaExtensionConfigsStream>, Status> {
        Err(Status::unimplemented("state of the world only"))
    }

    async fn fetch_extension_configs(
        &self,
        _request: Request<DiscoveryRequest>,
    ) -> Result<Response<DiscoveryResponse>, Status> {
        Err(Status::unimplemented("streams only"))
    }
}

async fn serve(
    shared: Arc<Shared>,
    mut requests: Streaming<DiscoveryRequest>,
    answers: mpsc::Sender<Result<DiscoveryResponse, Status>>,
) {
    let mut offers = shared.offers.clone();
    let mut node = String::new();
    let mut subscribed = false;
    let mut sent = 0;
    loop {
        tokio::select! {
            request = requests.next() => {
                let Some(Ok(request)) = request else { return };
                if let Some(named) = request.node {
                    node = named.id;
                }
                subscribed |= request.resource_names.iter().any(|name| name == FILTER);
                if let Ok(version) = request.response_nonce.parse() {
                    let verdict = request.error_detail.map_or(Ok(()), |error| Err(error.message));
                    lock(&shared.verdicts).insert((node.clone(), version), verdict);
                }
            }
            changed = offers.changed() => if changed.is_err() { return },
        }
        let offer = offers.borrow_and_update().clone();
        if let Some(offer) = offer.filter(|offer| subscribed && offer.version > sent) {
            sent = offer.version;
            if answers.send(Ok(response(&offer))).await.is_err() {
                return;
            }
        }
    }
}

fn response(offer: &Offer) -> DiscoveryResponse {
    let wasm = Wasm { config: Some(plugin(offer)) };
    let resource = TypedExtensionConfig { name: FILTER.to_owned(), typed_config: Some(any(&wasm)) };
    DiscoveryResponse {
        version_info: offer.version.to_string(),
        resources: vec![any(&resource)],
        type_url: TypedExtensionConfig::type_url(),
        nonce: offer.version.to_string(),
        ..DiscoveryResponse::default()
    }
}

fn plugin(offer: &Offer) -> PluginConfig {
    let pause = Some(Duration { seconds: 0, nanos: 10_000_000 });
    let file = data_source::Specifier::Filename(offer.code.to_string_lossy().into_owned());
    let code = DataSource { specifier: Some(file), ..DataSource::default() };
    PluginConfig {
        name: FILTER.to_owned(),
        root_id: FILTER.to_owned(),
        // Bytes, not a string: a string that is not UTF-8 would be refused by Envoy before the filter sees it.
        configuration: Some(any(&BytesValue { value: offer.configuration.clone() })),
        failure_policy: FailurePolicy::FailReload.into(),
        reload_config: Some(ReloadConfig {
            backoff: Some(BackoffStrategy { base_interval: pause, max_interval: pause }),
        }),
        // As the control plane says where a service takes beacons.
        allow_on_headers_stop_iteration: Some(BoolValue { value: true }),
        vm: Some(plugin_config::Vm::VmConfig(VmConfig {
            vm_id: offer.vm_id.clone(),
            runtime: "envoy.wasm.runtime.v8".to_owned(),
            code: Some(AsyncDataSource { specifier: Some(async_data_source::Specifier::Local(code)) }),
            ..VmConfig::default()
        })),
        ..PluginConfig::default()
    }
}

fn any<M: Message + Name>(message: &M) -> Any {
    Any { type_url: M::type_url(), value: message.encode_to_vec() }
}
