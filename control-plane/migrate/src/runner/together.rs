//! Steps that run in one transaction, with the record of what they did.

use tokio_postgres::Transaction;

use super::decide::{Act, State, decide};
use super::schema::{Rows, Schema};
use super::session::Session;
use super::{Job, Mode, Observer, Outcome, Point, Report, RunError, database, ledger, words};
use crate::step::{Direction, Stage, Step};

/// Longest lists of a report.
const LINES_MAX: usize = 100;

pub(super) async fn run(
    session: &mut Session,
    batch: &[&Step],
    job: &Job<'_>,
    observer: Observer<'_>,
    report: &mut Report,
) -> Result<(), RunError> {
    let transaction = session.client_mut().transaction().await.map_err(database)?;
    observer(Point::Begun);
    let (before, rows_before) = (Schema::of(&transaction).await?, Rows::of(&transaction).await?);
    let mut ran = Vec::new();
    for step in batch {
        if execute(&transaction, step, job, observer, report).await? {
            ran.push(*step);
        }
    }
    let (after, rows) = (Schema::of(&transaction).await?, Rows::of(&transaction).await?.since(&rows_before));
    let losses: Vec<String> =
        before.losses(&after).into_iter().chain(rows.losses()).take(LINES_MAX).collect();
    check(&ran, job, &losses, before.narrowed(&after))?;
    report.changes.extend(before.changes(&after).into_iter().take(LINES_MAX));
    report.losses.extend(losses);
    observer(Point::Checked);
    if job.mode == Mode::DryRun {
        report.locks.extend(locks(&transaction).await?);
        return transaction.rollback().await.map_err(database);
    }
    transaction.commit().await.map_err(database)?;
    observer(Point::Committed);
    Ok(())
}

/// True: its script ran.
async fn execute(
    transaction: &Transaction<'_>,
    step: &Step,
    job: &Job<'_>,
    observer: Observer<'_>,
    report: &mut Report,
) -> Result<bool, RunError> {
    let found = ledger::read(transaction, step).await?;
    match decide(job.direction, step, found.as_ref())? {
        Act::Nothing => {
            report.steps.push((step.name().to_owned(), Outcome::Already));
            return Ok(false);
        }
        // It once ran outside of a transaction: nobody knows how far it came.
        Act::Repair(state) => return Err(RunError::Unclear { step: step.name().to_owned(), state }),
        Act::Run => {}
    }
    for statement in step.script(job.direction).statements() {
        let executed = transaction.execute(&statement.text, &[]).await;
        executed.map_err(|error| RunError::Statement {
            step: step.name().to_owned(),
            line: statement.line,
            message: words(&error),
        })?;
        observer(Point::Executed);
    }
    if job.mode == Mode::Perform {
        ledger::write(transaction, step, State::after(job.direction), job.rollout).await?;
        observer(Point::Recorded);
    }
    report.steps.push((step.name().to_owned(), Outcome::Ran));
    Ok(true)
}

/// What was done in fact, whatever the words of the scripts are.
fn check(ran: &[&Step], job: &Job<'_>, losses: &[String], narrowed: Vec<String>) -> Result<(), RunError> {
    let expands = ran.iter().any(|step| step.stage() == Stage::Expand) && job.direction == Direction::Up;
    if let Some(narrowed) = narrowed.into_iter().next().filter(|_| expands) {
        return Err(RunError::Expand(narrowed));
    }
    match losses.first() {
        Some(loss) if !job.approved && job.mode == Mode::Perform => {
            let names: Vec<&str> = ran.iter().map(|step| step.name()).collect();
            Err(RunError::NeedsApproval { step: names.join(", "), why: loss.clone() })
        }
        Some(_) | None => Ok(()),
    }
}

async fn locks(transaction: &Transaction<'_>) -> Result<Vec<(String, String)>, RunError> {
    let query = "
        SELECT DISTINCT l.relation::regclass::text, l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
        WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND c.relkind IN ('r', 'p', 'm', 'v')
            AND l.relation >= 16384 AND l.mode <> 'AccessShareLock' ORDER BY 1, 2 LIMIT 100";
    let rows = transaction.query(query, &[]).await.map_err(database)?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_, _>>().map_err(database)
}
