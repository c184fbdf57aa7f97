//! Backtests: forecasts made again and again from what was known at the time, beside what came.
//!
//! The origin rolls on by one step. At each, all steps up to the horizon are forecast and scored: by the mean absolute
//! error, also relative to a naive and a seasonal naive forecast of the same values; by the pinball loss of the
//! quantiles that are shipped (Koenker and Bassett 1978); and by how many values the intervals held.

use serde::{Deserialize, Serialize};

use crate::calibrated::{Calibrated, Prediction};
use crate::model::{FIT_MOST, Kind, latest, season, usable};

/// How a backtest goes.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct BacktestSettings {
    /// Steps ahead that are forecast at each origin, at least 1.
    pub horizon: u32,
    /// Length of a season in steps; below 2 for none.
    pub period: usize,
    /// Most origins, the latest ones, that are scored.
    pub origins: usize,
    /// Steps after which a model learns anew.
    pub refit_every: usize,
    /// Seed of the models that draw random numbers.
    pub seed: u64,
}

impl Default for BacktestSettings {
    /// An hour in steps of 5 min, over the last two weeks at most.
    fn default() -> Self {
        Self { horizon: 12, period: 0, origins: 4032, refit_every: 576, seed: 1 }
    }
}

impl BacktestSettings {
    /// The first origin: half of the series is known, or more where the rest is longer than what is scored.
    pub fn first_origin(&self, length: usize) -> usize {
        (length / 2).max(length.saturating_sub(self.origins.max(1)))
    }
}

/// How many of a number of values.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Share {
    /// So many.
    pub held: u64,
    /// Of so many.
    pub of: u64,
}

impl Share {
    fn count(&mut self, held: bool) {
        self.held += u64::from(held);
        self.of += 1;
    }

    /// Adds what was counted elsewhere.
    pub fn add(&mut self, other: Self) {
        self.held += other.held;
        self.of += other.of;
    }

    /// The share, 0 to 1; `None` of nothing.
    pub fn value(self) -> Option<f64> {
        (self.of > 0).then(|| self.held as f64 / self.of as f64)
    }
}

/// How well a model did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Score {
    /// Which model.
    pub model: Kind,
    /// Values that were forecast and came.
    pub scored: u64,
    /// Mean absolute error, in the series' unit.
    pub mae: f64,
    /// Mean pinball loss over the quantiles 0.025, 0.1, 0.5, 0.9 and 0.975, in the series' unit.
    pub pinball: f64,
    /// `mae` divided by that of the last value as forecast; `None` where that is 0.
    pub mae_to_naive: Option<f64>,
    /// `mae` divided by that of the value a season ago as forecast; `None` without seasons or where that is 0.
    pub mae_to_seasonal_naive: Option<f64>,
    /// Values within the interval of 80 %.
    pub coverage_80: Share,
    /// Values within the interval of 95 %.
    pub coverage_95: Share,
}

/// Sums of a backtest in progress.
#[derive(Debug, Default)]
struct Sums {
    scored: u64,
    error: f64,
    pinball: f64,
    naive: f64,
    /// Error of the model and of the seasonal naive forecast, where the latter can be made.
    with_season: (f64, f64),
    coverage_80: Share,
    coverage_95: Share,
}

/// Lets a model of `kind` forecast `series` again and again. `None`: it never could, or nothing could be scored.
pub fn backtest(kind: Kind, series: &[f64], settings: &BacktestSettings) -> Option<Score> {
    let first = settings.first_origin(series.len());
    let mut model = Calibrated::new(kind.model(settings.period, settings.seed), settings.horizon);
    model.fit(series.get(..first)?);
    backtest_from(&mut model, series, first, settings)
}

/// The same with a model that has learned the values before `first`.
pub fn backtest_from(
    model: &mut Calibrated,
    series: &[f64],
    first: usize,
    settings: &BacktestSettings,
) -> Option<Score> {
    let mut sums = Sums::default();
    for origin in first..series.len() {
        let (known, coming) = series.split_at_checked(origin)?;
        if origin > first && (origin - first).is_multiple_of(settings.refit_every.max(1)) {
            model.refit(latest(known, FIT_MOST));
        }
        let predictions = model.forecast(settings.horizon.max(1));
        let last = known.iter().rev().find_map(|value| usable(*value));
        for (at, (prediction, value)) in predictions.iter().zip(coming).enumerate() {
            if let (Some(value), Some(last)) = (usable(*value), last) {
                sums.score(prediction, value, last, seasonal(known, at, settings.period));
            }
        }
        model.update(*coming.first()?);
    }
    sums.finish(model.kind())
}

/// The latest known value that is a whole number of seasons before the one `at` steps after the next.
fn seasonal(known: &[f64], at: usize, period: usize) -> Option<f64> {
    let period = season(period)?;
    let seasons = at / period + 1;
    usable(*known.get((known.len() + at).checked_sub(seasons * period)?)?)
}

impl Sums {
    fn score(&mut self, prediction: &Prediction, value: f64, last: f64, seasonal: Option<f64>) {
        let error = value - prediction.mean;
        self.scored += 1;
        self.error += error.abs();
        self.naive += (value - last).abs();
        if let Some(seasonal) = seasonal {
            self.with_season.0 += error.abs();
            self.with_season.1 += (value - seasonal).abs();
        }
        self.coverage_80.count(error.abs() <= prediction.half_80);
        self.coverage_95.count(error.abs() <= prediction.half_95);
        self.pinball += pinball(prediction, error);
    }

    fn finish(self, model: Kind) -> Option<Score> {
        if self.scored == 0 {
            return None;
        }
        let ratio = |own: f64, other: f64| (other > 0.0).then(|| own / other);
        Some(Score {
            model,
            scored: self.scored,
            mae: self.error / self.scored as f64,
            pinball: self.pinball / self.scored as f64,
            mae_to_naive: ratio(self.error, self.naive),
            mae_to_seasonal_naive: ratio(self.with_season.0, self.with_season.1),
            coverage_80: self.coverage_80,
            coverage_95: self.coverage_95,
        })
    }
}

/// Mean pinball loss of the shipped quantiles, for a value that is `error` above the mean.
fn pinball(prediction: &Prediction, error: f64) -> f64 {
    let quantiles = [
        (0.025, -prediction.half_95),
        (0.1, -prediction.half_80),
        (0.5, 0.0),
        (0.9, prediction.half_80),
        (0.975, prediction.half_95),
    ];
    let loss = |(share, quantile): (f64, f64)| {
        let above = error - quantile;
        (share * above).max((share - 1.0) * above)
    };
    quantiles.map(loss).iter().sum::<f64>() / quantiles.len() as f64
}

#[cfg(test)]
mod tests;
