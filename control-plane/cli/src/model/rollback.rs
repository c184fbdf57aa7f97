//! A rollback that is carried out, or was.

use serde::Serialize;

use super::Moment;

/// The newest rollback of a rollout.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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

impl Rollback {
    /// What is returned, with its names: `components cart, checkout`.
    pub(crate) fn subject(&self) -> String {
        match self.names.as_slice() {
            [] => self.what.clone(),
            names => format!("{} {}", self.what, names.join(", ")),
        }
    }

    /// What is waited for, or how it ended.
    pub(crate) fn standing(&self) -> &str {
        match self.stage.as_str() {
            "" if self.verified => "verified",
            "" => "over, not verified",
            stage => stage,
        }
    }
}

/// A stage that ended, or is late.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RollbackStage {
    pub(crate) stage: String,
    pub(crate) outcome: String,
    pub(crate) took_ms: u64,
    pub(crate) text: String,
}
