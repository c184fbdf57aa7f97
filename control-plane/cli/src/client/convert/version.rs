//! What the server says of versions.

use serin_proto::registry::v1 as proto;

use super::moment;
use crate::model::{Artifact, Difference, HistoryEntry, Live, Moment, Registered, Version, VersionDetail};

impl From<proto::Version> for Version {
    fn from(version: proto::Version) -> Self {
        Self {
            subject: version.subject,
            version: version.version,
            artifact: version.artifact.map(Artifact::from),
            registered_at: moment!(version.registered_at),
            registered_by: version.registered_by,
            sequence: version.sequence,
        }
    }
}

impl From<proto::Artifact> for Artifact {
    fn from(artifact: proto::Artifact) -> Self {
        let kind = match artifact.kind() {
            proto::ArtifactKind::Unspecified => "unknown",
            proto::ArtifactKind::Image => "image",
            proto::ArtifactKind::Wasm => "wasm",
            proto::ArtifactKind::Config => "config",
            proto::ArtifactKind::Script => "script",
            proto::ArtifactKind::Source => "source",
        };
        let proto::Artifact { image, sha256, bytes, path, .. } = artifact;
        Self { kind, image, sha256, bytes, path }
    }
}

impl From<proto::Live> for Live {
    fn from(live: proto::Live) -> Self {
        Self {
            subject: live.subject,
            version: live.version,
            arm: live.arm,
            share_ppm: live.share_ppm,
            rollout_id: live.rollout_id,
            changed_at: moment!(live.changed_at),
            registered: live.registered,
            returned_because: Some(live.returned_because).filter(|words| !words.is_empty()),
        }
    }
}

impl From<proto::RegisterReleaseResponse> for Registered {
    fn from(response: proto::RegisterReleaseResponse) -> Self {
        Self {
            versions: response.versions.into_iter().map(Version::from).collect(),
            registered: response.registered,
            contents_written: response.contents_written,
            contents_repaired: response.contents_repaired,
        }
    }
}

impl From<proto::DiffBlockResponse> for Difference {
    fn from(response: proto::DiffBlockResponse) -> Self {
        Self {
            from: response.from.map(Version::from),
            to: response.to.map(Version::from),
            same: response.same,
            lines_added: response.lines_added,
            lines_removed: response.lines_removed,
            unified: response.unified,
            not_compared: Some(response.not_compared).filter(|words| !words.is_empty()),
        }
    }
}

impl From<proto::HistoryEntry> for HistoryEntry {
    fn from(entry: proto::HistoryEntry) -> Self {
        let kind = match entry.kind() {
            proto::HistoryKind::Unspecified => "unknown",
            proto::HistoryKind::Registered => "registered",
            proto::HistoryKind::Released => "released",
            proto::HistoryKind::Removed => "removed",
        };
        Self {
            sequence: entry.sequence,
            at: moment!(entry.at),
            version: entry.version,
            kind,
            actor: entry.actor,
            text: entry.text,
        }
    }
}

/// `None`: an answer without a version.
pub(in crate::client) fn detail(response: proto::GetVersionResponse) -> Option<VersionDetail> {
    Some(VersionDetail {
        version: response.version?.into(),
        parts: response.parts.into_iter().map(Version::from).collect(),
        releases: response.releases,
        live: response.live.into_iter().map(Live::from).collect(),
    })
}
