//! Centre and spread of a series from its first values: median and median absolute deviation, which up to half of
//! them being wild cannot carry away.

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

    /// Median, and median absolute deviation made that of a normal distribution by 1.4826. `None`: no value.
    pub fn of(values: &[f64]) -> Option<Self> {
        let centre = median(values.to_vec())?;
        let deviations = values.iter().map(|value| (value - centre).abs()).collect();
        Some(Self { centre, spread: 1.482_602_218_505_602 * median(deviations)? })
    }

    /// The same for a value of `requests` requests, where `usually` as many make one: with fewer it may lie farther from
    /// the centre.
    #[must_use]
    pub fn of_requests(self, requests: f64, usually: f64) -> Self {
        Self { spread: self.spread * (usually / requests.max(1.0)).max(1.0).sqrt(), ..self }
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let (low, high) = (values.get(last / 2)?, values.get(last.div_ceil(2))?);
    Some(f64::midpoint(*low, *high))
}

/// Gathers the first values.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct StartUp {
    values: Vec<f64>,
    reference: Option<Reference>,
}

impl StartUp {
    /// Values that make the reference.
    pub const VALUES: usize = 60;

    /// Takes in a value. `None` until enough are gathered; their reference from then on.
    pub fn observe(&mut self, value: f64) -> Option<Reference> {
        if self.reference.is_some() {
            return self.reference;
        }
        if value.is_finite() {
            self.values.push(value);
        }
        if self.values.len() >= Self::VALUES {
            self.reference = Reference::of(&std::mem::take(&mut self.values));
        }
        None
    }
}
