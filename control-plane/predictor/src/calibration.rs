//! From what a model says to what happens so often: fitted on deployments that the model has not learned from.

use serde::{Deserialize, Serialize};

use crate::model::{logit, sigmoid};

/// Deployments that a lower bound looks at: those whose prediction is nearest.
const NEAREST: usize = 40;
/// What a lower bound may miss: it holds with 95 %.
const MISSED: f64 = 0.05;

/// How to calibrate.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A sigmoid (Platt, 1999): two parameters, for few deployments.
    Platt,
    /// The best curve that only rises (Zadrozny and Elkan, 2002): for many.
    Isotonic,
}

/// A calibration that was fitted.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Calibration {
    /// Nothing to fit by: what the model says stays.
    Raw,
    /// `1 / (1 + e^(a f + b))` of the log odds `f`.
    Platt {
        /// Slope, not above 0.
        a: f64,
        /// Offset.
        b: f64,
    },
    /// Straight lines between these points, level outside of them.
    Isotonic {
        /// What the model says, rising.
        said: Vec<f64>,
        /// What happened, not falling.
        happened: Vec<f64>,
    },
}

impl Calibration {
    /// Fits to what a model said, and what happened.
    #[must_use]
    pub fn fit(method: Method, labels: &[bool], said: &[f64]) -> Self {
        match method {
            Method::Platt => platt(labels, said),
            Method::Isotonic => isotonic(labels, said),
        }
    }

    /// The calibrated probability.
    #[must_use]
    pub fn apply(&self, said: f64) -> f64 {
        match self {
            Self::Raw => said,
            Self::Platt { a, b } => sigmoid(-(a * logit(said) + b)),
            Self::Isotonic { said: across, happened } => between(across, happened, said),
        }
    }

    /// The word for it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Raw => "none",
            Self::Platt { .. } => "platt",
            Self::Isotonic { .. } => "isotonic",
        }
    }

    pub(crate) fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Raw => Ok(()),
            Self::Platt { a, b } if a.is_finite() && b.is_finite() => Ok(()),
            Self::Platt { .. } => Err("the sigmoid has a number that is not finite"),
            Self::Isotonic { said, happened } => {
                let rises = |values: &[f64]| values.windows(2).all(|pair| pair.first() <= pair.last());
                let inside = happened.iter().all(|value| (0.0..=1.0).contains(value));
                if said.len() != happened.len()
                    || said.is_empty()
                    || !rises(said)
                    || !rises(happened)
                    || !inside
                {
                    return Err("the curve does not rise from 0 to 1");
                }
                Ok(())
            }
        }
    }
}

/// Newton's method on two parameters, with targets drawn in from 0 and 1 as Platt does: `(n+ + 1)/(n+ + 2)` and `1/(n- + 2)`.
fn platt(labels: &[bool], said: &[f64]) -> Calibration {
    let bad = labels.iter().filter(|label| **label).count() as f64;
    let good = labels.len() as f64 - bad;
    let (high, low) = ((bad + 1.0) / (bad + 2.0), 1.0 / (good + 2.0));
    let points: Vec<(f64, f64)> = said
        .iter()
        .zip(labels)
        .map(|(said, label)| (logit(*said), if *label { high } else { low }))
        .collect();
    let loss = |a: f64, b: f64| -> f64 {
        let each = points.iter().map(|(f, target)| {
            let log_odds = -(a * f + b);
            // ln(1 + e^x) - t x, without overflow.
            log_odds.max(0.0) + libm::log1p(libm::exp(-log_odds.abs())) - target * log_odds
        });
        each.sum()
    };
    let (mut a, mut b) = (0.0, libm::log((good + 1.0) / (bad + 1.0)));
    for _ in 0..100 {
        let (mut slope_a, mut slope_b, mut aa, mut ab, mut bb) = (0.0, 0.0, 1e-12, 0.0, 1e-12);
        for (f, target) in &points {
            let p = sigmoid(-(a * f + b));
            let (rest, bend) = (target - p, p * (1.0 - p));
            slope_a += f * rest;
            slope_b += rest;
            aa += f * f * bend;
            ab += f * bend;
            bb += bend;
        }
        let determinant = aa * bb - ab * ab;
        if slope_a.abs().max(slope_b.abs()) < 1e-9 || determinant.abs() < 1e-300 {
            break;
        }
        let step_a = -(bb * slope_a - ab * slope_b) / determinant;
        let step_b = -(aa * slope_b - ab * slope_a) / determinant;
        let before = loss(a, b);
        let mut part = 1.0;
        while part > 1e-10 && loss(a + part * step_a, b + part * step_b) > before {
            part /= 2.0;
        }
        a += part * step_a;
        b += part * step_b;
    }
    // A model that is wrong way round is not turned: nothing is known then but the rate.
    if a <= 0.0 {
        Calibration::Platt { a, b }
    } else {
        Calibration::Platt { a: 0.0, b: libm::log((good + 1.0) / (bad + 1.0)) }
    }
}

/// Pool adjacent violators: groups of neighbours whose means fall are taken together.
fn isotonic(labels: &[bool], said: &[f64]) -> Calibration {
    let mut pairs: Vec<(f64, f64)> =
        said.iter().zip(labels).map(|(said, label)| (*said, f64::from(u8::from(*label)))).collect();
    pairs.sort_by(|one, other| one.0.total_cmp(&other.0));
    // A group: first and last score, sum, count.
    let mut groups: Vec<(f64, f64, f64, f64)> = Vec::new();
    for (score, label) in pairs {
        match groups.last_mut() {
            Some(last) if last.1 == score => {
                last.2 += label;
                last.3 += 1.0;
            }
            _ => groups.push((score, score, label, 1.0)),
        }
    }
    let mut pooled: Vec<(f64, f64, f64, f64)> = Vec::new();
    for mut group in groups {
        while let Some(last) = pooled.last()
            && last.2 * group.3 >= group.2 * last.3
        {
            group = (last.0, group.1, last.2 + group.2, last.3 + group.3);
            pooled.pop();
        }
        pooled.push(group);
    }
    let (mut across, mut happened) = (Vec::new(), Vec::new());
    for (first, last, sum, count) in pooled {
        across.push(first);
        happened.push(sum / count);
        if last > first {
            across.push(last);
            happened.push(sum / count);
        }
    }
    if across.is_empty() { Calibration::Raw } else { Calibration::Isotonic { said: across, happened } }
}

fn between(across: &[f64], upwards: &[f64], at: f64) -> f64 {
    let right = across.partition_point(|one| *one < at);
    let point = |position: usize| Some((*across.get(position)?, *upwards.get(position)?));
    match (right.checked_sub(1).and_then(point), point(right)) {
        (Some((x0, y0)), Some((x1, y1))) if x1 > x0 => y0 + (y1 - y0) * (at - x0) / (x1 - x0),
        (_, Some((_, y))) | (Some((_, y)), None) => y,
        (None, None) => at,
    }
}

/// What became of deployments that the model had not seen, by what was predicted: the ground for lower bounds.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// Predictions, rising, and whether it was rolled back.
    predictions: Vec<(f64, bool)>,
}

impl Seen {
    /// Of calibrated predictions.
    #[must_use]
    pub fn of(labels: &[bool], predictions: &[f64]) -> Self {
        let mut pairs: Vec<(f64, bool)> = predictions.iter().copied().zip(labels.iter().copied()).collect();
        pairs.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
        Self { predictions: pairs }
    }

    /// A bound that the true probability is not below, with 95 %: that of Clopper and Pearson (1934) for the share that was rolled back
    /// among the 40 deployments whose predictions are nearest, and never above the prediction. 0 where fewer than 40 are known.
    #[must_use]
    pub fn lower_bound(&self, prediction: f64) -> f64 {
        if self.predictions.len() < NEAREST {
            return 0.0;
        }
        let middle = self.predictions.partition_point(|(own, _)| *own < prediction);
        let (mut from, mut to) = (middle, middle);
        while to - from < NEAREST {
            let distance = |position: Option<usize>| {
                position
                    .and_then(|position| self.predictions.get(position))
                    .map_or(f64::INFINITY, |(own, _)| (own - prediction).abs())
            };
            if distance(from.checked_sub(1)) <= distance(Some(to)) { from -= 1 } else { to += 1 }
        }
        let near = self.predictions.get(from..to).unwrap_or_default();
        let bad = near.iter().filter(|(_, label)| *label).count();
        clopper_pearson(bad, NEAREST).min(prediction)
    }

    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let rises = self
            .predictions
            .windows(2)
            .all(|pair| pair.first().map(|one| one.0) <= pair.last().map(|one| one.0));
        let inside = self.predictions.iter().all(|(own, _)| (0.0..=1.0).contains(own));
        if rises && inside { Ok(()) } else { Err("the predictions that were seen are not in order") }
    }
}

/// The share at which so many or more of `all` have a chance of 5 %.
fn clopper_pearson(bad: usize, all: usize) -> f64 {
    if bad == 0 {
        return 0.0;
    }
    let (mut below, mut above) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(below, above);
        if at_least(bad, all, middle) < MISSED { below = middle } else { above = middle }
    }
    f64::midpoint(below, above)
}

/// The chance of `bad` or more among `all`, each with probability `p`.
fn at_least(bad: usize, all: usize, p: f64) -> f64 {
    let odds = p / (1.0 - p);
    let mut term = libm::pow(1.0 - p, all as f64);
    let mut sum = 0.0;
    for count in 0..=all {
        if count >= bad {
            sum += term;
        }
        term *= odds * (all - count) as f64 / (count + 1) as f64;
    }
    sum
}

#[cfg(test)]
mod tests;
