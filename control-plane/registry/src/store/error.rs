//! Why an artifact is not kept, or not given.

use std::path::PathBuf;

use crate::digest::Digest;

/// What an operation on artifacts can fail by.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// More than is kept.
    #[error("the artifact exceeds {limit} bytes")]
    TooLarge {
        /// The bound.
        limit: usize,
    },
    /// Another content than was said.
    #[error("the content has sha256 {found}, not {said}")]
    Mistaken {
        /// The name that was given.
        said: Digest,
        /// Its name.
        found: Digest,
    },
    /// Nothing of that name.
    #[error("artifact sha256:{digest} is missing: there is no {object}")]
    Missing {
        /// Its name.
        digest: Digest,
        /// Where it should be.
        object: String,
    },
    /// Something else than was put.
    #[error("artifact sha256:{digest} is damaged in {object}: {detail}")]
    Damaged {
        /// Its name.
        digest: Digest,
        /// Where it is.
        object: String,
        /// What was found.
        detail: String,
    },
    /// No answer.
    #[error("{place} did not answer in time")]
    Late {
        /// The store.
        place: String,
    },
    /// The store failed.
    #[error("{place}: {source}")]
    Store {
        /// The store.
        place: String,
        /// Its words.
        source: object_store::Error,
    },
    /// It could not be compressed.
    #[error("the artifact cannot be compressed: {0}")]
    Pack(std::io::Error),
    /// The process ends.
    #[error("the process ends")]
    Ending,
}

/// Why a store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder.
    #[error("{}: {source}", path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// What was given for it.
    #[error("{place}: {source}")]
    Settings {
        /// The store.
        place: String,
        /// What is wrong with them.
        source: object_store::Error,
    },
}
