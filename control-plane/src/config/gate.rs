//! Who says whether a release may go out.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serin_learning::shelf::{INDEX_BYTES_MAX, Model, Shelf};
use serin_predictor::document::{DOCUMENT_BYTES_MAX, Document};

use super::{ConfigError, raw};

/// From which probability on a release is blocked.
const BLOCK: f64 = 0.6;

/// A model that is asked, and from when on it holds back.
#[derive(Clone, Debug)]
pub struct ReleaseGate {
    /// Its file, or the folder of `serin learn`, whose predictor in force it is. It is read anew once it is another.
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

    /// What changes when the model does: its file, or the index of its folder.
    pub(crate) fn watched(model: &Path) -> PathBuf {
        let index = || model.join(Model::Predictor.index_file());
        if model.is_dir() { index() } else { model.to_owned() }
    }

    /// The file of the model: that in force, where a folder is given.
    fn file(model: &Path) -> Result<PathBuf, String> {
        if !model.is_dir() {
            return Ok(model.to_owned());
        }
        let none = || "no predictor is in force in this folder".to_owned();
        let index = Self::watched(model);
        let text = match File::open(&index) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(none()),
            opened => opened.and_then(|file| io::read_to_string(file.take(INDEX_BYTES_MAX as u64))),
        };
        let text = text.map_err(|error| format!("{}: {error}", index.display()))?;
        let shelf = Shelf::read(&text, Model::Predictor).map_err(|error| error.to_string())?;
        shelf.file_in_force().map(|file| model.join(file)).ok_or_else(none)
    }

    /// Reads a model.
    ///
    /// # Errors
    /// Says why it cannot be used.
    pub(crate) fn read(file: &Path) -> Result<Document, String> {
        let file = Self::file(file)?;
        let bytes = std::fs::metadata(&file).map_err(|error| error.to_string())?.len();
        if usize::try_from(bytes).map_or(true, |bytes| bytes > DOCUMENT_BYTES_MAX) {
            return Err(format!("exceeds {DOCUMENT_BYTES_MAX} bytes"));
        }
        let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
        Document::read(&text).map_err(|error| error.to_string())
    }
}
