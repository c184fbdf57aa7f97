//! Logs as evidence beside the requests.

use schemars::JsonSchema;
use serde::Deserialize;
use serin_proto::assignment::Weight;

use super::check::Findings;
use super::learned::Learned;
use super::quantity::Proportion;

/// As they are written. They come by OTLP, and say to which arm they belong.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanLogs")]
pub(super) struct RawLogs {
    /// Their part of the error budget and of the risk, beside 40% for requests, 1% to 90%; the parts are brought to a sum of
    /// one. Default: 30%.
    #[serde(default)]
    weight: Option<Proportion>,
}

/// What a plan says of logs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Logs {
    /// Their part beside that of the other sources, of which requests have 40 %.
    pub weight: Weight,
}

pub(super) fn check(
    raw: Option<&RawLogs>,
    learned: Option<&Learned>,
    findings: &mut Findings,
) -> Option<Logs> {
    let default = learned.map_or(300_000, |learned| learned.weights.logs.ppm());
    let weight = findings.weight("logs.weight", raw?.weight.as_ref(), default, (10_000, 900_000));
    Some(Logs { weight })
}
