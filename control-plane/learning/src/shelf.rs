//! Versions of one model, which of them is in force, and the way back.
//!
//! A shelf knows documents by name, version and checksum, and none from inside, so it serves every model. It turns a wish into the
//! shelf as it then is and into operations on files, to be done in their order: documents are written before the index that names them
//! and removed after the one that no longer does. So a stop between any two leaves an index of which every document is there
//! (`a_stop_between_any_two_operations_leaves_a_shelf_that_is_whole`).
//!
//! Bounds: [`VERSIONS_MAX`] versions. Of more, the oldest goes that is neither in force nor the one before it.

mod error;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::document::hex;
pub use error::ShelfError;

/// The name of the form, with its version.
pub const FORMAT: &str = "serin-shelf/1";
/// Versions of one model.
pub const VERSIONS_MAX: usize = 20;
/// The name of what holds before anything is learned. No version has it.
pub const DEFAULTS: &str = "defaults";
/// Bytes of an index.
pub const INDEX_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a card.
const CARD_BYTES_MAX: usize = 32 * 1024;
/// Characters of a version.
const VERSION_MAX: usize = 64;

/// What is kept on a shelf.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    /// Weights, margins and confidences.
    Tuning,
    /// The rollback predictor.
    Predictor,
    /// The classifier of log lines.
    Logs,
}

impl Model {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Tuning, Self::Predictor, Self::Logs];

    /// Its name in interfaces and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tuning => "tuning",
            Self::Predictor => "predictor",
            Self::Logs => "logs",
        }
    }

    /// The file of its index.
    #[must_use]
    pub fn index_file(self) -> String {
        format!("{}.shelf.json", self.name())
    }
}

/// One version.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// Its name.
    pub version: String,
    /// What was in force before it was put here: where the way back leads. `None`: the defaults.
    pub replaced: Option<String>,
    /// When it was put here, seconds since the Unix epoch.
    pub adopted_at: u64,
    /// SHA-256 of its document.
    pub sha256: String,
    /// Its card, as its document has it.
    pub card: serde_json::Value,
}

/// A document that is put on a shelf.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored<'a> {
    /// Its version.
    pub version: &'a str,
    /// Its card.
    pub card: serde_json::Value,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// Versions of one model, in the order in which they were put there.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Shelf {
    format: String,
    model: Model,
    in_force: Option<String>,
    versions: Vec<Version>,
}

/// Something to be done in the folder of a shelf.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Operation {
    /// Put these bytes into a file in place of what it held, all or nothing.
    Write {
        /// The file's name.
        file: String,
        /// What it then holds.
        bytes: Vec<u8>,
    },
    /// Remove a file; that there is none is no failure.
    Remove {
        /// The file's name.
        file: String,
    },
}

/// A shelf as it will be, and what makes it so.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The shelf.
    pub shelf: Shelf,
    /// To be done in this order.
    pub operations: Vec<Operation>,
}

/// Where a way back leads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Way<'a> {
    /// To what holds before anything is learned.
    Defaults,
    /// To this version.
    Version(&'a Version),
}

impl Shelf {
    /// An empty shelf.
    #[must_use]
    pub fn new(model: Model) -> Self {
        Self { format: FORMAT.to_owned(), model, in_force: None, versions: Vec::new() }
    }

    /// Reads an index.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str, model: Model) -> Result<Self, ShelfError> {
        let index = |rule: &str| ShelfError::Index { rule: rule.to_owned() };
        let shelf: Self = serde_json::from_str(text).map_err(|error| index(&error.to_string()))?;
        if shelf.format != FORMAT {
            return Err(index("is not of the form serin-shelf/1"));
        }
        if shelf.model != model {
            return Err(index("is that of another model"));
        }
        if shelf.versions.len() > VERSIONS_MAX {
            return Err(index("holds more versions than are kept"));
        }
        for version in &shelf.versions {
            name(&version.version)?;
        }
        if shelf.in_force.as_ref().is_some_and(|version| shelf.position(version).is_none()) {
            return Err(index("puts a version in force that it does not hold"));
        }
        Ok(shelf)
    }

    /// What is kept here.
    #[must_use]
    pub const fn model(&self) -> Model {
        self.model
    }

    /// The version in force. `None`: the defaults.
    #[must_use]
    pub fn in_force(&self) -> Option<&Version> {
        self.versions.get(self.position(self.in_force.as_deref()?)?)
    }

    /// The file of the document in force. `None`: the defaults are.
    #[must_use]
    pub fn file_in_force(&self) -> Option<String> {
        self.in_force().map(|version| self.file(&version.version))
    }

    /// All versions, the oldest first.
    #[must_use]
    pub fn versions(&self) -> &[Version] {
        &self.versions
    }

    /// The file of a version's document.
    #[must_use]
    pub fn file(&self, version: &str) -> String {
        format!("{}-{version}.json", self.model.name())
    }

    fn position(&self, version: &str) -> Option<usize> {
        self.versions.iter().position(|own| own.version == version)
    }

    /// Puts a document here and in force. One that is here already is only put in force.
    ///
    /// # Errors
    /// A name that could be no file's, a card that is too large, or the version of another document.
    pub fn adopt(&self, stored: Stored<'_>, now: u64) -> Result<Change, ShelfError> {
        name(stored.version)?;
        if stored.card.to_string().len() > CARD_BYTES_MAX {
            return Err(ShelfError::Card);
        }
        let sha256 = hex(&Sha256::digest(stored.bytes));
        if let Some(kept) = self.versions.iter().find(|own| own.version == stored.version) {
            if kept.sha256 != sha256 {
                return Err(ShelfError::Damaged { version: stored.version.to_owned() });
            }
            return Ok(self.put_in_force(stored.version));
        }
        let mut shelf = self.clone();
        shelf.versions.push(Version {
            version: stored.version.to_owned(),
            replaced: self.in_force.clone(),
            adopted_at: now,
            sha256,
            card: stored.card,
        });
        let dropped = shelf.drop_oldest(stored.version);
        shelf.in_force = Some(stored.version.to_owned());
        let mut operations =
            vec![Operation::Write { file: self.file(stored.version), bytes: stored.bytes.to_vec() }];
        operations.push(shelf.index());
        operations.extend(dropped.map(|version| Operation::Remove { file: self.file(&version) }));
        Ok(Change { shelf, operations })
    }

    /// Takes the oldest out where there are too many; never what is in force, which is the way back, nor what comes.
    fn drop_oldest(&mut self, coming: &str) -> Option<String> {
        if self.versions.len() <= VERSIONS_MAX {
            return None;
        }
        let is_free = |own: &Version| Some(&own.version) != self.in_force.as_ref() && own.version != coming;
        let at = self.versions.iter().position(is_free)?;
        Some(self.versions.remove(at).version)
    }

    /// Where a way back leads: to the version of this name ([`DEFAULTS`]: to none), or to what the version in force replaced.
    ///
    /// # Errors
    /// It is not kept, or nothing is in force.
    pub fn way_back(&self, version: Option<&str>) -> Result<Way<'_>, ShelfError> {
        let model = self.model.name();
        let replaced = || self.in_force().ok_or(ShelfError::NoneBefore { model });
        let wanted = match version {
            Some(DEFAULTS) => None,
            Some(version) => Some(version),
            None => replaced()?.replaced.as_deref(),
        };
        let Some(wanted) = wanted else { return Ok(Way::Defaults) };
        let unknown = || ShelfError::Unknown { model, version: wanted.to_owned() };
        let at = self.position(wanted).ok_or_else(unknown)?;
        self.versions.get(at).map(Way::Version).ok_or_else(unknown)
    }

    /// Puts a version in force again whose document is `bytes`.
    ///
    /// # Errors
    /// It is not kept, or its document is not what was put here.
    pub fn restore(&self, version: &str, bytes: &[u8]) -> Result<Change, ShelfError> {
        let unknown = || ShelfError::Unknown { model: self.model.name(), version: version.to_owned() };
        let found = self.versions.iter().find(|own| own.version == version).ok_or_else(unknown)?;
        if found.sha256 != hex(&Sha256::digest(bytes)) {
            return Err(ShelfError::Damaged { version: version.to_owned() });
        }
        Ok(self.put_in_force(version))
    }

    /// Puts the defaults in force; all versions stay.
    #[must_use]
    pub fn restore_defaults(&self) -> Change {
        let shelf = Self { in_force: None, ..self.clone() };
        Change { operations: vec![shelf.index()], shelf }
    }

    fn put_in_force(&self, version: &str) -> Change {
        let shelf = Self { in_force: Some(version.to_owned()), ..self.clone() };
        Change { operations: vec![shelf.index()], shelf }
    }

    fn index(&self) -> Operation {
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        Operation::Write { file: self.model.index_file(), bytes }
    }
}

fn name(version: &str) -> Result<(), ShelfError> {
    let is_name = (1..=VERSION_MAX).contains(&version.len())
        && version.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && version != DEFAULTS;
    if is_name { Ok(()) } else { Err(ShelfError::Name { version: version.to_owned() }) }
}

#[cfg(test)]
mod tests;
