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
        /// Nobody said it.
        Default = "default",
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
}

/// Where a tag is from.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
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
