//! Reading, exporting and checking.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use flate2::read::DeflateDecoder;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serin_evidence::Hash;
use serin_evidence::archive::{About, Archive, FORMAT, Verified};
use serin_evidence::bundle::{DECISIONS, DOCUMENT_BYTES, Kind, Manifest};
use serin_evidence::chain::{Check, Checked, Entry, Fault, Head};

use super::super::chains::{Chain, hash};
use super::super::sqlite::{signed, unsigned};
use super::{BundleQuery, Exported, Found, StoreError, StoredBundle};

pub(in crate::store) fn bundles(
    connection: &Connection,
    query: &BundleQuery,
) -> Result<Vec<StoredBundle>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT number, hash, body FROM evidence WHERE (?1 IS NULL OR rollout_id = ?1) \
         AND (?2 IS NULL OR number < ?2) ORDER BY number DESC LIMIT ?3",
    )?;
    let before = query.before.map(signed);
    let rows = statement.query_map(params![query.rollout_id, before, query.limit], row)?;
    rows.collect::<Result<Vec<_>, _>>()?.into_iter().map(parsed).collect()
}

type Raw = (Head, String);

fn row(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok((Head { number: unsigned(row.get(0)?), hash: hash(row, 1)? }, row.get(2)?))
}

fn parsed((head, body): Raw) -> Result<StoredBundle, StoreError> {
    let manifest = serde_json::from_str(&body)
        .map_err(|error| StoreError::Unwritable(format!("evidence {}: {error}", head.number)))?;
    Ok(StoredBundle { head, manifest })
}

pub(in crate::store) fn bundle(connection: &Connection, id: &str) -> Result<Option<Found>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT number, hash, body FROM evidence WHERE id = ?1 OR substr(id, 1, length(?1) + 1) = ?1 || '+' \
         ORDER BY number",
    )?;
    let rows = statement.query_map([id], row)?.collect::<Result<Vec<_>, _>>()?;
    let manifests: Vec<_> = rows.into_iter().map(parsed).collect::<Result<_, _>>()?;
    if manifests.is_empty() {
        return Ok(None);
    }
    let mut documents = Vec::new();
    for document in manifests.iter().flat_map(|one| &one.manifest.documents) {
        if let Some(content) = content(connection, document.sha256)? {
            documents.push((document.name.clone(), content));
        }
    }
    Ok(Some(Found { manifests, documents }))
}

/// A document. `None`: it is not there. One that cannot be unpacked is given as what is left of it.
pub(in crate::store) fn content(connection: &Connection, sha256: Hash) -> Result<Option<String>, StoreError> {
    let query = "SELECT content FROM evidence_documents WHERE sha256 = ?1";
    let packed =
        connection.query_row(query, [sha256.as_bytes()], |row| row.get::<_, Vec<u8>>(0)).optional()?;
    Ok(packed.map(|packed| {
        let mut bytes = Vec::new();
        let mut decoder = DeflateDecoder::new(packed.as_slice()).take(DOCUMENT_BYTES as u64 + 1);
        let _what_came_is_checked_by_its_hash = decoder.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }))
}

pub(in crate::store) fn export(
    connection: &Connection,
    of: &Exported,
) -> Result<Option<Archive>, StoreError> {
    let mut of_it = connection.prepare(
        "SELECT number, rollout_id FROM evidence WHERE rollout_id = ?1 OR id = ?1 OR substr(id, 1, length(?1) + 1) = ?1 || '+'",
    )?;
    let rows = of_it.query_map([&of.of], |row| Ok((unsigned(row.get(0)?), row.get::<_, String>(1)?)))?;
    let wanted: BTreeMap<u64, String> = rows.collect::<Result<_, _>>()?;
    let Some((first, rollout)) = wanted.first_key_value() else { return Ok(None) };
    let mut archive = Archive { journal: journal(connection, rollout)?, ..Archive::default() };
    Chain::Evidence.each(connection, first.saturating_sub(1), |stored| {
        archive.links.push(stored.entry.link());
        if wanted.contains_key(&stored.entry.number) {
            archive.entries.push(stored.entry);
        }
        Ok(())
    })?;
    let hashes: BTreeSet<Hash> = archive.entries.iter().flat_map(documents).collect();
    for sha256 in hashes {
        if let Some(content) = content(connection, sha256)? {
            archive.documents.insert(sha256, content);
        }
    }
    archive.about = About {
        format: FORMAT,
        rollout: rollout.clone(),
        written_at: of.now,
        serin_version: env!("CARGO_PKG_VERSION").to_owned(),
        head: Chain::Evidence.head(connection)?,
        journal: Hash::of(archive.journal.as_bytes()),
    };
    Ok(Some(archive))
}

fn documents(entry: &Entry) -> Vec<Hash> {
    let manifest: Option<Manifest> = serde_json::from_str(&entry.body).ok();
    manifest.map(|one| one.documents.iter().map(|document| document.sha256).collect()).unwrap_or_default()
}

/// The rollout's events as a JSON list. What people wrote is masked by who exports.
fn journal(connection: &Connection, rollout: &str) -> Result<String, StoreError> {
    let mut events = connection.prepare(
        "SELECT at_ms, kind, actor, text, revision FROM journal WHERE rollout_id = ?1 ORDER BY revision",
    )?;
    let event = |row: &Row<'_>| {
        Ok(serde_json::json!({
            "at": unsigned(row.get(0)?), "kind": row.get::<_, String>(1)?, "actor": row.get::<_, String>(2)?,
            "text": row.get::<_, String>(3)?, "revision": unsigned(row.get(4)?),
        }))
    };
    let events: Vec<_> = events.query_map([rollout], event)?.collect::<Result<_, _>>()?;
    Ok(serde_json::Value::Array(events).to_string())
}

pub(in crate::store) fn verify(
    connection: &Connection,
    anchor: Option<Hash>,
) -> Result<Verified, StoreError> {
    let mut check = Check::anchored(anchor);
    let mut verified =
        Verified { chain: Checked::default(), bundles: 0, documents: 0, incomplete: Vec::new() };
    Chain::Evidence.each(connection, 0, |stored| {
        check.entry(&stored.entry, Some(stored.hash));
        let number = stored.entry.number;
        match serde_json::from_str::<Manifest>(&stored.entry.body) {
            Ok(manifest) => contents(connection, (number, &manifest), &mut check, &mut verified)?,
            Err(error) => check.fault(Fault::Unreadable { number, why: error.to_string() }),
        }
        Ok(())
    })?;
    without_bundle(connection, &mut check)?;
    verified.chain = check.finish(Some(Chain::Evidence.head(connection)?));
    Ok(verified)
}

fn contents(
    connection: &Connection,
    (number, manifest): (u64, &Manifest),
    check: &mut Check,
    verified: &mut Verified,
) -> Result<(), StoreError> {
    verified.bundles += u64::from(manifest.kind == Kind::Bundle);
    if !manifest.complete {
        verified.incomplete.push(manifest.id.clone());
    }
    for document in &manifest.documents {
        let name = document.name.clone();
        match content(connection, document.sha256)? {
            None => check.fault(Fault::DocumentMissing { number, name }),
            Some(content) if Hash::of(content.as_bytes()) != document.sha256 => {
                check.fault(Fault::DocumentAltered { number, name });
            }
            Some(_) => verified.documents += 1,
        }
    }
    Ok(())
}

/// Decisions since evidence is kept that have none. Those of the millisecond of the oldest entry that is there, and before, may have gone with older
/// ones.
fn without_bundle(connection: &Connection, check: &mut Check) -> Result<(), StoreError> {
    let kinds: Vec<String> = DECISIONS.iter().map(|kind| format!("'{kind}'")).collect();
    let query = format!(
        "SELECT rollout_id, revision, kind FROM journal WHERE kind IN ({}) \
         AND sequence > (SELECT max(sequence) FROM evidence_since) \
         AND at_ms > coalesce((SELECT at_ms FROM evidence WHERE number > 1 AND number = (SELECT min(number) FROM evidence)), 0) \
         AND NOT EXISTS (SELECT 1 FROM evidence WHERE evidence.rollout_id = journal.rollout_id \
           AND evidence.kind = 'bundle' AND journal.revision BETWEEN first_revision AND last_revision) \
         ORDER BY sequence LIMIT 1000",
        kinds.join(", ")
    );
    let mut statement = connection.prepare(&query)?;
    let fault = |row: &Row<'_>| {
        Ok(Fault::NoBundle { rollout: row.get(0)?, revision: unsigned(row.get(1)?), kind: row.get(2)? })
    };
    for fault in statement.query_map([], fault)? {
        check.fault(fault?);
    }
    Ok(())
}
