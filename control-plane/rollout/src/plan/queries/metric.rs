//! Queries of metrics that services send by OTLP.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serin_series::{OVER, Query, Read};

use super::{Findings, LABEL_BYTES, Names, Span, labels, text};

/// A number of the series of a metric, as far as these were sent.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanMetricQuery")]
pub(super) struct RawMetric {
    /// Name of the metric.
    metric: String,
    /// Attributes that its series must have, of their points or of their resource, with variables as in `promql`, but without quotes.
    #[serde(default, rename = "where")]
    wanted: BTreeMap<String, String>,
    /// What is read.
    read: Read,
    /// Over which time, 10s to 10m. Default: 1m.
    #[serde(default)]
    over: Option<Span>,
    /// True: a counter that no series has is 0 as long as a resource reports that has at least one attribute of `where`, and none
    /// with another value.
    #[serde(default)]
    or_zero: bool,
}

impl RawMetric {
    pub(super) fn check(&self, field: &str, names: &Names<'_>, findings: &mut Findings) -> Query {
        text(&format!("{field}.metric"), &self.metric, LABEL_BYTES, findings);
        let over = (*OVER.start(), *OVER.end());
        Query {
            metric: self.metric.clone(),
            matching: labels(&format!("{field}.where"), &self.wanted, names, findings),
            read: self.read,
            over: findings.duration(
                &format!("{field}.over"),
                self.over.as_ref(),
                Duration::from_mins(1),
                over,
            ),
            or_zero: self.or_zero,
        }
    }
}
