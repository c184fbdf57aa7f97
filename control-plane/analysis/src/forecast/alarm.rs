//! The predictive trigger: a threshold will be crossed soon, and the trend towards it is no accident.

use serde::{Deserialize, Serialize};

use super::trend::LocalLinearTrend;
use super::{BreachTime, Forecaster, breach_time};

/// When the trigger fires.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrendAlarmSettings {
    /// The value not to be crossed, in the series' unit.
    pub threshold: f64,
    /// Steps ahead within which a crossing counts.
    pub horizon_steps: u32,
    /// The crossing must be more probable than this.
    pub probability: f64,
    /// The slope must exceed 0 by more than this many of its standard deviations.
    pub slope_deviations: f64,
    /// Steps in a row for which both must hold; 0 counts as 1.
    pub steps_in_a_row: u32,
}

impl Default for TrendAlarmSettings {
    /// A rise of 30 % within 5 min in steps of 10 s; the limits are those at which no good build fired in 450.
    fn default() -> Self {
        Self {
            threshold: 1.3_f64.ln(),
            horizon_steps: 30,
            probability: 0.5,
            slope_deviations: 2.6,
            steps_in_a_row: 3,
        }
    }
}

/// What the trend means for the threshold.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Outlook {
    /// Probability that the level is beyond the threshold at the horizon.
    pub probability: f64,
    /// When it will be, looking four horizons ahead.
    pub time: BreachTime,
    /// Whether the trigger fires.
    pub fires: bool,
}

/// Counts for how long a crossing has been in sight.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct TrendAlarm {
    settings: TrendAlarmSettings,
    in_a_row: u32,
}

impl TrendAlarm {
    /// A trigger that has seen nothing yet.
    pub fn new(settings: TrendAlarmSettings) -> Self {
        Self { settings, in_a_row: 0 }
    }

    /// When it fires.
    pub fn settings(&self) -> &TrendAlarmSettings {
        &self.settings
    }

    /// Looks at the trend once per step, after the step's value went into it.
    pub fn look(&mut self, trend: &LocalLinearTrend) -> Outlook {
        let TrendAlarmSettings { threshold, horizon_steps, probability: least, .. } = self.settings;
        let forecast = trend.forecast(horizon_steps);
        let probability = forecast.map_or(0.0, |forecast| forecast.probability_above(threshold));
        let certain = trend.slope() - self.settings.slope_deviations * trend.slope_sd() > 0.0;
        self.in_a_row = if probability > least && certain { self.in_a_row.saturating_add(1) } else { 0 };
        Outlook {
            probability,
            time: breach_time(trend, threshold, horizon_steps.saturating_mul(4)),
            fires: self.in_a_row >= self.settings.steps_in_a_row.max(1),
        }
    }
}
