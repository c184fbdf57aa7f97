//! Where a series usually lies, and how far a value is from that.

use serde::{Deserialize, Serialize};

use super::FARTHEST;

/// What is usual for a series.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Reference {
    /// Centre.
    pub centre: f64,
    /// Standard deviation.
    pub spread: f64,
}

/// Part of the centre's size below which a spread counts as this: a constant series must not signal at rounding.
const LEAST_SPREAD: f64 = 1e-6;

impl Reference {
    /// Distance of `value` from the centre in standard deviations, at most ±50. `None`: no number.
    pub fn distance(&self, value: f64) -> Option<f64> {
        let spread = self.spread.abs().max(LEAST_SPREAD * self.centre.abs()).max(f64::MIN_POSITIVE);
        let distance = (value - self.centre) / spread;
        (value.is_finite() && !distance.is_nan()).then(|| distance.clamp(-FARTHEST, FARTHEST))
    }

    /// Median, and median absolute deviation made that of a normal distribution by 1.4826: up to half of the values
    /// being wild cannot carry them away. `None`: no value.
    pub fn of(values: &[f64]) -> Option<Self> {
        let centre = median(values.to_vec())?;
        let deviations = values.iter().map(|value| (value - centre).abs()).collect();
        Some(Self { centre, spread: 1.482_602_218_505_602 * median(deviations)? })
    }

    /// Medians over blocks of four consecutive values, of their means and of their mean squares about that: what recurs is in
    /// most blocks and counts, an incident of a few values is in few of them and does not (median of means, Nemirovsky
    /// and Yudin 1983). `None`: no value.
    pub(super) fn of_blocks(values: &[f64]) -> Option<Self> {
        const BLOCK: usize = 4;
        let over_blocks = |of: &dyn Fn(f64) -> f64| {
            let mean = |block: &[f64]| block.iter().map(|value| of(*value)).sum::<f64>() / block.len() as f64;
            median(values.chunks(BLOCK).map(mean).collect())
        };
        let centre = over_blocks(&|value| value)?;
        Some(Self { centre, spread: over_blocks(&|value| (value - centre).powi(2))?.sqrt() })
    }

    /// The same for a value of `requests` requests, where `usually` as many make one: with fewer it may lie farther from
    /// the centre.
    #[must_use]
    pub fn of_requests(self, requests: f64, usually: f64) -> Self {
        Self { spread: self.spread * (usually / requests.max(1.0)).max(1.0).sqrt(), ..self }
    }

    /// `value` pulled in to so many standard deviations, which are `by_chance` at the least.
    pub(super) fn pulled_in(&self, value: f64, deviations: f64, by_chance: f64) -> f64 {
        let most = deviations * self.spread.max(by_chance);
        value.max(self.centre - most).min(self.centre + most)
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let (low, high) = (values.get(last / 2)?, values.get(last.div_ceil(2))?);
    Some(f64::midpoint(*low, *high))
}
