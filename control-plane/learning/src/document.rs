//! A tuning as a document: version, parent, card, and a check that it is whole.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::outcome::Outcomes;
use crate::shadow::Figures;
use crate::tuning::{Tuning, TuningError, Written as WrittenTuning};

/// The name of the form, with its version.
pub const FORMAT: &str = "serin-tuning/1";
/// Bytes of a document.
pub const DOCUMENT_BYTES_MAX: usize = 64 * 1024;
/// Digits of the checksum that make a version.
const VERSION_DIGITS: usize = 12;

/// What was learned from, or measured on.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// SHA-256 of the outcomes as JSON Lines in the order of time.
    pub sha256: String,
    /// Outcomes.
    pub outcomes: usize,
    /// When the first ended, seconds since the Unix epoch; 0 without any.
    pub from: u64,
    /// When the last ended; 0 without any.
    pub to: u64,
}

impl Data {
    /// Of these outcomes.
    #[must_use]
    pub fn of(outcomes: &Outcomes) -> Self {
        let ended = |outcome: Option<&crate::outcome::Outcome>| outcome.map_or(0, |outcome| outcome.ended_at);
        Self {
            sha256: outcomes.sha256(),
            outcomes: outcomes.len(),
            from: ended(outcomes.as_slice().first()),
            to: ended(outcomes.as_slice().last()),
        }
    }
}

/// What is to be known about a tuning before it is believed.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// When it was learned, seconds since the Unix epoch.
    pub learned_at: u64,
    /// What it was learned from.
    pub data: Data,
    /// The later outcomes that it was judged on.
    pub later: Data,
    /// How right it was on them.
    pub candidate: Figures,
    /// How right what it replaces was on them.
    pub replaced: Figures,
}

/// A tuning with its card.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    version: String,
    parent: Option<String>,
    card: Card,
    tuning: Tuning,
}

/// The JSON form.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Written {
    format: String,
    /// SHA-256 of parent, card and tuning.
    sha256: String,
    parent: Option<String>,
    card: Card,
    tuning: WrittenTuning,
}

/// The form alone.
#[derive(Deserialize)]
struct Format {
    format: String,
}

/// Why a document is refused.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum DocumentError {
    /// No JSON, or not all of it.
    #[error("{field}: {rule}")]
    Json {
        /// Path of the field; "document" for the whole.
        field: String,
        /// What the parser says.
        rule: String,
    },
    /// Another form.
    #[error("format: is {found}, not {FORMAT}")]
    Format {
        /// What it says of itself.
        found: String,
    },
    /// It was changed after it was written.
    #[error("sha256: is not that of what it holds: it was changed or damaged")]
    Damaged,
    /// A number of it is out of bounds.
    #[error(transparent)]
    Tuning(#[from] TuningError),
}

impl Document {
    /// A tuning with what it was learned from.
    #[must_use]
    pub fn new(parent: Option<&str>, card: Card, tuning: Tuning) -> Self {
        let parent = parent.map(str::to_owned);
        let version = sha256(parent.as_ref(), &card, &tuning).chars().take(VERSION_DIGITS).collect();
        Self { version, parent, card, tuning }
    }

    /// The version: the beginning of the checksum, so that the same document always has the same.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The version that it was learned to replace. `None`: the defaults.
    #[must_use]
    pub fn parent(&self) -> Option<&str> {
        self.parent.as_deref()
    }

    /// The card.
    #[must_use]
    pub const fn card(&self) -> &Card {
        &self.card
    }

    /// The tuning.
    #[must_use]
    pub const fn tuning(&self) -> &Tuning {
        &self.tuning
    }

    /// The document as one line of JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let written = Written {
            format: FORMAT.to_owned(),
            sha256: sha256(self.parent.as_ref(), &self.card, &self.tuning),
            parent: self.parent.clone(),
            card: self.card.clone(),
            tuning: WrittenTuning::from(&self.tuning),
        };
        serde_json::to_string(&written).unwrap_or_default() + "\n"
    }

    /// Reads a document.
    ///
    /// # Errors
    /// What is wrong with it, with its field.
    pub fn read(text: &str) -> Result<Self, DocumentError> {
        let form: Format = json(text)?;
        if form.format != FORMAT {
            return Err(DocumentError::Format { found: form.format });
        }
        let Written { sha256: said, parent, card, tuning, .. } = json::<Written>(text)?;
        let document = Self::new(parent.as_deref(), card, tuning.try_into()?);
        if sha256(document.parent.as_ref(), &document.card, &document.tuning) != said {
            return Err(DocumentError::Damaged);
        }
        Ok(document)
    }
}

fn json<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, DocumentError> {
    serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(text)).map_err(|error| {
        let path = error.path().to_string();
        let field = if path == "." { "document".to_owned() } else { path };
        let said = error.inner().to_string();
        DocumentError::Json { field, rule: said.split(" at line ").next().unwrap_or_default().to_owned() }
    })
}

fn sha256(parent: Option<&String>, card: &Card, tuning: &Tuning) -> String {
    let body = serde_json::to_vec(&(parent, card, WrittenTuning::from(tuning))).unwrap_or_default();
    hex(&Sha256::digest(&body))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
