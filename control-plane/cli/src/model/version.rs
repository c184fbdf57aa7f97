//! What the server says of versions.

use serde::Serialize;

use super::Moment;

/// A version that is registered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Version {
    /// Path of what it is a version of.
    pub(crate) subject: String,
    pub(crate) version: String,
    /// `None`: nothing but its name.
    pub(crate) artifact: Option<Artifact>,
    pub(crate) registered_at: Option<Moment>,
    pub(crate) registered_by: String,
    pub(crate) sequence: u64,
}

/// What a version carries.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Artifact {
    /// `image`, `wasm`, `config`, `script`, `source`, or `unknown`.
    pub(crate) kind: &'static str,
    /// Reference of an image.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) image: String,
    /// SHA-256 of a content.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) sha256: String,
    /// Of a content.
    pub(crate) bytes: u64,
    /// Path under which a content was registered.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) path: String,
}

/// A version with what belongs to it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct VersionDetail {
    #[serde(flatten)]
    pub(crate) version: Version,
    /// Of an application: what it consists of.
    pub(crate) parts: Vec<Version>,
    /// Of a component or block: versions of the application that consist of it.
    pub(crate) releases: Vec<String>,
    pub(crate) live: Vec<Live>,
}

/// A version that carries requests.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Live {
    /// Path of what it is a version of.
    pub(crate) subject: String,
    pub(crate) version: String,
    pub(crate) arm: String,
    pub(crate) share_ppm: u32,
    pub(crate) rollout_id: String,
    pub(crate) changed_at: Option<Moment>,
    pub(crate) registered: bool,
    /// Why it is another version than its application's release says; `None`: it is not.
    pub(crate) returned_because: Option<String>,
}

/// What a registration did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Registered {
    /// All versions of the release, the application's first.
    pub(crate) versions: Vec<Version>,
    /// How many were new.
    pub(crate) registered: u32,
    pub(crate) contents_written: u32,
    pub(crate) contents_repaired: u32,
}

/// What changed between two versions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Difference {
    pub(crate) from: Option<Version>,
    pub(crate) to: Option<Version>,
    pub(crate) same: bool,
    pub(crate) lines_added: u64,
    pub(crate) lines_removed: u64,
    /// In the unified form.
    pub(crate) unified: String,
    /// Why not; `None`: it was compared.
    pub(crate) not_compared: Option<String>,
}

/// Something that happened to a version.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct HistoryEntry {
    pub(crate) sequence: u64,
    pub(crate) at: Option<Moment>,
    pub(crate) version: String,
    /// `registered`, `released`, `removed`, or `unknown`.
    pub(crate) kind: &'static str,
    pub(crate) actor: String,
    pub(crate) text: String,
}
