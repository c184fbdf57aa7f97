//! Training in the order of time: what is measured is later than what it was learned from.

use serin_evidence::Hash;

use super::calibrate::Calibration;
use super::fit::{Example, Fit, fit};
use super::model::{Card, Model};
use crate::metrics::Scores;

/// Fewest lines to learn from.
pub const EXAMPLES_MIN: usize = 50;
/// At this probability a line counts as told to be anomalous.
const THRESHOLD: f64 = 0.5;

/// A history that nothing can be learned from.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TrainError {
    /// Not enough lines.
    #[error("the history has {found} labelled lines, at least {EXAMPLES_MIN} are needed")]
    TooFew {
        /// Lines that there are.
        found: usize,
    },
    /// One label alone among the lines that are learned from.
    #[error(
        "the first 64 % of the history have {anomalous} anomalous and {normal} normal lines, both must be there"
    )]
    OneSided {
        /// Anomalous lines.
        anomalous: usize,
        /// Others.
        normal: usize,
    },
}

impl Model {
    /// Learns from lines in the order of their time. It is calibrated on the last 20 %, by a fit to the first 80 %;
    /// weights are then fitted to all lines. The scores of its card are of one that was trained so on the
    /// first 80 % and measured on the last 20 %, so nothing is measured on what was learned from.
    ///
    /// `data` is the SHA-256 of what the lines were read from, `date` the day of training as people write it.
    ///
    /// # Errors
    /// Too few lines, or one label alone.
    pub fn train(examples: &[Example], data: Hash, date: &str) -> Result<Self, TrainError> {
        if examples.len() < EXAMPLES_MIN {
            return Err(TrainError::TooFew { found: examples.len() });
        }
        let (first, _) = examples.split_at(part(examples.len(), 64));
        let anomalous = first.iter().filter(|example| example.is_anomalous).count();
        if anomalous == 0 || anomalous == first.len() {
            return Err(TrainError::OneSided { anomalous, normal: first.len() - anomalous });
        }
        let (before, last) = examples.split_at(part(examples.len(), 80));
        let scores = measured_on(before, last);
        let learned = Learned::from(examples);
        let card = Card {
            lines: examples.len() as u64,
            anomalous: examples.iter().filter(|example| example.is_anomalous).count() as u64,
            data,
            date: date.to_owned(),
            scores,
            version: String::new(),
        };
        Ok(Self::new(card, &learned))
    }
}

/// Trains on lines and measures on later ones: for figures of a split of one's own.
#[must_use]
pub fn measured_on(train: &[Example], test: &[Example]) -> Scores {
    let Learned { fit, calibration } = Learned::from(train);
    Scores::of(&told(&fit, calibration, test), THRESHOLD)
}

/// What is learned of lines in the order of their time.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Learned {
    pub(super) fit: Fit,
    pub(super) calibration: Calibration,
}

impl Learned {
    fn from(examples: &[Example]) -> Self {
        let (learned, later) = examples.split_at(part(examples.len(), 80));
        let before = fit(learned);
        let scored: Vec<_> =
            later.iter().map(|example| (before.log_odds(&example.features), example.is_anomalous)).collect();
        let calibration = Calibration::of(&scored);
        Self { fit: fit(examples), calibration }
    }
}

fn part(of: usize, percent: usize) -> usize {
    of * percent / 100
}

fn told(fit: &Fit, calibration: Calibration, of: &[Example]) -> Vec<(f64, bool)> {
    let probability = |example: &Example| calibration.probability(fit.log_odds(&example.features));
    of.iter().map(|example| (probability(example), example.is_anomalous)).collect()
}
