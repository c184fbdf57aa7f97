//! Where a series is going: values ahead with their uncertainty, and when a threshold will be crossed.
//!
//! During a rollout the series is the logarithm of canary over baseline ([`trend`]), which carries no season and no
//! shared disturbance. For gauges and longer horizons there are exponential smoothing ([`holt`]), an autoregression
//! on differences ([`autoregressive`]) and a moving mean, mixed by how well each has done lately ([`ensemble`]), with
//! intervals that hold their coverage on series that no model fits ([`conformal`]).
//!
//! A forecast holds a rollout. It undoes nothing unless the plan says so, and then only what is nearly sure, or backed by
//! evidence.
//! All state is bounded and can be stored. A value that is no number is a gap; beyond ±1e12 it counts as that.

use serde::{Deserialize, Serialize};

use crate::normal;

pub mod alarm;
pub mod autoregressive;
pub mod conformal;
pub mod ensemble;
pub mod holt;
pub mod sawtooth;
pub mod trend;

pub use alarm::{TrendAlarm, TrendAlarmSettings};
pub use autoregressive::Autoregressive;
pub use conformal::AdaptiveInterval;
pub use ensemble::{Ensemble, Model};
pub use holt::{Holt, HoltSettings};
pub use sawtooth::RunningMinimum;
pub use trend::{LocalLinearTrend, TrendSettings};

/// Largest value that is told apart.
const MOST: f64 = 1e12;

/// What a model expects a value to be.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Forecast {
    /// Expected value.
    pub mean: f64,
    /// Standard deviation of the error of `mean`, at least 0.
    pub sd: f64,
}

/// A model of one series, fed at equal steps.
pub trait Forecaster {
    /// Takes in the value of the next step. NaN and infinities are a gap.
    fn observe(&mut self, value: f64);

    /// What the value `steps` ahead of the last one will be, 1 being the next. `None`: too little seen yet.
    fn forecast(&self, steps: u32) -> Option<Forecast>;
}

impl Forecast {
    /// Value below which the share `probability` lies, for normal errors.
    pub fn quantile(&self, probability: f64) -> f64 {
        self.mean + self.sd * normal::quantile(probability)
    }

    /// Probability of a value above `threshold`, for normal errors. A NaN threshold is never exceeded.
    pub fn probability_above(&self, threshold: f64) -> f64 {
        normal::cumulative(self.deviations_above(threshold))
    }

    /// Standard deviations by which the mean is above `threshold`, infinite where nothing is uncertain or no number is.
    fn deviations_above(&self, threshold: f64) -> f64 {
        let deviations = (self.mean - threshold) / self.sd;
        if deviations.is_nan() { f64::NEG_INFINITY } else { deviations }
    }
}

/// When a threshold is expected to be crossed, in steps ahead. `None`: not within the steps looked at.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct BreachTime {
    /// Crossed by then with probability 0.05.
    pub earliest: Option<u32>,
    /// With probability 0.5.
    pub median: Option<u32>,
    /// With probability 0.95.
    pub latest: Option<u32>,
}

/// Largest number of steps that [`breach_time`] looks ahead.
pub const MAX_STEPS_AHEAD: u32 = 1_440;

/// When `model` expects its series above `threshold`, looking at most `steps` (up to [`MAX_STEPS_AHEAD`]) ahead.
pub fn breach_time(model: &impl Forecaster, threshold: f64, steps: u32) -> BreachTime {
    // Quantiles of the normal distribution are compared instead of probabilities: most steps cross none.
    const NINETEEN_OF_TWENTY: f64 = 1.644_853_626_951_472_2;
    let mut time = BreachTime::default();
    for ahead in 1..=steps.min(MAX_STEPS_AHEAD) {
        let Some(forecast) = model.forecast(ahead) else { return time };
        let deviations = forecast.deviations_above(threshold);
        for (least, entry) in [
            (-NINETEEN_OF_TWENTY, &mut time.earliest),
            (0.0, &mut time.median),
            (NINETEEN_OF_TWENTY, &mut time.latest),
        ] {
            if deviations >= least && entry.is_none() {
                *entry = Some(ahead);
            }
        }
        if time.latest.is_some() {
            break;
        }
    }
    time
}

/// A value that models can compute with, `None` for a gap.
fn usable(value: f64) -> Option<f64> {
    value.is_finite().then(|| value.clamp(-MOST, MOST))
}

/// Mean and standard deviation that models computed, `None` if they left the range of numbers.
fn checked(mean: f64, variance: f64) -> Option<Forecast> {
    let sd = variance.max(0.0).sqrt();
    (mean.is_finite() && sd.is_finite()).then_some(Forecast { mean, sd })
}

#[cfg(test)]
mod tests;
