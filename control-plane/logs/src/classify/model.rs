//! A trained model, as a document that is kept and given back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serin_evidence::Hash;

use super::calibrate::Calibration;
use super::features::FEATURES;
use super::fit::Fit;
use super::train::Learned;
use crate::metrics::Scores;

/// The form of the document.
const FORMAT: u32 = 1;
const MILLION: f64 = 1e6;
/// Bytes of a document: every feature with a weight, and the card.
const DOCUMENT_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Where a model is from and how good it is.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// The first 12 hexadecimal digits of the SHA-256 of its numbers and data: the same for the same model.
    pub version: String,
    /// SHA-256 of what it was trained on.
    pub data: Hash,
    /// When it was trained.
    pub date: String,
    /// Labelled lines.
    pub lines: u64,
    /// Those of them that are anomalous.
    pub anomalous: u64,
    /// Measured on the last fifth of the lines, by a model that has not seen them.
    pub scores: Scores,
}

/// Tells how probable it is that a template is anomalous.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    card: Card,
    parts: Parts,
    fit: Fit,
    calibration: Calibration,
}

/// The numbers of a model, in millionths.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Parts {
    slope: i64,
    intercept: i64,
    bias: i64,
    weights: BTreeMap<u16, i64>,
}

/// The document. Numbers of the model are in millionths: whole numbers are read back as they were written.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: u32,
    card: Card,
    slope: i64,
    intercept: i64,
    bias: i64,
    weights: BTreeMap<u16, i64>,
}

/// A document that is no model.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// Larger than any model.
    #[error("the document has {bytes} bytes, at most {DOCUMENT_BYTES_MAX} are read")]
    TooLarge {
        /// Its bytes.
        bytes: usize,
    },
    /// No document of this form.
    #[error("line {line}, column {column}: {rule}")]
    Malformed {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong.
        rule: String,
    },
    /// Of another form.
    #[error("format: must be {FORMAT}, is {found}")]
    Format {
        /// What it says.
        found: u32,
    },
    /// A feature that there is not.
    #[error("weights: feature {feature} must be below {FEATURES}")]
    Feature {
        /// Its number.
        feature: u16,
    },
    /// A slope that would turn the order of scores around.
    #[error("slope: must not be negative")]
    Slope,
    /// Something else than its version says.
    #[error("card.version: must be {expected} for these numbers and data")]
    Version {
        /// What it should be.
        expected: String,
    },
}

impl Model {
    pub(super) fn new(card: Card, learned: &Learned) -> Self {
        let Learned { fit, calibration } = learned;
        let weights = fit.weights.iter().map(|(feature, weight)| (*feature, millionths(*weight)));
        let parts = Parts {
            slope: millionths(calibration.slope),
            intercept: millionths(calibration.intercept),
            bias: millionths(fit.bias),
            weights: weights.filter(|(_, weight)| *weight != 0).collect(),
        };
        Self::from_parts(card, parts)
    }

    fn from_parts(mut card: Card, parts: Parts) -> Self {
        card.version = parts.version(card.data);
        let weights = parts.weights.iter().map(|(feature, weight)| (*feature, number(*weight))).collect();
        let fit = Fit { bias: number(parts.bias), weights };
        let calibration = Calibration { slope: number(parts.slope), intercept: number(parts.intercept) };
        Self { card, parts, fit, calibration }
    }

    /// Where it is from and how good it is.
    #[must_use]
    pub const fn card(&self) -> &Card {
        &self.card
    }

    /// The probability that a template with these [`features`](super::features()) is anomalous.
    #[must_use]
    pub fn probability(&self, features: &[u16]) -> f64 {
        self.calibration.probability(self.fit.log_odds(features))
    }

    /// As a document.
    ///
    /// # Errors
    /// Never for a model that was trained or read; the writer's own.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let Parts { slope, intercept, bias, weights } = self.parts.clone();
        let card = self.card.clone();
        serde_json::to_string_pretty(&Document { format: FORMAT, card, slope, intercept, bias, weights })
    }

    /// From a document.
    ///
    /// # Errors
    /// It is none, or not what its version says.
    pub fn from_json(text: &str) -> Result<Self, ModelError> {
        if text.len() > DOCUMENT_BYTES_MAX {
            return Err(ModelError::TooLarge { bytes: text.len() });
        }
        let document: Document = serde_json::from_str(text).map_err(|error| ModelError::Malformed {
            line: error.line(),
            column: error.column(),
            rule: error.to_string(),
        })?;
        let Document { format, card, slope, intercept, bias, weights } = document;
        if format != FORMAT {
            return Err(ModelError::Format { found: format });
        }
        if let Some(feature) = weights.keys().find(|feature| usize::from(**feature) >= FEATURES) {
            return Err(ModelError::Feature { feature: *feature });
        }
        if slope < 0 {
            return Err(ModelError::Slope);
        }
        let told = card.version.clone();
        let model = Self::from_parts(card, Parts { slope, intercept, bias, weights });
        if model.card.version == told {
            Ok(model)
        } else {
            Err(ModelError::Version { expected: model.card.version })
        }
    }
}

impl Parts {
    fn version(&self, data: Hash) -> String {
        let mut bytes = data.as_bytes().to_vec();
        for number in [self.slope, self.intercept, self.bias] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        for (feature, weight) in &self.weights {
            bytes.extend_from_slice(&feature.to_be_bytes());
            bytes.extend_from_slice(&weight.to_be_bytes());
        }
        let digits = Hash::of(&bytes).to_string();
        digits.get(..12).unwrap_or_default().to_owned()
    }
}

/// The cast saturates.
fn millionths(number: f64) -> i64 {
    (number * MILLION).round() as i64
}

fn number(millionths: i64) -> f64 {
    millionths as f64 / MILLION
}
