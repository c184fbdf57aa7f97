//! How right predictions were: figures as scikit-learn defines them.

use serde::{Deserialize, Serialize};

/// How many predictions were right and wrong at a threshold.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Confusion {
    /// Rolled back, and so predicted.
    pub true_positive: u32,
    /// Went well, but a rollback was predicted.
    pub false_positive: u32,
    /// Rolled back, but predicted to go well.
    pub false_negative: u32,
    /// Went well, and so predicted.
    pub true_negative: u32,
}

impl Confusion {
    /// Counts; a rollback is predicted from `threshold` on.
    #[must_use]
    pub fn at(threshold: f64, labels: &[bool], scores: &[f64]) -> Self {
        let mut counts = Self::default();
        for (label, score) in labels.iter().zip(scores) {
            let count = match (label, *score >= threshold) {
                (true, true) => &mut counts.true_positive,
                (false, true) => &mut counts.false_positive,
                (true, false) => &mut counts.false_negative,
                (false, false) => &mut counts.true_negative,
            };
            *count += 1;
        }
        counts
    }

    /// Precision, recall and F1 of each outcome, and their means.
    #[must_use]
    pub fn report(&self) -> Report {
        let well = Class::of(self.true_negative, self.false_negative, self.false_positive);
        let rolled_back = Class::of(self.true_positive, self.false_positive, self.false_negative);
        let all = f64::from(well.support + rolled_back.support);
        let right = f64::from(self.true_positive + self.true_negative);
        let mean = |of: fn(&Class) -> f64| f64::midpoint(of(&well), of(&rolled_back));
        let weighted = |of: fn(&Class) -> f64| {
            let sum = of(&well) * f64::from(well.support) + of(&rolled_back) * f64::from(rolled_back.support);
            share(sum, all)
        };
        Report {
            accuracy: share(right, all),
            macro_f1: mean(|class| class.f1),
            weighted_f1: weighted(|class| class.f1),
            well,
            rolled_back,
        }
    }
}

/// One outcome in a classification report.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Class {
    /// Right among those that were predicted so; 0 where none was.
    pub precision: f64,
    /// Found among those that were so; 0 where none was.
    pub recall: f64,
    /// `2 P R / (P + R)`.
    pub f1: f64,
    /// Deployments with this outcome.
    pub support: u32,
}

impl Class {
    fn of(right: u32, wrongly_so: u32, missed: u32) -> Self {
        let precision = share(f64::from(right), f64::from(right + wrongly_so));
        let recall = share(f64::from(right), f64::from(right + missed));
        let f1 = share(2.0 * f64::from(right), f64::from(2 * right + wrongly_so + missed));
        Self { precision, recall, f1, support: right + missed }
    }
}

/// A classification report.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Report {
    /// Right among all.
    pub accuracy: f64,
    /// Mean of both outcomes' F1.
    pub macro_f1: f64,
    /// The same, weighted by support.
    pub weighted_f1: f64,
    /// Deployments that went well.
    pub well: Class,
    /// Deployments that were rolled back.
    pub rolled_back: Class,
}

fn share(part: f64, all: f64) -> f64 {
    if all > 0.0 { part / all } else { 0.0 }
}

/// A point of a curve: counts of what is predicted from this score on.
#[derive(Clone, Copy, Debug)]
struct Cut {
    score: f64,
    true_positive: f64,
    false_positive: f64,
}

/// One cut for each different score, from the highest on.
fn cuts(labels: &[bool], scores: &[f64]) -> Vec<Cut> {
    let mut pairs: Vec<(f64, bool)> = scores.iter().copied().zip(labels.iter().copied()).collect();
    pairs.sort_by(|one, other| other.0.total_cmp(&one.0));
    let mut cuts: Vec<Cut> = Vec::new();
    let (mut good, mut bad) = (0.0, 0.0);
    for (score, label) in pairs {
        if label {
            bad += 1.0
        } else {
            good += 1.0
        }
        let cut = Cut { score, true_positive: bad, false_positive: good };
        match cuts.last_mut() {
            Some(last) if last.score == score => *last = cut,
            _ => cuts.push(cut),
        }
    }
    cuts
}

/// A point of a curve.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Point {
    /// Across.
    pub x: f64,
    /// Upwards.
    pub y: f64,
}

/// The receiver operating characteristic: false positive rate across, true positive rate upwards, from (0, 0) to (1, 1).
#[must_use]
pub fn roc_curve(labels: &[bool], scores: &[f64]) -> Vec<Point> {
    let cuts = cuts(labels, scores);
    let Some(all) = cuts.last().copied() else { return Vec::new() };
    let points = cuts.iter().map(|cut| Point {
        x: share(cut.false_positive, all.false_positive),
        y: share(cut.true_positive, all.true_positive),
    });
    std::iter::once(Point { x: 0.0, y: 0.0 }).chain(points).collect()
}

/// Area under [`roc_curve`] by trapezoids: the chance that a deployment that was rolled back has a higher score than one that went
/// well. `None`: one outcome alone.
#[must_use]
pub fn roc_auc(labels: &[bool], scores: &[f64]) -> Option<f64> {
    both(labels)?;
    let curve = roc_curve(labels, scores);
    let areas = curve.windows(2).map(|pair| match pair {
        [from, to] => (to.x - from.x) * f64::midpoint(from.y, to.y),
        _ => 0.0,
    });
    Some(areas.sum())
}

/// Precision upwards over recall across, from the highest score on.
#[must_use]
pub fn precision_recall_curve(labels: &[bool], scores: &[f64]) -> Vec<Point> {
    let cuts = cuts(labels, scores);
    let bad = cuts.last().map_or(0.0, |all| all.true_positive);
    cuts.iter()
        .map(|cut| Point {
            x: share(cut.true_positive, bad),
            y: share(cut.true_positive, cut.true_positive + cut.false_positive),
        })
        .collect()
}

/// Average precision `Σ (R_k - R_(k-1)) P_k`: the area under the curve of precision and recall, without interpolation. `None`: one
/// outcome alone.
#[must_use]
pub fn average_precision(labels: &[bool], scores: &[f64]) -> Option<f64> {
    both(labels)?;
    let mut before = 0.0;
    let mut area = 0.0;
    for point in precision_recall_curve(labels, scores) {
        area += (point.x - before) * point.y;
        before = point.x;
    }
    Some(area)
}

fn both(labels: &[bool]) -> Option<()> {
    let bad = labels.iter().filter(|label| **label).count();
    (bad > 0 && bad < labels.len()).then_some(())
}

/// Mean of the squared differences of probability and outcome (Brier, 1950). 0 for no rows.
#[must_use]
pub fn brier(labels: &[bool], scores: &[f64]) -> f64 {
    let squares = labels.iter().zip(scores).map(|(label, score)| {
        let rest = score - f64::from(u8::from(*label));
        rest * rest
    });
    share(squares.sum(), labels.len() as f64)
}

/// Mean of `-ln p` of what happened, for probabilities within a millionth of 0 and 1. 0 for no rows.
#[must_use]
pub fn log_loss(labels: &[bool], scores: &[f64]) -> f64 {
    let losses = labels.iter().zip(scores).map(|(label, score)| {
        let p = score.clamp(1e-6, 1.0 - 1e-6);
        if *label { -libm::log(p) } else { -libm::log1p(-p) }
    });
    share(losses.sum(), labels.len() as f64)
}

/// Predictions of about the same probability, and what became of them.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Bin {
    /// Mean of the probabilities.
    pub predicted: f64,
    /// Share that was rolled back.
    pub observed: f64,
    /// Deployments.
    pub count: u32,
}

/// The calibration curve: `bins` equal parts of 0 to 1, those without a prediction left out.
#[must_use]
pub fn calibration_curve(labels: &[bool], scores: &[f64], bins: u8) -> Vec<Bin> {
    let bins = bins.max(1);
    let ends: Vec<f64> = (1..bins).map(|end| f64::from(end) / f64::from(bins)).collect();
    let mut sums = vec![(0.0, 0.0, 0_u32); usize::from(bins)];
    for (label, score) in labels.iter().zip(scores) {
        // A score at the end of a bin belongs to it.
        let position = ends.partition_point(|end| *end < *score);
        if let Some((predicted, bad, count)) = sums.get_mut(position) {
            *predicted += score;
            *bad += f64::from(u8::from(*label));
            *count += 1;
        }
    }
    let full = sums.into_iter().filter(|(.., count)| *count > 0);
    full.map(|(predicted, bad, count)| {
        let all = f64::from(count);
        Bin { predicted: predicted / all, observed: bad / all, count }
    })
    .collect()
}

/// Expected calibration error: the mean distance of predicted and observed over the bins, weighted by their size.
#[must_use]
pub fn calibration_error(labels: &[bool], scores: &[f64], bins: u8) -> f64 {
    let curve = calibration_curve(labels, scores, bins);
    let distances = curve.iter().map(|bin| (bin.predicted - bin.observed).abs() * f64::from(bin.count));
    share(distances.sum(), labels.len() as f64)
}

/// Bins of [`calibration_curve`] where nothing else is said.
pub const CALIBRATION_BINS: u8 = 10;

/// The figures of one set of predictions.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Figures {
    /// Deployments.
    pub rows: u32,
    /// Those that were rolled back.
    pub rolled_back: u32,
    /// Area under the receiver operating characteristic; `None`: one outcome alone.
    pub roc_auc: Option<f64>,
    /// Average precision; `None`: one outcome alone.
    pub average_precision: Option<f64>,
    /// Brier score.
    pub brier: f64,
    /// Expected calibration error, ten bins.
    pub calibration_error: f64,
    /// Mean of `-ln p`.
    pub log_loss: f64,
}

impl Figures {
    /// The figures of these predictions.
    #[must_use]
    pub fn of(labels: &[bool], scores: &[f64]) -> Self {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Self {
            rows: count(labels.len()),
            rolled_back: count(labels.iter().filter(|label| **label).count()),
            roc_auc: roc_auc(labels, scores),
            average_precision: average_precision(labels, scores),
            brier: brier(labels, scores),
            calibration_error: calibration_error(labels, scores, CALIBRATION_BINS),
            log_loss: log_loss(labels, scores),
        }
    }
}

#[cfg(test)]
mod tests;
