//! The Mann-Whitney classifier: is one metric of the canary higher, lower or neither?

use serde::{Deserialize, Serialize};

use super::mann_whitney::{Shift, shift};
use crate::judge::ranks::Ranks;
use crate::normal;

/// Which way a metric may not go.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// It may not rise.
    Increase,
    /// It may not fall.
    Decrease,
    /// It may do neither.
    Either,
}

/// What a point that is NaN means.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// It is left out.
    Remove,
    /// It is 0.
    Replace,
}

/// How large a difference is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectMeasure {
    /// Mean of the canary divided by mean of the baseline; undefined if either is 0.
    MeanRatio,
    /// Probability that a point of the canary exceeds one of the baseline ("common language effect size").
    Superiority,
}

impl EffectMeasure {
    /// The value of no difference.
    fn neutral(self) -> f64 {
        match self {
            Self::MeanRatio => 1.0,
            Self::Superiority => 0.5,
        }
    }

    fn of(self, baseline: &[f64], canary: &[f64]) -> f64 {
        match self {
            Self::MeanRatio => {
                let (below, above) = (mean(baseline), mean(canary));
                if below == 0.0 || above == 0.0 { f64::NAN } else { above / below }
            }
            Self::Superiority => {
                let ranks = Ranks::of(canary, baseline);
                let (n, m) = (canary.len() as f64, baseline.len() as f64);
                (2.0 * ranks.first_sum - n * (n + 1.0)) / (2.0 * n * m)
            }
        }
    }
}

/// What a metric turned out to be.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// Not different in the direction that matters.
    Pass,
    /// Higher.
    High,
    /// Lower.
    Low,
    /// One side has no points.
    NoData,
    /// One side has no points though the metric must have some.
    NoDataFails,
    /// The statistic has no spread.
    Error,
}

/// A classified metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Classification {
    /// What it is.
    pub label: Label,
    /// Whether this alone fails the canary.
    pub critical: bool,
    /// The measured difference; NaN if undefined.
    pub effect: f64,
}

/// How a metric is classified.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Classifier {
    /// Part of the estimated shift that its interval must exceed.
    pub tolerance: f64,
    /// Of the interval.
    pub confidence: f64,
    /// Which way the metric may not go.
    pub direction: Direction,
    /// What NaN means.
    pub missing: Missing,
    /// How the difference is measured.
    pub measure: EffectMeasure,
    /// Effects at or below the first count as low, at or above the second as high. `None`: any.
    pub allowed: Option<(f64, f64)>,
    /// The same for a critical metric to be critical.
    pub critical_beyond: Option<(f64, f64)>,
    /// Whether the metric alone may fail the canary.
    pub critical_metric: bool,
    /// Whether a side without points fails the metric.
    pub must_have_data: bool,
}

impl Default for Classifier {
    /// The judge's own values, which its configuration cannot change: tolerance 0.25, confidence 0.98.
    fn default() -> Self {
        Self {
            tolerance: 0.25,
            confidence: 0.98,
            direction: Direction::Either,
            missing: Missing::Remove,
            measure: EffectMeasure::MeanRatio,
            allowed: None,
            critical_beyond: None,
            critical_metric: false,
            must_have_data: false,
        }
    }
}

impl Classifier {
    /// Classifies the points of both arms. Infinite points count as NaN.
    pub fn classify(&self, baseline: &[f64], canary: &[f64]) -> Classification {
        let (baseline, canary) = (self.usable(baseline), self.usable(canary));
        let neutral = self.measure.neutral();
        let result = |label, critical, effect| Classification { label, critical, effect };
        if baseline.is_empty() || canary.is_empty() {
            return match self.missing {
                Missing::Replace => result(Label::Pass, false, neutral),
                Missing::Remove if self.must_have_data && !self.critical_metric => {
                    result(Label::NoDataFails, false, f64::NAN)
                }
                Missing::Remove => result(Label::NoData, self.critical_metric, f64::NAN),
            };
        }
        // Sorted samples that are equal, of which "one value overall" is the other case that passes unseen.
        if baseline == canary || constant(&baseline).is_some_and(|value| constant(&canary) == Some(value)) {
            return result(Label::Pass, false, neutral);
        }
        let (baseline, canary) = untie(baseline, canary);
        let Some(shift) = shift(&canary, &baseline, self.confidence) else {
            return result(Label::Error, false, f64::NAN);
        };
        self.label(shift, self.measure.of(&baseline, &canary))
    }

    fn label(&self, shift: Shift, effect: f64) -> Classification {
        let neutral = self.measure.neutral();
        let (low, high) = self.allowed.unwrap_or((neutral, neutral));
        let (critical_low, critical_high) = self.critical_beyond.unwrap_or((neutral, neutral));
        let bound = self.tolerance * shift.estimate.abs();
        let at_least = |limit: f64| effect.is_nan() || effect >= limit;
        let at_most = |limit: f64| effect.is_nan() || effect <= limit;
        let (up, down) = match self.direction {
            Direction::Increase => (true, false),
            Direction::Decrease => (false, true),
            Direction::Either => (true, true),
        };
        let (label, critical) = if up && shift.low > bound && at_least(high) {
            (Label::High, self.critical_metric && at_least(critical_high))
        } else if down && shift.high < -bound && at_most(low) {
            (Label::Low, self.critical_metric && at_most(critical_low))
        } else {
            (Label::Pass, false)
        };
        Classification { label, critical, effect }
    }

    /// The points that count, sorted: nothing here depends on their order.
    fn usable(&self, points: &[f64]) -> Vec<f64> {
        let mut usable: Vec<f64> = match self.missing {
            Missing::Remove => points.iter().copied().filter(|point| point.is_finite()).collect(),
            Missing::Replace => {
                points.iter().map(|&point| if point.is_finite() { point } else { 0.0 }).collect()
            }
        };
        usable.sort_unstable_by(f64::total_cmp);
        usable
    }
}

/// Two different constants have no spread; each gets normal scores of one part in 10⁵ of its size. The judge itself
/// draws them at random; fixed ones make the same distinction and the same answer each time.
fn untie(baseline: Vec<f64>, canary: Vec<f64>) -> (Vec<f64>, Vec<f64>) {
    if constant(&baseline).is_none() || constant(&canary).is_none() {
        return (baseline, canary);
    }
    let spread = |values: Vec<f64>| -> Vec<f64> {
        let count = values.len() as f64;
        let score = |at: usize| normal::quantile((at as f64 + 0.5) / count);
        values.iter().enumerate().map(|(at, value)| value + value.abs() * 1e-5 * score(at)).collect()
    };
    (spread(baseline), spread(canary))
}

/// The one value that all of the sorted `values` have.
fn constant(values: &[f64]) -> Option<f64> {
    values.first().copied().filter(|first| values.last() == Some(first))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
