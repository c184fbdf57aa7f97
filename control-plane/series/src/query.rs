//! What plans ask for.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One number of the series of a metric.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Query {
    /// Name of the metric.
    pub metric: String,
    /// Attributes that a series must have, of its points or of its resource.
    pub matching: BTreeMap<String, String>,
    /// What is read.
    pub read: Read,
    /// Over which time.
    pub over: Duration,
    /// A counter that no series has is 0 as long as a resource reports that has one of these attributes, and none other than these.
    pub or_zero: bool,
}

/// What is read of the series that match.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PlanMetricRead")]
pub enum Read {
    /// What a counter grew by, or how often a histogram was recorded to, of all series together.
    Increase,
    /// The same by second.
    Rate,
    /// The newest value of a gauge; only one series may match.
    Last,
    /// The largest of the newest values.
    Max,
    /// The newest values added up.
    Sum,
    /// The mean of what a histogram saw.
    Mean,
    /// The median of what a histogram saw.
    P50,
    /// Its 90 % quantile.
    P90,
    /// Its 95 % quantile.
    P95,
    /// Its 99 % quantile.
    P99,
}

impl Read {
    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Increase => "increase",
            Self::Rate => "rate",
            Self::Last => "last",
            Self::Max => "max",
            Self::Sum => "sum",
            Self::Mean => "mean",
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P95 => "p95",
            Self::P99 => "p99",
        }
    }

    /// Whether it adds up what happened, so that nothing is 0.
    #[must_use]
    pub const fn adds_up(self) -> bool {
        matches!(self, Self::Increase | Self::Rate)
    }
}
