//! Logistic regression: the weights that make the labels most probable, held small.
//!
//! Minimises ½ Σ w² + C Σ ln(1 + e^(−y f)) with an intercept that is not held small, as scikit-learn's `LogisticRegression` does,
//! by L-BFGS with steps that are halved until Armijo's rule holds. Nocedal and Wright, Numerical Optimization (2006), 7.4 and
//! 7.5. Nothing is drawn at random, so the same examples give the same weights.

use std::collections::{BTreeMap, VecDeque};

use super::features::FEATURES;
use super::{logistic, softplus};

/// C: how much an example counts beside the size of the weights.
const COST: f64 = 1.0;
/// Steps that are remembered.
const MEMORY: usize = 10;
const ITERATIONS_MAX: usize = 500;
/// Largest slope at which it is done, relative to that at the start (at least 1).
const TOLERANCE: f64 = 1e-9;
const HALVINGS_MAX: usize = 40;
/// Of Armijo's rule.
const DECREASE_MIN: f64 = 1e-4;

/// A line as the classifier sees it, with its label.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Example {
    /// Sorted, each once, below [`FEATURES`]; what is not is looked over.
    pub features: Vec<u16>,
    /// Whether it is anomalous.
    pub is_anomalous: bool,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fit {
    /// The intercept.
    pub bias: f64,
    /// Weights by feature; those that are left out are 0.
    pub weights: BTreeMap<u16, f64>,
}

impl Fit {
    /// ln(odds) that a line with these features is anomalous.
    #[must_use]
    pub fn log_odds(&self, features: &[u16]) -> f64 {
        self.bias + features.iter().filter_map(|feature| self.weights.get(feature)).sum::<f64>()
    }
}

/// Lines that look the same to the classifier.
struct Alike {
    columns: Vec<usize>,
    anomalous: f64,
    normal: f64,
}

/// The rows of a problem whose columns are the features that occur; the last column is the intercept.
struct Problem {
    features: Vec<u16>,
    rows: Vec<Alike>,
}

/// Finds the weights.
#[must_use]
pub fn fit(examples: &[Example]) -> Fit {
    let problem = Problem::of(examples);
    let mut solution = problem.minimum();
    let bias = solution.pop().unwrap_or_default();
    let weights = problem.features.into_iter().zip(solution).filter(|(_, weight)| *weight != 0.0).collect();
    Fit { bias, weights }
}

impl Problem {
    fn of(examples: &[Example]) -> Self {
        let mut alike: BTreeMap<&[u16], [f64; 2]> = BTreeMap::new();
        let mut columns: BTreeMap<u16, usize> = BTreeMap::new();
        for example in examples {
            let [normal, anomalous] = alike.entry(&example.features).or_default();
            *(if example.is_anomalous { anomalous } else { normal }) += 1.0;
            let known = example.features.iter().filter(|feature| usize::from(**feature) < FEATURES);
            known.for_each(|feature| {
                columns.entry(*feature).or_default();
            });
        }
        (0..).zip(columns.values_mut()).for_each(|(at, column)| *column = at);
        let row = |(features, [normal, anomalous]): (&[u16], [f64; 2])| Alike {
            columns: features.iter().filter_map(|feature| columns.get(feature).copied()).collect(),
            anomalous,
            normal,
        };
        let rows = alike.into_iter().map(row).collect();
        Self { features: columns.into_keys().collect(), rows }
    }

    /// What is minimised, and its slope, at `at`.
    fn value(&self, at: &[f64]) -> (f64, Vec<f64>) {
        let Some((bias, weights)) = at.split_last() else { return (0.0, Vec::new()) };
        let mut value = 0.5 * weights.iter().map(|weight| weight * weight).sum::<f64>();
        let mut slope: Vec<f64> = weights.iter().copied().chain([0.0]).collect();
        for row in &self.rows {
            let f = bias + row.columns.iter().filter_map(|column| weights.get(*column)).sum::<f64>();
            value += COST * (row.anomalous * softplus(-f) + row.normal * softplus(f));
            let pull = COST * ((row.anomalous + row.normal) * logistic(f) - row.anomalous);
            for column in row.columns.iter().chain([&weights.len()]) {
                if let Some(slope) = slope.get_mut(*column) {
                    *slope += pull;
                }
            }
        }
        (value, slope)
    }

    fn minimum(&self) -> Vec<f64> {
        let mut at = vec![0.0; self.features.len() + 1];
        let (mut value, mut slope) = self.value(&at);
        let enough = TOLERANCE * largest(&slope).max(1.0);
        let mut steps = Steps::default();
        for _ in 0..ITERATIONS_MAX {
            if largest(&slope) <= enough {
                break;
            }
            let direction = steps.direction(&slope);
            let Some((next, next_value, next_slope)) = self.step(&at, value, &slope, &direction) else {
                break;
            };
            steps.note(difference(&next, &at), difference(&next_slope, &slope));
            (at, value, slope) = (next, next_value, next_slope);
        }
        at
    }

    /// A step in `direction` that lowers the value enough. `None`: there is none, so this is the minimum as far as numbers tell.
    fn step(
        &self,
        at: &[f64],
        value: f64,
        slope: &[f64],
        direction: &[f64],
    ) -> Option<(Vec<f64>, f64, Vec<f64>)> {
        let descent = dot(slope, direction);
        let mut length = 1.0;
        for _ in 0..HALVINGS_MAX {
            let next: Vec<f64> = at.iter().zip(direction).map(|(at, step)| at + length * step).collect();
            let (next_value, next_slope) = self.value(&next);
            if next_value <= value + DECREASE_MIN * length * descent {
                return (next_value < value).then_some((next, next_value, next_slope));
            }
            length /= 2.0;
        }
        None
    }
}

/// The last steps, with how the slope changed, which stand for the curvature.
#[derive(Default)]
struct Steps(VecDeque<(Vec<f64>, Vec<f64>, f64)>);

impl Steps {
    fn note(&mut self, step: Vec<f64>, change: Vec<f64>) {
        let curvature = dot(&step, &change);
        if curvature > 0.0 {
            if self.0.len() >= MEMORY {
                self.0.pop_front();
            }
            self.0.push_back((step, change, 1.0 / curvature));
        }
    }

    /// Down the slope, by what is known of the curvature.
    fn direction(&self, slope: &[f64]) -> Vec<f64> {
        let mut direction: Vec<f64> = slope.iter().map(|slope| -slope).collect();
        let mut shares = Vec::with_capacity(self.0.len());
        for (step, change, inverse) in self.0.iter().rev() {
            let share = inverse * dot(step, &direction);
            add(&mut direction, change, -share);
            shares.push(share);
        }
        let scale = match self.0.back() {
            Some((_, change, inverse)) => 1.0 / (inverse * dot(change, change)),
            None => 1.0 / dot(slope, slope).sqrt().max(1.0),
        };
        direction.iter_mut().for_each(|part| *part *= scale);
        for ((step, change, inverse), share) in self.0.iter().zip(shares.into_iter().rev()) {
            let back = inverse * dot(change, &direction);
            add(&mut direction, step, share - back);
        }
        direction
    }
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

fn add(to: &mut [f64], what: &[f64], times: f64) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += times * what);
}

fn difference(one: &[f64], other: &[f64]) -> Vec<f64> {
    one.iter().zip(other).map(|(one, other)| one - other).collect()
}

fn largest(of: &[f64]) -> f64 {
    of.iter().fold(0.0, |largest, part| part.abs().max(largest))
}
