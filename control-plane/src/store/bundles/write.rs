//! Writing and removing.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use rusqlite::{Connection, Row, params};
use serin_evidence::bundle::{Bundle, Document, Manifest};
use serin_evidence::canonical;
use serin_evidence::chain::{Head, Removed};
use serin_rollout::UnixMillis;

use super::super::chains::Chain;
use super::super::sqlite::{signed, unsigned};
use super::{Keep, StoreError};

/// Bundles that are removed at a time, so that no decision waits long for it.
const BUNDLES_REMOVED_AT_ONCE: u64 = 100;

/// Adds a bundle to the chain.
pub(in crate::store) fn add(transaction: &Connection, bundle: &Bundle) -> Result<Head, StoreError> {
    let Bundle { manifest, documents } = bundle;
    let body = canonical::text(manifest).map_err(|error| StoreError::Unwritable(error.to_string()))?;
    let entry = Chain::Evidence.next(transaction, body)?;
    let mut bytes = entry.body.len();
    for document in documents {
        bytes += keep(transaction, document)?;
        transaction.execute(
            "INSERT OR IGNORE INTO evidence_uses (number, sha256) VALUES (?1, ?2)",
            params![signed(entry.number), document.sha256.as_bytes()],
        )?;
    }
    let head = entry.head();
    let (first, last) = manifest.revisions.unzip();
    transaction.execute(
        "INSERT INTO evidence (number, at_ms, previous, hash, body, removed_through, id, rollout_id, kind, \
         first_revision, last_revision, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        params![
            signed(entry.number),
            signed(manifest.at.0),
            entry.previous.as_bytes(),
            head.hash.as_bytes(),
            entry.body,
            manifest.removed.as_ref().map(|removed| signed(removed.through)),
            manifest.id,
            manifest.rollout,
            manifest.kind.name(),
            first.map(signed),
            last.map(signed),
            signed(bytes as u64)
        ],
    )?;
    Chain::Evidence.advance(transaction, head)?;
    Ok(head)
}

/// Keeps a document, once. Returns the bytes that it takes.
fn keep(transaction: &Connection, document: &Document) -> Result<usize, StoreError> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    let packed = encoder.write_all(document.content.as_bytes()).and_then(|()| encoder.finish());
    let packed = packed.map_err(|error| StoreError::Unwritable(error.to_string()))?;
    transaction.execute(
        "INSERT OR IGNORE INTO evidence_documents (sha256, content) VALUES (?1, ?2)",
        params![document.sha256.as_bytes(), packed],
    )?;
    Ok(packed.len())
}

/// Removes what need not be kept.
pub(super) fn retire(
    transaction: &Connection,
    keep: &Keep,
    now: UnixMillis,
) -> Result<Option<u64>, StoreError> {
    let age = u64::try_from(keep.keep_for.as_millis()).unwrap_or(u64::MAX);
    let old = Chain::Evidence.oldest(
        transaction,
        UnixMillis(now.0.saturating_sub(age)),
        BUNDLES_REMOVED_AT_ONCE,
    )?;
    let large = beyond(transaction, keep.max_bytes)?;
    let large = large.map(|(through, first)| through.min(first + BUNDLES_REMOVED_AT_ONCE - 1));
    let (through, why) = match (old, large) {
        (old, Some(large)) if old.is_none_or(|old| old < large) => {
            (large, format!("all evidence together was larger than {} bytes", keep.max_bytes))
        }
        (Some(old), _) => (old, format!("older than {} days", keep.keep_for.as_secs() / 86_400)),
        (None, _) => return Ok(None),
    };
    let Some(removed) = Chain::Evidence.removal(transaction, through, why)? else { return Ok(None) };
    let Removed { through, .. } = removed;
    add(transaction, &Bundle { manifest: Manifest::removal(removed, now), documents: Vec::new() })?;
    Chain::Evidence.cut(transaction, through)?;
    transaction.execute("DELETE FROM evidence_uses WHERE number <= ?1", [signed(through)])?;
    transaction.execute(
        "DELETE FROM evidence_documents WHERE sha256 NOT IN (SELECT sha256 FROM evidence_uses)",
        [],
    )?;
    Ok(Some(through))
}

/// The last and the first entry that go, so that all others together are within `max_bytes`.
fn beyond(transaction: &Connection, max_bytes: u64) -> Result<Option<(u64, u64)>, StoreError> {
    let query = "SELECT max(number), min(number) FROM \
                 (SELECT number, sum(bytes) OVER (ORDER BY number DESC) AS up_to FROM evidence) WHERE up_to > ?1";
    let row = |row: &Row<'_>| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?));
    let (through, first) =
        transaction.query_row(query, [i64::try_from(max_bytes).unwrap_or(i64::MAX)], row)?;
    Ok(through.map(unsigned).zip(first.map(unsigned)))
}
