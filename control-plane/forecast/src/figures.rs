//! What forecasts are worth: coverage and error on generated series, with the model chosen as it is in use.
//!
//! The first two thirds of each series decide which model is taken. The last third is forecast by it, step by step, and
//! only that is counted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::backtest::{BacktestSettings, Score, Share, backtest_from};
use crate::choice::contest;
use crate::generated::{PERIOD, Shape};
use crate::model::Kind;

/// How much is measured.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct MeasureSettings {
    /// Seed of the series and of the models.
    pub seed: u64,
    /// Series of each shape.
    pub series: u64,
    /// Steps of each series.
    pub length: usize,
    /// Steps ahead that are forecast.
    pub horizon: u32,
    /// Models to choose from.
    pub models: Vec<Kind>,
}

impl Default for MeasureSettings {
    fn default() -> Self {
        Self { seed: 20_260_801, series: 20, length: 720, horizon: 12, models: Kind::ALL.to_vec() }
    }
}

/// What came out, by shape.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// A constant and noise.
    pub stationary: GroupFigures,
    /// A line, a random walk and noise.
    pub trending: GroupFigures,
    /// Waves and noise.
    pub seasonal: GroupFigures,
}

/// What came out for the series of one shape.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct GroupFigures {
    /// Series.
    pub series: u64,
    /// Values that were forecast.
    pub scored: u64,
    /// Share of the values within the interval of 80 %.
    pub coverage_80: f64,
    /// Share of the values within the interval of 95 %.
    pub coverage_95: f64,
    /// Mean absolute error by that of a naive forecast, geometric mean over the series.
    pub mae_to_naive: f64,
    /// Mean absolute error by that of a seasonal naive forecast, geometric mean over the series.
    pub mae_to_seasonal_naive: f64,
    /// How many series each model was chosen for.
    pub chosen: BTreeMap<Kind, u64>,
}

/// Measures; the same settings give the same bits.
pub fn measure(settings: &MeasureSettings) -> Figures {
    Figures {
        stationary: group(Shape::Stationary, settings),
        trending: group(Shape::Trending, settings),
        seasonal: group(Shape::Seasonal, settings),
    }
}

fn group(shape: Shape, settings: &MeasureSettings) -> GroupFigures {
    let mut sums = GroupSums::default();
    let mut figures = GroupFigures { series: settings.series, ..GroupFigures::default() };
    for at in 0..settings.series {
        let series = shape.series(settings.seed.wrapping_add(at), settings.length);
        if let Some(score) = held_out(&series, settings) {
            *figures.chosen.entry(score.model).or_default() += 1;
            figures.scored += score.scored;
            sums.add(&score);
        }
    }
    figures.coverage_80 = sums.coverage_80.value().unwrap_or(0.0);
    figures.coverage_95 = sums.coverage_95.value().unwrap_or(0.0);
    figures.mae_to_naive = sums.to_naive.geometric();
    figures.mae_to_seasonal_naive = sums.to_seasonal_naive.geometric();
    figures
}

/// Chooses on the first two thirds and scores on the rest.
fn held_out(series: &[f64], settings: &MeasureSettings) -> Option<Score> {
    let backtest = BacktestSettings {
        horizon: settings.horizon,
        period: PERIOD,
        seed: settings.seed,
        ..BacktestSettings::default()
    };
    let first = 2 * series.len() / 3;
    let known = series.get(..first)?;
    let mut model = contest(&settings.models, known, &backtest).model(known, &backtest);
    backtest_from(&mut model, series, first, &backtest)
}

#[derive(Debug, Default)]
struct GroupSums {
    coverage_80: Share,
    coverage_95: Share,
    to_naive: Logs,
    to_seasonal_naive: Logs,
}

impl GroupSums {
    fn add(&mut self, score: &Score) {
        self.coverage_80.add(score.coverage_80);
        self.coverage_95.add(score.coverage_95);
        self.to_naive.add(score.mae_to_naive);
        self.to_seasonal_naive.add(score.mae_to_seasonal_naive);
    }
}

/// Geometric mean of positive ratios, in progress.
#[derive(Clone, Copy, Debug, Default)]
pub struct Logs {
    sum: f64,
    count: f64,
}

impl Logs {
    /// Takes in a ratio; none, and one that is not positive, is left out.
    pub fn add(&mut self, ratio: Option<f64>) {
        if let Some(ratio) = ratio.filter(|ratio| *ratio > 0.0) {
            self.sum += libm::log(ratio);
            self.count += 1.0;
        }
    }

    /// The mean; 0 of nothing.
    pub fn geometric(self) -> f64 {
        if self.count > 0.0 { libm::exp(self.sum / self.count) } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_hold_as_often_as_they_say_on_series_of_every_shape() {
        let settings = MeasureSettings {
            series: 12,
            models: Kind::ALL.into_iter().filter(|kind| *kind != Kind::Lstm).collect(),
            ..MeasureSettings::default()
        };
        let figures = measure(&settings);
        for (figures, within) in
            [(&figures.stationary, 0.03), (&figures.trending, 0.05), (&figures.seasonal, 0.05)]
        {
            assert!((figures.coverage_80 - 0.8).abs() <= within, "{figures:?}");
            assert!((figures.coverage_95 - 0.95).abs() <= within, "{figures:?}");
            assert!(figures.mae_to_naive < 0.95 && figures.mae_to_seasonal_naive < 1.0, "{figures:?}");
        }
        assert_eq!(figures.seasonal.chosen.get(&Kind::Naive), None);
    }

    #[test]
    fn measuring_twice_gives_the_same_bits() {
        let settings = MeasureSettings { series: 1, length: 240, ..MeasureSettings::default() };
        assert_eq!(measure(&settings), measure(&settings));
    }
}
