//! What was decided, with what its evidence and people say of it. The journal is the source: a decision is there whether its
//! evidence is, or has gone with its age.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serin_evidence::bundle::Manifest;
use serin_evidence::documents::{Acknowledgements, Decision, name};

use super::bundles::read;
use super::sqlite::{signed, stored_event, unsigned};
use super::{StoreError, StoredEvent};

/// Decisions of one answer.
pub const DECISIONS_MAX: u32 = 1_000;
/// As in the index.
const KINDS: &str = "('arms_stopped', 'blocks_restored', 'components_rolled_back', 'experiment_ended', 'promoted', 'rolled_back')";

/// Which decisions.
#[derive(Clone, Debug, Default)]
pub struct DecisionQuery {
    /// Only of this rollout.
    pub rollout_id: Option<String>,
    /// Only of this service.
    pub service: Option<String>,
    /// Only with a sequence below this one.
    pub before: Option<u64>,
    /// Only the one of this rollout whose first event has this number.
    pub revision: Option<u64>,
    /// At most so many.
    pub limit: u32,
}

/// A decision.
#[derive(Clone, Debug)]
pub struct StoredDecision {
    /// Its name.
    pub id: String,
    /// Its service.
    pub service: String,
    /// Version that carried the traffic before the rollout.
    pub baseline: String,
    /// Version on trial.
    pub canary: String,
    /// Its events, in order; at least one.
    pub events: Vec<StoredEvent>,
    /// First second of the evidence that led to it.
    pub onset_second: Option<u64>,
    /// Milliseconds until all living VMs applied it.
    pub applied_ms: Option<u64>,
    /// The newest event that marks it.
    pub mark: Option<StoredEvent>,
}

/// Decisions, the newest first.
pub(super) fn decisions(
    connection: &Connection,
    query: &DecisionQuery,
) -> Result<Vec<StoredDecision>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT j.sequence, j.at_ms, j.rollout_id, j.kind, j.actor, j.text, j.json, j.revision, \
           r.state ->> 'service', r.state ->> 'baseline', r.state ->> 'canary', e.last_revision, e.body \
         FROM journal j JOIN rollouts r ON r.rollout_id = j.rollout_id \
         LEFT JOIN evidence e ON e.rollout_id = j.rollout_id AND e.kind = 'bundle' \
           AND j.revision BETWEEN e.first_revision AND e.last_revision \
         WHERE j.kind IN {KINDS} AND (e.number IS NULL OR e.first_revision = j.revision) \
           AND (?1 IS NULL OR j.rollout_id = ?1) AND (?2 IS NULL OR r.state ->> 'service' = ?2) \
           AND (?3 IS NULL OR j.sequence < ?3) AND (?4 IS NULL OR j.revision = ?4) \
         ORDER BY j.sequence DESC LIMIT ?5"
    ))?;
    let (before, revision) = (query.before.map(signed), query.revision.map(signed));
    let parameters =
        params![query.rollout_id, query.service, before, revision, query.limit.min(DECISIONS_MAX)];
    let found = statement.query_map(parameters, found)?.collect::<Result<Vec<_>, _>>()?;
    found.into_iter().map(|one| whole(connection, one)).collect()
}

/// A decision as its first event tells it.
struct First {
    decision: StoredDecision,
    revision: u64,
    last_revision: Option<u64>,
    manifest: Option<String>,
}

fn found(row: &Row<'_>) -> rusqlite::Result<First> {
    let event = stored_event(row)?;
    let revision = unsigned(row.get(7)?);
    let decision = StoredDecision {
        id: format!("{}.{revision}", event.rollout_id),
        service: row.get(8)?,
        baseline: row.get(9)?,
        canary: row.get(10)?,
        events: vec![event],
        onset_second: None,
        applied_ms: None,
        mark: None,
    };
    let last_revision = row.get::<_, Option<i64>>(11)?.map(unsigned);
    Ok(First { decision, revision, last_revision, manifest: row.get(12)? })
}

fn whole(connection: &Connection, first: First) -> Result<StoredDecision, StoreError> {
    let First { mut decision, revision, last_revision, manifest } = first;
    let rollout = decision.events.first().map(|event| event.rollout_id.clone()).unwrap_or_default();
    if let Some(last) = last_revision.filter(|last| *last > revision) {
        let mut more = connection.prepare_cached(&format!(
            "SELECT sequence, at_ms, rollout_id, kind, actor, text, json FROM journal \
             WHERE rollout_id = ?1 AND revision > ?2 AND revision <= ?3 AND kind IN {KINDS} ORDER BY revision"
        ))?;
        let more = more.query_map(params![rollout, signed(revision), signed(last)], stored_event)?;
        decision.events.extend(more.collect::<Result<Vec<_>, _>>()?);
    }
    let decided: Option<Decision> = document(connection, manifest.as_deref(), name::DECISION)?;
    decision.onset_second = decided.and_then(|decided| decided.onset_second);
    let told = connection
        .prepare_cached("SELECT body FROM evidence WHERE id = ?1")?
        .query_row([format!("{}+{}", decision.id, name::ACKNOWLEDGEMENTS)], |row| row.get::<_, String>(0))
        .optional()?;
    let told: Option<Acknowledgements> = document(connection, told.as_deref(), name::ACKNOWLEDGEMENTS)?;
    let told = told.filter(|told| told.vms > 0 && told.vms_applied == told.vms);
    decision.applied_ms = told.map(|told| told.after_ms);
    decision.mark = mark(connection, &rollout, &decision.id)?;
    Ok(decision)
}

/// A document that a manifest lists. `None`: it is not there, or is of another form.
fn document<T: serde::de::DeserializeOwned>(
    connection: &Connection,
    manifest: Option<&str>,
    name: &str,
) -> Result<Option<T>, StoreError> {
    let manifest: Option<Manifest> = manifest.and_then(|body| serde_json::from_str(body).ok());
    let listed = manifest.and_then(|manifest| manifest.documents.into_iter().find(|one| one.name == name));
    let Some(listed) = listed else { return Ok(None) };
    let content = read::content(connection, listed.sha256)?;
    Ok(content.and_then(|content| serde_json::from_str(&content).ok()))
}

fn mark(connection: &Connection, rollout: &str, id: &str) -> Result<Option<StoredEvent>, StoreError> {
    let mut newest = connection.prepare_cached(
        "SELECT sequence, at_ms, rollout_id, kind, actor, text, json FROM journal \
         WHERE kind = 'decision_marked' AND rollout_id = ?1 AND json ->> 'decision' = ?2 \
         ORDER BY sequence DESC LIMIT 1",
    )?;
    Ok(newest.query_row([rollout, id], stored_event).optional()?)
}

/// The newest events of a rollout, the newest first.
pub(super) fn newest_events(
    connection: &Connection,
    rollout: &str,
    limit: u32,
) -> Result<Vec<StoredEvent>, StoreError> {
    let mut newest = connection.prepare_cached(
        "SELECT sequence, at_ms, rollout_id, kind, actor, text, json FROM journal \
         WHERE rollout_id = ?1 ORDER BY revision DESC LIMIT ?2",
    )?;
    let rows = newest.query_map(params![rollout, limit], stored_event)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests;
