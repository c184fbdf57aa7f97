//! Schema changes: the runner, on a database that the operator named.

use std::time::Duration;

use serin_migrate::runner::{self, Job, Limits, Mode, Point, Report, RunError, Server};
use serin_migrate::{Direction, Stage, Step};
use serin_rollout::HookOutcome;
use serin_rollout::plan::Migrations;
use tokio::time::sleep;

use crate::{Database, Targets, Tried};

/// How often what passes by itself is tried.
const ATTEMPTS: u32 = 5;
/// Between two attempts.
const PAUSE: Duration = Duration::from_secs(2);
/// To find the host.
const RESOLVE: Duration = Duration::from_secs(10);

/// What is to be done.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) database: String,
    steps: Vec<Step>,
    direction: Direction,
    approved: bool,
    mode: Mode,
    dry_run: bool,
    timeout: Duration,
}

impl Order {
    pub(super) fn new(migrations: &Migrations, stage: Stage, direction: Direction, approved: bool) -> Self {
        // What somebody else applies before the start is noted, so that the way back is known to be due.
        let notes = !migrations.apply && stage == Stage::Expand && direction == Direction::Up;
        Self {
            database: migrations.database.clone(),
            steps: migrations.of(stage),
            direction,
            approved: approved || migrations.approve_data_loss,
            mode: if notes { Mode::Note } else { Mode::Perform },
            dry_run: migrations.dry_run && !notes,
            timeout: migrations.timeout,
        }
    }
}

pub(super) async fn perform(
    targets: &Targets,
    database: &Database,
    order: &Order,
    rollout: &str,
    observer: &(dyn Fn(Point) + Send + Sync),
) -> Tried {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let (outcome, output, passes) = match once(targets, database, order, rollout, observer).await {
            Ok(output) => (HookOutcome::Succeeded, output, false),
            Err(error) => (HookOutcome::Failed, error.to_string(), error.is_passing()),
        };
        if !passes || attempts >= ATTEMPTS {
            return Tried { outcome, attempts, output };
        }
        sleep(PAUSE).await;
    }
}

async fn once(
    targets: &Targets,
    database: &Database,
    order: &Order,
    rollout: &str,
    observer: &(dyn Fn(Point) + Send + Sync),
) -> Result<String, RunError> {
    let addresses = targets.client.policy().resolve(&database.host, database.port, RESOLVE).await;
    let addresses = addresses.map_err(|error| RunError::Connect(error.to_string()))?;
    let server = Server {
        addresses,
        host: database.host.clone(),
        user: database.user.clone(),
        password: database.password.clone(),
        database: database.database.clone(),
        tls: database.tls.clone(),
    };
    let job = Job {
        direction: order.direction,
        steps: &order.steps,
        rollout,
        approved: order.approved,
        mode: order.mode,
        limits: Limits { whole: order.timeout, ..Limits::default() },
    };
    let mut said = String::new();
    if order.dry_run {
        let dry = Job { mode: Mode::DryRun, ..job };
        said = told("dry run: ", &runner::run(&server, &dry, &|_| ()).await?);
        said.push('\n');
    }
    said.push_str(&told("", &runner::run(&server, &job, observer).await?));
    Ok(said)
}

/// A report in words, the most important last.
fn told(prefix: &str, report: &Report) -> String {
    let mut lines = report.changes.clone();
    lines.extend(report.losses.iter().map(|loss| format!("lost: {loss}")));
    lines.extend(report.locks.iter().map(|(table, mode)| format!("lock on {table}: {mode}")));
    let steps = report.steps.iter().map(|(name, outcome)| format!("{name}: {outcome}"));
    lines.push(format!("{prefix}{}", steps.collect::<Vec<_>>().join(", ")));
    lines.join("\n")
}
