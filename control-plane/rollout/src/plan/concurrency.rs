//! How many rollouts may run at once beside this one: a rollout beyond that waits for its turn.

use schemars::JsonSchema;
use serde::Deserialize;

use super::blocks::is_name;
use super::check::Findings;
use super::error::PlanRule;

/// As it is written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanConcurrency")]
pub(super) struct RawConcurrency {
    /// Rollouts that name the same group count together: letters, digits, '.', '_', '-', at most 64.
    group: String,
    /// So many of them run at once, 1 to 1000; this one waits while there are as many. Absent: what the server allows.
    #[serde(default)]
    max: Option<u32>,
}

/// The group that a rollout counts in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Concurrency {
    /// Its name.
    pub group: String,
    /// So many run at once. `None`: what the server allows.
    pub max: Option<u32>,
}

pub(super) fn check(raw: Option<&RawConcurrency>, findings: &mut Findings) -> Option<Concurrency> {
    let RawConcurrency { group, max } = raw?;
    if !is_name(group) {
        let found = group.chars().take(64).collect();
        let expected = "made of letters, digits, '.', '_' and '-', 1 to 64 of them";
        findings.add("concurrency.group", PlanRule::Form { found, expected });
    }
    let max = max.map(|max| findings.range("concurrency.max", max, 1, 1_000));
    Some(Concurrency { group: group.clone(), max })
}
