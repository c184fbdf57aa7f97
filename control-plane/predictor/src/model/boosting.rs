//! Gradient boosting: small trees, each of which corrects what the ones before it got wrong (Friedman, 2001).

use serde::{Deserialize, Serialize};

use super::bins::binned;
use super::grow::{Grower, Rules};
use super::tree::Tree;
use super::{Contributions, Predict, Scale, logit, sigmoid};
use crate::matrix::Matrix;
use serin_random::Random;

/// How boosting learns.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BoostingSettings {
    /// Trees, at least 1.
    pub trees: u16,
    /// Leaves of a tree at most, at least 2.
    pub leaves: u16,
    /// Rows in a leaf at least.
    pub min_leaf: u32,
    /// Part of each correction that is taken, above 0 up to 1.
    pub rate: f64,
    /// Draws the values of small leaves towards zero, 0 or more.
    pub shrink: f64,
}

impl Default for BoostingSettings {
    fn default() -> Self {
        Self { trees: 150, leaves: 8, min_leaf: 20, rate: 0.05, shrink: 1.0 }
    }
}

/// Boosting that has learned.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Boosting {
    base: f64,
    trees: Vec<Tree>,
}

impl Boosting {
    /// Newton steps on the logarithm of the likelihood, from the log odds of all rows on.
    pub(super) fn learn(
        rows: &Matrix,
        labels: &[bool],
        weights: &[f64],
        settings: &BoostingSettings,
    ) -> Self {
        let features = binned(rows);
        let rules = Rules {
            min_leaf: settings.min_leaf.max(1),
            min_weight: 1e-3,
            leaves_max: usize::from(settings.leaves.max(2)),
            shrink: settings.shrink,
            rate: settings.rate,
            features: None,
        };
        let mut grower = Grower::new(&features, rules);
        let all: f64 = weights.iter().sum();
        let bad: f64 =
            weights.iter().zip(labels).filter(|(_, label)| **label).map(|(weight, _)| weight).sum();
        let base = logit(bad / all);
        let mut said = vec![base; labels.len()];
        let mut trees = Vec::with_capacity(usize::from(settings.trees));
        let mut random = Random::new(0, 0);
        for _ in 0..settings.trees.max(1) {
            let (gradients, curvatures) = slopes(&said, labels, weights);
            let mut inside: Vec<u32> = (0_u32..).take(labels.len()).collect();
            let tree = grower.grow(&mut inside, &gradients, &curvatures, &mut random);
            if tree.nodes.len() == 1 {
                break;
            }
            for (row, own) in said.iter_mut().enumerate() {
                *own += tree.binned_value(&features, row);
            }
            trees.push(tree);
        }
        Self { base, trees }
    }

    fn log_odds(&self, row: &[f64]) -> f64 {
        self.base + self.trees.iter().map(|tree| tree.value(row)).sum::<f64>()
    }

    pub(super) fn usage(&self, width: usize) -> Vec<f64> {
        let mut usage = vec![0.0; width];
        self.trees.iter().for_each(|tree| tree.add_usage(&mut usage));
        usage
    }

    pub(super) fn check(&self, width: usize) -> Result<(), &'static str> {
        if !self.base.is_finite() {
            return Err("the base is not finite");
        }
        self.trees.iter().try_for_each(|tree| tree.check(width))
    }
}

/// Gradient and curvature of the log-likelihood: `w (y - p)` and `w p (1 - p)`.
fn slopes(said: &[f64], labels: &[bool], weights: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let each = said.iter().zip(labels).zip(weights);
    each.map(|((said, label), weight)| {
        let p = sigmoid(*said);
        (weight * (f64::from(u8::from(*label)) - p), weight * p * (1.0 - p))
    })
    .unzip()
}

impl Predict for Boosting {
    fn probability(&self, row: &[f64]) -> f64 {
        sigmoid(self.log_odds(row))
    }

    fn contributions(&self, row: &[f64]) -> Contributions {
        let mut parts = vec![0.0; row.len()];
        self.trees.iter().for_each(|tree| tree.attribute(row, &mut parts));
        let base = self.base + self.trees.iter().map(Tree::base).sum::<f64>();
        Contributions { scale: Scale::LogOdds, base, parts }
    }
}
