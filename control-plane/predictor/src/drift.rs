//! Whether a model still fits: what deployments look like, beside those that it learned from.

use serde::{Deserialize, Serialize};

use crate::matrix::Matrix;
use crate::summary::quantile;

/// Parts that a feature is divided into, beside the one for missing values.
const PARTS: usize = 10;
/// Deployments that can say whether a model fits.
const LEAST: usize = 30;
/// Index from which a feature has shifted, where chance alone would not reach it: the usual rule of thumb.
const SHIFTED: f64 = 0.25;

/// How each feature was spread over the deployments that a model learned from.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    features: Vec<Spread>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
struct Spread {
    name: String,
    /// Ends of the parts but the last.
    ends: Vec<f64>,
    /// Rows in each part; the last one counts missing values.
    counts: Vec<u32>,
    /// The least and the largest value. `None`: there was none, or nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    range: Option<(f64, f64)>,
}

/// How one feature has shifted.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Shift {
    /// The feature.
    pub feature: String,
    /// Population stability index `Σ (q - p) ln(q / p)` over the parts; 0 for no shift.
    pub index: f64,
    /// What chance alone stays below in all but about 1 of 1,000 cases, by the numbers of deployments.
    pub by_chance: f64,
    /// Above 0.25, and above what chance explains.
    pub shifted: bool,
}

/// Whether a model still fits.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Drift {
    /// Deployments that were looked at.
    pub rows: usize,
    /// Each feature, the largest shift first.
    pub features: Vec<Shift>,
    /// Rollbacks that were predicted: the sum of the probabilities. `None`: outcomes are not known.
    pub expected: Option<f64>,
    /// Rollbacks that there were.
    pub observed: Option<u32>,
    /// Distance of both in standard deviations.
    pub z: Option<f64>,
    /// Whether the model still fits. `None`: fewer than 30 deployments cannot say.
    pub fits: Option<bool>,
    /// The same in words.
    pub statement: String,
}

impl Reference {
    /// The spread of these rows.
    #[must_use]
    pub fn of<'a>(names: impl Iterator<Item = &'a str>, rows: &Matrix) -> Self {
        let features = names.enumerate().map(|(column, name)| {
            let values: Vec<f64> = rows.column(column).collect();
            let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
            sorted.sort_by(f64::total_cmp);
            let mut ends: Vec<f64> =
                (1..PARTS).filter_map(|part| quantile(&sorted, part as f64 / PARTS as f64)).collect();
            ends.dedup();
            let counts = counts(&values, &ends);
            let range = sorted.first().copied().zip(sorted.last().copied());
            Spread { name: name.to_owned(), ends, counts, range }
        });
        Self { features: features.collect() }
    }

    /// With the values of these rows in its ranges, too.
    pub(crate) fn reaching(mut self, rows: &Matrix) -> Self {
        for (column, spread) in self.features.iter_mut().enumerate() {
            for value in rows.column(column).filter(|value| !value.is_nan()) {
                let (least, most) = spread.range.unwrap_or((value, value));
                spread.range = Some((least.min(value), most.max(value)));
            }
        }
        self
    }

    /// The least and the largest value of a feature. `None`: it is not known.
    pub(crate) fn range(&self, position: usize) -> Option<(f64, f64)> {
        self.features.get(position)?.range
    }

    /// Compares rows with the reference. `outcomes`: calibrated probabilities, and what became of them, as far as it is known.
    #[must_use]
    pub fn drift(&self, rows: &Matrix, outcomes: &[(f64, bool)]) -> Drift {
        let mut features: Vec<Shift> = self
            .features
            .iter()
            .enumerate()
            .map(|(column, spread)| shift(spread, &rows.column(column).collect::<Vec<_>>()))
            .collect();
        features.sort_by(|one, other| {
            other.index.total_cmp(&one.index).then_with(|| one.feature.cmp(&other.feature))
        });
        let shifted: Vec<&str> =
            features.iter().filter(|one| one.shifted).map(|one| one.feature.as_str()).collect();
        let expected: f64 = outcomes.iter().map(|(p, _)| p).sum();
        let variance: f64 = outcomes.iter().map(|(p, _)| p * (1.0 - p)).sum();
        let observed = outcomes.iter().filter(|(_, label)| *label).count();
        let z =
            (!outcomes.is_empty() && variance > 0.0).then(|| (observed as f64 - expected) / variance.sqrt());
        let off = z.filter(|z| z.abs() > 3.0);
        let fits = (rows.rows().len() >= LEAST).then_some(off.is_none() && shifted.is_empty());
        let statement =
            statement(rows.rows().len(), &shifted, off.map(|_| (expected, observed)), z.is_some());
        Drift {
            rows: rows.rows().len(),
            expected: (!outcomes.is_empty()).then_some(expected),
            observed: (!outcomes.is_empty()).then(|| u32::try_from(observed).unwrap_or(u32::MAX)),
            z,
            fits,
            statement,
            features,
        }
    }

    pub(crate) fn check(&self, width: usize) -> Result<(), &'static str> {
        if self.features.len() != width {
            return Err("the reference has not as many features as the model");
        }
        if self.features.iter().any(|one| one.counts.len() != one.ends.len() + 2) {
            return Err("a spread of the reference has not as many counts as parts");
        }
        Ok(())
    }
}

fn statement(rows: usize, shifted: &[&str], off: Option<(f64, usize)>, judged: bool) -> String {
    if rows < LEAST {
        return format!("{rows} are too few deployments to say whether the model fits: {LEAST} are needed");
    }
    let mut said = Vec::new();
    if let Some((expected, observed)) = off {
        said.push(format!(
            "{observed} of {rows} deployments were rolled back where {expected:.1} were expected"
        ));
    }
    if !shifted.is_empty() {
        let few = shifted.iter().take(5).copied().collect::<Vec<_>>().join(", ");
        let more = shifted.len().saturating_sub(5);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        said.push(format!("{few}{more} no longer look as they did when the model learned"));
    }
    if said.is_empty() {
        let outcomes = if judged { ", and outcomes are as expected" } else { "; outcomes are not known" };
        return format!("the model fits: none of its features shifted over {rows} deployments{outcomes}");
    }
    format!("the model no longer fits: {}. Train it again on newer deployments", said.join("; "))
}

fn counts(values: &[f64], ends: &[f64]) -> Vec<u32> {
    let mut counts = vec![0_u32; ends.len() + 2];
    for value in values {
        let part = if value.is_nan() { ends.len() + 1 } else { ends.partition_point(|end| *end < *value) };
        if let Some(count) = counts.get_mut(part) {
            *count += 1;
        }
    }
    counts
}

fn shift(spread: &Spread, values: &[f64]) -> Shift {
    let now = counts(values, &spread.ends);
    let (before_all, now_all) = (total(&spread.counts), total(&now));
    // Half a row in each part, so that an empty one has a logarithm.
    let share = |count: u32, all: f64| (f64::from(count) + 0.5) / (all + 0.5 * now.len() as f64);
    let index: f64 = spread
        .counts
        .iter()
        .zip(&now)
        .map(|(before, now)| {
            let (p, q) = (share(*before, before_all), share(*now, now_all));
            (q - p) * libm::log(q / p)
        })
        .sum();
    // Without a shift, index / (1/n + 1/m) is about chi-squared with one degree less than parts.
    let degrees = now.len().saturating_sub(1) as f64;
    let chi = degrees + 3.1 * (2.0 * degrees).sqrt() + 3.2;
    let by_chance = chi * (1.0 / before_all.max(1.0) + 1.0 / now_all.max(1.0));
    Shift { feature: spread.name.clone(), index, by_chance, shifted: index > SHIFTED.max(by_chance) }
}

fn total(counts: &[u32]) -> f64 {
    counts.iter().map(|count| f64::from(*count)).sum()
}
