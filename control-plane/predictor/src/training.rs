//! Training: which model, how good it is, and the document that keeps it.
//!
//! Everything is in the order of time. The model is chosen by folds inside what it may learn from, and judged by what came after that
//! (nested cross-validation), so that the choice is not judged by the rows that led to it.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::document::{Card, Data, Document};
use crate::folds::in_time_order;
use crate::importance::importances;
use crate::matrix::Encoder;
use crate::metrics::{Figures, average_precision};
use crate::model::{Kind, Model, Settings};
use crate::predictor::{Predictor, calibration_from};
use crate::table::{History, Stage};

/// Deployments below which logistic regression alone is used.
pub const FEW: usize = 300;
/// Deployments from which on boosting is a contender.
pub const MANY: usize = 2_000;
/// Deployments below which nothing is learned.
pub const LEAST: usize = 20;
/// How much better a contender must be than the default, in average precision.
const BETTER: f64 = 0.005;
/// Folds inside of what may be learned from.
const INNER: usize = 3;
/// Folds by which training is judged.
const OUTER: usize = 5;

/// What one wrong prediction costs, beside the other.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Costs {
    /// A good deployment that is held up, above 0.
    pub false_alarm: f64,
    /// A bad deployment that goes out, above 0.
    pub missed: f64,
}

impl Default for Costs {
    fn default() -> Self {
        Self { false_alarm: 1.0, missed: 4.0 }
    }
}

impl Costs {
    /// Whether both are costs.
    #[must_use]
    pub fn are_sound(&self) -> bool {
        [self.false_alarm, self.missed].iter().all(|cost| cost.is_finite() && *cost > 0.0)
    }

    /// The probability from which on holding up costs less: `C_fp / (C_fp + C_fn)`.
    #[must_use]
    pub fn threshold(&self) -> f64 {
        self.false_alarm / (self.false_alarm + self.missed)
    }
}

/// How to train.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Training {
    /// How models learn.
    pub settings: Settings,
    /// What may be known of a deployment.
    pub stage: Stage,
    /// Only this model. `None`: the one that is best.
    pub kind: Option<Kind>,
    /// What wrong predictions cost.
    pub costs: Costs,
}

impl Default for Training {
    fn default() -> Self {
        Self { settings: Settings::default(), stage: Stage::Before, kind: None, costs: Costs::default() }
    }
}

/// Why nothing was learned.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum TrainingError {
    /// Too little history.
    #[error("{rows} deployments are too few to learn from: at least {LEAST} are needed")]
    Few {
        /// Deployments.
        rows: usize,
    },
    /// Nothing came after anything.
    #[error(
        "all {rows} deployments began at the same time: none came later, by which a model could be judged"
    )]
    OneInstant {
        /// Deployments.
        rows: usize,
    },
    /// The part that is learned from has one outcome alone.
    #[error("the first {rows} deployments all {outcome}: nothing can be learned from one outcome alone")]
    OneOutcome {
        /// Deployments.
        rows: usize,
        /// What became of them.
        outcome: &'static str,
    },
    /// Nothing but facts that are not known yet.
    #[error("no column holds a fact that is known before the canary gets traffic")]
    NoFeature,
    /// Arithmetic went beyond what numbers can hold.
    #[error(
        "the model holds a number that is none: the numbers of the table are too far apart to learn from"
    )]
    NotWhole,
}

/// How a contender did in the inner folds.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Contender {
    /// Which model.
    pub kind: Kind,
    /// Mean of the average precision over the folds that have both outcomes.
    pub average_precision: f64,
}

/// One outer fold.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Judged {
    /// Deployments that were learned from: all before these.
    pub learned: usize,
    /// The model that the inner folds chose.
    pub chosen: Kind,
    /// How right it was, calibrated, on what came after.
    pub figures: Figures,
}

/// The judgement of training as a whole.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Evaluation {
    /// The outer folds, in the order of time.
    pub folds: Vec<Judged>,
    /// All their predictions together. `None`: too little history for folds.
    pub figures: Option<Figures>,
    /// How contenders did in folds over the whole history.
    pub contenders: Vec<Contender>,
    /// The model that was chosen for the whole history.
    pub chosen: Kind,
    /// What was predicted in the outer folds, and what became of it.
    #[serde(skip)]
    pub predictions: Vec<(f64, bool)>,
}

impl Training {
    /// Judges training on this history.
    #[must_use]
    pub fn evaluate(&self, history: &History) -> Evaluation {
        let mut predictions = Vec::new();
        let mut folds = Vec::new();
        for fold in in_time_order(history.times(), OUTER) {
            let past = history.part(0, fold.from);
            if !self.is_learnable(&past) {
                continue;
            }
            let (chosen, _) = self.choose(&past);
            let predictor = Predictor::learn(&past, chosen, &self.settings, self.stage);
            let later = history.part(fold.from, fold.to);
            let said = predictor.probabilities(later.table());
            folds.push(Judged { learned: fold.from, chosen, figures: Figures::of(later.labels(), &said) });
            predictions.extend(said.into_iter().zip(later.labels().iter().copied()));
        }
        let (chosen, contenders) = self.choose(history);
        let (said, labels): (Vec<f64>, Vec<bool>) = predictions.iter().copied().unzip();
        let figures = (!labels.is_empty()).then(|| Figures::of(&labels, &said));
        Evaluation { folds, figures, contenders, chosen, predictions }
    }

    /// Trains on the whole history, and says how good that is.
    ///
    /// # Errors
    /// If there is nothing to learn from.
    pub fn train(&self, history: &History) -> Result<(Document, Evaluation), TrainingError> {
        if history.rows() < LEAST {
            return Err(TrainingError::Few { rows: history.rows() });
        }
        if history.times().first() == history.times().last() {
            return Err(TrainingError::OneInstant { rows: history.rows() });
        }
        let early = history.part(0, calibration_from(history.times()));
        let bad = early.rolled_back();
        if bad == 0 || bad == early.rows() {
            let outcome = if bad == 0 { "went well" } else { "were rolled back" };
            return Err(TrainingError::OneOutcome { rows: early.rows(), outcome });
        }
        if Encoder::learn(&early, self.stage).1.width() == 0 {
            return Err(TrainingError::NoFeature);
        }
        let evaluation = self.evaluate(history);
        let predictor = Predictor::learn(history, evaluation.chosen, &self.settings, self.stage);
        let late = history.part(early.rows(), history.rows());
        let names: Vec<String> = predictor.features().map(str::to_owned).collect();
        let card = Card {
            data: Data::of(history),
            columns: history.table().names().clone(),
            kind: evaluation.chosen,
            stage: self.stage,
            settings: self.settings,
            costs: self.costs,
            calibration: predictor.calibration.word().to_owned(),
            out_of_bag_roc_auc: match &predictor.model {
                Model::Forest(forest) => forest.out_of_bag_roc_auc(early.labels()),
                Model::Boosting(_) | Model::Logistic(_) => None,
            },
            importances: importances(
                &predictor.model,
                &names,
                &predictor.rows(late.table()),
                late.labels(),
                self.settings.forest.seed,
            ),
            features: names,
            evaluation: Evaluation { predictions: Vec::new(), ..evaluation.clone() },
        };
        let document = Document::new(card, predictor);
        if document.is_whole() { Ok((document, evaluation)) } else { Err(TrainingError::NotWhole) }
    }

    /// Both outcomes in what the model would see.
    fn is_learnable(&self, history: &History) -> bool {
        let early = history.part(0, calibration_from(history.times()));
        let bad = early.rolled_back();
        history.rows() >= LEAST && bad > 0 && bad < early.rows()
    }

    /// The model for a history of this size, by folds inside of it where there is a choice.
    fn choose(&self, history: &History) -> (Kind, Vec<Contender>) {
        if let Some(kind) = self.kind {
            return (kind, Vec::new());
        }
        if history.rows() < FEW {
            return (Kind::Logistic, Vec::new());
        }
        let kinds: &[Kind] = if history.rows() > MANY {
            &[Kind::Forest, Kind::Boosting, Kind::Logistic]
        } else {
            &[Kind::Forest, Kind::Logistic]
        };
        let contenders: Vec<Contender> = kinds
            .iter()
            .map(|kind| Contender { kind: *kind, average_precision: self.inner(history, *kind) })
            .collect();
        let default = contenders.first().map_or(0.0, |one| one.average_precision);
        let mut chosen = (Kind::Forest, default + BETTER);
        for one in contenders.iter().skip(1).filter(|one| one.average_precision > default + BETTER) {
            if one.average_precision > chosen.1 {
                chosen = (one.kind, one.average_precision);
            }
        }
        (chosen.0, contenders)
    }

    /// Mean average precision over the inner folds. Smaller forests do for a comparison.
    fn inner(&self, history: &History, kind: Kind) -> f64 {
        let mut settings = self.settings;
        settings.forest.trees = settings.forest.trees.div_ceil(5);
        let figures: Vec<f64> = in_time_order(history.times(), INNER)
            .into_iter()
            .filter_map(|fold| {
                let past = history.part(0, fold.from);
                let bad = past.rolled_back();
                if bad == 0 || bad == past.rows() {
                    return None;
                }
                let (encoder, rows) = Encoder::learn(&past, self.stage);
                let model = settings.learn(kind, &rows, past.labels());
                let later = history.part(fold.from, fold.to);
                average_precision(later.labels(), &model.probabilities(&encoder.encode(later.table())))
            })
            .collect();
        figures.iter().sum::<f64>() / figures.len().max(1) as f64
    }
}

#[cfg(test)]
mod tests;
