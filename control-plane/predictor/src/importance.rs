//! What a model would lose without a feature: its values are shuffled among deployments that it has not learned from.

use serde::{Deserialize, Serialize};

use crate::matrix::Matrix;
use crate::metrics::roc_auc;
use crate::model::Model;
use serin_random::Random;

/// Shuffles of each feature.
const REPEATS: u64 = 5;
/// Correlation of ranks from which two features are shuffled together.
const ALIKE: f64 = 0.8;

/// How much a model needs a feature.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Importance {
    /// The feature.
    pub feature: String,
    /// Mean loss of ROC-AUC when its values are shuffled (Breiman, 2001); about 0 for one that is not needed.
    pub loss: f64,
    /// Standard deviation of the loss over five shuffles.
    pub deviation: f64,
    /// How much it was used while learning, as a part of 1.
    pub usage: f64,
    /// Other features that say nearly the same (rank correlation of 0.8 or more) and were shuffled with it.
    pub with: Vec<String>,
}

/// The importance of each feature, the largest loss first. Empty where the rows have one outcome alone.
#[must_use]
pub fn importances(
    model: &Model,
    names: &[String],
    rows: &Matrix,
    labels: &[bool],
    seed: u64,
) -> Vec<Importance> {
    let Some(before) = roc_auc(labels, &model.probabilities(rows)) else { return Vec::new() };
    let usage = model.usage(names.len());
    let ranks: Vec<Vec<f64>> = (0..names.len()).map(|column| ranks(rows.column(column).collect())).collect();
    let mut found: Vec<Importance> = (0..names.len())
        .map(|column| {
            let alike: Vec<usize> = (0..names.len())
                .filter(|other| {
                    *other != column && correlation(ranks.get(column), ranks.get(*other)).abs() >= ALIKE
                })
                .collect();
            let losses: Vec<f64> = (0..REPEATS)
                .map(|repeat| {
                    let mut random = Random::new(seed, repeat * 1_000 + column as u64);
                    let shuffled =
                        shuffled(rows, std::iter::once(column).chain(alike.iter().copied()), &mut random);
                    before - roc_auc(labels, &model.probabilities(&shuffled)).unwrap_or(before)
                })
                .collect();
            let loss = losses.iter().sum::<f64>() / REPEATS as f64;
            let spread = losses.iter().map(|one| (one - loss) * (one - loss)).sum::<f64>() / REPEATS as f64;
            Importance {
                feature: names.get(column).cloned().unwrap_or_default(),
                loss,
                deviation: spread.sqrt(),
                usage: usage.get(column).copied().unwrap_or(0.0),
                with: alike.iter().filter_map(|other| names.get(*other).cloned()).collect(),
            }
        })
        .collect();
    found.sort_by(|one, other| other.loss.total_cmp(&one.loss).then_with(|| one.feature.cmp(&other.feature)));
    found
}

/// The rows with the values of these columns in another order, the same for all of them.
fn shuffled(rows: &Matrix, columns: impl Iterator<Item = usize>, random: &mut Random) -> Matrix {
    let mut order: Vec<usize> = (0..rows.rows().len()).collect();
    random.shuffle(&mut order);
    let mut other = rows.clone();
    for column in columns {
        let values = order.iter().map(|row| rows.row(*row).get(column).copied().unwrap_or(f64::NAN));
        other.set_column(column, values);
    }
    other
}

/// Ranks, equal ones at their mean; a missing value has the middle rank.
fn ranks(values: Vec<f64>) -> Vec<f64> {
    let mut order: Vec<(usize, f64)> =
        values.iter().copied().enumerate().filter(|(_, value)| !value.is_nan()).collect();
    order.sort_by(|one, other| one.1.total_cmp(&other.1));
    let mut ranks = vec![order.len() as f64 / 2.0; values.len()];
    let mut from = 0;
    for group in order.chunk_by(|one, other| one.1 == other.1) {
        let rank = from as f64 + group.len() as f64 / 2.0;
        for (row, _) in group {
            if let Some(own) = ranks.get_mut(*row) {
                *own = rank;
            }
        }
        from += group.len();
    }
    ranks
}

/// Correlation of Pearson; 0 where one does not vary.
fn correlation(one: Option<&Vec<f64>>, other: Option<&Vec<f64>>) -> f64 {
    let (Some(one), Some(other)) = (one, other) else { return 0.0 };
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let (mean_one, mean_other) = (mean(one), mean(other));
    let (mut both, mut own, mut its) = (0.0, 0.0, 0.0);
    for (x, y) in one.iter().zip(other) {
        let (x, y) = (x - mean_one, y - mean_other);
        both += x * y;
        own += x * x;
        its += y * y;
    }
    if own > 0.0 && its > 0.0 { both / (own * its).sqrt() } else { 0.0 }
}
