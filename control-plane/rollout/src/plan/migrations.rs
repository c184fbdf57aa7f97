//! Schema changes of the release, registered with the plan before it starts: the way back must not live in the new image
//! alone.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serin_migrate::{Direction, STEPS, Stage, Step, Written};
use serin_proto::assignment::Rule;

use super::check::{Findings, minutes};
use super::error::PlanRule;
use super::hooks::name;
use super::quantity::Span;

/// Schema changes that were checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Migrations {
    /// Database of the server's configuration.
    pub database: String,
    /// True: Serin applies them; false: somebody else does, before the rollout starts.
    pub apply: bool,
    /// The steps, in order; at least one.
    pub steps: Vec<Step>,
    /// True: a rollback undoes them.
    pub undo: bool,
    /// True: data may be lost by that without asking again.
    pub approve_data_loss: bool,
    /// True: each run is tried before and taken back, and what that changed and locked is noted.
    pub dry_run: bool,
    /// Time after the rollback before they are undone, in which the canary ends what it was doing.
    pub drain: Duration,
    /// Time for one run of all steps.
    pub timeout: Duration,
}

impl Migrations {
    /// The steps of a stage, in order.
    #[must_use]
    pub fn of(&self, stage: Stage) -> Vec<Step> {
        self.steps.iter().filter(|step| step.stage() == stage).cloned().collect()
    }

    /// Whether a direction of a stage may lose data, as far as the words of the scripts tell.
    #[must_use]
    pub fn may_lose_data(&self, stage: Stage, direction: Direction) -> bool {
        self.steps.iter().any(|step| step.stage() == stage && step.loss(direction).is_some())
    }
}

/// Schema changes of the release on PostgreSQL.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanMigrations")]
pub(super) struct RawMigrations {
    /// Its name in the server's configuration (`targets.databases`).
    database: String,
    /// `before_start`: Serin applies them before the canary gets its first request. `never`: somebody else has; Serin only knows
    /// the way back. Default: before_start.
    #[serde(default)]
    apply: RawApply,
    /// The steps, in order, 1 to 64.
    steps: Vec<RawStep>,
    /// What a rollback does with them. `down`: it undoes them, last first. `keep`: it leaves them, because the baseline's code
    /// works with them. Default: down.
    #[serde(default)]
    on_rollback: RawOnRollback,
    /// True: data may be lost without asking a person again. Default: false.
    #[serde(default)]
    approve_data_loss: bool,
    /// True: each run is tried before and taken back, and what that changed and locked is noted. It takes the same locks.
    /// Default: false.
    #[serde(default)]
    dry_run: bool,
    /// Time after a rollback before they are undone, 0s to 1h. Default: 30s.
    #[serde(default)]
    drain: Option<Span>,
    /// Time for one run of all steps, 1s to 1h. Default: 15m.
    #[serde(default)]
    timeout: Option<Span>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PlanMigrationsApply")]
enum RawApply {
    #[default]
    BeforeStart,
    Never,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PlanMigrationsRollback")]
enum RawOnRollback {
    #[default]
    Down,
    Keep,
}

/// One schema change with its way back.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanMigration")]
struct RawStep {
    /// Name, unique in the database: letters, digits, '.', '_', '-', at most 128.
    name: String,
    /// The change: SQL, at most 64 KiB.
    up: String,
    /// The way back: SQL, at most 64 KiB.
    down: String,
    /// `expand`: before the start; the baseline's code has to work with what it leaves. `contract`: after the promotion, when
    /// the baseline's code is not needed any more. Default: expand.
    #[serde(default)]
    phase: RawPhase,
    /// False: its one statement per direction runs outside of a transaction, as CREATE INDEX CONCURRENTLY must. Default: true.
    #[serde(default)]
    transaction: Option<bool>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PlanMigrationPhase")]
enum RawPhase {
    #[default]
    Expand,
    Contract,
}

pub(super) fn check(raw: Option<&RawMigrations>, findings: &mut Findings) -> Option<Migrations> {
    let raw = raw?;
    name("migrations.database", &raw.database, findings);
    if raw.steps.is_empty() {
        findings.add("migrations.steps", PlanRule::Empty);
    } else if raw.steps.len() > STEPS {
        findings.add("migrations.steps", PlanRule::TooLong { limit: STEPS });
    }
    let mut steps = Vec::<Step>::new();
    for (index, written) in raw.steps.iter().enumerate() {
        if raw.steps.iter().take(index).any(|before| before.name == written.name) {
            let name = written.name.chars().take(64).collect();
            findings.add(&format!("migrations.steps[{index}].name"), Rule::Duplicate { name }.into());
        }
        steps.extend(step(index, written, findings));
    }
    let span = |field, given: &Option<Span>, default, least, findings: &mut Findings| {
        findings.duration(field, given.as_ref(), default, (least, minutes(60)))
    };
    let (half_a_minute, second) = (Duration::from_secs(30), Duration::from_secs(1));
    Some(Migrations {
        database: raw.database.clone(),
        apply: raw.apply == RawApply::BeforeStart,
        steps,
        undo: raw.on_rollback == RawOnRollback::Down,
        approve_data_loss: raw.approve_data_loss,
        dry_run: raw.dry_run,
        drain: span("migrations.drain", &raw.drain, half_a_minute, Duration::ZERO, findings),
        timeout: span("migrations.timeout", &raw.timeout, minutes(15), second, findings),
    })
}

fn step(index: usize, raw: &RawStep, findings: &mut Findings) -> Option<Step> {
    let written = Written {
        name: &raw.name,
        up: &raw.up,
        down: &raw.down,
        stage: match raw.phase {
            RawPhase::Expand => Stage::Expand,
            RawPhase::Contract => Stage::Contract,
        },
        transaction: raw.transaction.unwrap_or(true),
    };
    match Step::new(written) {
        Ok(step) => Some(step),
        Err(refusals) => {
            for refusal in refusals {
                let field = format!("migrations.steps[{index}].{}", refusal.field);
                findings.add(&field, PlanRule::Migration(refusal.rule));
            }
            None
        }
    }
}
