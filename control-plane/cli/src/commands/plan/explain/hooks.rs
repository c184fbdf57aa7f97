//! Hooks and schema changes of a plan in words.

use std::time::Duration;

use serde::Serialize;
use serin_migrate::{Direction, Stage, Step};
use serin_rollout::Plan;
use serin_rollout::plan::{HookAction, HookPoint, Migrations, OnFailure};

use super::milliseconds;
use crate::commands::migrate::Known;
use crate::output::{Sheet, duration};

/// What others are asked to do.
#[derive(Debug, Serialize)]
pub(super) struct Hook {
    point: HookPoint,
    name: String,
    kind: &'static str,
    target: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    arguments: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asks: Option<String>,
    #[serde(rename = "timeout_ms", serialize_with = "milliseconds")]
    timeout: Duration,
    attempts: u32,
    on_failure: OnFailure,
}

/// Schema changes.
#[derive(Debug, Serialize)]
pub(super) struct Schema {
    database: String,
    applied_by_serin: bool,
    undone_by_rollback: bool,
    approve_data_loss: bool,
    dry_run: bool,
    #[serde(rename = "drain_ms", serialize_with = "milliseconds")]
    drain: Duration,
    steps: Vec<Change>,
}

#[derive(Debug, Serialize)]
struct Change {
    name: String,
    phase: Stage,
    transaction: bool,
    up: Vec<Known>,
    down: Vec<Known>,
}

pub(super) fn hooks(plan: &Plan) -> Vec<Hook> {
    let shown = |(point, hook): (HookPoint, &serin_rollout::plan::Hook)| Hook {
        point,
        name: hook.name.clone(),
        kind: hook.action.kind(),
        target: hook.action.target().to_owned(),
        arguments: match &hook.action {
            HookAction::Command { arguments, .. } => arguments.clone(),
            HookAction::Webhook { .. } | HookAction::Kubernetes(_) => Vec::new(),
        },
        asks: match &hook.action {
            HookAction::Kubernetes(order) => Some(order.to_string()),
            HookAction::Webhook { .. } | HookAction::Command { .. } => None,
        },
        timeout: hook.timeout,
        attempts: hook.attempts,
        on_failure: hook.on_failure,
    };
    plan.hooks().all().map(shown).collect()
}

impl Schema {
    pub(super) fn of(migrations: &Migrations) -> Self {
        let known =
            |step: &Step, direction| step.script(direction).statements().iter().map(Known::of).collect();
        let change = |step: &Step| Change {
            name: step.name().to_owned(),
            phase: step.stage(),
            transaction: step.transaction(),
            up: known(step, Direction::Up),
            down: known(step, Direction::Down),
        };
        Self {
            database: migrations.database.clone(),
            applied_by_serin: migrations.apply,
            undone_by_rollback: migrations.undo,
            approve_data_loss: migrations.approve_data_loss,
            dry_run: migrations.dry_run,
            drain: migrations.drain,
            steps: migrations.steps.iter().map(change).collect(),
        }
    }

    pub(super) fn sheet(&self, sheet: &mut Sheet) {
        sheet.blank();
        sheet.line(&format!("Schema changes of database {}", self.database));
        sheet.line(match self.applied_by_serin {
            true => "  expanding ones are applied before the start, contracting ones after the promotion and its watch",
            false => "  expanding ones are applied by somebody else before; contracting ones after the promotion and its watch",
        });
        let drain = duration(self.drain);
        sheet.line(&match self.undone_by_rollback {
            true => format!("  a rollback undoes them {drain} after it, last first"),
            false => "  a rollback keeps them".to_owned(),
        });
        if self.approve_data_loss {
            sheet.line("  the plan approves that they lose data");
        } else {
            sheet.line("  what loses data waits for `serin rollout approve --data-loss`");
        }
        let rows = self.steps.iter().flat_map(|change| {
            let of = |direction: &'static str, all: &[Known]| {
                let rows = all.iter().map(move |one| [direction.to_owned(), one.words()]);
                rows.collect::<Vec<_>>()
            };
            let all = of("up", &change.up).into_iter().chain(of("down", &change.down));
            let stage = match change.phase {
                Stage::Expand => "expand",
                Stage::Contract => "contract",
            };
            all.map(|[direction, words]| [change.name.clone(), stage.to_owned(), direction, words])
        });
        sheet.table(["STEP", "PHASE", "DIRECTION", "EACH STATEMENT"], rows);
    }
}

pub(super) fn sheet(hooks: &[Hook], sheet: &mut Sheet) {
    if hooks.is_empty() {
        return;
    }
    sheet.blank();
    sheet.line("Hooks");
    let rows = hooks.iter().map(|hook| {
        let failed = match hook.on_failure {
            OnFailure::Hold if hook.point.gates() => "the rollout waits for a person",
            OnFailure::Hold => "what comes after it waits for a person",
            OnFailure::Continue => "it is told",
            OnFailure::Rollback => "the version is rolled back",
        };
        let tried = match hook.attempts {
            1 => duration(hook.timeout),
            more => format!("{more} times {}", duration(hook.timeout)),
        };
        [
            hook.point.to_string(),
            hook.name.clone(),
            match &hook.asks {
                None => format!("{} {}", hook.kind, hook.target),
                Some(asks) => format!("{} {}: {asks}", hook.kind, hook.target),
            },
            tried,
            failed.to_owned(),
        ]
    });
    sheet.table(["POINT", "NAME", "ASKS", "WITHIN", "WHEN IT FAILS"], rows);
}
