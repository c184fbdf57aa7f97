//! What goes with what is undone, and how much that is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serin_proto::assignment::Weight;

/// A limit of the plan's `escalation`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "limit", rename_all = "snake_case")]
pub enum Beyond {
    /// The part of the traffic.
    #[default]
    Traffic,
    /// The part of the business weights.
    BusinessWeight {
        /// It is.
        #[serde(with = "crate::text::ppm")]
        business_weight_ppm: Weight,
    },
    /// The number of components.
    Components,
}

/// Components that return to the baseline although they did not cause it, each with those that it cannot work without.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Dependents(pub BTreeMap<String, Vec<String>>);

/// What components carry, both versions together.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Impact {
    /// Their part of the requests of the last minute. No requests at all count as none of theirs.
    #[serde(with = "crate::text::ppm")]
    pub traffic_ppm: Weight,
    /// Their part of the plan's business weights.
    #[serde(with = "crate::text::ppm")]
    pub business_weight_ppm: Weight,
}

impl Dependents {
    /// The components, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}
