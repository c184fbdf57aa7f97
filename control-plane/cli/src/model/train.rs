//! Trains.

use serde::Serialize;

use super::{Moment, Phase};

/// Several rollouts that go out as one release.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Train {
    pub(crate) id: String,
    pub(crate) name: String,
    /// `running`, `waiting`, `returning`, `promoted`, `partly`, `rolled_back` or `unknown`.
    pub(crate) phase: &'static str,
    pub(crate) members: Vec<TrainMember>,
    pub(crate) gates: Vec<TrainGate>,
    /// `all`, `dependents` or `alone`.
    pub(crate) rollback: String,
    pub(crate) together: bool,
    /// Services that return or returned, in that order.
    pub(crate) returning: Vec<String>,
    pub(crate) created_at: Option<Moment>,
    pub(crate) created_by: String,
    /// Why it waits for its turn. Absent: it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) waits_because: Option<String>,
}

/// A member of a train.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TrainMember {
    pub(crate) service: String,
    pub(crate) rollout_id: String,
    pub(crate) region: Option<String>,
    pub(crate) phase: Phase,
    pub(crate) weight_ppm: u32,
    /// Its turn came.
    pub(crate) begun: bool,
    pub(crate) summary: String,
    /// What others must reach before it begins, in words.
    pub(crate) after: Vec<String>,
}

/// A gate of a train.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TrainGate {
    pub(crate) before: String,
    pub(crate) when: String,
    pub(crate) open: bool,
    pub(crate) opened_because: Option<String>,
}
