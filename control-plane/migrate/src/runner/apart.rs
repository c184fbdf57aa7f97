//! A step that cannot run in a transaction: marked before, settled after, and repaired where a crash came between.

use super::decide::{Act, State, decide};
use super::session::Session;
use super::{Job, Mode, Observer, Outcome, Point, Report, RunError, database, ledger, words};
use crate::sql::{Repair, Statement};
use crate::step::{Direction, Step};

pub(super) async fn run(
    session: &Session,
    step: &Step,
    job: &Job<'_>,
    observer: Observer<'_>,
    report: &mut Report,
) -> Result<(), RunError> {
    let found = ledger::read(session.client(), step).await?;
    let act = decide(job.direction, step, found.as_ref())?;
    let outcome = match act {
        Act::Nothing => Outcome::Already,
        Act::Run | Act::Repair(_) if job.mode == Mode::DryRun => Outcome::NotTried,
        Act::Run => {
            perform(session, step, job, observer).await?;
            Outcome::Ran
        }
        Act::Repair(state) => {
            repair(session, step, job, state, observer).await?;
            Outcome::Repaired
        }
    };
    report.steps.push((step.name().to_owned(), outcome));
    Ok(())
}

async fn perform(
    session: &Session,
    step: &Step,
    job: &Job<'_>,
    observer: Observer<'_>,
) -> Result<(), RunError> {
    let client = session.client();
    ledger::write(client, step, State::during(job.direction), job.rollout).await?;
    observer(Point::Marked);
    for statement in step.script(job.direction).statements() {
        execute(session, step, statement).await?;
    }
    observer(Point::Ran);
    settle(session, step, job, observer).await
}

async fn settle(
    session: &Session,
    step: &Step,
    job: &Job<'_>,
    observer: Observer<'_>,
) -> Result<(), RunError> {
    ledger::write(session.client(), step, State::after(job.direction), job.rollout).await?;
    observer(Point::Settled);
    Ok(())
}

async fn execute(session: &Session, step: &Step, statement: &Statement) -> Result<(), RunError> {
    let executed = session.client().execute(&statement.text, &[]).await;
    executed.map(|_| ()).map_err(|error| RunError::Statement {
        step: step.name().to_owned(),
        line: statement.line,
        message: words(&error),
    })
}

/// What the step makes, as the server has it now.
enum Made {
    /// It is there and whole.
    Whole,
    /// It is there and not usable.
    Broken(String),
    /// It is not there.
    Nothing,
}

/// Finds out what a crash left, and goes on from there in the wanted direction.
async fn repair(
    session: &Session,
    step: &Step,
    job: &Job<'_>,
    state: State,
    observer: Observer<'_>,
) -> Result<(), RunError> {
    match (made(session, step).await?, job.direction) {
        (Some(Made::Whole), Direction::Up) | (Some(Made::Nothing), Direction::Down) => {
            settle(session, step, job, observer).await
        }
        (Some(Made::Broken(index)), Direction::Up) => {
            let dropped =
                session.client().execute(&format!("DROP INDEX CONCURRENTLY IF EXISTS {index}"), &[]).await;
            dropped.map_err(database)?;
            perform(session, step, job, observer).await
        }
        (Some(Made::Nothing), Direction::Up) | (Some(Made::Whole | Made::Broken(_)), Direction::Down) => {
            perform(session, step, job, observer).await
        }
        (None, direction) if repeats(step, direction) => perform(session, step, job, observer).await,
        (None, _) => Err(RunError::Unclear { step: step.name().to_owned(), state }),
    }
}

fn repeats(step: &Step, direction: Direction) -> bool {
    step.script(direction).statements().iter().all(|one| one.traits.repair == Repair::Repeat)
}

/// `None`: it makes nothing that can be found again.
async fn made(session: &Session, step: &Step) -> Result<Option<Made>, RunError> {
    let statements = step.script(Direction::Up).statements();
    let index = statements.iter().find_map(|one| match &one.traits.repair {
        Repair::Index { name, table } => Some((name, table)),
        Repair::Ask | Repair::Repeat => None,
    });
    let Some((name, table)) = index else { return Ok(None) };
    let query = "
        SELECT i.indexrelid::regclass::text, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE c.relname = $1 AND i.indrelid = to_regclass($2)";
    let row = session.client().query_opt(query, &[name, table]).await.map_err(database)?;
    let Some(row) = row else { return Ok(Some(Made::Nothing)) };
    let (index, valid): (String, bool) =
        (row.try_get(0).map_err(database)?, row.try_get(1).map_err(database)?);
    Ok(Some(if valid { Made::Whole } else { Made::Broken(index) }))
}
