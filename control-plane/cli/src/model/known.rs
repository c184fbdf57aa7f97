//! Components by their tags.

use serde::Serialize;

use super::{Block, Granularity, Moment};

words! {
    /// Where a tag is from.
    TagSource {
        /// The plan.
        Plan = "plan",
        /// The metadata of routes.
        RouteMetadata = "route_metadata",
        /// Calls that traces showed.
        ObservedCalls = "observed_calls",
        /// Nobody said it.
        Default = "default",
        /// A word of a newer server.
        Unknown = "unknown",
    }
}

words! {
    /// What a rollout makes of observed calls.
    CallStanding {
        /// They are declared.
        Declared = "declared",
        /// They were taken when it was created.
        Taken = "taken",
        /// They are only shown.
        Undeclared = "undeclared",
        /// A word of a newer server.
        Unknown = "unknown",
    }
}

/// What the fleet knows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Known {
    pub(crate) components: Vec<KnownComponent>,
    /// Sampled requests whose route could not be told.
    pub(crate) untold_routes: u64,
    /// Statements of routes that were not kept.
    pub(crate) routes_not_kept: u64,
    /// Observed calls that were not kept.
    pub(crate) calls_not_kept: u64,
}

/// A component by its tags.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct KnownComponent {
    pub(crate) service: String,
    pub(crate) name: String,
    /// `None`: no plan has it.
    pub(crate) rollout_id: Option<String>,
    pub(crate) granularity: Granularity,
    pub(crate) granularity_origin: TagOrigin,
    pub(crate) business_weight: f64,
    pub(crate) business_weight_origin: TagOrigin,
    pub(crate) depends_on: Vec<String>,
    pub(crate) depends_on_origin: TagOrigin,
    pub(crate) owner: Option<String>,
    pub(crate) owner_origin: TagOrigin,
    pub(crate) blocks: Vec<Block>,
    pub(crate) routes: Vec<ComponentRoute>,
    pub(crate) contradictions: Vec<String>,
    /// What it was seen to call.
    pub(crate) calls: Vec<ObservedCalls>,
}

/// Calls of one component by another.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct ObservedCalls {
    pub(crate) needed: String,
    pub(crate) calls: u64,
    pub(crate) baseline: u64,
    pub(crate) canary: u64,
    pub(crate) canary_only: bool,
    pub(crate) last_seen: Option<Moment>,
    pub(crate) standing: CallStanding,
}

/// Where a tag is from.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TagOrigin {
    pub(crate) source: TagSource,
    /// Routes that say it.
    pub(crate) routes: Vec<String>,
}

/// What one route says, alike on some Envoys.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct ComponentRoute {
    pub(crate) route: String,
    /// Component that its requests belong to.
    pub(crate) matched: String,
    pub(crate) nodes: u32,
    /// At most 8 of them.
    pub(crate) node_names: Vec<String>,
    pub(crate) malformed: Vec<String>,
    pub(crate) told_at: Option<Moment>,
}
