//! Performs the hooks of a rollout: webhooks, commands, actions in Kubernetes and schema changes.
//!
//! The operator names [`Targets`] in the server's configuration; a plan says which of them is asked at which point. What is
//! reached, which program runs, with which rights and which secrets, is the operator's word alone.
//!
//! Everything is bounded: each attempt in time, attempts in number, and what is kept of an answer in bytes, with what looks
//! like a secret left out ([`Masker`]). A hook may be performed more than once (after a crash, after an answer that was lost), so
//! each run has a key by which whoever is called can tell. Nothing here decides anything: it tells how a hook ended.
#![forbid(unsafe_code)]

mod attempts;
mod command;
mod kubernetes;
mod migrate;
mod target;
mod webhook;

use serde::Serialize;
use serin_evidence::mask::Masker;
use serin_rollout::plan::{HookAction, Kubernetes};
use serin_rollout::{Due, HOOK_OUTPUT_BYTES, HookEnd, HookOutcome, HookRun, Plan, State, Work};

pub use kubernetes::{Access, AccessError, Cluster, ServiceAccount, Token};
pub use serin_migrate::runner::{Point, Secret};
pub use target::{Command, Database, TargetError, Targets, Webhook};

/// What whoever is called is told.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    /// Version of this form.
    pub format: u32,
    /// The rollout.
    pub rollout: String,
    /// Its service.
    pub service: String,
    /// Version that carried the traffic before.
    pub baseline: String,
    /// Version on trial.
    pub canary: String,
    /// Weight of the canary in parts per million.
    pub weight_ppm: u32,
    /// The point.
    pub point: &'static str,
    /// Name of the hook.
    pub hook: String,
    /// Before a step: which one, from 0.
    pub occurrence: u32,
    /// From 1; it rises when a person lets the hook run again.
    pub round: u32,
    /// The same for all attempts of a run, and of no other.
    pub key: String,
}

#[cfg(test)]
impl Told {
    /// What tests tell of a hook at a point.
    fn sample(point: &'static str, hook: &str) -> Self {
        let text = |text: &str| text.to_owned();
        Self {
            format: 1,
            rollout: text("shop-1"),
            service: text("shop"),
            baseline: text("v1"),
            canary: text("v2"),
            weight_ppm: 0,
            point,
            hook: text(hook),
            occurrence: 0,
            round: 1,
            key: format!("shop-1/{point}/{hook}/0/1"),
        }
    }
}

/// A run, taken out of plan and state, so that it can be performed beside them.
#[derive(Debug)]
pub struct Job {
    run: HookRun,
    told: Told,
    task: Task,
}

#[derive(Debug)]
enum Task {
    Webhook { target: String, timeout: std::time::Duration, attempts: u32 },
    Command { target: String, arguments: Vec<String>, timeout: std::time::Duration, attempts: u32 },
    Kubernetes { order: Kubernetes, timeout: std::time::Duration, attempts: u32 },
    Migrate(migrate::Order),
}

/// How something that was tried ended.
struct Tried {
    outcome: HookOutcome,
    attempts: u32,
    output: String,
}

impl Job {
    /// What a run does. `None`: the plan knows nothing of it.
    #[must_use]
    pub fn new(plan: &Plan, state: &State, run: &HookRun) -> Option<Self> {
        let due = serin_rollout::due(plan, run)?;
        let told = Told {
            format: 1,
            rollout: state.id.0.clone(),
            service: state.service.clone(),
            baseline: state.baseline.clone(),
            canary: state.canary.clone(),
            weight_ppm: state.weight.ppm(),
            point: run.point.name(),
            hook: run.name.clone(),
            occurrence: run.occurrence,
            round: run.round,
            key: run.key(&state.id),
        };
        Some(Self { run: run.clone(), told, task: task(plan, state, due)? })
    }

    /// Performs it, and tells how it ended. `observer` is called at the points of schema changes.
    pub async fn perform(
        self,
        targets: &Targets,
        masker: &Masker,
        observer: &(dyn Fn(Point) + Send + Sync),
    ) -> HookEnd {
        let Self { run, told, task } = self;
        let tried = match task {
            Task::Webhook { target, timeout, attempts } => match targets.webhooks.get(&target) {
                Some(webhook) => webhook::perform(targets, webhook, &told, timeout, attempts).await,
                None => Tried::unknown("webhook", &target),
            },
            Task::Command { target, arguments, timeout, attempts } => match targets.commands.get(&target) {
                Some(command) => command::perform(command, &arguments, &told, timeout, attempts).await,
                None => Tried::unknown("command", &target),
            },
            Task::Kubernetes { order, timeout, attempts } => match targets.clusters.get(&order.target) {
                Some(cluster) => kubernetes::perform(cluster, &order, &told, timeout, attempts).await,
                None => Tried::unknown("kubernetes", &order.target),
            },
            Task::Migrate(order) => match targets.databases.get(&order.database) {
                Some(database) => migrate::perform(targets, database, &order, &told.rollout, observer).await,
                None => Tried::unknown("database", &order.database),
            },
        };
        let Tried { outcome, attempts, output } = tried;
        let mut output = masker.mask(&output).into_owned();
        output.truncate(output.floor_char_boundary(HOOK_OUTPUT_BYTES));
        HookEnd { run, outcome, attempts, output }
    }
}

fn task(plan: &Plan, state: &State, due: Due<'_>) -> Option<Task> {
    Some(match due.work {
        Work::Hook(hook) => {
            let (timeout, attempts) = (hook.timeout, hook.attempts);
            match &hook.action {
                HookAction::Webhook { target } => Task::Webhook { target: target.clone(), timeout, attempts },
                HookAction::Command { target, arguments } => {
                    let (target, arguments) = (target.clone(), arguments.clone());
                    Task::Command { target, arguments, timeout, attempts }
                }
                HookAction::Kubernetes(order) => Task::Kubernetes { order: order.clone(), timeout, attempts },
            }
        }
        Work::Migrate(stage, direction) => {
            let migrations = plan.migrations()?;
            Task::Migrate(migrate::Order::new(migrations, stage, direction, state.data_loss.is_some()))
        }
    })
}

impl Tried {
    /// The configuration changed since the rollout was created.
    fn unknown(kind: &str, target: &str) -> Self {
        let output = format!("the server's configuration names no {kind} {target:?}");
        Self { outcome: HookOutcome::Failed, attempts: 0, output }
    }
}
