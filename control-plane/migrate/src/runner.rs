//! Performs steps on a database, so that a crash at any moment leaves each of them in a named state.
//!
//! One runner at a time works on a database: an advisory lock of the session, waited for within a limit, and given back by
//! the server when the connection ends. Steps that can run in a transaction run together in one, with the record of
//! what they did; so after a crash they are all applied or all not. A step that cannot is recorded as `applying` before
//! and as `applied` after it; where a crash comes between the two, [`Repair`](crate::sql::Repair) says what follows.
//!
//! The words of a script are not trusted alone: before a transaction commits, the catalogue and the counts of changed
//! rows are compared with those before, and what was lost without an approval is taken back.
//!
//! Every statement is sent by itself, through the protocol in which the server refuses more than one. Nothing here reads a
//! file or an environment; errors carry the server's message and never a value of a row.

mod apart;
mod decide;
mod ledger;
mod schema;
mod session;
mod together;

use std::fmt;
use std::time::Duration;

use tokio::time::timeout;

use crate::step::{Direction, Step};
pub use decide::State;
use session::Session;
pub use session::{Secret, Server};

/// How long things may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Waiting for another runner to end.
    pub turn: Duration,
    /// Waiting for a lock on a table. While it waits, other statements on that table wait behind it.
    pub lock: Duration,
    /// One statement.
    pub statement: Duration,
    /// Everything together.
    pub whole: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            turn: Duration::from_secs(60),
            lock: Duration::from_secs(5),
            statement: Duration::from_secs(300),
            whole: Duration::from_secs(900),
        }
    }
}

/// What to do.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// Which way.
    pub direction: Direction,
    /// The steps in the order of the plan. Downwards they run in the opposite order.
    pub steps: &'a [Step],
    /// Who it is done for; noted beside what was done.
    pub rollout: &'a str,
    /// True: data may be lost.
    pub approved: bool,
    /// What is to be done in fact.
    pub mode: Mode,
    /// How long things may take.
    pub limits: Limits,
}

/// Whether anything is changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// Perform and record.
    Perform,
    /// Perform in a transaction, look at what it did, and take it back.
    DryRun,
    /// Record as applied what somebody else applied.
    Note,
}

/// What was done.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Report {
    /// By step, in the order in which they were looked at.
    pub steps: Vec<(String, Outcome)>,
    /// What changed in the catalogue, in words; at most 100.
    pub changes: Vec<String>,
    /// Locks on tables that a dry run took: table and mode.
    pub locks: Vec<(String, String)>,
    /// What is lost, in words; at most 100.
    pub losses: Vec<String>,
}

/// What became of a step.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// Its script ran.
    Ran,
    /// It was in the wanted state before.
    Already,
    /// A crash had left it in the middle; now it is in the wanted state.
    Repaired,
    /// A dry run cannot try what does not run in a transaction.
    NotTried,
    /// It was noted as applied.
    Noted,
}

/// A moment of a run, for tests that end the process there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Point {
    /// Connected.
    Connected,
    /// It is this runner's turn.
    Locked,
    /// A transaction began.
    Begun,
    /// A statement of a transaction ran.
    Executed,
    /// What was done is recorded, in the transaction.
    Recorded,
    /// What was done was looked at; the commit comes next.
    Checked,
    /// Committed.
    Committed,
    /// A step outside of a transaction is marked as begun.
    Marked,
    /// Its statement ran.
    Ran,
    /// It is recorded as done.
    Settled,
}

impl Point {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Connected,
        Self::Locked,
        Self::Begun,
        Self::Executed,
        Self::Recorded,
        Self::Checked,
        Self::Committed,
        Self::Marked,
        Self::Ran,
        Self::Settled,
    ];

    /// In snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Locked => "locked",
            Self::Begun => "begun",
            Self::Executed => "executed",
            Self::Recorded => "recorded",
            Self::Checked => "checked",
            Self::Committed => "committed",
            Self::Marked => "marked",
            Self::Ran => "ran",
            Self::Settled => "settled",
        }
    }
}

/// Called at every point.
pub type Observer<'a> = &'a (dyn Fn(Point) + Send + Sync);

/// Why steps did not run. What was under way in a transaction is undone.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RunError {
    /// No connection.
    #[error("the database cannot be reached: {0}")]
    Connect(String),
    /// Another runner works.
    #[error("another runner works on this database; waited for {}s", .0.as_secs())]
    Turn(Duration),
    /// It took too long; the server ends what is under way when the connection is gone.
    #[error("not done within {}s", .0.as_secs())]
    Deadline(Duration),
    /// Data would be lost.
    #[error("{step}: {why}: needs an approval of the loss of data")]
    NeedsApproval {
        /// The step.
        step: String,
        /// What would be lost.
        why: String,
    },
    /// The scripts are others than those that were applied.
    #[error(
        "{step}: was applied with other scripts (checksum {found}): register the release's scripts as they were applied"
    )]
    Changed {
        /// The step.
        step: String,
        /// What the database remembers.
        found: String,
    },
    /// Nobody knows whether a statement took effect.
    #[error(
        "{step}: is {state} since a crash, and whether it took effect cannot be told: look, and set its state in serin.migrations \
         to applied or reverted"
    )]
    Unclear {
        /// The step.
        step: String,
        /// What the database remembers.
        state: State,
    },
    /// The baseline's code has to go on working.
    #[error("{0}: only a step of `phase: contract` may do that")]
    Expand(String),
    /// The server refused a statement.
    #[error("{step}, line {line}: {message}")]
    Statement {
        /// The step.
        step: String,
        /// Line of its script.
        line: usize,
        /// The server's words.
        message: String,
    },
    /// The server refused something of ours.
    #[error("the database: {0}")]
    Database(String),
    /// The catalogue is larger than can be compared.
    #[error("the database has more than {0} columns: what a script changes cannot be watched")]
    TooLarge(usize),
}

impl RunError {
    /// True when the same run may succeed later, with nobody doing anything.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Connect(_) | Self::Turn(_) | Self::Deadline(_))
    }
}

/// Performs a job.
///
/// # Errors
/// Why it is not done. It may be tried again.
pub async fn run(server: &Server, job: &Job<'_>, observer: Observer<'_>) -> Result<Report, RunError> {
    let whole = job.limits.whole;
    timeout(whole, async {
        check_approval(job)?;
        let mut session = Session::open(server, job.limits).await?;
        observer(Point::Connected);
        session.take_turn(job.limits.turn).await?;
        observer(Point::Locked);
        perform(&mut session, job, observer).await
    })
    .await
    .unwrap_or(Err(RunError::Deadline(whole)))
}

/// What the words of the scripts tell is asked before anything is touched.
fn check_approval(job: &Job<'_>) -> Result<(), RunError> {
    if job.approved || job.mode != Mode::Perform {
        return Ok(());
    }
    let lossy = job.steps.iter().find_map(|step| Some((step, step.loss(job.direction)?)));
    let Some((step, (statement, loss))) = lossy else { return Ok(()) };
    let why = format!("{} line {}: {} {loss}", job.direction, statement.line, statement.traits.verb);
    Err(RunError::NeedsApproval { step: step.name().to_owned(), why })
}

async fn perform(session: &mut Session, job: &Job<'_>, observer: Observer<'_>) -> Result<Report, RunError> {
    let mut report = Report::default();
    if job.mode != Mode::DryRun {
        ledger::create(session.client()).await?;
    }
    let mut steps: Vec<&Step> = job.steps.iter().collect();
    if job.direction == Direction::Down {
        steps.reverse();
    }
    // As many as possible in one transaction.
    for batch in steps.chunk_by(|one, next| one.transaction() && next.transaction()) {
        let is_together = batch.iter().all(|step| step.transaction());
        if job.mode == Mode::Note {
            ledger::note(session.client(), batch, job.rollout, &mut report).await?;
        } else if is_together {
            together::run(session, batch, job, observer, &mut report).await?;
        } else {
            for step in batch {
                apart::run(session, step, job, observer, &mut report).await?;
            }
        }
    }
    Ok(report)
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Ran => "done",
            Self::Already => "was done before",
            Self::Repaired => "repaired after a crash",
            Self::NotTried => "not tried: it runs outside of a transaction",
            Self::Noted => "noted as applied",
        })
    }
}

fn database(error: tokio_postgres::Error) -> RunError {
    RunError::Database(words(&error))
}

/// The server's message, without the values of rows that its details may hold.
fn words(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(server) => {
            let message: String = server.message().chars().take(500).collect();
            format!("{message} ({})", server.code().code())
        }
        None => error.to_string(),
    }
}
