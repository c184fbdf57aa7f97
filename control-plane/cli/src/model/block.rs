//! Blocks of code, and what failures say of them.

use serde::Serialize;

/// A block of a component's code.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Block {
    pub(crate) name: String,
    pub(crate) current: String,
    pub(crate) previous: Vec<String>,
    /// `None`: it was not rolled back.
    pub(crate) restored: Option<String>,
    pub(crate) restored_because: Option<String>,
    /// `None`: none of the canary's failures named it.
    pub(crate) evidence: Option<BlockEvidence>,
}

/// What the failures say that named a block.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct BlockEvidence {
    pub(crate) at_fault: bool,
    pub(crate) log_evidence: f64,
    pub(crate) log_threshold: f64,
    pub(crate) baseline_failures: u64,
    pub(crate) canary_failures: u64,
    pub(crate) baseline_requests: u64,
    pub(crate) canary_requests: u64,
    pub(crate) text: String,
}
