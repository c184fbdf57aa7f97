//! Steps that mind a quota: a reading that is too high lowers the weight, or holds it.

use schemars::JsonSchema;
use serde::Deserialize;
use serin_proto::assignment::Weight;

use super::Query;
use super::blocks::is_name;
use super::check::Findings;
use super::error::PlanRule;
use super::quantity::Proportion;

/// As it is written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanQuota")]
pub(super) struct RawQuota {
    /// One of the plan's queries, whose value is the part of the quota that is used, 1 for all of it.
    query: String,
    /// Beyond this part the weight is lowered. Default: 80%.
    #[serde(default)]
    lower_above: Option<Proportion>,
    /// What it is lowered to, once. Default: 5%.
    #[serde(default)]
    to: Option<Proportion>,
    /// Beyond this part, at most `lower_above`, nothing goes forward. Default: `lower_above`.
    #[serde(default)]
    hold_above: Option<Proportion>,
}

/// A quota that the weight minds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Quota {
    /// The query.
    pub query: String,
    /// Beyond this part the weight is lowered.
    pub lower_above: Weight,
    /// What it is lowered to.
    pub to: Weight,
    /// Beyond this part nothing goes forward.
    pub hold_above: Weight,
}

pub(super) fn check(raw: Option<&RawQuota>, queries: &[Query], findings: &mut Findings) -> Option<Quota> {
    const ALL: (u32, u32) = (1, 1_000_000);
    let RawQuota { query, lower_above, to, hold_above } = raw?;
    if !is_name(query) {
        let found = query.chars().take(64).collect();
        let expected = "made of letters, digits, '.', '_' and '-', 1 to 64 of them";
        findings.add("quota.query", PlanRule::Form { found, expected });
    } else if queries.iter().all(|known| known.name != *query) {
        findings.add("quota.query", PlanRule::UnknownQuery { name: query.clone() });
    }
    let lower_above = findings.weight("quota.lower_above", lower_above.as_ref(), 800_000, ALL);
    Some(Quota {
        query: query.clone(),
        lower_above,
        to: findings.weight("quota.to", to.as_ref(), 50_000, ALL),
        hold_above: findings.weight(
            "quota.hold_above",
            hold_above.as_ref(),
            lower_above.ppm(),
            (1, lower_above.ppm()),
        ),
    })
}
