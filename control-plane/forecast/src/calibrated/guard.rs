//! Notices that a model has lately been worse than the naive forecast.

use std::collections::VecDeque;

use crate::model::{Model, usable};
use crate::naive::Naive;

/// Steps ahead that are compared.
const AHEAD: usize = 4;
/// Weight of a new error.
const WEIGHT: f64 = 0.04;
/// Errors before anything is concluded.
const LEAST_SEEN: u32 = 25;
/// How many times as large the model's errors have to be.
const WORSE: f64 = 1.1;

/// Recent errors of a model and of the naive forecast, at the same values.
#[derive(Debug, Default)]
pub(super) struct Guard {
    pub(super) naive: Naive,
    /// What both said of the values to come, the next one's first.
    pending: VecDeque<Option<(f64, f64)>>,
    own_error: f64,
    naive_error: f64,
    seen: u32,
}

impl Guard {
    /// Takes in the next value, which `model` has not seen yet.
    pub(super) fn update(&mut self, model: &dyn Model, value: f64) {
        let said =
            |forecasts: Vec<serin_analysis::forecast::Forecast>| forecasts.last().map(|last| last.mean);
        let (own, naive) = (said(model.forecast(AHEAD as u32)), said(self.naive.forecast(AHEAD as u32)));
        self.pending.push_back(own.zip(naive));
        if self.pending.len() >= AHEAD
            && let Some(Some((own, naive))) = self.pending.pop_front()
            && let Some(value) = usable(value)
        {
            self.seen = self.seen.saturating_add(1);
            let weight = WEIGHT.max(1.0 / f64::from(self.seen));
            self.own_error += weight * ((value - own).abs() - self.own_error);
            self.naive_error += weight * ((value - naive).abs() - self.naive_error);
        }
        self.naive.update(value);
    }

    /// Whether the naive forecast is to be preferred.
    pub(super) fn is_beaten(&self) -> bool {
        self.seen >= LEAST_SEEN && self.own_error > WORSE * self.naive_error
    }
}
