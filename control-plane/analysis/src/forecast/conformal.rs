//! Intervals that adapt to how often they missed.
//!
//! Adaptive conformal inference (Gibbs and Candès 2021): the half width is a quantile of the recent errors, and its
//! level moves by γ (α - miss) after each value, so that the share of misses tends to α on any series.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Recent errors that the width is taken from.
const WINDOW: usize = 256;
/// Errors before the first interval.
const LEAST_SEEN: usize = 10;
/// γ: how fast the level moves.
const RATE: f64 = 0.02;

/// Recent sizes of error and the level at which their quantile is taken.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AdaptiveInterval {
    miss_share: f64,
    level: f64,
    errors: VecDeque<f64>,
}

impl AdaptiveInterval {
    /// An interval that should miss the share `miss_share` of the values, 0.001 to 0.5.
    pub fn new(miss_share: f64) -> Self {
        let miss_share = if miss_share.is_nan() { 0.1 } else { miss_share.clamp(0.001, 0.5) };
        Self { miss_share, level: miss_share, errors: VecDeque::new() }
    }

    /// Takes in the size of an error. Errors may be in units of the model's own standard deviation, so that the
    /// width follows the model's. A negative size counts as positive, one that is no number not at all.
    pub fn observe(&mut self, error: f64) {
        let error = error.abs();
        if !error.is_finite() {
            return;
        }
        if let Some(width) = self.half_width() {
            let miss = f64::from(u8::from(error > width));
            // Beyond 0 and 1 nothing can be gained; the bounds keep a long run from having to be undone.
            self.level = (self.level + RATE * (self.miss_share - miss)).clamp(-RATE, 1.0);
        }
        if self.errors.len() == WINDOW {
            self.errors.pop_front();
        }
        self.errors.push_back(error);
    }

    /// Half the width of the interval, in the unit of the errors. `None`: too little seen yet. At a level of 0 or
    /// below the interval must cover all, for which twice the largest recent error stands.
    pub fn half_width(&self) -> Option<f64> {
        if self.errors.len() < LEAST_SEEN {
            return None;
        }
        let mut errors: Vec<f64> = self.errors.iter().copied().collect();
        errors.sort_unstable_by(f64::total_cmp);
        let rank = ((1.0 - self.level) * (errors.len() + 1) as f64).ceil();
        if self.level <= 0.0 {
            return errors.last().map(|largest| 2.0 * largest);
        }
        let at = (rank.max(1.0) as usize - 1).min(errors.len() - 1);
        errors.get(at).copied()
    }
}
