//! From where on several regressed components mean the whole version.

use schemars::JsonSchema;
use serde::Deserialize;
use serin_proto::assignment::Weight;

use super::check::Findings;
use super::quantity::Proportion;

/// Limits on what is undone component by component. Beyond one of them the whole version is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Escalation {
    /// Highest part of the traffic.
    pub traffic: Weight,
    /// Highest part of the plan's business weights.
    pub business_weight: Weight,
    /// Highest number of components. `None`: any.
    pub components: Option<u64>,
}

/// As it is written: a part of the traffic, or several limits.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "must be a percentage, or {traffic: 30%, business_weight: 50%, components: 5}")]
#[schemars(rename = "PlanEscalation")]
pub(super) enum RawEscalation {
    /// Several limits.
    Limits(RawLimits),
    /// Part of the traffic.
    Traffic(Proportion),
}

/// Limits, beyond one of which the whole version is rolled back.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "PlanEscalationLimits")]
pub(super) struct RawLimits {
    /// Highest part of the traffic. Default: 30%.
    traffic: Option<Proportion>,
    /// Highest part of the business weights of all components. Default: 100%, none.
    business_weight: Option<Proportion>,
    /// Highest number of components, 1 to 2000. Default: any.
    components: Option<u64>,
}

const TRAFFIC_PPM: u32 = 300_000;
const ALL: (u32, u32) = (0, 1_000_000);

pub(super) fn check(raw: Option<&RawEscalation>, findings: &mut Findings) -> Escalation {
    match raw {
        None => Escalation {
            traffic: findings.weight("escalation", None, TRAFFIC_PPM, ALL),
            business_weight: Weight::FULL,
            components: None,
        },
        Some(RawEscalation::Traffic(traffic)) => Escalation {
            traffic: findings.weight("escalation", Some(traffic), TRAFFIC_PPM, ALL),
            business_weight: Weight::FULL,
            components: None,
        },
        Some(RawEscalation::Limits(RawLimits { traffic, business_weight, components })) => Escalation {
            traffic: findings.weight("escalation.traffic", traffic.as_ref(), TRAFFIC_PPM, ALL),
            business_weight: findings.weight(
                "escalation.business_weight",
                business_weight.as_ref(),
                Weight::FULL.ppm(),
                ALL,
            ),
            components: components.map(|most| findings.range("escalation.components", most, 1, 2_000)),
        },
    }
}
