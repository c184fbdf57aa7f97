//! A rollback that is carried out, or was.

use serde::Serialize;

use super::Moment;

/// The newest rollback of a rollout.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Rollback {
    /// `version`, `components`, `arms` or `blocks`.
    pub(crate) what: String,
    /// Empty: the whole version.
    pub(crate) names: Vec<String>,
    pub(crate) decided_at: Option<Moment>,
    /// What is waited for. Empty: it is over.
    pub(crate) stage: String,
    pub(crate) stages: Vec<RollbackStage>,
    /// It is over, and every stage did what it is for.
    pub(crate) verified: bool,
}

/// A stage that ended, or is late.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct RollbackStage {
    pub(crate) stage: String,
    pub(crate) outcome: String,
    pub(crate) took_ms: u64,
    pub(crate) text: String,
}
