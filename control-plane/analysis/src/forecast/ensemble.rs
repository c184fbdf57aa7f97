//! Several models at once, each trusted by how well its recent forecasts did.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{
    AdaptiveInterval, Autoregressive, Forecast, Forecaster, Holt, HoltSettings, LocalLinearTrend,
    TrendSettings, checked, usable,
};
use crate::normal;

/// One of the models, so that an ensemble can be stored.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    /// Local linear trend.
    Trend(LocalLinearTrend),
    /// Exponential smoothing.
    Holt(Holt),
    /// Autoregression on differences.
    Autoregressive(Autoregressive),
    /// Mean of the last 16 values.
    Mean(MovingMean),
}

impl Forecaster for Model {
    fn observe(&mut self, value: f64) {
        match self {
            Self::Trend(model) => model.observe(value),
            Self::Holt(model) => model.observe(value),
            Self::Autoregressive(model) => model.observe(value),
            Self::Mean(model) => model.observe(value),
        }
    }

    fn forecast(&self, steps: u32) -> Option<Forecast> {
        match self {
            Self::Trend(model) => model.forecast_value(steps),
            Self::Holt(model) => model.forecast(steps),
            Self::Autoregressive(model) => model.forecast(steps),
            Self::Mean(model) => model.forecast(steps),
        }
    }
}

/// Mean and spread of the last 16 values; hard to beat on series without memory.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct MovingMean {
    values: VecDeque<f64>,
}

impl MovingMean {
    const WINDOW: usize = 16;
}

impl Forecaster for MovingMean {
    fn observe(&mut self, value: f64) {
        let Some(value) = usable(value) else { return };
        if self.values.len() == Self::WINDOW {
            self.values.pop_front();
        }
        self.values.push_back(value);
    }

    fn forecast(&self, _steps: u32) -> Option<Forecast> {
        const LEAST_SEEN: usize = 3;
        let count = self.values.len();
        if count < LEAST_SEEN {
            return None;
        }
        let mean = self.values.iter().sum::<f64>() / count as f64;
        let squares: f64 = self.values.iter().map(|value| (value - mean).powi(2)).sum();
        let variance = squares / (count - 1) as f64;
        checked(mean, variance * (1.0 + 1.0 / count as f64))
    }
}

/// The forecast of all models, weighted.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Ensemble {
    members: Vec<Member>,
    interval: AdaptiveInterval,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Member {
    model: Model,
    /// Recent mean pinball loss of the forecasts one step ahead; `None` before the first.
    loss: Option<f64>,
}

/// Weight of a new loss.
const LOSS_WEIGHT: f64 = 0.02;
/// Weights fall with this power of the loss.
const SHARPNESS: i32 = 12;
/// Share of values that the interval should miss.
const MISS_SHARE: f64 = 0.1;
/// Quantiles at which forecasts are scored.
const SCORED: [f64; 3] = [0.05, 0.5, 0.95];
/// Most models in an ensemble.
const MAX_MEMBERS: usize = 8;

impl Default for Ensemble {
    /// Moving mean, ARIMA(8, 1, 0), damped Holt, Holt and local linear trend.
    fn default() -> Self {
        Self::new([
            Model::Mean(MovingMean::default()),
            Model::Autoregressive(Autoregressive::new(8)),
            Model::Holt(Holt::new(HoltSettings::damped())),
            Model::Holt(Holt::new(HoltSettings::default())),
            Model::Trend(LocalLinearTrend::new(TrendSettings::default())),
        ])
    }
}

impl Ensemble {
    /// An ensemble of up to 8 models; further ones are left out.
    pub fn new(models: impl IntoIterator<Item = Model>) -> Self {
        let members =
            models.into_iter().take(MAX_MEMBERS).map(|model| Member { model, loss: None }).collect();
        Self { members, interval: AdaptiveInterval::new(MISS_SHARE) }
    }

    /// Weights of the models in their order, which sum to 1 once one of them can forecast.
    pub fn weights(&self) -> Vec<f64> {
        // Relative to the best, so that powers of small losses do not vanish.
        let best = self.members.iter().filter_map(|member| member.loss).fold(f64::INFINITY, f64::min);
        let raw = |member: &Member| match member.loss {
            Some(loss) if loss > 0.0 => (best / loss).powi(SHARPNESS),
            Some(_) => 1.0,
            None => 0.0,
        };
        let sum: f64 = self.members.iter().map(raw).sum();
        self.members.iter().map(|member| if sum > 0.0 { raw(member) / sum } else { 0.0 }).collect()
    }

    /// The interval, low and high, that holds the value `steps` ahead with probability 0.9. One step ahead this is
    /// kept true by [`AdaptiveInterval`]; further ahead the same correction is applied to the wider forecast.
    pub fn interval(&self, steps: u32) -> Option<(f64, f64)> {
        let forecast = self.forecast(steps)?;
        let normal_width = -normal::quantile(MISS_SHARE / 2.0);
        let half = self.interval.half_width().unwrap_or(normal_width) * forecast.sd;
        Some((forecast.mean - half, forecast.mean + half))
    }
}

impl Forecaster for Ensemble {
    fn observe(&mut self, value: f64) {
        if let Some(value) = usable(value)
            && let Some(forecast) = self.forecast(1)
        {
            self.interval.observe((value - forecast.mean) / forecast.sd.max(f64::MIN_POSITIVE));
        }
        for member in &mut self.members {
            if let Some(value) = usable(value)
                && let Some(forecast) = member.model.forecast(1)
            {
                let loss = pinball(forecast, value);
                member.loss = Some(member.loss.map_or(loss, |mean| mean + LOSS_WEIGHT * (loss - mean)));
            }
            member.model.observe(value);
        }
    }

    /// Mean and variance of the mixture.
    fn forecast(&self, steps: u32) -> Option<Forecast> {
        let forecasts: Vec<(f64, Forecast)> = self
            .weights()
            .into_iter()
            .zip(&self.members)
            .filter_map(|(weight, member)| Some((weight, member.model.forecast(steps)?)))
            .collect();
        let sum: f64 = forecasts.iter().map(|(weight, _)| weight).sum();
        if sum <= 0.0 {
            return self.members.iter().find_map(|member| member.model.forecast(steps));
        }
        let mean = forecasts.iter().map(|(weight, forecast)| weight * forecast.mean).sum::<f64>() / sum;
        let within = forecasts
            .iter()
            .map(|(weight, forecast)| weight * (forecast.sd * forecast.sd + (forecast.mean - mean).powi(2)));
        checked(mean, within.sum::<f64>() / sum)
    }
}

/// Mean pinball loss of a forecast at [`SCORED`] quantiles (Koenker and Bassett 1978): proper, so only the true
/// distribution minimises it.
fn pinball(forecast: Forecast, value: f64) -> f64 {
    let losses = SCORED.map(|share| {
        let error = value - forecast.quantile(share);
        (share * error).max((share - 1.0) * error)
    });
    losses.iter().sum::<f64>() / losses.len() as f64
}
