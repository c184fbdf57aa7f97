//! Runs of hooks and schema changes.

use serde::Serialize;

use super::Moment;

/// One run.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct HookRun {
    pub(crate) point: String,
    pub(crate) name: String,
    /// Before a step: which one, from 0.
    pub(crate) occurrence: u32,
    pub(crate) round: u32,
    /// `running`, `succeeded`, `failed` or `skipped`.
    pub(crate) state: String,
    pub(crate) started_at: Option<Moment>,
    pub(crate) ended_at: Option<Moment>,
    pub(crate) attempts: u32,
    pub(crate) said: String,
}
