//! A local linear trend of a series in any unit: the filter of the analysis, with variances that are fitted.

use serin_analysis::forecast::{Forecast, LocalLinearTrend, TrendSettings};

use crate::model::{Kind, Model, ahead, checked, latest, usable};
use crate::search::search;

/// Points that variances are fitted to.
const FITTED: usize = 512;
/// Candidates for the variance that level and slope gain in a step, the variance of a value being 1.
const LEVELS: [f64; 7] = [1e-6, 1e-3, 1e-2, 0.1, 0.5, 2.0, 10.0];
const SLOPES: [f64; 5] = [1e-12, 1e-7, 1e-5, 1e-3, 1e-1];
/// Variances of the start, in units of the value's.
const START_LEVEL: f64 = 1e6;
const START_SLOPE: f64 = 1.0;

/// The filter, fed with values that are moved and scaled so that the error of one has the variance 1.
#[derive(Clone, Debug)]
pub struct ScaledTrend {
    offset: f64,
    scale: f64,
    filter: LocalLinearTrend,
}

impl Default for ScaledTrend {
    fn default() -> Self {
        Self { offset: 0.0, scale: 1.0, filter: filter([LEVELS[2], SLOPES[2]]) }
    }
}

fn filter([level_variance, slope_variance]: [f64; 2]) -> LocalLinearTrend {
    LocalLinearTrend::new(TrendSettings {
        level_variance,
        slope_variance,
        value_variance: 1.0,
        start_level_variance: START_LEVEL,
        start_slope_variance: START_SLOPE,
    })
}

/// Root of the mean square of the changes from one known value to the next, 1 where nothing changes.
fn roughness(series: &[f64]) -> f64 {
    let known: Vec<f64> = series.iter().filter_map(|value| usable(*value)).collect();
    let changes = known.iter().zip(known.iter().skip(1)).map(|(before, after)| after - before);
    let count = known.len().saturating_sub(1).max(1) as f64;
    let size = (changes.map(|change| change * change).sum::<f64>() / count).sqrt();
    if size > 0.0 { size } else { 1.0 }
}

impl ScaledTrend {
    /// The mean square of the errors in units of their expected size, and the concentrated likelihood's loss:
    /// n ln σ² + Σ ln F (Harvey 1989, section 3.4).
    fn cost(&self, series: &[f64]) -> (f64, f64) {
        let mut filter = self.filter.clone();
        let (mut squares, mut logs, mut count) = (0.0, 0.0, 0.0);
        for value in series {
            let scaled = (value - self.offset) / self.scale;
            if usable(*value).is_some()
                && let Some(expected) = filter.forecast_value(1)
            {
                let variance = expected.sd * expected.sd;
                squares += (scaled - expected.mean).powi(2) / variance;
                logs += libm::log(variance);
                count += 1.0;
            }
            serin_analysis::forecast::Forecaster::observe(&mut filter, scaled);
        }
        let mean = squares / f64::max(count, 1.0);
        (mean, count * libm::log(mean.max(f64::MIN_POSITIVE)) + logs)
    }
}

impl Model for ScaledTrend {
    fn kind(&self) -> Kind {
        Kind::Trend
    }

    fn fit(&mut self, series: &[f64]) {
        let series = latest(series, FITTED);
        let offset = series.iter().find_map(|value| usable(*value)).unwrap_or(0.0);
        let scale = roughness(series);
        let with = |point, scale| Self { offset, scale, filter: filter(point) };
        let start = [LEVELS[2], SLOPES[2]];
        let best = search([&LEVELS, &SLOPES], start, |point| with(point, scale).cost(series).1);
        let (mean_square, _) = with(best, scale).cost(series);
        let sigma = mean_square.sqrt().clamp(1e-6, 1e6);
        *self = with(best, scale * sigma);
        series.iter().for_each(|value| self.update(*value));
    }

    fn update(&mut self, value: f64) {
        let scaled = (usable(value).unwrap_or(f64::NAN) - self.offset) / self.scale;
        serin_analysis::forecast::Forecaster::observe(&mut self.filter, scaled);
    }

    fn forecast(&self, horizon: u32) -> Vec<Forecast> {
        ahead(horizon)
            .map_while(|steps| {
                let scaled = self.filter.forecast_value(steps)?;
                checked(self.offset + self.scale * scaled.mean, (self.scale * scaled.sd).powi(2))
            })
            .collect()
    }
}
