//! Tags that a rollout took when it was created.

use serde::Serialize;

use super::TagOrigin;

/// A tag that was taken.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TakenTag {
    pub(crate) component: String,
    /// As in plans.
    pub(crate) tag: String,
    /// As in plans.
    pub(crate) value: String,
    pub(crate) origin: TagOrigin,
    pub(crate) text: String,
}

/// A tag that was on offer and not taken.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct OmittedTag {
    pub(crate) component: String,
    pub(crate) text: String,
}
