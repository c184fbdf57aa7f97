//! Triggers, queries and health checks.

use serde::Serialize;

use super::Moment;

/// One of them, as it stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct OutsideReading {
    /// `trigger`, `query` or `health_check`.
    pub(crate) kind: String,
    pub(crate) name: String,
    /// In snake case.
    pub(crate) state: String,
    pub(crate) text: String,
    /// `None`: of a query.
    pub(crate) since: Option<Moment>,
    /// Empty: the whole version.
    pub(crate) component: String,
    /// What follows. Empty: of a query.
    pub(crate) action: String,
    /// Seconds since its last value or answer. `None`: it never had one, or it is a trigger.
    pub(crate) age_s: Option<u64>,
    /// `None`: there is none.
    pub(crate) value: Option<f64>,
    /// Of a health check, 0 to 1.
    pub(crate) confidence: f64,
    /// It says nothing for so long that people are told.
    pub(crate) silent: bool,
}
