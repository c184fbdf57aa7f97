//! An autoregression on differences, ARIMA(p, 1, 0), fitted by least squares on a sliding window.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Forecast, Forecaster, checked, usable};

/// Largest order.
pub const MAX_ORDER: usize = 16;
/// Values that a fit looks back on.
const WINDOW: usize = 192;

/// The last values, and the fit to them.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Autoregressive {
    order: usize,
    values: VecDeque<f64>,
    fit: Option<Fit>,
}

/// difference = constant + Σ coefficient · earlier difference, the nearest first.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Fit {
    parameters: Vec<f64>,
    error_variance: f64,
}

impl Autoregressive {
    /// A model of `order` (1 to [`MAX_ORDER`]) that has seen nothing yet.
    pub fn new(order: usize) -> Self {
        Self { order: order.clamp(1, MAX_ORDER), values: VecDeque::new(), fit: None }
    }

    /// The fitted constant and coefficients, the nearest difference's first. `None`: too little seen.
    pub fn parameters(&self) -> Option<&[f64]> {
        self.fit.as_ref().map(|fit| fit.parameters.as_slice())
    }

    fn differences(&self) -> Vec<f64> {
        self.values.iter().zip(self.values.iter().skip(1)).map(|(before, after)| after - before).collect()
    }

    fn refit(&self) -> Option<Fit> {
        let differences = self.differences();
        let parameters = self.order + 1;
        let rows = differences.len().checked_sub(self.order)?;
        if rows < 2 * parameters {
            return None;
        }
        // Scaled to a size around 1, so that what counts as singular does not depend on the unit.
        let scale = differences.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
        if scale == 0.0 {
            return Some(Fit { parameters: vec![0.0; parameters], error_variance: 0.0 });
        }
        let row = |at: usize| -> Vec<f64> {
            let lags = differences.iter().skip(at).take(self.order).rev().map(|value| value / scale);
            std::iter::once(1.0).chain(lags).collect()
        };
        let targets = || differences.iter().skip(self.order).map(|value| value / scale).enumerate();
        let mut normal = vec![vec![0.0; parameters]; parameters];
        let mut right = vec![0.0; parameters];
        for (at, target) in targets() {
            let row = row(at);
            for (line, (left, side)) in row.iter().zip(normal.iter_mut().zip(&mut right)) {
                *side += line * target;
                left.iter_mut().zip(&row).for_each(|(sum, value)| *sum += line * value);
            }
        }
        let mut parameters = solve(normal, right)?;
        let squares: f64 = targets()
            .map(|(at, target)| {
                let expected: f64 =
                    row(at).iter().zip(&parameters).map(|(value, weight)| value * weight).sum();
                (target - expected).powi(2)
            })
            .sum();
        let error_variance = squares / (rows - parameters.len()) as f64 * scale * scale;
        if let Some(constant) = parameters.first_mut() {
            *constant *= scale;
        }
        let finite = parameters.iter().all(|parameter| parameter.is_finite()) && error_variance.is_finite();
        finite.then_some(Fit { parameters, error_variance })
    }
}

impl Forecaster for Autoregressive {
    /// A gap is filled with the value before it: no change.
    fn observe(&mut self, value: f64) {
        let Some(value) = usable(value).or_else(|| self.values.back().copied()) else { return };
        if self.values.len() == WINDOW {
            self.values.pop_front();
        }
        self.values.push_back(value);
        self.fit = self.refit();
    }

    fn forecast(&self, steps: u32) -> Option<Forecast> {
        let fit = self.fit.as_ref()?;
        let (constant, coefficients) = fit.parameters.split_first()?;
        let mut recent: VecDeque<f64> = self.differences().into_iter().rev().take(self.order).collect();
        // Response of the differences to one error, the latest first, and of the values: its running sum.
        let mut response: VecDeque<f64> = std::iter::repeat_n(0.0, self.order).collect();
        let mut mean = self.values.back().copied()?;
        let (mut reach, mut variance) = (0.0, 0.0);
        for step in 0..steps.min(super::MAX_STEPS_AHEAD) {
            let along = |past: &VecDeque<f64>| -> f64 {
                coefficients.iter().zip(past).map(|(weight, value)| weight * value).sum()
            };
            let (difference, impulse) =
                (constant + along(&recent), if step == 0 { 1.0 } else { along(&response) });
            mean += difference;
            reach += impulse;
            variance += fit.error_variance * reach * reach;
            for (past, new) in [(&mut recent, difference), (&mut response, impulse)] {
                past.push_front(new);
                past.truncate(self.order);
            }
        }
        checked(mean, variance)
    }
}

/// Solves a symmetric positive definite system by Cholesky's factors. `None`: singular.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    const SINGULAR: f64 = 1e-12;
    let size = right.len();
    for at in 0..size {
        let (above, rest) = matrix.split_at_mut(at);
        let row = rest.first_mut()?;
        for (column, earlier) in above.iter().enumerate() {
            let known: f64 =
                earlier.iter().take(column).zip(row.iter()).map(|(left, right)| left * right).sum();
            let pivot = *earlier.get(column)?;
            let entry = row.get_mut(column)?;
            *entry = (*entry - known) / pivot;
        }
        let squares: f64 = row.iter().take(at).map(|entry| entry * entry).sum();
        let diagonal = row.get_mut(at)?;
        let left = *diagonal - squares;
        if left.is_nan() || left <= SINGULAR * *diagonal {
            return None;
        }
        *diagonal = left.sqrt();
        let known: f64 = row.iter().take(at).zip(&right).map(|(factor, value)| factor * value).sum();
        let pivot = *row.get(at)?;
        let value = right.get_mut(at)?;
        *value = (*value - known) / pivot;
    }
    for at in (0..size).rev() {
        let below: f64 = matrix
            .iter()
            .zip(&right)
            .skip(at + 1)
            .filter_map(|(row, value)| Some(row.get(at)? * value))
            .sum();
        let pivot = *matrix.get(at)?.get(at)?;
        let value = right.get_mut(at)?;
        *value = (*value - below) / pivot;
    }
    Some(right)
}
