//! Why a shelf does not do what is wished.

use thiserror::Error;

use super::{CARD_BYTES_MAX, DEFAULTS, VERSION_MAX};

/// Why a shelf does not do something, or is none.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum ShelfError {
    /// A name that could be no file's.
    #[error("version: {version:?} is not 1 to {VERSION_MAX} of a-z, 0-9 and -, and not {DEFAULTS}")]
    Name {
        /// The name.
        version: String,
    },
    /// The card is too large.
    #[error("card: is longer than {CARD_BYTES_MAX} bytes")]
    Card,
    /// The version is not kept.
    #[error("version: {version} of {model} is not kept")]
    Unknown {
        /// The model.
        model: &'static str,
        /// The version.
        version: String,
    },
    /// Nothing is in force, so there is no way back.
    #[error("version: no version of {model} is in force")]
    NoneBefore {
        /// The model.
        model: &'static str,
    },
    /// The document is not what was put there.
    #[error("sha256: the document of version {version} was changed or damaged")]
    Damaged {
        /// The version.
        version: String,
    },
    /// The index is none.
    #[error("index: {rule}")]
    Index {
        /// What is wrong.
        rule: String,
    },
}
