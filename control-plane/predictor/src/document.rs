//! A predictor as a document: the model, its card, and a check that it is whole.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::importance::Importance;
use crate::model::{Kind, Settings};
use crate::predictor::Predictor;
use crate::table::{History, Layout, Names, Stage, hex};
use crate::training::{Costs, Evaluation};

/// The name of the form, with its version.
pub const FORMAT: &str = "serin-predictor/1";
/// Bytes of a document.
pub const DOCUMENT_BYTES_MAX: usize = 256 * 1024 * 1024;

/// What a model learned from.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// SHA-256 of the table.
    pub sha256: String,
    /// Deployments.
    pub rows: usize,
    /// Those that were rolled back.
    pub rolled_back: usize,
    /// Rows that had no time or no outcome.
    pub left_out: usize,
    /// The first deployment, seconds since the Unix epoch.
    pub from: f64,
    /// The last one.
    pub to: f64,
}

impl Data {
    pub(crate) fn of(history: &History) -> Self {
        Self {
            sha256: history.table().sha256().to_owned(),
            rows: history.rows(),
            rolled_back: history.rolled_back(),
            left_out: history.left_out(),
            from: history.times().first().copied().unwrap_or(0.0),
            to: history.times().last().copied().unwrap_or(0.0),
        }
    }
}

/// What is to be known about a model before it is believed.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// What it learned from.
    pub data: Data,
    /// How the columns are called that it did not learn from. Documents leave the usual names out.
    #[serde(default, skip_serializing_if = "Names::are_usual")]
    pub columns: Names,
    /// Which model.
    pub kind: Kind,
    /// When its facts are known.
    pub stage: Stage,
    /// How it learned; the same settings and data give the same model.
    pub settings: Settings,
    /// What wrong predictions cost.
    pub costs: Costs,
    /// How its probabilities are calibrated.
    pub calibration: String,
    /// Its features.
    pub features: Vec<String>,
    /// How much it needs them, on the deployments that it was calibrated by.
    pub importances: Vec<Importance>,
    /// ROC-AUC of what trees of a forest say of rows that they did not see. `None`: another model.
    pub out_of_bag_roc_auc: Option<f64>,
    /// How right such models were on deployments that came later than what they learned from.
    pub evaluation: Evaluation,
}

/// A model with its card.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    version: String,
    card: Card,
    predictor: Predictor,
}

/// The JSON form.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Written<C, P> {
    format: String,
    /// SHA-256 of the body.
    sha256: String,
    card: C,
    predictor: P,
}

/// The form alone.
#[derive(Deserialize)]
struct Format {
    format: String,
}

/// Why a document is refused.
#[derive(Debug, Error)]
pub enum DocumentError {
    /// No JSON, or not all of it.
    #[error("line {line}, column {column}: is not a whole model: {rule}")]
    Json {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What the parser says.
        rule: String,
    },
    /// Another form.
    #[error("is not a model of the form {FORMAT}, but {found}")]
    Format {
        /// What it says of itself.
        found: String,
    },
    /// The checksum does not fit.
    #[error("was changed or damaged after it was written: its SHA-256 is {found}, it says {said}")]
    Damaged {
        /// Of the body.
        found: String,
        /// What it says.
        said: String,
    },
    /// A rule that every model keeps.
    #[error("cannot be asked: {rule}")]
    Rule {
        /// The rule.
        rule: &'static str,
    },
}

impl Document {
    pub(crate) fn new(card: Card, predictor: Predictor) -> Self {
        let mut document = Self { version: String::new(), card, predictor };
        document.version = document.sha256().chars().take(12).collect();
        document
    }

    /// The version: the beginning of the checksum, so that the same model always has the same.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The card.
    #[must_use]
    pub const fn card(&self) -> &Card {
        &self.card
    }

    /// The predictor.
    #[must_use]
    pub const fn predictor(&self) -> &Predictor {
        &self.predictor
    }

    /// How to read a table that the model is asked about: by the names of the one that it learned from.
    #[must_use]
    pub fn layout(&self, labelled: bool) -> Layout {
        let Names { label, time, ignored } = self.card.columns.clone();
        let encoder = self.predictor.encoder();
        let owned = |name: &str| name.to_owned();
        let (categories, measures) =
            (encoder.categories().map(owned).collect(), encoder.measures().map(owned).collect());
        Layout { label, time, categories, ignored, measures, demanded: Vec::new(), labelled }
    }

    /// SHA-256 of card and predictor as JSON.
    fn sha256(&self) -> String {
        let body = serde_json::to_vec(&(&self.card, &self.predictor)).unwrap_or_default();
        hex(&Sha256::digest(&body))
    }

    /// The document as one line of JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let written = Written {
            format: FORMAT.to_owned(),
            sha256: self.sha256(),
            card: &self.card,
            predictor: &self.predictor,
        };
        serde_json::to_string(&written).unwrap_or_default() + "\n"
    }

    /// Whether it can be read again: whether every number in it is one, and every rule is kept.
    #[must_use]
    pub(crate) fn is_whole(&self) -> bool {
        Self::read(&self.to_json()).is_ok()
    }

    /// Reads a document. It is checked, so that whoever holds one can ask it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Self, DocumentError> {
        let json = |error: serde_json::Error| {
            let said = error.to_string();
            DocumentError::Json {
                line: error.line(),
                column: error.column(),
                rule: said.split(" at line ").next().unwrap_or_default().to_owned(),
            }
        };
        let text = text.trim_start_matches('\u{feff}');
        let form: Format = serde_json::from_str(text).map_err(json)?;
        if form.format != FORMAT {
            return Err(DocumentError::Format { found: form.format });
        }
        let written: Written<Card, Predictor> = serde_json::from_str(text).map_err(json)?;
        let document = Self::new(written.card, written.predictor);
        let found = document.sha256();
        if found != written.sha256 {
            return Err(DocumentError::Damaged { found, said: written.sha256 });
        }
        document.check().map_err(|rule| DocumentError::Rule { rule })?;
        Ok(document)
    }

    fn check(&self) -> Result<(), &'static str> {
        let width = self.predictor.features().len();
        if self.card.features.len() != width || self.card.kind != self.predictor.model.kind() {
            return Err("its card is that of another model");
        }
        if !self.card.costs.are_sound() {
            return Err("what wrong predictions cost is not above 0");
        }
        self.predictor.model.check(width)?;
        self.predictor.calibration.check()?;
        self.predictor.seen.check()?;
        self.predictor.reference.check(width)
    }
}

#[cfg(test)]
mod tests;
