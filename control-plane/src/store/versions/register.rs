//! Writing a release.

use rusqlite::{Transaction, params};
use serin_registry::{Artifact, Entry, Release, Subject, Version};
use serin_rollout::UnixMillis;

use super::row::note;
use super::{Differs, Happened, Registered, StoredVersion, query};
use crate::store::StoreError;
use crate::store::sqlite::{signed, unsigned};

pub(super) fn register(
    transaction: &Transaction<'_>,
    release: &Release,
    by: &str,
    at: UnixMillis,
) -> Result<Registered, StoreError> {
    let (application, mut versions, mut new) = (release.application(), Vec::new(), 0);
    let mut is_new_release = false;
    for entry in release.entries() {
        let found = query::version(transaction, &entry.subject, Some(&entry.version))?;
        if let Some(found) = found {
            same(&found, entry)?;
            versions.push(found);
            continue;
        }
        versions.push(insert(transaction, entry, by, at)?);
        new += 1;
        is_new_release |= entry.subject == application.subject;
        let text = match &entry.artifact {
            Some(artifact) => format!("Registered with {artifact}."),
            None => "Registered without an artifact.".to_owned(),
        };
        note(transaction, (&entry.subject, &entry.version), Happened::Registered, (by, &text), at)?;
    }
    if is_new_release {
        write_parts(transaction, release, by, at)?;
    } else {
        same_parts(transaction, release)?;
    }
    Ok(Registered { versions, new })
}

fn same(found: &StoredVersion, given: &Entry) -> Result<(), Differs> {
    let is_same = match (&found.artifact, &given.artifact) {
        (None, None) => true,
        (Some(found), Some(given)) => found.is_same(given),
        (None, Some(_)) | (Some(_), None) => false,
    };
    if is_same {
        return Ok(());
    }
    let words = |artifact: &Option<Artifact>| {
        artifact.as_ref().map_or_else(|| "no artifact".to_owned(), ToString::to_string)
    };
    Err(Differs::Artifact {
        subject: given.subject.clone(),
        version: given.version.clone(),
        found: words(&found.artifact),
        given: words(&given.artifact),
    })
}

fn insert(
    transaction: &Transaction<'_>,
    entry: &Entry,
    by: &str,
    at: UnixMillis,
) -> Result<StoredVersion, StoreError> {
    let Entry { subject, version, artifact } = entry.clone();
    let content = artifact.as_ref().and_then(Artifact::content);
    let image = match &artifact {
        Some(Artifact::Image(image)) => Some(image.as_str()),
        Some(Artifact::Content(_)) | None => None,
    };
    let mut statement = transaction.prepare_cached(
        "INSERT INTO versions (subject, kind, version, artifact, image, sha256, bytes, path, at_ms, actor) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    statement.execute(params![
        subject.as_str(),
        subject.kind().name(),
        version.as_str(),
        artifact.as_ref().map(Artifact::kind),
        image,
        content.map(|content| content.digest.to_string()),
        signed(content.map_or(0, |content| content.bytes)),
        content.map_or("", |content| content.path.as_str()),
        signed(at.0),
        by
    ])?;
    let sequence = unsigned(transaction.last_insert_rowid());
    Ok(StoredVersion { sequence, subject, version, artifact, at, by: by.to_owned() })
}

fn write_parts(
    transaction: &Transaction<'_>,
    release: &Release,
    by: &str,
    at: UnixMillis,
) -> Result<(), StoreError> {
    let application = release.application();
    let mut statement = transaction.prepare_cached("INSERT INTO parts VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let text = format!("Part of {} {}.", application.subject, application.version);
    for (position, Entry { subject, version, .. }) in (0_u32..).zip(release.parts()) {
        let (of, label) = (application.subject.as_str(), application.version.as_str());
        statement.execute(params![of, label, position, subject.as_str(), version.as_str()])?;
        note(transaction, (subject, version), Happened::Released, (by, &text), at)?;
    }
    Ok(())
}

/// A version of an application is what it consists of, in whatever order that was written.
fn same_parts(transaction: &Transaction<'_>, release: &Release) -> Result<(), StoreError> {
    let Entry { subject: application, version, .. } = release.application();
    let mut found = query::part_names(transaction, application, version)?;
    let mut given: Vec<(Subject, Version)> =
        release.parts().iter().map(|part| (part.subject.clone(), part.version.clone())).collect();
    found.sort();
    given.sort();
    if found == given {
        return Ok(());
    }
    let only = |one: &[(Subject, Version)], other: &[(Subject, Version)]| {
        let part = one.iter().find(|part| !other.contains(part));
        part.map_or_else(|| "nothing else".to_owned(), |(subject, version)| format!("{subject} {version}"))
    };
    Err(Differs::Parts {
        application: application.clone(),
        version: version.clone(),
        found: only(&found, &given),
        given: only(&given, &found),
    }
    .into())
}
