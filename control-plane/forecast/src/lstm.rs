//! A small recurrent network as a challenger: one layer of 16 cells, trained here, for a fixed number of steps.
//!
//! It says how much the next value differs from the last, from the last difference, the distance from the usual level,
//! and how much the value changed at this point of the season before. An untrained one is the naive forecast.
//! Further steps are forecast from its own forecasts.

mod network;
mod training;

use std::collections::VecDeque;

use serin_analysis::forecast::Forecast;

use crate::model::{Kind, Model, ahead, checked, latest, season, usable};
use network::{INPUTS, Memory, Network};
use serin_random::Random;

/// Points that it is trained on; with seasons, at least two of them.
const FITTED: usize = 1024;
/// Fewest points that it is trained on.
const LEAST: usize = 64;
/// What goes in and comes out is kept within this many of its usual sizes.
const LARGEST: f64 = 6.0;
/// The second horizon at which errors are measured, and the points, the latest, at which they are.
const FAR: u32 = 8;
const MEASURED: usize = 128;

/// A network with what it has seen of one series.
#[derive(Clone, Debug)]
pub struct Lstm {
    period: usize,
    seed: u64,
    trained: Option<Trained>,
    past: Past,
}

#[derive(Clone, Debug)]
struct Trained {
    network: Network,
    memory: Memory,
    /// What it says of the next difference, scaled.
    next: f64,
    units: Units,
    near_variance: f64,
    far_variance: f64,
}

/// Usual size of a difference, and where and how widely the values lie.
#[derive(Clone, Copy, Debug)]
struct Units {
    difference: f64,
    centre: f64,
    spread: f64,
}

/// The last values, as far as a season reaches back.
#[derive(Clone, Debug, Default)]
struct Past {
    values: VecDeque<f64>,
    reach: usize,
}

impl Past {
    fn push(&mut self, value: f64) {
        if self.values.len() > self.reach {
            self.values.pop_front();
        }
        self.values.push_back(value);
    }

    /// A missing value is taken as unchanged.
    fn filled(&self, value: f64) -> f64 {
        usable(value).or(self.values.back().copied()).unwrap_or(0.0)
    }

    /// What goes into the network once the last value is known. The season before is the oldest value.
    fn inputs(&self, units: Units) -> [f64; INPUTS] {
        let mut latest = self.values.iter().rev();
        let last = latest.next().copied().unwrap_or(units.centre);
        let before = latest.next().copied().unwrap_or(last);
        let mut oldest = self.values.iter();
        let (then, after) = (oldest.next().copied(), oldest.next().copied());
        let seasonal = match (then, after) {
            (Some(then), Some(after)) if self.reach > 1 && self.values.len() > self.reach => after - then,
            _ => 0.0,
        };
        [
            bounded((last - before) / units.difference),
            bounded((last - units.centre) / units.spread),
            bounded(seasonal / units.difference),
        ]
    }
}

fn bounded(value: f64) -> f64 {
    if value.is_nan() { 0.0 } else { value.clamp(-LARGEST, LARGEST) }
}

impl Units {
    fn of(values: &[f64]) -> Self {
        let count = values.len().max(1) as f64;
        let centre = values.iter().sum::<f64>() / count;
        let size = |sum: f64| if sum > 0.0 && sum.is_finite() { (sum / count).sqrt() } else { 1.0 };
        let spread = size(values.iter().map(|value| (value - centre).powi(2)).sum());
        let differences = values.iter().zip(values.iter().skip(1)).map(|(before, after)| after - before);
        Self { difference: size(differences.map(|difference| difference * difference).sum()), centre, spread }
    }
}

impl Trained {
    /// Takes in the last value of `past`.
    fn advance(&mut self, past: &Past) {
        let (step, memory) = self.network.step(past.inputs(self.units), &self.memory);
        self.memory = memory;
        self.next = bounded(step.output);
    }

    fn means(&self, past: &Past, horizon: u32) -> Vec<f64> {
        let (mut state, mut past) = (self.clone(), past.clone());
        ahead(horizon)
            .map(|_| {
                let last = past.values.back().copied().unwrap_or(state.units.centre);
                let value = last + state.units.difference * state.next;
                past.push(value);
                state.advance(&past);
                value
            })
            .collect()
    }
}

impl Lstm {
    /// A network that knows nothing; `period` is the length of a season in steps, below 2 for none.
    pub fn new(period: usize, seed: u64) -> Self {
        let reach = season(period).unwrap_or(1);
        Self { period, seed, trained: None, past: Past { values: VecDeque::new(), reach } }
    }

    fn filled(series: &[f64]) -> Vec<f64> {
        let mut last = series.iter().find_map(|value| usable(*value)).unwrap_or(0.0);
        series
            .iter()
            .map(|value| {
                last = usable(*value).unwrap_or(last);
                last
            })
            .collect()
    }

    fn examples(&self, values: &[f64], units: Units) -> Vec<([f64; INPUTS], f64)> {
        let mut past = Past { values: VecDeque::new(), reach: self.past.reach };
        values
            .iter()
            .zip(values.iter().skip(1))
            .map(|(value, next)| {
                past.push(*value);
                (past.inputs(units), bounded((next - value) / units.difference))
            })
            .collect()
    }

    /// Goes through the values once more, measuring the errors of the forecasts at the latest of them.
    fn replay(&mut self, mut trained: Trained, values: &[f64]) {
        let first = values.len().saturating_sub(MEASURED);
        let (mut near, mut far) = (Vec::new(), Vec::new());
        for (at, value) in values.iter().enumerate() {
            self.past.push(*value);
            trained.advance(&self.past);
            if at < first {
                continue;
            }
            if let Some(next) = values.get(at + 1) {
                near.push(next - value - trained.units.difference * trained.next);
            }
            if at % 4 == 0
                && let Some(later) = values.get(at + FAR as usize)
                && let Some(mean) = trained.means(&self.past, FAR).last()
            {
                far.push(later - mean);
            }
        }
        let square = |errors: &[f64]| {
            errors.iter().map(|error| error * error).sum::<f64>() / errors.len().max(1) as f64
        };
        trained.near_variance = square(&near);
        trained.far_variance = square(&far).max(trained.near_variance);
        self.trained = Some(trained);
    }
}

impl Model for Lstm {
    fn kind(&self) -> Kind {
        Kind::Lstm
    }

    fn fit(&mut self, series: &[f64]) {
        *self = Self::new(self.period, self.seed);
        let values = Self::filled(latest(series, FITTED.max(2 * self.past.reach)));
        if values.len() < LEAST {
            values.iter().for_each(|value| self.past.push(*value));
            return;
        }
        let units = Units::of(&values);
        let mut random = Random::seeded(self.seed);
        let mut network = Network::new(&mut random);
        training::train(&mut network, &self.examples(&values, units), &mut random);
        let trained = Trained {
            network,
            memory: Memory::default(),
            next: 0.0,
            units,
            near_variance: 0.0,
            far_variance: 0.0,
        };
        self.replay(trained, &values);
    }

    fn update(&mut self, value: f64) {
        self.past.push(self.past.filled(value));
        if let Some(trained) = &mut self.trained {
            trained.advance(&self.past);
        }
    }

    /// The variance grows in equal parts from that measured one step ahead through that measured eight ahead.
    fn forecast(&self, horizon: u32) -> Vec<Forecast> {
        let Some(trained) = &self.trained else { return Vec::new() };
        let gained = (trained.far_variance - trained.near_variance) / f64::from(FAR - 1);
        ahead(horizon)
            .zip(trained.means(&self.past, horizon))
            .map_while(|(steps, mean)| checked(mean, trained.near_variance + f64::from(steps - 1) * gained))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sum of the two values before, which no simple smoothing can follow.
    fn wave(count: usize) -> Vec<f64> {
        let mut random = Random::seeded(2);
        let (mut last, mut before) = (0.0, 0.0);
        (0..count)
            .map(|_| {
                let value = 1.6 * last - 0.9 * before + 0.1 * random.normal();
                (before, last) = (last, value);
                value
            })
            .collect()
    }

    #[test]
    fn training_learns_what_the_naive_forecast_cannot() {
        let series = wave(600);
        let (seen, held) = series.split_at(500);
        let mut model = Lstm::new(0, 1);
        model.fit(seen);
        let (mut error, mut naive, mut last) = (0.0, 0.0, seen[499]);
        for value in held {
            error += (model.forecast(1)[0].mean - value).abs();
            naive += (last - value).abs();
            last = *value;
            model.update(*value);
        }
        assert!(error < 0.5 * naive, "{error} beside {naive}");
    }

    #[test]
    fn the_same_seed_gives_the_same_bits_and_another_seed_others() {
        let series = wave(200);
        let forecast = |seed| {
            let mut model = Lstm::new(0, seed);
            model.fit(&series);
            model.forecast(5)
        };
        assert_eq!(forecast(4), forecast(4));
        assert_ne!(forecast(4), forecast(5));
    }
}
