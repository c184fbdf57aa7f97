//! A random forest: trees on samples of the rows, each split among a few features that are drawn anew (Breiman, 2001).

use serde::{Deserialize, Serialize};

use super::bins::binned;
use super::grow::{Grower, Rules};
use super::tree::Tree;
use super::{Contributions, Predict, Scale};
use crate::matrix::Matrix;
use crate::metrics::roc_auc;
use serin_random::Random;

/// How a forest learns.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ForestSettings {
    /// Trees, at least 1.
    pub trees: u16,
    /// Different rows in a leaf at least.
    pub min_leaf: u32,
    /// Where random numbers begin.
    pub seed: u64,
}

impl Default for ForestSettings {
    fn default() -> Self {
        Self { trees: 500, min_leaf: 3, seed: 1 }
    }
}

/// A forest that has learned.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Forest {
    trees: Vec<Tree>,
    /// What trees say of rows that they did not see; NaN where all saw the row.
    #[serde(skip)]
    out_of_bag: Vec<f64>,
}

impl Forest {
    /// Each tree sees as many rows as there are, drawn with repetition, and each split may choose among `⌊√features⌋` features. The
    /// value of a leaf is the weighted share of its rows that were rolled back.
    pub(super) fn learn(rows: &Matrix, labels: &[bool], weights: &[f64], settings: &ForestSettings) -> Self {
        let features = binned(rows);
        let few = (rows.width() as f64).sqrt().floor().max(1.0) as usize;
        let rules = Rules {
            min_leaf: settings.min_leaf.max(1),
            min_weight: 0.0,
            leaves_max: usize::MAX,
            shrink: 0.0,
            rate: 1.0,
            features: Some(few),
        };
        let mut grower = Grower::new(&features, rules);
        let mut trees = Vec::with_capacity(usize::from(settings.trees));
        let mut outside = vec![(0.0, 0_u32); labels.len()];
        for number in 0..settings.trees.max(1) {
            let mut random = Random::new(settings.seed, u64::from(number));
            let drawn = drawn(labels.len(), &mut random);
            let own: Vec<f64> =
                weights.iter().zip(&drawn).map(|(weight, times)| weight * f64::from(*times)).collect();
            let bad: Vec<f64> =
                own.iter().zip(labels).map(|(weight, label)| if *label { *weight } else { 0.0 }).collect();
            let mut inside: Vec<u32> =
                (0_u32..).zip(&drawn).filter(|(_, times)| **times > 0).map(|(row, _)| row).collect();
            let tree = grower.grow(&mut inside, &bad, &own, &mut random);
            for (row, (sum, times)) in outside.iter_mut().enumerate() {
                if drawn.get(row) == Some(&0) {
                    *sum += tree.value(rows.row(row));
                    *times += 1;
                }
            }
            trees.push(tree);
        }
        let out_of_bag = outside
            .iter()
            .map(|(sum, times)| if *times == 0 { f64::NAN } else { sum / f64::from(*times) })
            .collect();
        Self { trees, out_of_bag }
    }

    /// What the trees that did not see a row say of it, in the order of the rows that it learned from; NaN where all saw it. Empty for a
    /// forest that was read.
    #[must_use]
    pub fn out_of_bag(&self) -> &[f64] {
        &self.out_of_bag
    }

    /// ROC-AUC of [`Self::out_of_bag`], over the rows that some tree did not see.
    #[must_use]
    pub fn out_of_bag_roc_auc(&self, labels: &[bool]) -> Option<f64> {
        let outside = self.out_of_bag.iter().copied().zip(labels.iter().copied());
        let (said, labels): (Vec<f64>, Vec<bool>) = outside.filter(|(said, _)| !said.is_nan()).unzip();
        roc_auc(&labels, &said)
    }

    fn mean(&self, of: impl Fn(&Tree) -> f64) -> f64 {
        self.trees.iter().map(of).sum::<f64>() / self.trees.len().max(1) as f64
    }

    pub(super) fn usage(&self, width: usize) -> Vec<f64> {
        let mut usage = vec![0.0; width];
        self.trees.iter().for_each(|tree| tree.add_usage(&mut usage));
        usage
    }

    pub(super) fn check(&self, width: usize) -> Result<(), &'static str> {
        if self.trees.is_empty() {
            return Err("a forest has no tree");
        }
        self.trees.iter().try_for_each(|tree| tree.check(width))
    }
}

impl Predict for Forest {
    fn probability(&self, row: &[f64]) -> f64 {
        self.mean(|tree| tree.value(row)).clamp(0.0, 1.0)
    }

    fn contributions(&self, row: &[f64]) -> Contributions {
        let mut parts = vec![0.0; row.len()];
        self.trees.iter().for_each(|tree| tree.attribute(row, &mut parts));
        let trees = self.trees.len().max(1) as f64;
        parts.iter_mut().for_each(|part| *part /= trees);
        Contributions { scale: Scale::Probability, base: self.mean(Tree::base), parts }
    }
}

/// How often each row is drawn, `rows` times with repetition.
fn drawn(rows: usize, random: &mut Random) -> Vec<u32> {
    let mut times = vec![0; rows];
    for _ in 0..rows {
        if let Some(count) = times.get_mut(random.index(rows)) {
            *count += 1;
        }
    }
    times
}
