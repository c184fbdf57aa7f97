//! Rows of the registry's tables as checked types.

use std::str::FromStr;

use rusqlite::types::Type;
use rusqlite::{Row, Transaction, params};
use serin_registry::{Artifact, Content, Subject, Version};
use serin_rollout::UnixMillis;

use super::{HISTORY_MAX, Happened, StoredEntry, StoredVersion};
use crate::store::StoreError;
use crate::store::sqlite::{signed, unsigned};

/// What [`stored_version`] reads, in its order.
pub(super) const COLUMNS: &str = "versions.sequence, versions.subject, versions.version, versions.artifact, \
     versions.image, versions.sha256, versions.bytes, versions.path, versions.at_ms, versions.actor";

pub(super) fn stored_version(row: &Row<'_>) -> rusqlite::Result<StoredVersion> {
    Ok(StoredVersion {
        sequence: unsigned(row.get(0)?),
        subject: parsed(row, 1)?,
        version: parsed(row, 2)?,
        artifact: artifact(row)?,
        at: UnixMillis(unsigned(row.get(8)?)),
        by: row.get(9)?,
    })
}

fn artifact(row: &Row<'_>) -> rusqlite::Result<Option<Artifact>> {
    let Some(kind) = row.get::<_, Option<String>>(3)? else { return Ok(None) };
    if kind == "image" {
        return Ok(Some(Artifact::Image(parsed(row, 4)?)));
    }
    let (kind, digest) = (parsed(row, 3)?, parsed(row, 5)?);
    let content = Content { kind, digest, bytes: unsigned(row.get(6)?), path: row.get(7)? };
    Ok(Some(Artifact::Content(content)))
}

pub(super) fn stored_entry(row: &Row<'_>) -> rusqlite::Result<StoredEntry> {
    let kind: String = row.get(3)?;
    let happened = Happened::ALL.into_iter().find(|happened| happened.name() == kind);
    let unknown = || {
        let words = format!("{kind:?} is no kind of entry");
        rusqlite::Error::FromSqlConversionFailure(3, Type::Text, words.into())
    };
    Ok(StoredEntry {
        sequence: unsigned(row.get(0)?),
        at: UnixMillis(unsigned(row.get(1)?)),
        version: parsed(row, 2)?,
        happened: happened.ok_or_else(unknown)?,
        actor: row.get(4)?,
        text: row.get(5)?,
    })
}

/// A subject and one of its versions, in two columns.
pub(super) fn named(row: &Row<'_>) -> rusqlite::Result<(Subject, Version)> {
    Ok((parsed(row, 0)?, parsed(row, 1)?))
}

pub(super) fn parsed<T>(row: &Row<'_>, column: usize) -> rusqlite::Result<T>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text: String = row.get(column)?;
    text.parse()
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

/// Notes what happened, and forgets what is beyond the bound.
pub(super) fn note(
    transaction: &Transaction<'_>,
    (subject, version): (&Subject, &Version),
    happened: Happened,
    (actor, text): (&str, &str),
    at: UnixMillis,
) -> Result<(), StoreError> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO version_history (at_ms, subject, version, kind, actor, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    insert.execute(params![
        signed(at.0),
        subject.as_str(),
        version.as_str(),
        happened.name(),
        actor,
        text
    ])?;
    let mut forget = transaction.prepare_cached(
        "DELETE FROM version_history WHERE subject = ?1 AND sequence <= \
         (SELECT sequence FROM version_history WHERE subject = ?1 ORDER BY sequence DESC LIMIT 1 OFFSET ?2)",
    )?;
    forget.execute(params![subject.as_str(), HISTORY_MAX])?;
    Ok(())
}
