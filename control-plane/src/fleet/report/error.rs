//! Why a report can never be merged.

use std::fmt;

/// A field of a report and the rule that it breaks.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{field}: {rule}")]
pub struct ReportError {
    /// Path of the field, for example `batch.strata[3].arms[0].latency_hdr`.
    pub field: String,
    /// The rule.
    pub rule: String,
}

impl ReportError {
    pub(crate) fn new(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self { field: field.into(), rule: rule.into() }
    }

    pub(super) fn within(self, parent: fmt::Arguments<'_>) -> Self {
        Self { field: format!("{parent}.{}", self.field), rule: self.rule }
    }
}
