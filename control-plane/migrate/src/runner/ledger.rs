//! What the database remembers: the table `serin.migrations`.

use tokio_postgres::{Client, GenericClient};

use super::decide::{Remembered, State};
use super::{Outcome, Report, RunError, database};
use crate::step::Step;

const CREATE: &str = "
CREATE SCHEMA IF NOT EXISTS serin;
CREATE TABLE IF NOT EXISTS serin.migrations (
    name text PRIMARY KEY,
    checksum text NOT NULL,
    state text NOT NULL CHECK (state IN ('applying', 'applied', 'reverting', 'reverted')),
    rollout text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
)";
const WRITE: &str = "
INSERT INTO serin.migrations (name, checksum, state, rollout) VALUES ($1, $2, $3, $4)
ON CONFLICT (name) DO UPDATE SET checksum = $2, state = $3, rollout = $4, changed_at = now()";

async fn exists(client: &impl GenericClient) -> Result<bool, RunError> {
    let row = client.query_one("SELECT to_regclass('serin.migrations') IS NOT NULL", &[]).await;
    row.and_then(|row| row.try_get(0)).map_err(database)
}

/// Makes the table unless it is there, which needs no right then.
pub(super) async fn create(client: &Client) -> Result<(), RunError> {
    if exists(client).await? {
        return Ok(());
    }
    client.batch_execute(CREATE).await.map_err(database)
}

pub(super) async fn read(client: &impl GenericClient, step: &Step) -> Result<Option<Remembered>, RunError> {
    if !exists(client).await? {
        return Ok(None);
    }
    let query = "SELECT state, checksum FROM serin.migrations WHERE name = $1";
    let Some(row) = client.query_opt(query, &[&step.name()]).await.map_err(database)? else {
        return Ok(None);
    };
    let (state, checksum) = (row.try_get(0).map_err(database)?, row.try_get(1).map_err(database)?);
    let state = State::of(state).ok_or_else(|| RunError::Database(format!("{state:?} is no state")))?;
    Ok(Some(Remembered { state, checksum }))
}

pub(super) async fn write(
    client: &impl GenericClient,
    step: &Step,
    state: State,
    rollout: &str,
) -> Result<(), RunError> {
    let written = client.execute(WRITE, &[&step.name(), &step.checksum(), &state.name(), &rollout]).await;
    written.map(|_| ()).map_err(database)
}

/// Notes as applied what somebody else applied. What is under way or was applied by Serin stays as it is.
pub(super) async fn note(
    client: &Client,
    steps: &[&Step],
    rollout: &str,
    report: &mut Report,
) -> Result<(), RunError> {
    for step in steps {
        let found = read(client, step).await?;
        let outcome = match found.map(|found| found.state) {
            None | Some(State::Reverted) => {
                write(client, step, State::Applied, rollout).await?;
                Outcome::Noted
            }
            Some(State::Applied | State::Applying | State::Reverting) => Outcome::Already,
        };
        report.steps.push((step.name().to_owned(), outcome));
    }
    Ok(())
}
