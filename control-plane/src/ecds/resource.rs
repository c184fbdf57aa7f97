//! The filter's configuration as Envoy wants it.
//!
//! VM and code stay the same from push to push, so VMs and their memory survive; only the plugin's configuration
//! changes. A filter that dies is reloaded after 10 ms. The VM may use what the filter needs and nothing else.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use envoy_types::pb::envoy::config::core::v3::{
    AsyncDataSource, BackoffStrategy, DataSource, TypedExtensionConfig, async_data_source, data_source,
};
use envoy_types::pb::envoy::extensions::filters::http::wasm::v3::Wasm;
use envoy_types::pb::envoy::extensions::wasm::v3::{
    CapabilityRestrictionConfig, FailurePolicy, PluginConfig, ReloadConfig, SanitizationConfig, VmConfig,
    plugin_config,
};
use envoy_types::pb::google::protobuf::{Any, BoolValue, Duration, StringValue};
use prost::{Message, Name};
use sha2::{Digest, Sha256};

use super::TYPE_URL;
use super::capabilities::CAPABILITIES;
use crate::assignment::Published;
use crate::config::Filter;

/// Name of the resource with all services; also of the plugin and its root context.
const ALL: &str = "serin";
/// Name of the only resource of one service, before its name.
const ONE: &str = "serin/";
/// Rendered resources that are kept; more are rendered anew for each stream.
const KEPT_MAX: usize = 1_000;
/// Pause before a dead filter is loaded again, in nanoseconds.
const RELOAD_AFTER_NS: i32 = 10_000_000;

/// A configuration, ready to be sent.
#[derive(Clone, Debug)]
pub(super) struct Resource {
    /// `generation-hash`.
    pub(super) version: String,
    /// The encoded resource.
    pub(super) any: Any,
}

/// Renders resources, each once per assignment.
#[derive(Debug)]
pub(super) struct Resources {
    filter: Filter,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    generation: u64,
    by_name: BTreeMap<String, Arc<Resource>>,
}

impl Resources {
    pub(super) fn new(filter: Filter) -> Self {
        Self { filter, kept: Mutex::default() }
    }

    /// The resource `name` of an assignment. `None`: there is no resource of that name.
    pub(super) fn render(&self, name: &str, published: &Published) -> Option<Arc<Resource>> {
        let service = service_of(name)?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.generation != published.generation {
            *kept = Kept { generation: published.generation, by_name: BTreeMap::new() };
        }
        if let Some(resource) = kept.by_name.get(name) {
            return Some(Arc::clone(resource));
        }
        let resource = Arc::new(self.build(name, service, published));
        if kept.by_name.len() < KEPT_MAX {
            kept.by_name.insert(name.to_owned(), Arc::clone(&resource));
        }
        Some(resource)
    }

    fn build(&self, name: &str, service: Option<&str>, published: &Published) -> Resource {
        let assignment = published.json(service);
        let hash: String =
            Sha256::digest(&assignment).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let stops = published.takes_beacons(service);
        let wasm = Wasm { config: Some(self.plugin(assignment, stops)) };
        let typed = TypedExtensionConfig { name: name.to_owned(), typed_config: Some(any(&wasm)) };
        let any = Any { type_url: TYPE_URL.to_owned(), value: typed.encode_to_vec() };
        Resource { version: format!("{}-{hash}", published.generation), any }
    }

    /// `stops`: the filter may hold a request back until its body has come, as it does with beacons. An Envoy before 1.35
    /// does not know of that, so it is told only where it is needed.
    fn plugin(&self, assignment: String, stops: bool) -> PluginConfig {
        let pause = Duration { seconds: 0, nanos: RELOAD_AFTER_NS };
        let backoff = BackoffStrategy { base_interval: Some(pause), max_interval: Some(pause) };
        PluginConfig {
            name: ALL.to_owned(),
            root_id: ALL.to_owned(),
            configuration: Some(any(&StringValue { value: assignment })),
            failure_policy: FailurePolicy::FailReload.into(),
            reload_config: Some(ReloadConfig { backoff: Some(backoff) }),
            allow_on_headers_stop_iteration: stops.then_some(BoolValue { value: true }),
            vm: Some(plugin_config::Vm::VmConfig(self.vm())),
            ..PluginConfig::default()
        }
    }

    fn vm(&self) -> VmConfig {
        let file = data_source::Specifier::Filename(self.filter.path.clone());
        let code = DataSource { specifier: Some(file), ..DataSource::default() };
        let allowed = CAPABILITIES.iter().map(|name| ((*name).to_owned(), SanitizationConfig::default()));
        let allowed_capabilities = allowed.collect::<HashMap<_, _>>();
        VmConfig {
            vm_id: format!("serin-{}", self.filter.version),
            runtime: "envoy.wasm.runtime.v8".to_owned(),
            code: Some(AsyncDataSource { specifier: Some(async_data_source::Specifier::Local(code)) }),
            capability_restriction_config: Some(CapabilityRestrictionConfig { allowed_capabilities }),
            ..VmConfig::default()
        }
    }
}

/// The service that a resource is about; `Some(None)`: all services.
fn service_of(name: &str) -> Option<Option<&str>> {
    if name == ALL {
        Some(None)
    } else {
        name.strip_prefix(ONE).filter(|service| !service.is_empty()).map(Some)
    }
}

fn any<M: Message + Name>(message: &M) -> Any {
    Any { type_url: M::type_url(), value: message.encode_to_vec() }
}

#[cfg(test)]
mod tests;
