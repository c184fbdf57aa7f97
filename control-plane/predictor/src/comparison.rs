//! Our models beside those of scikit-learn, on the same folds of the same table.
//!
//! The table and the figures of scikit-learn are fixtures, written by `tests/fixtures/contenders.py`.

use serde::{Deserialize, Serialize};

use crate::folds::Fold;
use crate::matrix::Encoder;
use crate::metrics::{average_precision, brier, calibration_error, roc_auc};
use crate::model::{Kind, Settings};
use crate::table::{History, Stage};

/// The figures of another implementation.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Reference {
    /// Which implementation, with its version.
    pub library: String,
    /// SHA-256 of the table.
    pub table_sha256: String,
    /// The folds: first and last row (excluded) that are predicted.
    pub folds: Vec<(usize, usize)>,
    /// Its models.
    pub models: Vec<ReferenceModel>,
}

/// One model of another implementation.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ReferenceModel {
    /// Its name there.
    pub name: String,
    /// The model that is compared with it.
    pub kind: Kind,
    /// Means over the folds.
    pub mean: Means,
}

/// Means of figures over folds.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Means {
    /// Area under the receiver operating characteristic.
    pub roc_auc: f64,
    /// Average precision.
    pub average_precision: f64,
    /// Brier score: less is better.
    pub brier: f64,
    /// Expected calibration error, ten bins: less is better.
    pub calibration_error: f64,
}

/// A line of the comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// Our model.
    pub kind: Kind,
    /// Its figures.
    pub ours: Means,
    /// The other model.
    pub theirs_name: String,
    /// Its figures.
    pub theirs: Means,
}

impl Line {
    /// How much worse ours is in the figure in which it is worst: AUC, average precision or Brier score. Below 0: better in all.
    #[must_use]
    pub fn worst(&self) -> f64 {
        let worse = [
            self.theirs.roc_auc - self.ours.roc_auc,
            self.theirs.average_precision - self.ours.average_precision,
            self.ours.brier - self.theirs.brier,
        ];
        worse.into_iter().fold(f64::NEG_INFINITY, f64::max)
    }
}

/// The figures of one kind of model, before calibration, as means over these folds. Facts of the canary are left out.
#[must_use]
pub fn figures(history: &History, folds: &[Fold], kind: Kind, settings: &Settings) -> Means {
    let mut sum = Means::default();
    for fold in folds {
        let past = history.part(0, fold.from);
        let later = history.part(fold.from, fold.to);
        let (encoder, rows) = Encoder::learn(&past, Stage::Before);
        let model = settings.learn(kind, &rows, past.labels());
        let said = model.probabilities(&encoder.encode(later.table()));
        sum.roc_auc += roc_auc(later.labels(), &said).unwrap_or(0.0);
        sum.average_precision += average_precision(later.labels(), &said).unwrap_or(0.0);
        sum.brier += brier(later.labels(), &said);
        sum.calibration_error += calibration_error(later.labels(), &said, crate::metrics::CALIBRATION_BINS);
    }
    let count = folds.len().max(1) as f64;
    Means {
        roc_auc: sum.roc_auc / count,
        average_precision: sum.average_precision / count,
        brier: sum.brier / count,
        calibration_error: sum.calibration_error / count,
    }
}

/// Ours beside theirs, a line for each of their models. Ours learn once for all lines of one kind.
#[must_use]
pub fn beside(history: &History, reference: &Reference, settings: &Settings) -> Vec<Line> {
    let folds: Vec<Fold> = reference.folds.iter().map(|(from, to)| Fold { from: *from, to: *to }).collect();
    let ours: Vec<(Kind, Means)> = Kind::ALL
        .into_iter()
        .filter(|kind| reference.models.iter().any(|model| model.kind == *kind))
        .map(|kind| (kind, figures(history, &folds, kind, settings)))
        .collect();
    let line = |model: &ReferenceModel| {
        let (kind, ours) = ours.iter().find(|(kind, _)| *kind == model.kind)?;
        Some(Line { kind: *kind, ours: *ours, theirs_name: model.name.clone(), theirs: model.mean })
    };
    reference.models.iter().filter_map(line).collect()
}
