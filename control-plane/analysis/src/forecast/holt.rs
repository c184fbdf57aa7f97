//! Holt's exponential smoothing of a level and a trend, which may be damped.
//!
//! level' = α value + (1 - α)(level + φ trend), trend' = β (level' - level) + (1 - β) φ trend; φ < 1 damps. The
//! variance ahead is that of the equivalent state space model (Hyndman, Koehler, Ord, Snyder 2008, table 6.1).

use serde::{Deserialize, Serialize};

use super::{Forecast, Forecaster, checked, usable};

/// Smoothing weights, each clamped to 0 to 1.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct HoltSettings {
    /// Weight α of the new value in the level.
    pub level: f64,
    /// Weight β of the new change in the trend.
    pub trend: f64,
    /// What is left of the trend after a step, φ; 1 does not damp.
    pub damping: f64,
}

impl Default for HoltSettings {
    fn default() -> Self {
        Self { level: 0.3, trend: 0.1, damping: 1.0 }
    }
}

impl HoltSettings {
    /// The same with a trend that fades.
    pub fn damped() -> Self {
        Self { damping: 0.9, ..Self::default() }
    }
}

/// State of the smoothing.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Holt {
    settings: HoltSettings,
    seen: u32,
    level: f64,
    trend: f64,
    error_variance: f64,
}

/// Weight of a new squared error.
const ERROR_WEIGHT: f64 = 0.05;
/// Values before the first forecast.
const LEAST_SEEN: u32 = 3;

impl Holt {
    /// A smoothing that has seen nothing yet. It starts at the first value, without a trend.
    pub fn new(settings: HoltSettings) -> Self {
        let weight = |value: f64| if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) };
        let settings = HoltSettings {
            level: weight(settings.level),
            trend: weight(settings.trend),
            damping: weight(settings.damping),
        };
        Self { settings, seen: 0, level: 0.0, trend: 0.0, error_variance: 0.0 }
    }
}

impl Forecaster for Holt {
    fn observe(&mut self, value: f64) {
        let HoltSettings { level: alpha, trend: beta, damping } = self.settings;
        let change = damping * self.trend;
        let Some(value) = usable(value) else {
            if self.seen > 0 {
                self.level = usable(self.level + change).unwrap_or(self.level);
                self.trend = change;
            }
            return;
        };
        if self.seen == 0 {
            self.level = value;
        }
        let error = value - self.level - change;
        let level = self.level + change + alpha * error;
        self.trend = beta * (level - self.level) + (1.0 - beta) * change;
        self.level = level;
        // The first errors count in full, so the start is a plain mean.
        let weight = ERROR_WEIGHT.max(1.0 / f64::from(self.seen.max(1)));
        self.error_variance += weight * (error * error - self.error_variance);
        self.seen = self.seen.saturating_add(1);
    }

    fn forecast(&self, steps: u32) -> Option<Forecast> {
        if self.seen < LEAST_SEEN {
            return None;
        }
        let HoltSettings { level: alpha, trend: beta, damping } = self.settings;
        let (mut faded, mut damped_steps, mut factor) = (1.0, 0.0, 1.0);
        for step in 1..=steps.min(super::MAX_STEPS_AHEAD) {
            faded *= damping;
            damped_steps += faded;
            if step < steps {
                factor += (alpha + alpha * beta * damped_steps).powi(2);
            }
        }
        checked(self.level + damped_steps * self.trend, self.error_variance * factor)
    }
}
