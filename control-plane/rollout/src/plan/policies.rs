//! Policies of the plan: what a team decides beside the rules of the rollout, by name or as an expression in CEL.

use schemars::JsonSchema;
use serde::Deserialize;
use serin_policy::{BUILT_IN, BuiltIn, Decision, Policy};

use super::blocks::is_name;
use super::bounds;
use super::check::Findings;
use super::error::{PlanErrors, PlanRule};

/// As it is written: the name of a built-in policy, or one of the plan's own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "must be the name of a built-in policy, or {name: …, when: …}, with then: … beside a condition"
)]
#[schemars(rename = "PlanPolicy")]
pub(super) enum RawPolicy {
    /// A built-in policy: performance, health, composite.
    Named(String),
    /// One of the plan's own.
    Written(RawWritten),
}

/// A policy of the plan's own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanWrittenPolicy")]
pub(super) struct RawWritten {
    /// Name, unique in the plan: letters, digits, '.', '_', '-', at most 64.
    name: String,
    /// An expression in CEL, at most 2000 bytes, that says "continue", "hold", "promote" or "rollback"; with `then` a condition.
    when: String,
    /// What follows where the condition holds; else the rollout goes on.
    #[serde(default)]
    then: Option<RawDecision>,
}

/// What follows from a condition.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PlanDecision")]
pub(super) enum RawDecision {
    /// Nothing.
    Continue,
    /// Nothing goes forward.
    Hold,
    /// A step of a healthy canary may end early.
    Promote,
    /// The version returns to the baseline.
    Rollback,
}

impl From<RawDecision> for Decision {
    fn from(raw: RawDecision) -> Self {
        match raw {
            RawDecision::Continue => Self::Continue,
            RawDecision::Hold => Self::Hold,
            RawDecision::Promote => Self::Promote,
            RawDecision::Rollback => Self::Rollback,
        }
    }
}

/// A file of policies.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFile {
    policies: Vec<RawPolicy>,
}

/// Reads a file that holds `policies` as a plan has them, and nothing else.
///
/// # Errors
/// All that is wrong with it.
pub fn parse_policies(yaml: &str) -> Result<Vec<Policy>, PlanErrors> {
    super::check::read_alone(yaml, |raw: RawFile, findings| check(Some(&raw.policies), findings))
}

pub(super) fn check(raw: Option<&[RawPolicy]>, findings: &mut Findings) -> Vec<Policy> {
    let raw = raw.unwrap_or_default();
    if raw.len() > bounds::POLICIES {
        findings.add("policies", PlanRule::TooLong { limit: bounds::POLICIES });
    }
    let mut policies: Vec<Policy> = Vec::new();
    for (index, raw) in raw.iter().take(bounds::POLICIES).enumerate() {
        let field = format!("policies[{index}]");
        let found = match raw {
            RawPolicy::Named(name) => built_in(&field, name, findings),
            RawPolicy::Written(written) => own(&field, written, findings),
        };
        let Some(policy) = found else { continue };
        if policies.iter().any(|other| other.name() == policy.name()) {
            let name = policy.name().to_owned();
            findings.add(&field, serin_proto::assignment::Rule::Duplicate { name }.into());
        }
        policies.push(policy);
    }
    policies
}

fn built_in(field: &str, name: &str, findings: &mut Findings) -> Option<Policy> {
    let Some(BuiltIn { name, expression, .. }) = BuiltIn::named(name) else {
        let known = BUILT_IN.map(|one| one.name).join(", ");
        findings.add(field, PlanRule::UnknownPolicy { name: name.chars().take(64).collect(), known });
        return None;
    };
    new(field, name, expression, None, findings)
}

fn own(field: &str, written: &RawWritten, findings: &mut Findings) -> Option<Policy> {
    let RawWritten { name, when, then } = written;
    if !is_name(name) {
        let found = name.chars().take(64).collect();
        let expected = "made of letters, digits, '.', '_' and '-', 1 to 64 of them";
        findings.add(&format!("{field}.name"), PlanRule::Form { found, expected });
    }
    new(&format!("{field}.when"), name, when, then.map(Decision::from), findings)
}

fn new(
    field: &str,
    name: &str,
    expression: &str,
    then: Option<Decision>,
    findings: &mut Findings,
) -> Option<Policy> {
    Policy::new(name, expression, then).map_err(|error| findings.add(field, PlanRule::Policy(error))).ok()
}
