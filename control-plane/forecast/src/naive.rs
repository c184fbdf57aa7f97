//! The forecasts that every other has to beat: the last value, and the value one season ago.

use std::collections::VecDeque;

use serin_analysis::forecast::Forecast;

use crate::model::{FIT_MOST, Kind, MeanSquare, Model, ahead, checked, latest, season, usable};

/// The last value, with the spread of a random walk: sd √steps.
#[derive(Clone, Debug, Default)]
pub struct Naive {
    last: Option<f64>,
    change: MeanSquare,
}

impl Model for Naive {
    fn kind(&self) -> Kind {
        Kind::Naive
    }

    fn fit(&mut self, series: &[f64]) {
        *self = Self::default();
        latest(series, FIT_MOST).iter().for_each(|value| self.update(*value));
    }

    fn update(&mut self, value: f64) {
        let Some(value) = usable(value) else { return };
        if let Some(last) = self.last {
            self.change.observe(value - last);
        }
        self.last = Some(value);
    }

    fn forecast(&self, horizon: u32) -> Vec<Forecast> {
        let (Some(last), Some(variance)) = (self.last, self.change.value()) else { return Vec::new() };
        ahead(horizon).map_while(|steps| checked(last, variance * f64::from(steps))).collect()
    }
}

/// The value one season ago, with the spread of a walk from season to season.
#[derive(Clone, Debug)]
pub struct SeasonalNaive {
    period: usize,
    /// The last season, the next value's predecessor first.
    season: VecDeque<f64>,
    change: MeanSquare,
}

impl SeasonalNaive {
    /// A model of seasons of `period` steps. Below 2 steps it never forecasts.
    pub fn new(period: usize) -> Self {
        Self { period, season: VecDeque::new(), change: MeanSquare::default() }
    }
}

impl Model for SeasonalNaive {
    fn kind(&self) -> Kind {
        Kind::SeasonalNaive
    }

    fn fit(&mut self, series: &[f64]) {
        *self = Self::new(self.period);
        latest(series, FIT_MOST).iter().for_each(|value| self.update(*value));
    }

    /// A missing point takes the value of the season before.
    fn update(&mut self, value: f64) {
        let Some(period) = season(self.period) else { return };
        let before = if self.season.len() == period { self.season.pop_front() } else { None };
        let Some(value) = usable(value) else {
            self.season.push_back(before.or(self.season.back().copied()).unwrap_or(0.0));
            return;
        };
        if let Some(before) = before {
            self.change.observe(value - before);
        }
        self.season.push_back(value);
    }

    fn forecast(&self, horizon: u32) -> Vec<Forecast> {
        let Some(variance) = self.change.value() else { return Vec::new() };
        self.season
            .iter()
            .cycle()
            .zip(ahead(horizon))
            .map_while(|(mean, steps)| {
                let seasons = 1 + (steps as usize - 1) / self.period.max(1);
                checked(*mean, variance * seasons as f64)
            })
            .collect()
    }
}
