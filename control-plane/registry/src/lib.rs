//! The registry of versions: what a release says, and where its artifacts are kept.
//!
//! * [`Subject`] is what has versions: an application, one of its components, or a block of code in one of these.
//! * [`Release`] is one version of an application with the versions of its components and blocks. [`ReleaseFile`] reads one
//!   from YAML; what is wrong is named with field, rule, line and column.
//! * [`retention`] says which versions may go; [`diff`] what changed between two texts.
//! * `store` (a feature) keeps artifacts by the SHA-256 of their content, in a folder or S3-compatible.
//!
//! All but `store` are functions of their arguments: no clock, file or socket. Which versions exist is not kept here but in
//! the control plane's database. A version never changes once it is registered; only retention removes one.
#![forbid(unsafe_code)]

mod artifact;
pub mod diff;
mod digest;
mod name;
mod release;
pub mod retention;
#[cfg(feature = "store")]
pub mod store;

pub use artifact::{Artifact, Content, ContentKind, ImageReference};
pub use digest::{Digest, NotADigest};
pub use name::{Kind, NameRule, Subject, Version};
pub use release::{
    Entry, FileArtifact, InvalidRelease, Release, ReleaseError, ReleaseErrors, ReleaseFile, ReleaseRule,
    json_schema,
};

/// Bounds of the registry. What exceeds one is refused.
pub mod bounds {
    /// Bytes of a name.
    pub const NAME_BYTES: usize = 64;
    /// Bytes of a version label, as in plans.
    pub const VERSION_BYTES: usize = serin_rollout::plan::bounds::VERSION_BYTES;
    /// Bytes of an image reference.
    pub const IMAGE_BYTES: usize = 512;
    /// Bytes of the path of an artifact's file.
    pub const PATH_BYTES: usize = 1_024;
    /// Bytes of the YAML text of a release.
    pub const YAML_BYTES: usize = 1024 * 1024;
    /// Versions in one release: the application's, its components' and their blocks'.
    pub const ENTRIES: usize = 2_000;
    /// Bytes of one artifact's content.
    pub const ARTIFACT_BYTES: usize = 64 * 1024 * 1024;
    /// Bytes of a text that is compared line by line.
    pub const DIFF_BYTES: usize = 1024 * 1024;
    /// Lines of it.
    pub const DIFF_LINES: usize = 20_000;
}
