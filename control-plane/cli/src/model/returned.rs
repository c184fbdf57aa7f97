//! What became of a rollout in an emergency.

use serde::Serialize;

/// One rollout.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Returned {
    pub(crate) rollout_id: String,
    pub(crate) service: String,
    /// `returned`, `already`, `left`, `failed` or `unknown`.
    pub(crate) outcome: &'static str,
    pub(crate) text: String,
    pub(crate) generation: u64,
}
