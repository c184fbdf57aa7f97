//! What people do on the pages of the service: whether it is counted, and how much worse it may be.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serin_proto::assignment::Weight;

use super::check::{Findings, minutes};
use super::learned::Learned;
use super::quantity::{Proportion, Span};
use super::{bounds, raw};

/// As it is written.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "PlanBehaviour")]
pub(super) struct RawBehaviour {
    /// False: the filters take no beacons, and nothing is counted. Default: true.
    enabled: Option<bool>,
    /// For so long after the start what people do is counted and not judged: what is new makes them behave differently at
    /// first. 0s to 30d. Default: 10m.
    novelty: Option<Span>,
    /// Part of the baseline's conversions that may be missing, 0.1% to 50%. Default: 5%.
    conversion: Option<Proportion>,
    /// Part by which page load times may be longer, 1% to 100%. Default: 20%.
    load: Option<Proportion>,
    /// Its part of the error budget and of the risk, beside 40% for requests, 1% to 90%; the parts are brought to a sum of one.
    /// Default: 30%.
    weight: Option<Proportion>,
}

/// What people do on the pages of the canary, beside those of the baseline.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Behaviour {
    /// For so long after the start nothing of it is judged.
    pub novelty: Duration,
    /// Part of the baseline's conversions that may be missing.
    pub conversion: Weight,
    /// Part by which page load times may be longer.
    pub load: Weight,
    /// Its part beside that of the other sources, of which requests have 40 %.
    pub weight: Weight,
}

/// Whether the filters take beacons.
pub(super) fn is_enabled(raw: &raw::Plan) -> bool {
    raw.behaviour.as_ref().is_some_and(|behaviour| behaviour.enabled.unwrap_or(true))
}

/// `None`: nothing is counted.
pub(super) fn check(
    raw: &raw::Plan,
    learned: Option<&Learned>,
    findings: &mut Findings,
) -> Option<Behaviour> {
    let part = learned.map_or(300_000, |learned| learned.weights.behaviour.ppm());
    let RawBehaviour { novelty, conversion, load, weight, .. } = raw.behaviour.as_ref()?;
    let (ever, conversions, loads) =
        ((Duration::ZERO, bounds::DURATION), (1_000, 500_000), (10_000, 1_000_000));
    let behaviour = Behaviour {
        novelty: findings.duration("behaviour.novelty", novelty.as_ref(), minutes(10), ever),
        conversion: findings.weight("behaviour.conversion", conversion.as_ref(), 50_000, conversions),
        load: findings.weight("behaviour.load", load.as_ref(), 200_000, loads),
        weight: findings.weight("behaviour.weight", weight.as_ref(), part, (10_000, 900_000)),
    };
    is_enabled(raw).then_some(behaviour)
}
