//! A model with all that it needs to answer: how columns become numbers, its calibration, and what it is compared with.

use serde::{Deserialize, Serialize};

use crate::calibration::{Calibration, Method, Seen};
use crate::drift::{Drift, Reference};
use crate::folds::cut;
use crate::matrix::{Encoder, Matrix};
use crate::model::{Contributions, Kind, Model, Predict, Settings};
use crate::table::{History, Stage, Table};

/// Deployments, and rollbacks among them, from which on a curve is fitted instead of a sigmoid.
const ISOTONIC: (usize, usize) = (1_000, 100);
/// Rollbacks, and good deployments, without which nothing is calibrated: a sigmoid of fewer is worse than none.
const CALIBRATION_MIN: usize = 10;

/// A predictor that has learned.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Predictor {
    pub(crate) stage: Stage,
    pub(crate) encoder: Encoder,
    pub(crate) model: Model,
    pub(crate) calibration: Calibration,
    pub(crate) seen: Seen,
    pub(crate) reference: Reference,
}

/// What is said of one deployment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// Calibrated probability that it is rolled back, 0 to 1.
    pub probability: f64,
    /// A bound that the true probability is not below, with 95 %.
    pub lower_bound: f64,
    /// What the model says, before calibration.
    pub raw: f64,
    /// What each feature adds to what the model says.
    #[serde(skip)]
    pub contributions: Contributions,
}

impl Predictor {
    /// Learns from the first four fifths in time, and calibrates by the rest, which the model has not seen.
    #[must_use]
    pub fn learn(history: &History, kind: Kind, settings: &Settings, stage: Stage) -> Self {
        let cut = calibration_from(history.times());
        let (early, late) = (history.part(0, cut), history.part(cut, history.rows()));
        let (encoder, rows) = Encoder::learn(&early, stage);
        let model = settings.learn(kind, &rows, early.labels());
        let said = model.probabilities(&encoder.encode(late.table()));
        let calibration = calibrate(late.labels(), &said);
        let calibrated: Vec<f64> = said.iter().map(|said| calibration.apply(*said)).collect();
        let seen = Seen::of(late.labels(), &calibrated);
        let reference = Reference::of(encoder.names(), &encoder.encode(early.table()))
            .reaching(&encoder.encode(late.table()));
        Self { stage, encoder, model, calibration, seen, reference }
    }

    /// What it says of each deployment of a table. A column that the table has not counts as missing.
    #[must_use]
    pub fn predict(&self, table: &Table) -> Vec<Prediction> {
        self.encoder.encode(table).rows().map(|row| self.predict_row(row)).collect()
    }

    /// The calibrated probabilities alone.
    #[must_use]
    pub fn probabilities(&self, table: &Table) -> Vec<f64> {
        let rows = self.encoder.encode(table);
        rows.rows().map(|row| self.calibration.apply(self.model.probability(row))).collect()
    }

    pub(crate) fn predict_row(&self, row: &[f64]) -> Prediction {
        let raw = self.model.probability(row);
        let probability = self.calibration.apply(raw);
        Prediction {
            probability,
            lower_bound: self.seen.lower_bound(probability),
            raw,
            contributions: self.model.contributions(row),
        }
    }

    /// Whether it still fits the deployments of a table; outcomes count as far as they are known.
    #[must_use]
    pub fn drift(&self, table: &Table) -> Drift {
        let outcomes: Vec<(f64, bool)> = self
            .probabilities(table)
            .into_iter()
            .zip(table.labels())
            .filter_map(|(p, label)| Some((p, (*label)?)))
            .collect();
        self.reference.drift(&self.encoder.encode(table), &outcomes)
    }

    /// The features, in the order of contributions.
    pub fn features(&self) -> impl ExactSizeIterator<Item = &str> {
        self.encoder.names()
    }

    /// The rows of a table as the model sees them.
    #[must_use]
    pub fn rows(&self, table: &Table) -> Matrix {
        self.encoder.encode(table)
    }

    /// How columns become numbers.
    #[must_use]
    pub const fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    /// The model.
    #[must_use]
    pub const fn model(&self) -> &Model {
        &self.model
    }

    /// The calibration.
    #[must_use]
    pub const fn calibration(&self) -> &Calibration {
        &self.calibration
    }

    /// The columns that a predictor learned from.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.stage
    }
}

/// The first row that is kept for calibration, of rows with these times. 0: all are of one instant.
pub(crate) fn calibration_from(times: &[f64]) -> usize {
    cut(times, times.len() - times.len() / 5)
}

fn calibrate(labels: &[bool], said: &[f64]) -> Calibration {
    let bad = labels.iter().filter(|label| **label).count();
    if bad < CALIBRATION_MIN || labels.len() - bad < CALIBRATION_MIN {
        return Calibration::Raw;
    }
    let many = labels.len() >= ISOTONIC.0 && bad >= ISOTONIC.1;
    Calibration::fit(if many { Method::Isotonic } else { Method::Platt }, labels, said)
}
