//! Between the contract's types and ours.

use serin_proto::registry::v1 as api;
use serin_registry::{Artifact, Content, ContentKind, Entry, Kind, Release, Subject, Version, bounds};
use tonic::Status;

use super::failure::argument;
use crate::admin::timestamp;
use crate::store::{Happened, StoredEntry, StoredVersion};

/// A release as the contract says it.
pub(super) fn release(release: api::Release) -> Result<Release, Status> {
    if release.versions.len() > bounds::ENTRIES {
        return Err(argument("release.versions", format!("exceed the limit of {}", bounds::ENTRIES)));
    }
    let entries = release.versions.into_iter().enumerate().map(|(index, version)| {
        let field = |name: &str| format!("release.versions[{index}].{name}");
        let api::NewVersion { subject: path, version: label, artifact: carried } = version;
        let artifact = carried.map(|carried| artifact(&field("artifact"), carried)).transpose()?;
        Ok(Entry {
            subject: subject(&field("subject"), &path)?,
            version: version_of(&field("version"), &label)?,
            artifact,
        })
    });
    let entries = entries.collect::<Result<Vec<_>, Status>>()?;
    Release::new(entries).map_err(|invalid| Status::invalid_argument(format!("release.{invalid}")))
}

fn artifact(field: &str, artifact: api::Artifact) -> Result<Artifact, Status> {
    let kind = artifact.kind();
    let api::Artifact { image, sha256, bytes, path, .. } = artifact;
    let kind = match kind {
        api::ArtifactKind::Unspecified => {
            return Err(argument(format!("{field}.kind"), "must be a known kind"));
        }
        api::ArtifactKind::Image if !sha256.is_empty() => {
            return Err(argument(format!("{field}.sha256"), "must be empty for an image"));
        }
        api::ArtifactKind::Image => {
            let image = image.parse().map_err(|rule| argument(format!("{field}.image"), rule))?;
            return Ok(Artifact::Image(image));
        }
        api::ArtifactKind::Wasm => ContentKind::Wasm,
        api::ArtifactKind::Config => ContentKind::Config,
        api::ArtifactKind::Script => ContentKind::Script,
        api::ArtifactKind::Source => ContentKind::Source,
    };
    let digest = sha256.parse().map_err(|rule| argument(format!("{field}.sha256"), rule))?;
    if bytes > bounds::ARTIFACT_BYTES as u64 {
        return Err(argument(
            format!("{field}.bytes"),
            format!("exceeds the limit of {}", bounds::ARTIFACT_BYTES),
        ));
    }
    if path.len() > bounds::PATH_BYTES {
        return Err(argument(format!("{field}.path"), format!("exceeds {} bytes", bounds::PATH_BYTES)));
    }
    Ok(Artifact::Content(Content { kind, digest, bytes, path }))
}

pub(super) fn subject(field: &str, path: &str) -> Result<Subject, Status> {
    path.parse().map_err(|rule| argument(field, rule))
}

pub(super) fn version_of(field: &str, label: &str) -> Result<Version, Status> {
    label.parse().map_err(|rule| argument(field, rule))
}

/// `None`: all kinds.
pub(super) fn kind_of(kind: api::Kind) -> Option<Kind> {
    match kind {
        api::Kind::Unspecified => None,
        api::Kind::Application => Some(Kind::Application),
        api::Kind::Component => Some(Kind::Component),
        api::Kind::Block => Some(Kind::Block),
    }
}

/// How many to answer with.
pub(super) fn limit(limit: u32) -> Result<u32, Status> {
    match limit {
        0 => Ok(100),
        1..=1_000 => Ok(limit),
        _ => Err(argument("limit", "must be at most 1000")),
    }
}

pub(super) fn kind(kind: Kind) -> api::Kind {
    match kind {
        Kind::Application => api::Kind::Application,
        Kind::Component => api::Kind::Component,
        Kind::Block => api::Kind::Block,
    }
}

pub(super) fn version(stored: StoredVersion) -> api::Version {
    api::Version {
        kind: kind(stored.subject.kind()).into(),
        subject: stored.subject.to_string(),
        version: stored.version.to_string(),
        artifact: stored.artifact.as_ref().map(carried),
        registered_at: Some(timestamp(stored.at)),
        registered_by: stored.by,
        sequence: stored.sequence,
    }
}

pub(super) fn carried(artifact: &Artifact) -> api::Artifact {
    match artifact {
        Artifact::Image(image) => api::Artifact {
            kind: api::ArtifactKind::Image.into(),
            image: image.to_string(),
            ..api::Artifact::default()
        },
        Artifact::Content(content) => api::Artifact {
            kind: content_kind(content.kind).into(),
            image: String::new(),
            sha256: content.digest.to_string(),
            bytes: content.bytes,
            path: content.path.clone(),
        },
    }
}

fn content_kind(kind: ContentKind) -> api::ArtifactKind {
    match kind {
        ContentKind::Config => api::ArtifactKind::Config,
        ContentKind::Script => api::ArtifactKind::Script,
        ContentKind::Source => api::ArtifactKind::Source,
        ContentKind::Wasm => api::ArtifactKind::Wasm,
    }
}

pub(super) fn entry(stored: StoredEntry) -> api::HistoryEntry {
    let kind = match stored.happened {
        Happened::Registered => api::HistoryKind::Registered,
        Happened::Released => api::HistoryKind::Released,
        Happened::Removed => api::HistoryKind::Removed,
    };
    api::HistoryEntry {
        sequence: stored.sequence,
        at: Some(timestamp(stored.at)),
        version: stored.version.to_string(),
        kind: kind.into(),
        actor: stored.actor,
        text: stored.text,
    }
}
