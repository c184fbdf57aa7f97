//! Parts of a bootstrap: routes and HTTP filters.

use std::path::Path;

use serde_json::{Value, json};
use serin_proto::assignment::{ARM_HEADER, CANARY};

use super::{BASELINE_CLUSTER, CANARY_CLUSTER, FILTER};

/// A route of the service, as Envoy's route table names and matches it.
#[derive(Clone, Debug)]
pub struct Route {
    /// Name, also of its counters.
    pub name: String,
    /// Envoy's `match` of it, without the arm header.
    pub matches: Value,
}

impl Route {
    /// Requests whose path is `path`.
    #[must_use]
    pub fn exact(name: &str, path: &str) -> Self {
        Self { name: name.to_owned(), matches: json!({"path": path}) }
    }

    /// Requests below `prefix`.
    #[must_use]
    pub fn prefix(name: &str, prefix: &str) -> Self {
        Self { name: name.to_owned(), matches: json!({"prefix": prefix}) }
    }
}

/// For each route, one to the canary for requests with the arm header, then one to the baseline. Their counters are
/// named `NAME_canary` and `NAME_baseline`.
#[must_use]
pub fn arm_routes(routes: &[Route]) -> Vec<Value> {
    routes_of_arms(routes, &[(CANARY, CANARY_CLUSTER)])
}

/// For each route, one to the cluster of each of the arms (name, cluster) for requests with its header, then one to the
/// baseline.
#[must_use]
pub fn routes_of_arms(routes: &[Route], arms: &[(&str, &str)]) -> Vec<Value> {
    let with_arm = |route: &Route, arm: &str| {
        let mut matches = route.matches.clone();
        if let Some(matches) = matches.as_object_mut() {
            matches
                .insert("headers".to_owned(), json!([{"name": ARM_HEADER, "string_match": {"exact": arm}}]));
        }
        matches
    };
    let to = |route: &Route, matches: Value, cluster: &str| {
        json!({
            "name": route.name,
            "match": matches,
            "route": {"cluster": cluster, "timeout": "15s"},
            "stat_prefix": format!("{}_{cluster}", route.name),
        })
    };
    let of_route = |route: &Route| -> Vec<Value> {
        let arms = arms.iter().map(|(arm, cluster)| to(route, with_arm(route, arm), cluster));
        arms.chain([to(route, route.matches.clone(), BASELINE_CLUSTER)]).collect()
    };
    routes.iter().flat_map(of_route).collect()
}

/// For each route, Envoy's own split by weight: `canary_percent` of the requests, drawn one by one.
#[must_use]
pub fn weighted_routes(routes: &[Route], canary_percent: u32) -> Vec<Value> {
    let weighted = json!({"clusters": [
        {"name": CANARY_CLUSTER, "weight": canary_percent},
        {"name": BASELINE_CLUSTER, "weight": 100 - canary_percent},
    ]});
    routes
        .iter()
        .map(|route| {
            json!({
                "name": route.name,
                "match": route.matches,
                "route": {"weighted_clusters": weighted, "timeout": "15s"},
                "stat_prefix": route.name,
            })
        })
        .collect()
}

/// A route that Envoy answers itself.
#[must_use]
pub fn static_route(prefix: &str, status: u16, body: &str) -> Value {
    json!({
        "match": {"prefix": prefix},
        "direct_response": {"status": status, "body": {"inline_string": body}},
    })
}

/// A retry policy for [`super::Bootstrap::retry_policy`]: `conditions` as Envoy names them, and how often.
#[must_use]
pub fn retry_on(conditions: &str, retries: u32) -> Value {
    json!({
        "retry_on": conditions,
        "num_retries": retries,
        "retry_back_off": {"base_interval": "0.005s", "max_interval": "0.01s"},
    })
}

/// The last HTTP filter.
#[must_use]
pub fn router_filter() -> Value {
    json!({
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
    })
}

/// A Lua filter with this source.
#[must_use]
pub fn lua_filter(source: &str) -> Value {
    json!({
        "name": "lua",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
            "default_source_code": {"inline_string": source},
        },
    })
}

/// A WASM filter from a local file, with its configuration in the bootstrap instead of through ECDS: the same settings
/// that the control plane sends.
#[must_use]
pub fn wasm_filter(code: &Path, configuration: &str) -> Value {
    json!({
        "name": FILTER,
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "name": FILTER,
                "root_id": FILTER,
                "failure_policy": "FAIL_RELOAD",
                "reload_config": {"backoff": {"base_interval": "0.01s", "max_interval": "0.01s"}},
                "vm_config": {
                    "vm_id": FILTER,
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": {"local": {"filename": code}},
                },
                "configuration": {
                    "@type": "type.googleapis.com/google.protobuf.StringValue",
                    "value": configuration,
                },
            },
        },
    })
}
