//! Reading what is registered.

use rusqlite::{Connection, OptionalExtension, params};
use serin_registry::{Digest, Kind, Subject, Version};

use super::row::{COLUMNS, named, parsed, stored_entry, stored_version};
use super::{HistoryQuery, StoredEntry, StoredVersion, VersionQuery};
use crate::store::StoreError;
use crate::store::sqlite::signed;

/// The largest sequence that SQLite can give.
const NEWEST: u64 = i64::MAX.cast_unsigned();

pub(super) fn versions(
    connection: &Connection,
    query: &VersionQuery,
) -> Result<Vec<StoredVersion>, StoreError> {
    // What is inside `a` begins with `a/`; `0` is the character after `/`.
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM versions WHERE sequence < ?1 AND (?2 IS NULL OR kind = ?2) \
         AND (?3 IS NULL OR subject = ?3 OR (subject >= ?3 || '/' AND subject < ?3 || '0')) \
         AND (NOT ?4 OR sequence = (SELECT max(sequence) FROM versions AS newest WHERE newest.subject = versions.subject)) \
         ORDER BY sequence DESC LIMIT ?5"
    ))?;
    let before = signed(query.before.unwrap_or(NEWEST).min(NEWEST));
    let within = query.within.as_ref().map(Subject::as_str);
    let rows = statement.query_map(
        params![before, query.kind.map(Kind::name), within, query.newest_only, query.limit],
        stored_version,
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn version(
    connection: &Connection,
    subject: &Subject,
    version: Option<&Version>,
) -> Result<Option<StoredVersion>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM versions WHERE subject = ?1 AND (?2 IS NULL OR version = ?2) \
         ORDER BY sequence DESC LIMIT 1"
    ))?;
    let label = version.map(Version::as_str);
    Ok(statement.query_row(params![subject.as_str(), label], stored_version).optional()?)
}

pub(super) fn parts(
    connection: &Connection,
    application: &Subject,
    version: &Version,
) -> Result<Vec<StoredVersion>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM parts JOIN versions USING (subject, version) \
         WHERE parts.application = ?1 AND parts.application_version = ?2 ORDER BY parts.position"
    ))?;
    let rows = statement.query_map([application.as_str(), version.as_str()], stored_version)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn part_names(
    connection: &Connection,
    application: &Subject,
    version: &Version,
) -> Result<Vec<(Subject, Version)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT subject, version FROM parts WHERE application = ?1 AND application_version = ?2",
    )?;
    let rows = statement.query_map([application.as_str(), version.as_str()], named)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn releases(
    connection: &Connection,
    subject: &Subject,
    version: &Version,
    limit: u32,
) -> Result<Vec<Version>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT versions.version FROM parts JOIN versions \
         ON versions.subject = parts.application AND versions.version = parts.application_version \
         WHERE parts.subject = ?1 AND parts.version = ?2 ORDER BY versions.sequence DESC LIMIT ?3",
    )?;
    let rows =
        statement.query_map(params![subject.as_str(), version.as_str(), limit], |row| parsed(row, 0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn history(connection: &Connection, query: &HistoryQuery) -> Result<Vec<StoredEntry>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT sequence, at_ms, version, kind, actor, text FROM version_history \
         WHERE subject = ?1 AND sequence < ?2 ORDER BY sequence DESC LIMIT ?3",
    )?;
    let before = signed(query.before.unwrap_or(NEWEST).min(NEWEST));
    let rows = statement.query_map(params![query.subject.as_str(), before, query.limit], stored_entry)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn users(
    connection: &Connection,
    digest: &Digest,
    limit: u32,
) -> Result<Vec<(Subject, Version)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT subject, version FROM versions WHERE sha256 = ?1 ORDER BY sequence DESC LIMIT ?2",
    )?;
    let rows = statement.query_map(params![digest.to_string(), limit], named)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn unused(connection: &Connection, digests: &[Digest]) -> Result<Vec<Digest>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM versions WHERE sha256 = ?1 LIMIT 1")?;
    let mut unused = Vec::new();
    for digest in digests {
        if !statement.exists([digest.to_string()])? {
            unused.push(*digest);
        }
    }
    Ok(unused)
}

pub(super) fn applications(connection: &Connection) -> Result<Vec<Subject>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT DISTINCT subject FROM versions WHERE kind = 'application' ORDER BY subject",
    )?;
    let rows = statement.query_map([], |row| parsed(row, 0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
