//! Exponential smoothing with a damped trend whose weights are fitted, ETS(A,Ad,N).

use serin_analysis::forecast::{Forecast, Forecaster, Holt, HoltSettings};

use crate::model::{Kind, Model, ahead, latest, usable};
use crate::search::search;

/// Points that weights are fitted to.
const FITTED: usize = 1024;
/// Candidates for the weights of level and trend, and for the damping.
const LEVELS: [f64; 9] = [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0];
const TRENDS: [f64; 8] = [0.0, 0.01, 0.03, 0.1, 0.2, 0.4, 0.7, 1.0];
const DAMPINGS: [f64; 4] = [0.8, 0.9, 0.95, 0.98];

/// The smoothing of the analysis, with the weights that had the smallest squared error one step ahead.
#[derive(Clone, Debug)]
pub struct DampedHolt {
    smoothing: Holt,
    settings: HoltSettings,
}

impl Default for DampedHolt {
    fn default() -> Self {
        Self::with(HoltSettings::damped())
    }
}

impl DampedHolt {
    /// The smoothing with given weights, which [`Model::fit`] replaces.
    pub fn with(settings: HoltSettings) -> Self {
        Self { smoothing: Holt::new(settings), settings }
    }

    /// The weights.
    pub fn settings(&self) -> HoltSettings {
        self.settings
    }
}

fn settings([level, trend, damping]: [f64; 3]) -> HoltSettings {
    HoltSettings { level, trend, damping }
}

/// Sum of squared errors one step ahead.
fn cost(series: &[f64], settings: HoltSettings) -> f64 {
    let mut smoothing = Holt::new(settings);
    let mut sum = 0.0;
    for value in series {
        if let (Some(value), Some(expected)) = (usable(*value), smoothing.forecast(1)) {
            sum += (value - expected.mean).powi(2);
        }
        smoothing.observe(*value);
    }
    sum
}

impl Model for DampedHolt {
    fn kind(&self) -> Kind {
        Kind::Holt
    }

    fn fit(&mut self, series: &[f64]) {
        let series = latest(series, FITTED);
        let HoltSettings { level, trend, damping } = HoltSettings::damped();
        let best = search([&LEVELS, &TRENDS, &DAMPINGS], [level, trend, damping], |point| {
            cost(series, settings(point))
        });
        *self = Self::with(settings(best));
        series.iter().for_each(|value| self.smoothing.observe(*value));
    }

    fn update(&mut self, value: f64) {
        self.smoothing.observe(value);
    }

    fn forecast(&self, horizon: u32) -> Vec<Forecast> {
        ahead(horizon).map_while(|steps| self.smoothing.forecast(steps)).collect()
    }
}
