//! A model whose intervals hold as often as they say, whatever the model believes of itself.
//!
//! At 1, 2, 4, 8, … steps ahead the errors of past forecasts, in units of the model's own standard deviation, go into
//! an [`AdaptiveInterval`] for each of 80 % and 95 %. A forecast in between takes the interval of the step below.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serin_analysis::forecast::{AdaptiveInterval, Forecast};

use crate::model::{FIT_MOST, Kind, Model, latest, usable};

mod guard;
mod recent;

use guard::Guard;
use recent::Recent;

/// Steps ahead, powers of two, whose errors are kept; beyond the last its interval is used.
const MARKS: usize = 7;
/// Newest points of a fit that are forecast before they are learned, so that intervals start with real errors.
const HELD: usize = 256;
/// Half widths, in standard deviations, of the normal distribution, until enough errors are known.
const NORMAL_80: f64 = 1.281_551_565_544_600_4;
const NORMAL_95: f64 = 1.959_963_984_540_054;

/// What a value is expected to be, with intervals that hold it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Prediction {
    /// Expected value.
    pub mean: f64,
    /// Standard deviation, as the model believes.
    pub sd: f64,
    /// Half the width of the interval around `mean` that holds 80 % of the values.
    pub half_80: f64,
    /// Half the width of the interval that holds 95 %, at least `half_80`.
    pub half_95: f64,
}

/// A model with the errors that it made.
#[derive(Debug)]
pub struct Calibrated {
    model: Box<dyn Model>,
    marks: Vec<Mark>,
    /// Forecasts made after each of the last values, the latest last, for the steps of [`Self::marks`].
    pending: VecDeque<Vec<Option<Forecast>>>,
    guard: Option<Guard>,
    recent: Recent,
}

#[derive(Clone, Debug)]
struct Mark {
    ahead: u32,
    eighty: AdaptiveInterval,
    ninety_five: AdaptiveInterval,
    /// Half widths at present, in standard deviations.
    half_80: f64,
    half_95: f64,
}

impl Mark {
    fn new(ahead: u32) -> Self {
        let (eighty, ninety_five) = (AdaptiveInterval::new(0.2), AdaptiveInterval::new(0.05));
        Self { ahead, eighty, ninety_five, half_80: NORMAL_80, half_95: NORMAL_95 }
    }

    fn observe(&mut self, error: f64) {
        self.eighty.observe(error);
        self.ninety_five.observe(error);
        self.half_80 = self.eighty.half_width().unwrap_or(self.half_80);
        self.half_95 = self.ninety_five.half_width().unwrap_or(self.half_95);
    }
}

/// The unit of errors: a standard deviation, kept above what rounding alone can be.
fn unit(forecast: Forecast) -> f64 {
    const ROUNDING: f64 = 1e-12;
    forecast.sd.max(ROUNDING * (1.0 + forecast.mean.abs()))
}

impl Calibrated {
    /// A model that has seen nothing yet, to be asked up to `horizon` steps ahead.
    pub fn new(model: Box<dyn Model>, horizon: u32) -> Self {
        let marks = (0..MARKS as u32)
            .map(|power| 1_u32 << power)
            .take_while(|ahead| *ahead <= horizon.max(1))
            .map(Mark::new)
            .collect();
        Self { model, marks, pending: VecDeque::new(), guard: None, recent: Recent::default() }
    }

    /// The same, with the naive forecast in the model's place while the model has lately been worse than that: a series
    /// may change its ways after a model was chosen.
    pub fn guarded(model: Box<dyn Model>, horizon: u32) -> Self {
        Self { guard: Some(Guard::default()), ..Self::new(model, horizon) }
    }

    /// Which model it is.
    pub fn kind(&self) -> Kind {
        self.model.kind()
    }

    /// Forgets everything and learns from `series`; the last part is first forecast from what is before it.
    pub fn fit(&mut self, series: &[f64]) {
        let series = latest(series, FIT_MOST);
        let held = HELD.min(2 * series.len() / 5);
        let (known, held) = series.split_at_checked(series.len() - held).unwrap_or((series, &[]));
        self.marks.iter_mut().for_each(|mark| *mark = Mark::new(mark.ahead));
        self.pending.clear();
        self.model.fit(known);
        self.recent = Recent::of(known);
        if let Some(guard) = &mut self.guard {
            *guard = Guard::default();
            guard.naive.fit(known);
        }
        held.iter().for_each(|value| self.update(*value));
        self.refit(series);
    }

    /// Learns the model anew from `series`, which ends with the last value seen, and keeps the intervals.
    pub fn refit(&mut self, series: &[f64]) {
        self.model.fit(series);
    }

    /// Takes in the value of the next step.
    pub fn update(&mut self, value: f64) {
        self.forecast_marks();
        if let Some(guard) = &mut self.guard {
            guard.update(self.model.as_ref(), value);
        }
        if let Some(value) = usable(value) {
            for (at, mark) in self.marks.iter_mut().enumerate() {
                let back = self.pending.len().checked_sub(mark.ahead as usize);
                let made = back.and_then(|back| self.pending.get(back)).and_then(|made| made.get(at));
                if let Some(Some(forecast)) = made {
                    mark.observe((value - forecast.mean) / unit(*forecast));
                }
            }
        }
        self.model.update(value);
        self.recent.push(value);
    }

    /// What the model says, or the naive forecast in its place.
    fn shipped(&self, horizon: u32) -> Vec<Forecast> {
        let naive = self.guard.as_ref().filter(|guard| guard.is_beaten());
        let mut forecasts =
            naive.map_or_else(|| self.model.forecast(horizon), |guard| guard.naive.forecast(horizon));
        self.recent.bound(&mut forecasts);
        forecasts
    }

    fn forecast_marks(&mut self) {
        let longest = self.marks.last().map_or(1, |mark| mark.ahead);
        let forecasts = self.shipped(longest);
        let at_marks =
            self.marks.iter().map(|mark| forecasts.get(mark.ahead as usize - 1).copied()).collect();
        if self.pending.len() >= longest as usize {
            self.pending.pop_front();
        }
        self.pending.push_back(at_marks);
    }

    /// The values 1, 2, … `horizon` steps ahead. Empty: too little seen.
    pub fn forecast(&self, horizon: u32) -> Vec<Prediction> {
        let forecasts = self.shipped(horizon);
        (1..)
            .zip(forecasts)
            .map(|(steps, forecast): (u32, Forecast)| {
                let mark = self.marks.iter().take_while(|mark| mark.ahead <= steps).last();
                let (half_80, half_95) =
                    mark.map_or((NORMAL_80, NORMAL_95), |mark| (mark.half_80, mark.half_95));
                let sd = unit(forecast);
                Prediction {
                    mean: forecast.mean,
                    sd: forecast.sd,
                    half_80: half_80 * sd,
                    half_95: half_95.max(half_80) * sd,
                }
            })
            .collect()
    }
}
