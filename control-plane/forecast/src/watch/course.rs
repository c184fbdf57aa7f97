//! The trend of a gauge over two looks back, a long one for slow leaks and a short one for those that just began.

use std::collections::VecDeque;

use serin_analysis::forecast::{LocalLinearTrend, TrendSettings};

use super::noise::Noise;
use crate::model::latest;

/// Known steps before the first outlook.
const LEAST_KNOWN: usize = 18;
/// Lengths of the looks back, and how many standard deviations more of a slope each has to show.
const WINDOWS: [(usize, f64); 2] = [(super::WINDOW, 0.0), (60, 1.0)];
/// What level and slope gain in a step: less than for log ratios, since looks back are short. With these, and 3.5
/// deviations of the slope, 100 gauges without a trend fired at most once in two hours (`watch/tests.rs`).
const LEVEL_VARIANCE: f64 = 1e-6;
const SLOPE_VARIANCE: f64 = 1e-9;

/// The trend through the latest steps, in units of their noise.
pub(super) struct Course {
    /// Where the trend's 0 is, in the gauge's unit.
    pub(super) offset: f64,
    /// The trend's unit, in the gauge's.
    pub(super) unit: f64,
    pub(super) trend: LocalLinearTrend,
    /// Slope in its standard deviations, of which a short look back has to show more.
    pub(super) certainty: f64,
}

impl Course {
    /// The most certain rise of those seen over the windows.
    pub(super) fn of(floors: &VecDeque<Option<f64>>) -> Option<Self> {
        let values: Vec<Option<f64>> = floors.iter().copied().collect();
        let noise = Noise::of(&values);
        let mut most: Option<Self> = None;
        for (length, discount) in WINDOWS {
            let Some(course) = Self::through(latest(&values, length), noise, discount) else { continue };
            if most.as_ref().is_none_or(|most| course.certainty > most.certainty) {
                most = Some(course);
            }
        }
        most
    }

    fn through(values: &[Option<f64>], noise: Noise, discount: f64) -> Option<Self> {
        if values.iter().flatten().count() < LEAST_KNOWN {
            return None;
        }
        let settings = TrendSettings {
            level_variance: LEVEL_VARIANCE,
            slope_variance: SLOPE_VARIANCE,
            ..TrendSettings::default()
        };
        let unit = noise.sd / settings.value_variance.sqrt();
        let offset = values.iter().flatten().next().copied()?;
        let mut trend = LocalLinearTrend::new(settings);
        for value in values.iter().skip_while(|value| value.is_none()) {
            let scaled = value.map_or(f64::NAN, |value| (value - offset) / unit);
            trend.observe_with(scaled, settings.value_variance * noise.persistence);
        }
        let certainty = trend.slope() / trend.slope_sd() - discount;
        Some(Self { offset, unit, trend, certainty })
    }

    /// The limit in the trend's unit, where the gauge is `factor` times what the trend says.
    pub(super) fn threshold(&self, limit: f64, factor: f64) -> f64 {
        (limit / factor - self.offset) / self.unit
    }
}
