//! What every model does, and which models there are.

use std::fmt;

use serde::{Deserialize, Serialize};
use serin_analysis::forecast::{
    Autoregressive, Forecast, LocalLinearTrend, MAX_STEPS_AHEAD, TrendSettings, ensemble::MovingMean,
};

use crate::holt::DampedHolt;
use crate::lstm::Lstm;
use crate::naive::{Naive, SeasonalNaive};
use crate::online::Online;
use crate::seasonal::SeasonalSmoothing;
use crate::trend::ScaledTrend;

/// Most steps of a season: a week in steps of 5 min.
pub const PERIOD_MOST: usize = 2016;
/// Most points, the latest ones, that a model is fitted to.
pub const FIT_MOST: usize = 2 * PERIOD_MOST;
/// Largest size of a value that is told apart.
const MOST: f64 = 1e12;
/// Order of the autoregression.
const ORDER: usize = 8;

/// A model of one series in equal steps. A value that is not a finite number is a missing point.
pub trait Model: fmt::Debug + Send {
    /// Which model it is.
    fn kind(&self) -> Kind;

    /// Forgets what it knew and learns from `series`, the oldest value first; of more than [`FIT_MOST`] values from
    /// the latest.
    fn fit(&mut self, series: &[f64]);

    /// Takes in the value of the next step; parameters stay as they were fitted.
    fn update(&mut self, value: f64);

    /// The values 1, 2, … `horizon` steps ahead (up to `MAX_STEPS_AHEAD`). Empty: too little seen.
    fn forecast(&self, horizon: u32) -> Vec<Forecast>;
}

/// Which model, the simplest first.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The last value.
    Naive,
    /// The value one season ago.
    SeasonalNaive,
    /// Mean of the last 16 values.
    Mean,
    /// Exponential smoothing with a damped trend, ETS(A,Ad,N).
    Holt,
    /// Exponential smoothing with a damped trend and an additive season, ETS(A,Ad,A).
    Seasonal,
    /// ARIMA(8,1,0) by least squares.
    Autoregressive,
    /// Local linear trend by Kalman's filter.
    Trend,
    /// A recurrent network of 16 cells.
    Lstm,
}

impl Kind {
    /// All, the simplest first.
    pub const ALL: [Self; 8] = [
        Self::Naive,
        Self::SeasonalNaive,
        Self::Mean,
        Self::Holt,
        Self::Seasonal,
        Self::Autoregressive,
        Self::Trend,
        Self::Lstm,
    ];

    /// Its name as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Naive => "naive",
            Self::SeasonalNaive => "seasonal_naive",
            Self::Mean => "mean",
            Self::Holt => "holt",
            Self::Seasonal => "seasonal",
            Self::Autoregressive => "autoregressive",
            Self::Trend => "trend",
            Self::Lstm => "lstm",
        }
    }

    /// Whether it needs a season.
    pub fn is_seasonal(self) -> bool {
        matches!(self, Self::SeasonalNaive | Self::Seasonal)
    }

    /// A model that has seen nothing yet. `period` is the length of a season in steps, below 2 for none; `seed` is
    /// that of the models that draw random numbers.
    pub fn model(self, period: usize, seed: u64) -> Box<dyn Model> {
        let period = season(period).unwrap_or(0);
        match self {
            Self::Naive => Box::new(Naive::default()),
            Self::SeasonalNaive => Box::new(SeasonalNaive::new(period)),
            Self::Mean => Box::new(Online::new(self, MovingMean::default())),
            Self::Holt => Box::new(DampedHolt::default()),
            Self::Seasonal => Box::new(SeasonalSmoothing::new(period)),
            Self::Autoregressive => Box::new(Online::new(self, Autoregressive::new(ORDER))),
            Self::Trend => Box::new(ScaledTrend::default()),
            Self::Lstm => Box::new(Lstm::new(period, seed)),
        }
    }
}

/// The trend's filter of [`serin_analysis`], in steps and units of its own defaults, as a model: for log ratios.
pub fn ratio_trend() -> Box<dyn Model> {
    Box::new(Online::new(Kind::Trend, LocalLinearTrend::new(TrendSettings::default())))
}

/// A value that can be computed with; `None` for a missing point. Beyond ±1e12 a value counts as that.
pub(crate) fn usable(value: f64) -> Option<f64> {
    value.is_finite().then(|| value.clamp(-MOST, MOST))
}

/// A length that can be a season.
pub(crate) fn season(period: usize) -> Option<usize> {
    (2..=PERIOD_MOST).contains(&period).then_some(period)
}

/// Steps that are looked ahead.
pub(crate) fn ahead(horizon: u32) -> std::ops::RangeInclusive<u32> {
    1..=horizon.min(MAX_STEPS_AHEAD)
}

/// The latest values, up to `most`.
pub(crate) fn latest<T>(series: &[T], most: usize) -> &[T] {
    series.get(series.len().saturating_sub(most)..).unwrap_or(series)
}

/// A forecast, unless its numbers left the range.
pub(crate) fn checked(mean: f64, variance: f64) -> Option<Forecast> {
    let sd = variance.max(0.0).sqrt();
    (mean.is_finite() && sd.is_finite()).then_some(Forecast { mean, sd })
}

/// A mean square of recent errors: a plain mean at first, then with the weight 0.02 for each new one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MeanSquare {
    seen: u32,
    mean: f64,
}

impl MeanSquare {
    pub(crate) fn observe(&mut self, error: f64) {
        const LEAST_WEIGHT: f64 = 0.02;
        self.seen = self.seen.saturating_add(1);
        self.mean += LEAST_WEIGHT.max(1.0 / f64::from(self.seen)) * (error * error - self.mean);
    }

    /// `None` before the second error.
    pub(crate) fn value(&self) -> Option<f64> {
        (self.seen >= 2).then_some(self.mean)
    }
}

#[cfg(test)]
mod tests;
