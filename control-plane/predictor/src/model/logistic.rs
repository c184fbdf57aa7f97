//! Logistic regression with an L2 penalty, on features that are brought to one scale.

use serde::{Deserialize, Serialize};

use super::{Contributions, Predict, Scale, sigmoid};
use crate::matrix::Matrix;

/// Skewness above which a feature without negative values is taken by its logarithm.
const SKEWED: f64 = 1.0;
/// Newton steps at most, and the step that ends them.
const STEPS_MAX: usize = 100;
const STEP_MIN: f64 = 1e-10;

/// How logistic regression learns.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LogisticSettings {
    /// Strength of the penalty `λ/2 Σ b²`, above 0; `1/C` of scikit-learn.
    pub penalty: f64,
}

impl Default for LogisticSettings {
    fn default() -> Self {
        Self { penalty: 1.0 }
    }
}

/// How a feature is brought to scale: `(t - mean) / deviation` where `t` is the value or `ln(1 + value)`. A missing value becomes 0, the
/// mean.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
struct Scaling {
    logarithm: bool,
    mean: f64,
    deviation: f64,
}

impl Scaling {
    fn of(values: &[f64]) -> Self {
        let known: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
        let logarithm = known.iter().all(|value| *value >= 0.0) && skewness(&known) > SKEWED;
        let taken: Vec<f64> =
            if logarithm { known.iter().map(|value| libm::log1p(*value)).collect() } else { known };
        let (mean, deviation) = moments(&taken);
        Self { logarithm, mean, deviation: if deviation > 1e-12 { deviation } else { 1.0 } }
    }

    fn apply(&self, value: f64) -> f64 {
        if value.is_nan() {
            return 0.0;
        }
        let taken = if self.logarithm { libm::log1p(value.max(0.0)) } else { value };
        (taken - self.mean) / self.deviation
    }
}

/// Mean and standard deviation of the population.
fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / count;
    (mean, variance.sqrt())
}

fn skewness(values: &[f64]) -> f64 {
    let (mean, deviation) = moments(values);
    if deviation <= 1e-12 {
        return 0.0;
    }
    let cubes = values.iter().map(|value| ((value - mean) / deviation).powi(3)).sum::<f64>();
    cubes / values.len().max(1) as f64
}

/// Logistic regression that has learned.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Logistic {
    scalings: Vec<Scaling>,
    /// The intercept, then one coefficient for each feature.
    coefficients: Vec<f64>,
}

impl Logistic {
    /// Minimises `-Σ w ln p(y) + λ/2 Σ b²` by Newton's method; the intercept is free.
    pub(super) fn learn(
        rows: &Matrix,
        labels: &[bool],
        weights: &[f64],
        settings: &LogisticSettings,
    ) -> Self {
        let scalings: Vec<Scaling> =
            (0..rows.width()).map(|column| Scaling::of(&rows.column(column).collect::<Vec<_>>())).collect();
        let scaled: Vec<Vec<f64>> = rows
            .rows()
            .map(|row| {
                let values = row.iter().zip(&scalings).map(|(value, scaling)| scaling.apply(*value));
                std::iter::once(1.0).chain(values).collect()
            })
            .collect();
        let mut coefficients = vec![0.0; rows.width() + 1];
        for _ in 0..STEPS_MAX {
            let (curvature, slope) = newton(&scaled, labels, weights, &coefficients, settings.penalty);
            let step = solve(curvature, slope);
            let largest = step.iter().fold(0.0_f64, |largest, one| largest.max(one.abs()));
            // Far from the end a whole step may lead past it.
            let part = if largest > 5.0 { 5.0 / largest } else { 1.0 };
            coefficients.iter_mut().zip(&step).for_each(|(own, one)| *own += part * one);
            if largest < STEP_MIN {
                break;
            }
        }
        Self { scalings, coefficients }
    }

    fn terms<'a>(&'a self, row: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        let scaled = row.iter().zip(&self.scalings).map(|(value, scaling)| scaling.apply(*value));
        scaled.zip(self.coefficients.iter().skip(1)).map(|(value, coefficient)| value * coefficient)
    }

    fn intercept(&self) -> f64 {
        self.coefficients.first().copied().unwrap_or(0.0)
    }

    pub(super) fn usage(&self) -> Vec<f64> {
        self.coefficients.iter().skip(1).map(|one| one.abs()).collect()
    }

    pub(super) fn check(&self, width: usize) -> Result<(), &'static str> {
        let numbers = self.scalings.iter().flat_map(|one| [one.mean, one.deviation]);
        if self.scalings.len() != width || self.coefficients.len() != width + 1 {
            return Err("there are not as many coefficients as features");
        }
        if !numbers.chain(self.coefficients.iter().copied()).all(f64::is_finite) {
            return Err("a coefficient is not finite");
        }
        if self.scalings.iter().any(|one| one.deviation <= 0.0) {
            return Err("a deviation is not above zero");
        }
        Ok(())
    }
}

impl Predict for Logistic {
    fn probability(&self, row: &[f64]) -> f64 {
        sigmoid(self.intercept() + self.terms(row).sum::<f64>())
    }

    fn contributions(&self, row: &[f64]) -> Contributions {
        Contributions { scale: Scale::LogOdds, base: self.intercept(), parts: self.terms(row).collect() }
    }
}

/// The curvature of the penalised likelihood, and its slope.
fn newton(
    rows: &[Vec<f64>],
    labels: &[bool],
    weights: &[f64],
    coefficients: &[f64],
    penalty: f64,
) -> (Vec<Vec<f64>>, Vec<f64>) {
    let size = coefficients.len();
    let mut curvature = vec![vec![0.0; size]; size];
    let mut slope = vec![0.0; size];
    for ((row, label), weight) in rows.iter().zip(labels).zip(weights) {
        let p = sigmoid(row.iter().zip(coefficients).map(|(value, one)| value * one).sum());
        let rest = weight * (f64::from(u8::from(*label)) - p);
        let bend = weight * p * (1.0 - p);
        for ((line, own), value) in curvature.iter_mut().zip(&mut slope).zip(row) {
            *own += rest * value;
            let scaled = bend * value;
            line.iter_mut().zip(row).for_each(|(cell, other)| *cell += scaled * other);
        }
    }
    for (position, (line, (own, one))) in
        curvature.iter_mut().zip(slope.iter_mut().zip(coefficients)).enumerate()
    {
        // A hair of penalty on the intercept keeps the system solvable.
        let own_penalty = if position == 0 { 1e-9 } else { penalty };
        *own -= if position == 0 { 0.0 } else { penalty * one };
        if let Some(cell) = line.get_mut(position) {
            *cell += own_penalty;
        }
    }
    (curvature, slope)
}

/// Solves a positive definite system by elimination.
pub(crate) fn solve(mut lines: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let size = right.len();
    for pivot in 0..size {
        let (Some(line), Some(value)) = (lines.get(pivot).cloned(), right.get(pivot).copied()) else { break };
        let Some(&top) = line.get(pivot) else { break };
        for (other, own) in lines.iter_mut().zip(&mut right).skip(pivot + 1) {
            let factor = other.get(pivot).copied().unwrap_or(0.0) / top;
            other.iter_mut().zip(&line).skip(pivot).for_each(|(cell, one)| *cell -= factor * one);
            *own -= factor * value;
        }
    }
    let mut found = vec![0.0; size];
    for position in (0..size).rev() {
        let Some(line) = lines.get(position) else { break };
        let known: f64 = line.iter().zip(&found).skip(position + 1).map(|(cell, one)| cell * one).sum();
        let top = line.get(position).copied().unwrap_or(1.0);
        let value = right.get(position).copied().unwrap_or(0.0);
        if let Some(own) = found.get_mut(position) {
            *own = (value - known) / top;
        }
    }
    found
}
