//! What was decided, and what people say of it.

use serde::Serialize;

use super::Moment;

/// One decision.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Decision {
    pub(crate) id: String,
    pub(crate) sequence: u64,
    pub(crate) rollout_id: String,
    pub(crate) service: String,
    pub(crate) baseline_version: String,
    pub(crate) canary_version: String,
    pub(crate) at: Option<Moment>,
    pub(crate) kind: String,
    pub(crate) names: Vec<String>,
    pub(crate) actor: String,
    pub(crate) text: String,
    pub(crate) onset_at: Option<Moment>,
    pub(crate) applied_ms: Option<u64>,
    /// `right` or `false_alarm`.
    pub(crate) mark: Option<&'static str>,
    pub(crate) marked_by: Option<String>,
    pub(crate) mark_reason: Option<String>,
    pub(crate) is_rollback: bool,
}
