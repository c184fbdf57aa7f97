//! Addenda that are not written: their process ended before.

use rusqlite::{Connection, Row, params};
use serin_evidence::bundle::Manifest;
use serin_evidence::documents::name;
use serin_rollout::UnixMillis;

use super::super::sqlite::{signed, unsigned};
use super::StoreError;

/// Decisions that are older owe nothing any more: what is seen now says too little of them.
const OWED_WITHIN_MS: u64 = 24 * 60 * 60 * 1_000;
/// Decisions of one time are written together; so far from each other at most.
const TOGETHER_MAX: u64 = 4_096;

/// A decision whose evidence lacks an addendum.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Owed {
    /// Name of its bundle.
    pub id: String,
    /// The rollout.
    pub rollout_id: String,
    /// When it was decided.
    pub at: UnixMillis,
    /// Generation of the assignment that it changed.
    pub generation: u64,
    /// Whether something returned to the baseline.
    pub undoes: bool,
    /// Whether who applied it is to be written.
    pub acknowledgements: bool,
    /// Whether what both arms did then is to be written.
    pub aftermath: bool,
}

/// What is owed, oldest first. Decisions that changed no assignment owe nothing.
pub(in crate::store) fn owed(connection: &Connection, now: UnixMillis) -> Result<Vec<Owed>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT e.id, e.rollout_id, e.at_ms, e.body, \
           (SELECT max(g.sequence) FROM journal g WHERE g.assignment_changed AND g.at_ms = e.at_ms \
             AND g.sequence BETWEEN d.sequence - ?2 AND d.sequence + ?2) AS generation, \
           NOT EXISTS (SELECT 1 FROM evidence a WHERE a.id = e.id || '+' || ?3) AS acknowledgements, \
           NOT EXISTS (SELECT 1 FROM evidence a WHERE a.id = e.id || '+' || ?4) AS aftermath \
         FROM evidence e JOIN journal d ON d.rollout_id = e.rollout_id AND d.revision = e.last_revision \
         WHERE e.kind = 'bundle' AND e.at_ms >= ?1 AND generation NOT NULL AND (acknowledgements OR aftermath) \
         ORDER BY e.number",
    )?;
    let since = signed(now.0.saturating_sub(OWED_WITHIN_MS));
    let rows = statement
        .query_map(params![since, signed(TOGETHER_MAX), name::ACKNOWLEDGEMENTS, name::AFTERMATH], row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn row(row: &Row<'_>) -> rusqlite::Result<Owed> {
    // One that cannot be read is named by the check of the chain.
    let manifest: Option<Manifest> = serde_json::from_str(&row.get::<_, String>(3)?).ok();
    Ok(Owed {
        id: row.get(0)?,
        rollout_id: row.get(1)?,
        at: UnixMillis(unsigned(row.get(2)?)),
        generation: unsigned(row.get(4)?),
        undoes: manifest.is_some_and(|one| one.decided.iter().any(|kind| kind != "promoted")),
        acknowledgements: row.get(5)?,
        aftermath: row.get(6)?,
    })
}
