//! Hooks: what Serin asks others to do at named points of a rollout.
//!
//! A hook names a target of the server's configuration, which says where it is and what may be done there; a plan can give
//! arguments, never an address, a program or a secret.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serin_proto::assignment::Rule;

use super::blocks::is_name;
use super::check::{Findings, minutes};
use super::error::PlanRule;
use super::kubernetes::{self, Kubernetes, RawKubernetes};
use super::quantity::Span;

/// Hooks at one point.
const AT_POINT_MAX: usize = 8;
/// Arguments of a command, and bytes of each.
const ARGUMENTS_MAX: (usize, usize) = (32, 1_024);
/// Name under which schema changes run among the hooks.
pub(crate) const MIGRATIONS: &str = "migrations";

/// When a hook runs.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PlanHookPoint")]
pub enum HookPoint {
    /// Before the canary gets its first request. Until then it has no weight.
    BeforeStart,
    /// Before the weight rises by itself, to each step after the first and to full weight.
    BeforeStep,
    /// After the promotion.
    AfterPromotion,
    /// After the rollback of the whole version, once its users are sent back.
    OnRollback,
    /// After that, when the canary has had time to end what it was doing.
    AfterRollback,
    /// After another hook, or a schema change, failed.
    OnFailure,
}

/// What follows when a hook fails.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PlanHookFailure")]
pub enum OnFailure {
    /// It is told, and what comes after it waits for a person.
    Hold,
    /// It is told, and nothing waits.
    Continue,
    /// The version is rolled back. Only before the start and before a step.
    Rollback,
}

/// What a hook does.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum HookAction {
    /// A signed POST to a target.
    Webhook {
        /// Its name.
        target: String,
    },
    /// A program that the server's configuration names.
    Command {
        /// Its name there.
        target: String,
        /// Arguments after those that the configuration fixes.
        arguments: Vec<String>,
    },
    /// Something that is asked of a cluster.
    Kubernetes(Kubernetes),
}

/// A hook that was checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Hook {
    /// Name, unique at its point.
    pub name: String,
    /// What it does.
    pub action: HookAction,
    /// Time for one attempt.
    pub timeout: Duration,
    /// How often it is tried.
    pub attempts: u32,
    /// What follows when all attempts failed.
    pub on_failure: OnFailure,
}

/// Hooks by point, in the order of the plan.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Hooks(BTreeMap<HookPoint, Vec<Hook>>);

impl HookPoint {
    /// All, in the order of a rollout.
    pub const ALL: [Self; 6] = [
        Self::BeforeStart,
        Self::BeforeStep,
        Self::AfterPromotion,
        Self::OnRollback,
        Self::AfterRollback,
        Self::OnFailure,
    ];

    /// In snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BeforeStart => "before_start",
            Self::BeforeStep => "before_step",
            Self::AfterPromotion => "after_promotion",
            Self::OnRollback => "on_rollback",
            Self::AfterRollback => "after_rollback",
            Self::OnFailure => "on_failure",
        }
    }

    /// True where the rollout waits for its hooks.
    #[must_use]
    pub const fn gates(self) -> bool {
        match self {
            Self::BeforeStart | Self::BeforeStep => true,
            Self::AfterPromotion | Self::OnRollback | Self::AfterRollback | Self::OnFailure => false,
        }
    }
}

impl fmt::Display for HookPoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl HookAction {
    /// Name of its target.
    #[must_use]
    pub fn target(&self) -> &str {
        match self {
            Self::Webhook { target } | Self::Command { target, .. } => target,
            Self::Kubernetes(Kubernetes { target, .. }) => target,
        }
    }

    /// Kind of its target.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Webhook { .. } => "webhook",
            Self::Command { .. } => "command",
            Self::Kubernetes(_) => "kubernetes",
        }
    }
}

impl Hooks {
    /// Those of a point, in order.
    #[must_use]
    pub fn at(&self, point: HookPoint) -> &[Hook] {
        self.0.get(&point).map(Vec::as_slice).unwrap_or_default()
    }

    /// A hook by point and name.
    #[must_use]
    pub fn find(&self, point: HookPoint, name: &str) -> Option<&Hook> {
        self.at(point).iter().find(|hook| hook.name == name)
    }

    /// All, with their points.
    pub fn all(&self) -> impl Iterator<Item = (HookPoint, &Hook)> {
        self.0.iter().flat_map(|(point, hooks)| hooks.iter().map(|hook| (*point, hook)))
    }
}

/// What is done at named points of the rollout, in order, each up to 8 times.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "PlanHooks")]
pub(super) struct RawHooks {
    /// Before the canary gets its first request; until they succeed it has no weight.
    before_start: Vec<RawHook>,
    /// Before the weight rises by itself; until they succeed it does not.
    before_step: Vec<RawHook>,
    /// After the promotion.
    after_promotion: Vec<RawHook>,
    /// After the rollback of the whole version, once its users are sent back.
    on_rollback: Vec<RawHook>,
    /// After those, and after the canary has drained and schema changes are undone.
    after_rollback: Vec<RawHook>,
    /// After another hook, or a schema change, failed.
    on_failure: Vec<RawHook>,
}

/// One hook: a name and one of `webhook`, `command` and `kubernetes`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanHook")]
struct RawHook {
    /// Name, unique at its point: letters, digits, '.', '_', '-', at most 64. Not `migrations`.
    name: String,
    /// A signed POST to a target of the server's configuration (`targets.webhooks`).
    #[serde(default)]
    webhook: Option<RawWebhook>,
    /// A program of the server's configuration (`targets.commands`).
    #[serde(default)]
    command: Option<RawCommand>,
    /// An action in a cluster of the server's configuration (`targets.kubernetes`).
    #[serde(default)]
    kubernetes: Option<RawKubernetes>,
    /// Time for one attempt, 1s to 1h. Default: 30s.
    #[serde(default)]
    timeout: Option<Span>,
    /// How often it is tried, 1 to 10. Default: 1 for a command, else 3.
    #[serde(default)]
    attempts: Option<u32>,
    /// What follows when all attempts failed: `hold`, `continue`, or, before start and steps, `rollback`. Default: hold before
    /// start and steps, else continue.
    #[serde(default)]
    on_failure: Option<OnFailure>,
}

/// A webhook.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanWebhook")]
struct RawWebhook {
    /// Its name in the server's configuration.
    target: String,
}

/// A command.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanCommand")]
struct RawCommand {
    /// Its name in the server's configuration.
    target: String,
    /// Arguments after those that the configuration fixes: at most 32, each of at most 1024 bytes.
    #[serde(default)]
    arguments: Vec<String>,
}

pub(super) fn check(raw: Option<&RawHooks>, findings: &mut Findings) -> Hooks {
    let mut hooks = Hooks::default();
    let Some(raw) = raw else { return hooks };
    for point in HookPoint::ALL {
        let written = match point {
            HookPoint::BeforeStart => &raw.before_start,
            HookPoint::BeforeStep => &raw.before_step,
            HookPoint::AfterPromotion => &raw.after_promotion,
            HookPoint::OnRollback => &raw.on_rollback,
            HookPoint::AfterRollback => &raw.after_rollback,
            HookPoint::OnFailure => &raw.on_failure,
        };
        if written.len() > AT_POINT_MAX {
            findings.add(&format!("hooks.{point}"), PlanRule::TooLong { limit: AT_POINT_MAX });
        }
        let mut checked = Vec::<Hook>::new();
        for (index, one) in written.iter().enumerate() {
            let field = format!("hooks.{point}[{index}]");
            if checked.iter().any(|before| before.name == one.name) {
                let name = one.name.chars().take(64).collect();
                findings.add(&format!("{field}.name"), Rule::Duplicate { name }.into());
            }
            checked.extend(hook(&field, point, one, findings));
        }
        if !checked.is_empty() {
            hooks.0.insert(point, checked);
        }
    }
    hooks
}

fn hook(field: &str, point: HookPoint, raw: &RawHook, findings: &mut Findings) -> Option<Hook> {
    name(&format!("{field}.name"), &raw.name, findings);
    if raw.name == MIGRATIONS {
        findings.add(&format!("{field}.name"), Rule::Reserved { name: MIGRATIONS.to_owned() }.into());
    }
    let on_failure =
        raw.on_failure.unwrap_or(if point.gates() { OnFailure::Hold } else { OnFailure::Continue });
    if on_failure == OnFailure::Rollback && !point.gates() {
        findings.add(&format!("{field}.on_failure"), PlanRule::NothingToRollBack);
    }
    let range = (Duration::from_secs(1), minutes(60));
    let timeout =
        findings.duration(&format!("{field}.timeout"), raw.timeout.as_ref(), Duration::from_secs(30), range);
    let attempts = raw.attempts.unwrap_or(if raw.command.is_some() { 1 } else { 3 });
    let attempts = findings.range(&format!("{field}.attempts"), attempts, 1, 10);
    let action = action(field, raw, findings)?;
    Some(Hook { name: raw.name.clone(), action, timeout, attempts, on_failure })
}

fn action(field: &str, raw: &RawHook, findings: &mut Findings) -> Option<HookAction> {
    match (&raw.webhook, &raw.command, &raw.kubernetes) {
        (Some(webhook), None, None) => {
            name(&format!("{field}.webhook.target"), &webhook.target, findings);
            Some(HookAction::Webhook { target: webhook.target.clone() })
        }
        (None, Some(command), None) => {
            name(&format!("{field}.command.target"), &command.target, findings);
            arguments(&format!("{field}.command.arguments"), &command.arguments, findings);
            let (target, arguments) = (command.target.clone(), command.arguments.clone());
            Some(HookAction::Command { target, arguments })
        }
        (None, None, Some(raw)) => {
            kubernetes::check(&format!("{field}.kubernetes"), raw, findings).map(HookAction::Kubernetes)
        }
        _ => {
            findings.add(field, PlanRule::OneOf { names: "webhook, command and kubernetes" });
            None
        }
    }
}

fn arguments(field: &str, arguments: &[String], findings: &mut Findings) {
    if arguments.len() > ARGUMENTS_MAX.0 {
        findings.add(field, PlanRule::TooLong { limit: ARGUMENTS_MAX.0 });
    }
    for (index, argument) in arguments.iter().enumerate() {
        let field = format!("{field}[{index}]");
        if argument.len() > ARGUMENTS_MAX.1 {
            findings.add(&field, PlanRule::TooLong { limit: ARGUMENTS_MAX.1 });
        } else if argument.contains(char::is_control) {
            let found = argument.chars().filter(|c| !c.is_control()).take(64).collect();
            findings.add(&field, PlanRule::Form { found, expected: "without control characters" });
        }
    }
}

pub(super) fn name(field: &str, name: &str, findings: &mut Findings) {
    if !is_name(name) {
        let expected = "made of letters, digits, '.', '_' and '-', 1 to 64 of them";
        findings.add(field, PlanRule::Form { found: name.chars().take(64).collect(), expected });
    }
}
