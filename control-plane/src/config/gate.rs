//! Who says whether a release may go out.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serin_predictor::document::{DOCUMENT_BYTES_MAX, Document};

use super::{ConfigError, raw};

/// From which probability on a release is blocked.
const BLOCK: f64 = 0.6;

/// A model that is asked, and from when on it holds back.
#[derive(Clone, Debug)]
pub struct ReleaseGate {
    /// Its file, which is read anew once it is another.
    pub model: PathBuf,
    /// What the file held at the start.
    pub document: Arc<Document>,
    /// A probability from here on needs an approval. `None`: that from which on holding up costs less, by the costs of the model.
    pub approval: Option<f64>,
    /// A lower bound of the probability above this blocks.
    pub block: f64,
}

impl ReleaseGate {
    /// `None`: no model is given.
    pub(super) fn new(raw: raw::Gate) -> Result<Option<Self>, ConfigError> {
        let raw::Gate { model, approval, block } = raw;
        for (field, value) in [("gate.approval", approval), ("gate.block", block)] {
            if value.is_some_and(|value| !(0.0..=1.0).contains(&value)) {
                return Err(ConfigError::value(field, "must be from 0 to 1"));
            }
            if value.is_some() && model.is_none() {
                return Err(ConfigError::value(field, "needs gate.model"));
            }
        }
        let Some(model) = model else { return Ok(None) };
        let document = Self::read(&model)
            .map_err(|error| ConfigError::value("gate.model", format!("{}: {error}", model.display())))?;
        let block = block.unwrap_or(BLOCK);
        Ok(Some(Self { model, document: Arc::new(document), approval, block }))
    }

    /// Reads a model.
    ///
    /// # Errors
    /// Says why it cannot be used.
    pub(crate) fn read(file: &Path) -> Result<Document, String> {
        let bytes = std::fs::metadata(file).map_err(|error| error.to_string())?.len();
        if usize::try_from(bytes).map_or(true, |bytes| bytes > DOCUMENT_BYTES_MAX) {
            return Err(format!("exceeds {DOCUMENT_BYTES_MAX} bytes"));
        }
        let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
        Document::read(&text).map_err(|error| error.to_string())
    }
}
