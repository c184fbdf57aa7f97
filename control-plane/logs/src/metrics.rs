//! How good templates and probabilities are, by the definitions of those who publish such figures.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Parts of equal width into which probabilities fall for their reliability.
pub const RELIABILITY_BINS: usize = 10;

/// Share of lines whose group is right: a group is right when it holds exactly the lines of one event. An event that is split, and
/// one that is joined with another, have none. Zhu et al., Tools and Benchmarks for Automated Log Parsing (ICSE-SEIP 2019), 3.2.
///
/// Both hold one entry for each line; of different lengths, what is beyond the shorter is left out. 0 without lines.
#[must_use]
pub fn grouping_accuracy<F: Ord, T: Ord>(found: &[F], truth: &[T]) -> f64 {
    let mut pairs: BTreeMap<(&F, &T), u64> = BTreeMap::new();
    let (mut groups, mut events): (BTreeMap<&F, u64>, BTreeMap<&T, u64>) = Default::default();
    let mut lines = 0_u64;
    for (group, event) in found.iter().zip(truth) {
        lines += 1;
        *pairs.entry((group, event)).or_default() += 1;
        *groups.entry(group).or_default() += 1;
        *events.entry(event).or_default() += 1;
    }
    let is_whole = |((group, event), size): (&(&F, &T), &u64)| {
        (groups.get(group) == Some(size) && events.get(event) == Some(size)).then_some(*size)
    };
    let right: u64 = pairs.iter().filter_map(is_whole).sum();
    if lines == 0 { 0.0 } else { right as f64 / lines as f64 }
}

/// How good probabilities of "anomalous" are.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Scores {
    /// Lines that are anomalous.
    pub anomalous: u64,
    /// Lines that are not.
    pub normal: u64,
    /// Anomalous among those that were told to be; 0 where none was.
    pub precision: f64,
    /// Told to be anomalous among those that are; 0 where none is.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
    /// The highest F1 of any threshold, which nobody knows beforehand.
    pub best_f1: f64,
    /// Σ (recall_n − recall_{n−1}) · precision_n over all thresholds, from the highest. 0 where none is anomalous.
    pub average_precision: f64,
    /// Mean of (probability − outcome)².
    pub brier: f64,
    /// Σ share of lines · |mean probability − share that is anomalous| over [`RELIABILITY_BINS`] parts of equal width: the
    /// expected calibration error of Naeini, Cooper and Hauskrecht (AAAI 2015).
    pub calibration_error: f64,
    /// What these parts hold, without those that are empty.
    pub reliability: Vec<ReliabilityBin>,
}

/// Lines whose probabilities are about the same.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ReliabilityBin {
    /// Lines.
    pub lines: u64,
    /// Their mean probability.
    pub predicted: f64,
    /// The share of them that is anomalous.
    pub observed: f64,
}

impl Scores {
    /// Of probabilities with what is true. A probability of `threshold` or more tells that a line is anomalous. What is no number
    /// counts as 0.
    #[must_use]
    pub fn of(told: &[(f64, bool)], threshold: f64) -> Self {
        let told: Vec<(f64, bool)> = told
            .iter()
            .map(|(probability, truth)| (if probability.is_nan() { 0.0 } else { *probability }, *truth))
            .collect();
        let count = |fits: &dyn Fn(f64, bool) -> bool| {
            told.iter().filter(|(probability, truth)| fits(*probability, *truth)).count() as u64
        };
        let anomalous = count(&|_, truth| truth);
        let right = count(&|probability, truth| truth && probability >= threshold);
        let alarms = count(&|probability, _| probability >= threshold);
        let (precision, recall) = (share(right, alarms), share(right, anomalous));
        let sum = precision + recall;
        let squares = told.iter().map(|(probability, truth)| {
            let error = probability - f64::from(u8::from(*truth));
            error * error
        });
        let (average_precision, best_f1) = over_thresholds(&told, anomalous);
        let reliability = reliability(&told);
        let error = |bin: &ReliabilityBin| bin.lines as f64 * (bin.predicted - bin.observed).abs();
        let lines = told.len().max(1) as f64;
        Self {
            anomalous,
            normal: told.len() as u64 - anomalous,
            precision,
            recall,
            f1: if sum > 0.0 { 2.0 * precision * recall / sum } else { 0.0 },
            best_f1,
            average_precision,
            brier: squares.sum::<f64>() / lines,
            calibration_error: reliability.iter().map(error).sum::<f64>() / lines,
            reliability,
        }
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Average precision and the highest F1.
fn over_thresholds(told: &[(f64, bool)], anomalous: u64) -> (f64, f64) {
    let mut sorted = told.to_vec();
    sorted.sort_by(|one, other| other.0.total_cmp(&one.0));
    let (mut sum, mut best, mut right, mut alarms, mut before) = (0.0, 0.0_f64, 0, 0, 0.0);
    for tied in sorted.chunk_by(|one, other| one.0 == other.0) {
        alarms += tied.len() as u64;
        right += tied.iter().filter(|(_, truth)| *truth).count() as u64;
        let recall = share(right, anomalous);
        sum += (recall - before) * share(right, alarms);
        before = recall;
        best = best.max(share(2 * right, alarms + anomalous));
    }
    (sum, best)
}

fn reliability(told: &[(f64, bool)]) -> Vec<ReliabilityBin> {
    let mut bins = [(0_u64, 0.0, 0_u64); RELIABILITY_BINS];
    for (probability, truth) in told {
        // The cast saturates: below 0 is the first part, 1 and above the last.
        let part = ((probability * RELIABILITY_BINS as f64) as usize).min(RELIABILITY_BINS - 1);
        if let Some((lines, sum, anomalous)) = bins.get_mut(part) {
            *lines += 1;
            *sum += probability;
            *anomalous += u64::from(*truth);
        }
    }
    let filled = bins.into_iter().filter(|(lines, ..)| *lines > 0);
    filled
        .map(|(lines, sum, anomalous)| ReliabilityBin {
            lines,
            predicted: sum / lines as f64,
            observed: share(anomalous, lines),
        })
        .collect()
}

#[cfg(test)]
mod tests;
