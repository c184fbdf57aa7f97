//! Removing what may go.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Transaction, params};
use serin_registry::retention::{self, Inventory, Policy};
use serin_registry::{Kind, Subject, Version};
use serin_rollout::{AUTOMATIC, UnixMillis};

use super::row::{note, parsed};
use super::{Happened, VersionQuery, query};
use crate::store::StoreError;

pub(super) fn retire(
    transaction: &Transaction<'_>,
    application: &Subject,
    needed: &BTreeSet<(Subject, Version)>,
    policy: Policy,
    now: UnixMillis,
) -> Result<Vec<(Subject, Version)>, StoreError> {
    let inventory = inventory(transaction, application)?;
    let mut removable = retention::removable(&inventory, needed, policy, now);
    // Versions of the application first: the others may be parts of these.
    removable.sort_by_key(|(subject, _)| subject.kind() != Kind::Application);
    let mut delete =
        transaction.prepare_cached("DELETE FROM versions WHERE subject = ?1 AND version = ?2")?;
    for (subject, version) in &removable {
        delete.execute(params![subject.as_str(), version.as_str()])?;
        let text = "Removed: neither live nor the one before, nor new, nor part of a version that is kept.";
        note(transaction, (subject, version), Happened::Removed, (AUTOMATIC, text), now)?;
    }
    Ok(removable)
}

fn inventory(transaction: &Transaction<'_>, application: &Subject) -> Result<Inventory, StoreError> {
    let everything =
        VersionQuery { within: Some(application.clone()), limit: u32::MAX, ..VersionQuery::default() };
    let mut versions = query::versions(transaction, &everything)?;
    versions.reverse();
    let versions = versions.into_iter().map(|stored| retention::Registered {
        subject: stored.subject,
        version: stored.version,
        at: stored.at,
    });
    let mut statement = transaction
        .prepare_cached("SELECT application_version, subject, version FROM parts WHERE application = ?1")?;
    let rows = statement.query_map([application.as_str()], |row| {
        Ok((parsed::<Version>(row, 0)?, (parsed(row, 1)?, parsed(row, 2)?)))
    })?;
    let mut parts: BTreeMap<Version, Vec<(Subject, Version)>> = BTreeMap::new();
    for row in rows {
        let (release, part) = row?;
        parts.entry(release).or_default().push(part);
    }
    Ok(Inventory { versions: versions.collect(), parts })
}
