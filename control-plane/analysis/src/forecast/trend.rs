//! A local linear trend, filtered by Kalman's recursions.
//!
//! level' = level + slope + N(0, q_l), slope' = slope + N(0, q_s), value = level + N(0, R); with R given at each
//! value, since the error of a log ratio follows from the counts behind it (Harvey 1989, chapter 2).

use serde::{Deserialize, Serialize};

use super::{Forecast, Forecaster, checked, usable};

/// Variances of the model, per step.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrendSettings {
    /// Variance that the level gains.
    pub level_variance: f64,
    /// Variance that the slope gains.
    pub slope_variance: f64,
    /// Variance of a value where none is given with it.
    pub value_variance: f64,
    /// Variance of the level, around 0, before the first value.
    pub start_level_variance: f64,
    /// Variance of the slope, around 0, before the first value.
    pub start_slope_variance: f64,
}

impl Default for TrendSettings {
    /// For the log ratio of a latency quantile in steps of 10 s. The slope starts within about 1.2 % a minute: a
    /// wider start lets the first minutes of a jittery but good build look like a leak.
    fn default() -> Self {
        Self {
            level_variance: 1e-5,
            slope_variance: 5e-9,
            value_variance: 6.25e-4,
            start_level_variance: 1.0,
            start_slope_variance: 4e-6,
        }
    }
}

/// The filter's state: a level and a slope with their covariance.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct LocalLinearTrend {
    settings: TrendSettings,
    started: bool,
    level: f64,
    slope: f64,
    level_variance: f64,
    covariance: f64,
    slope_variance: f64,
}

/// Variances are kept within these, so no sum of them leaves the range of numbers.
const VARIANCES: (f64, f64) = (1e-18, 1e24);

fn variance(value: f64) -> f64 {
    if value.is_nan() { VARIANCES.1 } else { value.clamp(VARIANCES.0, VARIANCES.1) }
}

impl LocalLinearTrend {
    /// A filter that has seen nothing yet.
    pub fn new(settings: TrendSettings) -> Self {
        Self {
            settings,
            started: false,
            level: 0.0,
            slope: 0.0,
            level_variance: variance(settings.start_level_variance),
            covariance: 0.0,
            slope_variance: variance(settings.start_slope_variance),
        }
    }

    /// Takes in the value of the next step, whose error has the variance `value_variance`. A value or variance that
    /// is no number is a gap.
    pub fn observe_with(&mut self, value: f64, value_variance: f64) {
        if self.started {
            self.predict();
        }
        self.started = true;
        if let Some(value) = usable(value)
            && !value_variance.is_nan()
        {
            self.correct(value, variance(value_variance));
        }
    }

    /// Change per step.
    pub fn slope(&self) -> f64 {
        self.slope
    }

    /// Standard deviation of [`Self::slope`].
    pub fn slope_sd(&self) -> f64 {
        self.slope_variance.max(0.0).sqrt()
    }

    /// What the value, not only the level, `steps` ahead will be: with the error of a value added.
    pub fn forecast_value(&self, steps: u32) -> Option<Forecast> {
        let level = self.forecast(steps)?;
        checked(level.mean, level.sd * level.sd + variance(self.settings.value_variance))
    }

    /// The present level.
    pub fn level(&self) -> f64 {
        self.level
    }

    fn predict(&mut self) {
        self.level += self.slope;
        self.level_variance +=
            2.0 * self.covariance + self.slope_variance + variance(self.settings.level_variance);
        self.covariance += self.slope_variance;
        self.slope_variance += variance(self.settings.slope_variance);
        self.bound();
    }

    fn correct(&mut self, value: f64, value_variance: f64) {
        let error = value - self.level;
        let total = self.level_variance + value_variance;
        let (level_gain, slope_gain) = (self.level_variance / total, self.covariance / total);
        self.level += level_gain * error;
        self.slope += slope_gain * error;
        self.slope_variance -= slope_gain * self.covariance;
        self.covariance *= 1.0 - level_gain;
        self.level_variance *= 1.0 - level_gain;
        self.bound();
    }

    /// Keeps the state a covariance matrix of numbers after long gaps and rounding.
    fn bound(&mut self) {
        self.level_variance = variance(self.level_variance);
        self.slope_variance = variance(self.slope_variance);
        let largest = (self.level_variance * self.slope_variance).sqrt();
        self.covariance = self.covariance.clamp(-largest, largest);
        self.slope = usable(self.slope).unwrap_or(0.0);
        self.level = usable(self.level).unwrap_or(0.0);
    }
}

impl Forecaster for LocalLinearTrend {
    fn observe(&mut self, value: f64) {
        self.observe_with(value, self.settings.value_variance);
    }

    /// The level ahead, without the error of the value there: what is asked for is the crossing of the level. The
    /// variance is P00 + 2H P01 + H² P11 + H q_l + H³ q_s / 3, the last two being the sums of what is gained on the
    /// way, with H³/3 for (H-1)H(2H-1)/6.
    fn forecast(&self, steps: u32) -> Option<Forecast> {
        if !self.started {
            return None;
        }
        let h = f64::from(steps);
        let known = self.level_variance + 2.0 * h * self.covariance + h * h * self.slope_variance;
        let gained = h * variance(self.settings.level_variance)
            + h.powi(3) * variance(self.settings.slope_variance) / 3.0;
        checked(self.level + h * self.slope, known + gained)
    }
}
