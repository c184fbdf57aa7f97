//! Exponential smoothing with a damped trend and an additive season, ETS(A,Ad,A).
//!
//! error = value - level - φ trend - season m steps ago; level' = level + φ trend + α error;
//! trend' = φ trend + α β error; season' = season + γ error. The variance ahead is that of the state space model
//! (Hyndman, Koehler, Ord, Snyder 2008, table 6.1).

use std::collections::VecDeque;

use serin_analysis::forecast::Forecast;

use crate::model::{FIT_MOST, Kind, MeanSquare, Model, ahead, checked, latest, season, usable};
use crate::search::search;

/// Candidates for the weights, in the order of [`SeasonalSettings`].
const LEVELS: [f64; 8] = [0.01, 0.03, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95];
const TRENDS: [f64; 4] = [0.0, 0.02, 0.1, 0.3];
const DAMPINGS: [f64; 3] = [0.8, 0.9, 0.98];
const SEASONS: [f64; 5] = [0.0, 0.05, 0.1, 0.2, 0.4];
/// Seasons that weights are fitted to at most.
const FITTED_SEASONS: usize = 8;

/// Weights of the smoothing, each 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeasonalSettings {
    /// Weight α of an error in the level.
    pub level: f64,
    /// Weight β of the level's error in the trend.
    pub trend: f64,
    /// What is left of the trend after a step, φ.
    pub damping: f64,
    /// Weight γ of an error in the season.
    pub season: f64,
}

impl SeasonalSettings {
    const START: [f64; 4] = [0.2, 0.02, 0.9, 0.1];

    fn at([level, trend, damping, season]: [f64; 4]) -> Self {
        Self { level, trend, damping, season }
    }
}

/// State of the smoothing.
#[derive(Clone, Debug)]
pub struct SeasonalSmoothing {
    period: usize,
    settings: SeasonalSettings,
    level: f64,
    trend: f64,
    /// What each step of the season adds, the next step's first; empty before a fit.
    season: VecDeque<f64>,
    errors: MeanSquare,
}

impl SeasonalSmoothing {
    /// A smoothing of seasons of `period` steps that has seen nothing yet. Below 2 steps it never forecasts.
    pub fn new(period: usize) -> Self {
        Self {
            period,
            settings: SeasonalSettings::at(SeasonalSettings::START),
            level: 0.0,
            trend: 0.0,
            season: VecDeque::new(),
            errors: MeanSquare::default(),
        }
    }

    /// A smoothing with given weights and a given start; `season` begins with the next step.
    pub fn starting(settings: SeasonalSettings, level: f64, trend: f64, season: &[f64]) -> Self {
        let season: VecDeque<f64> = season.iter().copied().collect();
        Self { settings, level, trend, period: season.len(), season, ..Self::new(0) }
    }

    /// The level's start, the mean of the first season, and the season's: the mean distance from their season's
    /// mean of the values of the first two. `None`: a step of the season is known in neither.
    fn start(series: &[f64], period: usize) -> Option<(f64, VecDeque<f64>)> {
        let seasons: Vec<(&[f64], f64)> = series
            .chunks_exact(period)
            .take(2)
            .map(|values| Some((values, mean(values.iter().copied())?)))
            .collect::<Option<_>>()?;
        let second = seasons.get(1).map(|(values, _)| values.len());
        second.filter(|length| *length == period)?;
        let (_, level) = seasons.first()?;
        let deviation =
            |step: usize| mean(seasons.iter().filter_map(|(values, mean)| Some(values.get(step)? - mean)));
        Some((*level, (0..period).map(deviation).collect::<Option<_>>()?))
    }

    fn error(&self, value: f64) -> Option<f64> {
        let expected = self.level + self.settings.damping * self.trend + self.season.front()?;
        Some(value - expected)
    }

    fn cost(mut self, series: &[f64]) -> f64 {
        let mut sum = 0.0;
        for value in series {
            if let Some(error) = usable(*value).and_then(|value| self.error(value)) {
                sum += error * error;
            }
            self.update(*value);
        }
        sum
    }
}

/// Mean of the known values.
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) =
        values.filter_map(usable).fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    (count > 0.0).then(|| sum / count)
}

impl Model for SeasonalSmoothing {
    fn kind(&self) -> Kind {
        Kind::Seasonal
    }

    fn fit(&mut self, series: &[f64]) {
        *self = Self::new(self.period);
        let Some(period) = season(self.period) else { return };
        let series = latest(series, FIT_MOST.min(FITTED_SEASONS * period));
        let Some((level, deviations)) = Self::start(series, period) else { return };
        let starting = |point| {
            let settings = SeasonalSettings::at(point);
            Self { settings, level, season: deviations.clone(), ..Self::new(period) }
        };
        let best = search([&LEVELS, &TRENDS, &DAMPINGS, &SEASONS], SeasonalSettings::START, |point| {
            starting(point).cost(series)
        });
        *self = starting(best);
        series.iter().for_each(|value| self.update(*value));
    }

    fn update(&mut self, value: f64) {
        let SeasonalSettings { level: alpha, trend: beta, damping, season: gamma } = self.settings;
        let error = usable(value).and_then(|value| self.error(value));
        let Some(seasonal) = self.season.pop_front() else { return };
        if let Some(error) = error {
            self.errors.observe(error);
        }
        let error = error.unwrap_or(0.0);
        let change = damping * self.trend;
        self.level = usable(self.level + change + alpha * error).unwrap_or(self.level);
        self.trend = usable(change + alpha * beta * error).unwrap_or(0.0);
        self.season.push_back(usable(seasonal + gamma * error).unwrap_or(0.0));
    }

    fn forecast(&self, horizon: u32) -> Vec<Forecast> {
        let SeasonalSettings { level: alpha, trend: beta, damping, season: gamma } = self.settings;
        let Some(variance) = self.errors.value() else { return Vec::new() };
        let (mut faded, mut damped_steps, mut factor) = (1.0, 0.0, 1.0);
        let mut steps = self.season.iter().cycle().zip(ahead(horizon));
        std::iter::from_fn(|| {
            let (seasonal, step) = steps.next()?;
            faded *= damping;
            damped_steps += faded;
            let found = checked(self.level + damped_steps * self.trend + seasonal, variance * factor);
            let returns = f64::from(u8::from((step as usize).is_multiple_of(self.period.max(1))));
            factor += (alpha * (1.0 + beta * damped_steps) + gamma * returns).powi(2);
            found
        })
        .collect()
    }
}
