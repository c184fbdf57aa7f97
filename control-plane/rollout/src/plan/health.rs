//! Health checks: what is asked whether it lives, on both arms where a baseline is given.
//!
//! A check is about a component or the whole version. What is asked by an address is written in the plan; databases, Kafka and
//! Prometheus are targets of the server's configuration, which alone holds their addresses and passwords.

mod probe;

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serin_proto::assignment::{Rule, Weight};

use super::check::{Findings, minutes};
use super::error::PlanRule;
use super::quantity::{Proportion, Span};
use super::queries::{Names, target_name};
use super::triggers::TriggerAction;
use super::{Bound, raw};
use crate::Severity;
pub use probe::{GrpcProbe, HttpProbe, KafkaProbe, PostgresProbe, Probe, PrometheusProbe, TcpProbe};

/// Checks of one plan.
const CHECKS: usize = 64;

/// How health is asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Health {
    /// Time between two questions of one check.
    pub interval: Duration,
    /// Longest time for one answer.
    pub timeout: Duration,
    /// Answers in a row that make a check unhealthy.
    pub unhealthy_after: u32,
    /// Answers in a row that make it healthy.
    pub healthy_after: u32,
    /// Part by which the interval varies, so that checks do not come together.
    pub jitter: Weight,
    /// How long a check may say nothing before people are told.
    pub alert_after: Duration,
    /// The checks.
    pub checks: Vec<Check>,
    /// Components that must be healthy before the rollout goes on.
    pub required: Vec<String>,
}

/// One health check.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Name, unique in the plan.
    pub name: String,
    /// What it is about, and what is undone. `None`: the whole version.
    pub component: Option<String>,
    /// What follows when it is unhealthy.
    pub action: TriggerAction,
    /// How urgent that is.
    pub severity: Severity,
    /// What is asked of the canary.
    pub canary: Probe,
    /// What is asked of the baseline. `None`: nothing.
    pub baseline: Option<Probe>,
}

/// As it is written.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "PlanHealth")]
pub(super) struct RawHealth {
    /// Time between two questions of one check, 1s to 1h. Default: 10s.
    interval: Option<Span>,
    /// Longest time for one answer, 100ms to 60s. Default: 2s.
    timeout: Option<Span>,
    /// Failures in a row that make a check unhealthy, 1 to 100. Default: 3.
    unhealthy_after: Option<u32>,
    /// Successes in a row that make it healthy, 1 to 100. Default: 2.
    healthy_after: Option<u32>,
    /// Part by which the interval varies, 0% to 50%. Default: 20%.
    jitter: Option<Proportion>,
    /// How long a check may say nothing before people are told, 10s to 1d. Default: 5m.
    alert_after: Option<Span>,
    /// The checks, at most 64.
    checks: Vec<RawCheck>,
    /// Components that must be healthy before the rollout goes on. Default: all that have checks.
    required: Option<Vec<String>>,
}

/// One health check.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanCheck")]
struct RawCheck {
    /// Name, unique: letters, digits, '.', '_', '-', at most 64.
    name: String,
    /// What it is about, and what is undone. Default: the whole version.
    #[serde(default)]
    component: Option<String>,
    /// What follows when it is unhealthy: rollback, hold or notify. Default: rollback.
    #[serde(default)]
    action: TriggerAction,
    /// How urgent that is. Default: as of triggers.
    #[serde(default)]
    severity: Option<Severity>,
    /// What is asked of the canary.
    canary: probe::RawProbe,
    /// What is asked of the baseline. What fails on both alike holds and undoes nothing.
    #[serde(default)]
    baseline: Option<probe::RawProbe>,
}

pub(super) fn check(raw: &raw::Plan, findings: &mut Findings) -> Health {
    let Some(health) = &raw.health else { return Health::default() };
    let second = Duration::from_secs(1);
    let count = |field: &str, given: Option<u32>, default: u32, findings: &mut Findings| {
        findings.range(field, given.unwrap_or(default), 1, 100)
    };
    if health.checks.len() > CHECKS {
        findings.add("health.checks", PlanRule::TooLong { limit: CHECKS });
    }
    let checks: Vec<Check> = health
        .checks
        .iter()
        .enumerate()
        .filter_map(|(index, check)| check.check(&format!("health.checks[{index}]"), raw, findings))
        .collect();
    for (index, check) in checks.iter().enumerate() {
        if checks.iter().take(index).any(|other| other.name == check.name) {
            let rule = Rule::Duplicate { name: check.name.clone() };
            findings.add(&format!("health.checks[{index}].name"), rule.into());
        }
    }
    Health {
        interval: findings.duration(
            "health.interval",
            health.interval.as_ref(),
            10 * second,
            (second, minutes(60)),
        ),
        timeout: findings.duration(
            "health.timeout",
            health.timeout.as_ref(),
            2 * second,
            (second / 10, minutes(1)),
        ),
        unhealthy_after: count("health.unhealthy_after", health.unhealthy_after, 3, findings),
        healthy_after: count("health.healthy_after", health.healthy_after, 2, findings),
        jitter: findings.weight("health.jitter", health.jitter.as_ref(), 200_000, (0, 500_000)),
        alert_after: findings.duration(
            "health.alert_after",
            health.alert_after.as_ref(),
            minutes(5),
            (10 * second, Duration::from_hours(24)),
        ),
        required: required(health.required.as_deref(), &checks, findings),
        checks,
    }
}

fn required(given: Option<&[String]>, checks: &[Check], findings: &mut Findings) -> Vec<String> {
    let all = checks.iter().filter_map(|check| check.component.clone());
    let Some(given) = given else {
        let all: std::collections::BTreeSet<String> = all.collect();
        return all.into_iter().collect();
    };
    let known: std::collections::BTreeSet<String> = all.collect();
    for (index, name) in given.iter().enumerate().filter(|(_, name)| !known.contains(*name)) {
        let name = name.chars().take(64).collect();
        findings.add(&format!("health.required[{index}]"), PlanRule::NoCheck { name });
    }
    given.to_vec()
}

impl RawCheck {
    fn check(&self, field: &str, raw: &raw::Plan, findings: &mut Findings) -> Option<Check> {
        if !super::blocks::is_name(&self.name) {
            let expected = "made of letters, digits, '.', '_' and '-', 1 to 64 of them";
            let found = self.name.chars().take(64).collect();
            findings.add(&format!("{field}.name"), PlanRule::Form { found, expected });
        }
        if let Some(component) = self.component.as_ref().filter(|one| !raw.has_component(one)) {
            let rule = PlanRule::UnknownComponent { name: component.chars().take(64).collect() };
            findings.add(&format!("{field}.component"), rule);
        }
        let names = Names {
            service: &raw.service,
            baseline: &raw.baseline,
            canary: raw.canary.as_deref().unwrap_or_default(),
            component: self.component.as_deref(),
        };
        let canary = self.canary.check(&format!("{field}.canary"), &names, findings);
        let baseline = self.baseline.as_ref();
        let baseline = baseline.map(|probe| probe.check(&format!("{field}.baseline"), &names, findings));
        Some(Check {
            name: self.name.clone(),
            component: self.component.clone(),
            action: self.action,
            severity: self.severity.unwrap_or(match self.action {
                TriggerAction::Rollback => Severity::Critical,
                TriggerAction::Hold => Severity::Warning,
                TriggerAction::Notify => Severity::Info,
            }),
            canary: canary?,
            baseline: match baseline {
                Some(probe) => Some(probe?),
                None => None,
            },
        })
    }
}
