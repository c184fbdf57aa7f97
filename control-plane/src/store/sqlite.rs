//! The embedded store: one SQLite file in write-ahead mode, synced at every commit.
//!
//! One process owns the folder, by a lock file. A file that is damaged, foreign or newer is refused at the start
//! with words that say what to do; nothing is repaired or overwritten.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{
    Connection, ErrorCode, OptionalExtension, Row, Savepoint, Transaction, TransactionBehavior, params,
};
use serin_evidence::bundle::Bundle;

use super::{
    Append, Appended, EventQuery, Ledger, Loaded, NewEvent, Store, StoreError, StoredEvent, StoredRollout,
    bundles, ledger,
};
use crate::failpoint::Failpoint;
use serin_rollout::UnixMillis;

/// What each version of the form adds to the one before.
const SCHEMA: [&str; 5] = [
    include_str!("schema.sql"),
    include_str!("versions.sql"),
    include_str!("evidence.sql"),
    include_str!("notices.sql"),
    include_str!("decisions.sql"),
];
pub(super) const SCHEMA_VERSION: i64 = SCHEMA.len() as i64;
/// Marks the file as ours: "SRIN".
const APPLICATION_ID: i64 = 0x5352_494E;
/// How long a call waits for someone who reads or writes the file beside us.
pub(super) const BUSY: Duration = Duration::from_secs(1);
/// Rollouts that are loaded at the start, the newest ones.
const ROLLOUTS_LOADED: u32 = 1_000;

/// A store in a folder, or in memory.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    pub(super) connection: Connection,
    _lock: Option<File>,
}

impl SqliteStore {
    /// Opens `folder`, and makes it when missing.
    ///
    /// # Errors
    /// When the folder is in use, or its file is damaged, foreign or newer.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::Folder { path, source }
        };
        fs::create_dir_all(folder).map_err(failed(folder))?;
        let lock = lock(folder)?;
        let path = folder.join("serin.db");
        let connection = open(&path).map_err(|error| readable(&path, error))?;
        Ok(Self { path, connection, _lock: Some(lock) })
    }

    /// Opens a store that lasts as long as this value: for simulations.
    ///
    /// # Errors
    /// When SQLite cannot be used.
    pub fn in_memory() -> Result<Self, StoreError> {
        let path = PathBuf::from(":memory:");
        let connection = open(&path)?;
        Ok(Self { path, connection, _lock: None })
    }

    fn all(&self) -> Result<Loaded, StoreError> {
        let generation = "SELECT coalesce(max(sequence), 0) FROM journal WHERE assignment_changed";
        let generation = self.connection.query_row(generation, [], |row| row.get::<_, i64>(0))?;
        let mut newest = self.connection.prepare(
            "SELECT rollout_id, plan, state, evidence, state_revision FROM \
             (SELECT * FROM rollouts ORDER BY created_sequence DESC LIMIT ?1) ORDER BY created_sequence",
        )?;
        let mut since = self
            .connection
            .prepare("SELECT json FROM journal WHERE rollout_id = ?1 AND revision > ?2 ORDER BY revision")?;
        let mut rollouts = Vec::new();
        for row in newest.query_map([ROLLOUTS_LOADED], stored_rollout)? {
            let (mut rollout, revision) = row?;
            let events = since.query_map(params![rollout.id, revision], |row| row.get(0))?;
            rollout.events = events.collect::<Result<_, _>>()?;
            rollouts.push(rollout);
        }
        let ledger = ledger::load(&self.connection)?;
        let owed = bundles::owed::owed(&self.connection, crate::clock::now())?;
        Ok(Loaded { rollouts, generation: unsigned(generation), ledger, owed })
    }
}

fn lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join("lock");
    let failed = |source| StoreError::Folder { path: path.clone(), source };
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { folder: folder.to_owned() }),
        Err(TryLockError::Error(source)) => Err(StoreError::Folder { path, source }),
    }
}

fn open(path: &Path) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let application: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if tables > 0 && application != APPLICATION_ID {
        let detail = "it was not written by Serin".to_owned();
        return Err(StoreError::Damaged { path: path.to_owned(), detail });
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    if tables == 0 {
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
        create(&mut connection)?;
        return Ok(connection);
    }
    let version: i64 =
        connection.query_row("SELECT max(version) FROM schema_version", [], |row| row.get(0))?;
    if version > SCHEMA_VERSION {
        return Err(StoreError::Newer { path: path.to_owned(), found: version, known: SCHEMA_VERSION });
    }
    let check: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if check != "ok" {
        return Err(StoreError::Damaged { path: path.to_owned(), detail: check });
    }
    let transaction = connection.transaction()?;
    extend(&transaction, version)?;
    transaction.commit()?;
    Ok(connection)
}

/// Brings a database of an older version to this one.
fn extend(transaction: &Transaction<'_>, from: i64) -> Result<(), StoreError> {
    for (version, added) in (1..).zip(SCHEMA).filter(|(version, _)| *version > from) {
        transaction.execute_batch(added)?;
        transaction.execute("INSERT INTO schema_version (version) VALUES (?1)", [version])?;
    }
    Ok(())
}

/// Creates the tables and the first event, so that every assignment has a generation above zero.
fn create(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = connection.transaction()?;
    extend(&transaction, 0)?;
    let event = NewEvent {
        kind: "initialised".to_owned(),
        actor: "serin".to_owned(),
        text: "The store was created.".to_owned(),
        json: "{}".to_owned(),
    };
    insert_event(&transaction, "", 1, crate::clock::now(), &event, true)?;
    transaction.commit()?;
    Ok(())
}

/// Turns SQLite's words for an unreadable file into ours.
fn readable(path: &Path, error: StoreError) -> StoreError {
    let StoreError::Database(rusqlite::Error::SqliteFailure(failure, _)) = &error else { return error };
    let is_cut = failure.extended_code == rusqlite::ffi::SQLITE_IOERR_SHORT_READ;
    if is_cut || matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) {
        return StoreError::Damaged { path: PathBuf::from(path), detail: failure.to_string() };
    }
    error
}

impl Store for SqliteStore {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        self.all().map_err(|error| readable(&self.path, error))
    }

    fn append(&mut self, appends: &[Append]) -> Result<Vec<Appended>, StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let appended =
            appends.iter().map(|append| append_one(&transaction, append)).collect::<Result<_, _>>()?;
        transaction.commit()?;
        Ok(appended)
    }

    fn append_with(
        &mut self,
        appends: &[Append],
        bundles: &[Bundle],
    ) -> Result<(Vec<Appended>, Option<StoreError>), StoreError> {
        let mut transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let appended =
            appends.iter().map(|append| append_one(&transaction, append)).collect::<Result<_, _>>()?;
        let mut unwritten = None;
        for bundle in bundles {
            let part = transaction.savepoint()?;
            match written(&part, bundle) {
                Ok(()) => part.commit()?,
                Err(error) => unwritten = Some(error),
            }
        }
        transaction.commit()?;
        Ok((appended, unwritten))
    }

    fn events(&mut self, query: &EventQuery) -> Result<Vec<StoredEvent>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT sequence, at_ms, rollout_id, kind, actor, text, json FROM journal \
             WHERE sequence > ?1 AND (?2 IS NULL OR rollout_id = ?2) ORDER BY sequence LIMIT ?3",
        )?;
        let rows = statement
            .query_map(params![signed(query.after_sequence), query.rollout_id, query.limit], stored_event)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn save_evidence(&mut self, evidence: &[(String, Vec<u8>)]) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        for (rollout_id, bytes) in evidence {
            transaction.execute(
                "UPDATE rollouts SET evidence = ?2 WHERE rollout_id = ?1",
                params![rollout_id, bytes],
            )?;
        }
        transaction.commit()?;
        Ok(())
    }

    fn record(&mut self, entries: &Ledger) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        ledger::record(&transaction, entries)?;
        transaction.commit()?;
        Ok(())
    }
}

/// Writes a bundle, unless a test asks for a failure here.
fn written(part: &Savepoint<'_>, bundle: &Bundle) -> Result<(), StoreError> {
    if Failpoint::BundleFails.is_armed() {
        return Err(StoreError::Unwritable("a test asked for this failure".to_owned()));
    }
    bundles::add(part, bundle).map(|_| ())
}

fn append_one(transaction: &Transaction<'_>, append: &Append) -> Result<Appended, StoreError> {
    let found = "SELECT revision FROM rollouts WHERE rollout_id = ?1";
    let found = transaction.query_row(found, [&append.rollout_id], |row| row.get::<_, i64>(0)).optional()?;
    let found = unsigned(found.unwrap_or_default());
    if found != append.expected_revision {
        return Err(StoreError::Conflict { expected: append.expected_revision, found });
    }
    let (mut revision, mut sequence) = (found, 0);
    let last = found + append.events.len() as u64;
    for event in &append.events {
        revision += 1;
        let changed = append.assignment_changed && revision == last;
        sequence = insert_event(transaction, &append.rollout_id, revision, append.at, event, changed)?;
    }
    write_state(transaction, append, revision, sequence)?;
    Ok(Appended { sequence, revision })
}

fn insert_event(
    transaction: &Transaction<'_>,
    rollout_id: &str,
    revision: u64,
    at: UnixMillis,
    event: &NewEvent,
    assignment_changed: bool,
) -> Result<u64, StoreError> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO journal (rollout_id, revision, at_ms, kind, actor, text, json, assignment_changed) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let NewEvent { kind, actor, text, json } = event;
    let revision = signed(revision);
    statement.execute(params![
        rollout_id,
        revision,
        signed(at.0),
        kind,
        actor,
        text,
        json,
        assignment_changed
    ])?;
    Ok(unsigned(transaction.last_insert_rowid()))
}

fn write_state(
    transaction: &Transaction<'_>,
    append: &Append,
    revision: u64,
    sequence: u64,
) -> Result<(), StoreError> {
    if let Some(plan) = &append.plan {
        transaction.execute(
            "INSERT INTO rollouts (rollout_id, created_sequence, revision, plan, state, state_revision) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?3)",
            params![append.rollout_id, signed(sequence), signed(revision), plan, append.state],
        )?;
        return Ok(());
    }
    transaction.execute(
        "UPDATE rollouts SET revision = ?2, state_revision = iif(?3 IS NULL, state_revision, ?2), \
         state = coalesce(?3, state) WHERE rollout_id = ?1",
        params![append.rollout_id, signed(revision), append.state],
    )?;
    Ok(())
}

/// The rollout, without the events that are to be replayed, and the revision of its state.
fn stored_rollout(row: &Row<'_>) -> rusqlite::Result<(StoredRollout, i64)> {
    let rollout = StoredRollout {
        id: row.get(0)?,
        plan: row.get(1)?,
        state: row.get(2)?,
        evidence: row.get(3)?,
        events: Vec::new(),
    };
    Ok((rollout, row.get(4)?))
}

pub(super) fn stored_event(row: &Row<'_>) -> rusqlite::Result<StoredEvent> {
    let event = NewEvent { kind: row.get(3)?, actor: row.get(4)?, text: row.get(5)?, json: row.get(6)? };
    Ok(StoredEvent {
        sequence: unsigned(row.get(0)?),
        at: UnixMillis(unsigned(row.get(1)?)),
        rollout_id: row.get(2)?,
        event,
    })
}

/// SQLite's integers are signed; the bits are kept.
pub(super) fn signed(value: u64) -> i64 {
    value.cast_signed()
}

pub(super) fn unsigned(value: i64) -> u64 {
    value.cast_unsigned()
}

#[cfg(test)]
mod tests;
