//! What is compared.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use serin_proto::assignment::{CANARY, FORMAT_VERSION, raw};

use super::{CANARY_PERCENT, ROUTES};
use crate::bootstrap::{
    BASELINE_CLUSTER, Bootstrap, CANARY_CLUSTER, CONTROL_PLANE_CLUSTER, Route, arm_routes, lua_filter,
    wasm_filter, weighted_routes,
};
use crate::workspace::Workspace;

/// One way to run a canary, or a part of one.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Variant {
    /// The routes, and nothing that chooses.
    NoFilter,
    /// Envoy's own `weighted_clusters`: no stickiness, no measurement per route and arm.
    Native,
    /// A Lua filter that chooses by user.
    LuaRouting,
    /// A Lua filter that chooses by user and counts by route, arm and status.
    LuaCounting,
    /// The same, leaner: route and arm are told by a named route for each arm.
    LuaCountingLean,
    /// A WASM filter that does nothing.
    EmptyWasm,
    /// Serin with one component for each route, recording and reporting.
    Serin,
}

impl Variant {
    pub(super) const ALL: [Self; 7] = [
        Self::NoFilter,
        Self::Native,
        Self::LuaRouting,
        Self::LuaCounting,
        Self::LuaCountingLean,
        Self::EmptyWasm,
        Self::Serin,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::NoFilter => "no_filter",
            Self::Native => "native",
            Self::LuaRouting => "lua_routing",
            Self::LuaCounting => "lua_counting",
            Self::LuaCountingLean => "lua_counting_lean",
            Self::EmptyWasm => "empty_wasm",
            Self::Serin => "serin",
        }
    }

    /// Whether it sends a part of the requests to the canary.
    pub(super) fn splits(self) -> bool {
        match self {
            Self::Native | Self::LuaRouting | Self::LuaCounting | Self::LuaCountingLean | Self::Serin => true,
            Self::NoFilter | Self::EmptyWasm => false,
        }
    }

    /// The shipped bootstrap with the routes and filters of this variant.
    pub(super) fn bootstrap(self, workspace: &Workspace, parts: &Parts) -> Result<Bootstrap> {
        let bootstrap = Bootstrap::shipped(workspace)?
            .cluster_at(BASELINE_CLUSTER, parts.upstream)?
            .cluster_at(CANARY_CLUSTER, parts.upstream)?
            .cluster_at(CONTROL_PLANE_CLUSTER, parts.sink)?;
        let routes: Vec<Route> = (0..ROUTES)
            .map(|number| Route::prefix(&format!("route-{number}"), &route_path(number)))
            .collect();
        let (routes, filters) = match self {
            Self::NoFilter => (arm_routes(&routes), vec![]),
            Self::Native => (weighted_routes(&routes, CANARY_PERCENT), vec![]),
            Self::LuaRouting => (arm_routes(&routes), vec![lua(parts, "routing.lua")?]),
            Self::LuaCounting => (arm_routes(&routes), vec![lua(parts, "counting.lua")?]),
            Self::LuaCountingLean => {
                (named_by_arm(arm_routes(&routes)), vec![lua(parts, "counting_lean.lua")?])
            }
            Self::EmptyWasm => (arm_routes(&routes), vec![wasm_filter(&parts.empty, "")]),
            Self::Serin => (arm_routes(&routes), vec![wasm_filter(&parts.serin, &assignment()?)]),
        };
        bootstrap.routes(routes)?.filters(filters)
    }
}

/// What the bootstraps refer to.
pub(super) struct Parts {
    /// The service.
    pub(super) upstream: SocketAddr,
    /// Takes the filter's reports.
    pub(super) sink: SocketAddr,
    /// The filter.
    pub(super) serin: PathBuf,
    /// The filter that does nothing.
    pub(super) empty: PathBuf,
    /// Folder of the Lua filters.
    pub(super) lua: PathBuf,
}

/// Prefix of one route.
pub(super) fn route_path(number: usize) -> String {
    format!("/area-{number}/")
}

fn lua(parts: &Parts, file: &str) -> Result<Value> {
    let path = parts.lua.join(file);
    Ok(lua_filter(&fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?))
}

/// Gives each route a name that tells its arm too.
fn named_by_arm(mut routes: Vec<Value>) -> Vec<Value> {
    for route in &mut routes {
        if let Some(name) = route.get("stat_prefix").cloned()
            && let Some(route) = route.as_object_mut()
        {
            route.insert("name".to_owned(), name);
        }
    }
    routes
}

/// One component for each route, the canary's weight on the ring, recording, and a report each second.
fn assignment() -> Result<String> {
    let component = |number: usize| raw::Component {
        name: format!("route-{number}"),
        matches: vec![raw::Match {
            path: Some(raw::Path::Prefix(format!("/area-{number}"))),
            ..raw::Match::default()
        }],
        granularity: raw::Granularity::Medium,
        pinned: None,
        blocks: Vec::new(),
    };
    let service = raw::Service {
        name: "shop".to_owned(),
        hosts: vec![],
        rollout: Some("bench".to_owned()),
        salt: "000102030405060708090a0b0c0d0e0f".to_owned(),
        split: vec![raw::Share { arm: CANARY.to_owned(), weight_ppm: CANARY_PERCENT * 10_000 }],
        identity: raw::Identity {
            user: vec![raw::KeySource::Header("x-user-id".to_owned())],
            ..raw::Identity::default()
        },
        rules: vec![],
        components: (0..ROUTES).map(component).collect(),
        train: None,
        train_key: None,
        behaviour: false,
    };
    let report: raw::Report = serde_json::from_value(json!({"cluster": CONTROL_PLANE_CLUSTER}))?;
    let assignment = raw::Assignment {
        version: FORMAT_VERSION,
        generation: 1,
        report: Some(report),
        services: vec![service],
    };
    Ok(serde_json::to_string(&assignment)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_assignment_of_the_bench_is_one_that_the_filter_takes() {
        serin_proto::assignment::parse(assignment().unwrap().as_bytes()).unwrap();
    }
}
