//! Growing one tree: the split that gains most, found by counting bins.
//!
//! Each row has a gradient `g` and a weight `h`. A node is worth `G²/(H + λ)`, its value is `G/(H + λ)`, and a split gains what its two
//! children are worth more than the node. With `g = w y` and `h = w`, the gain is the decrease of Gini impurity, and the value is the share
//! that was rolled back; with the gradient and curvature of the log-likelihood it is a Newton step (Chen and Guestrin, 2016).

use super::bins::{BINS_MAX, Binned, MISSING};
use super::tree::{Node, Tree};
use serin_random::Random;

/// Gains that are no more than rounding.
const GAIN_MIN: f64 = 1e-10;

/// How a tree grows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Rows in a leaf at least.
    pub(super) min_leaf: u32,
    /// Weight `H` of a leaf at least.
    pub(super) min_weight: f64,
    /// Leaves at most; the split that gains most comes first.
    pub(super) leaves_max: usize,
    /// `λ`: draws the values of small leaves towards zero.
    pub(super) shrink: f64,
    /// What a value is multiplied with.
    pub(super) rate: f64,
    /// Features that each split may choose from; `None`: all.
    pub(super) features: Option<usize>,
}

/// Sums over rows.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    gradient: f64,
    weight: f64,
    rows: u32,
}

impl Sums {
    fn add(&mut self, other: Self) {
        self.gradient += other.gradient;
        self.weight += other.weight;
        self.rows += other.rows;
    }

    fn without(self, other: Self) -> Self {
        Self {
            gradient: self.gradient - other.gradient,
            weight: self.weight - other.weight,
            rows: self.rows.saturating_sub(other.rows),
        }
    }

    fn worth(self, shrink: f64) -> f64 {
        let weight = self.weight + shrink;
        if weight > 0.0 { self.gradient * self.gradient / weight } else { 0.0 }
    }
}

/// A way to divide a node.
#[derive(Clone, Copy, Debug)]
struct Split {
    feature: usize,
    bin: u8,
    missing_left: bool,
    gain: f64,
}

/// A leaf that may be divided.
#[derive(Debug)]
struct Leaf {
    node: usize,
    from: usize,
    to: usize,
    sums: Sums,
    split: Option<Split>,
}

/// Grows trees over the same rows.
pub(super) struct Grower<'a> {
    features: &'a [Binned],
    rules: Rules,
    order: Vec<usize>,
    counts: Vec<Sums>,
}

impl<'a> Grower<'a> {
    pub(super) fn new(features: &'a [Binned], rules: Rules) -> Self {
        Self {
            features,
            rules,
            order: (0..features.len()).collect(),
            counts: vec![Sums::default(); BINS_MAX + 1],
        }
    }

    /// Grows a tree on `rows`, whose order changes. Gradients and weights are those of all rows, by position.
    pub(super) fn grow(
        &mut self,
        rows: &mut [u32],
        gradients: &[f64],
        weights: &[f64],
        random: &mut Random,
    ) -> Tree {
        let data = Data { gradients, weights };
        let mut tree = Tree::default();
        let sums = data.sums(rows);
        tree.nodes.push(Node::leaf(self.value(sums)));
        let split = self.best(rows, sums, data, random);
        let mut leaves = vec![Leaf { node: 0, from: 0, to: rows.len(), sums, split }];
        let mut count = 1;
        while count < self.rules.leaves_max {
            let next =
                if self.rules.leaves_max == usize::MAX { leaves.pop() } else { take_best(&mut leaves) };
            let Some(leaf) = next else { break };
            let Some(split) = leaf.split else { break };
            let Some(part) = rows.get_mut(leaf.from..leaf.to) else { break };
            let middle = leaf.from + self.divide(part, split);
            let left_node = tree.nodes.len();
            let left_sums = data.sums(rows.get(leaf.from..middle).unwrap_or_default());
            let right_sums = leaf.sums.without(left_sums);
            self.mark(&mut tree, leaf.node, split, left_node);
            for (offset, from, to, sums) in
                [(0, leaf.from, middle, left_sums), (1, middle, leaf.to, right_sums)]
            {
                tree.nodes.push(Node::leaf(self.value(sums)));
                let split = self.best(rows.get(from..to).unwrap_or_default(), sums, data, random);
                if split.is_some() {
                    leaves.push(Leaf { node: left_node + offset, from, to, sums, split });
                }
            }
            count += 1;
        }
        tree
    }

    fn value(&self, sums: Sums) -> f64 {
        let weight = sums.weight + self.rules.shrink;
        if weight > 0.0 { self.rules.rate * sums.gradient / weight } else { 0.0 }
    }

    fn mark(&self, tree: &mut Tree, node: usize, split: Split, left: usize) {
        let threshold =
            self.features.get(split.feature).and_then(|one| one.thresholds.get(usize::from(split.bin)));
        if let Some(node) = tree.nodes.get_mut(node) {
            node.0 = u16::try_from(split.feature).unwrap_or(u16::MAX);
            node.1 = threshold.copied().unwrap_or(f64::MAX);
            node.2 = split.missing_left;
            node.3 = u32::try_from(left).unwrap_or(0);
            node.5 = split.gain as f32;
        }
    }

    /// Puts the rows that go left first, and says how many they are. The order within each side stays.
    fn divide(&self, rows: &mut [u32], split: Split) -> usize {
        let Some(feature) = self.features.get(split.feature) else { return 0 };
        let goes_left = |row: u32| match code(feature, row) {
            MISSING => split.missing_left,
            code => code <= split.bin,
        };
        let (left, right): (Vec<u32>, Vec<u32>) = rows.iter().copied().partition(|row| goes_left(*row));
        for (place, row) in rows.iter_mut().zip(left.iter().chain(&right)) {
            *place = *row;
        }
        left.len()
    }

    /// The split that gains most among the features that may be asked; further ones are drawn as long as none of them varies.
    fn best(&mut self, rows: &[u32], sums: Sums, data: Data<'_>, random: &mut Random) -> Option<Split> {
        if sums.rows < 2 * self.rules.min_leaf || self.is_pure(sums) {
            return None;
        }
        let wanted = self.rules.features.unwrap_or(self.order.len());
        let (mut best, mut seen): (Option<Split>, usize) = (None, 0);
        for position in 0..self.order.len() {
            if seen >= wanted {
                break;
            }
            if self.rules.features.is_some() {
                let chosen = position + random.index(self.order.len() - position);
                self.order.swap(position, chosen);
            }
            let Some(&feature) = self.order.get(position) else { break };
            let (varies, split) = self.of_feature(feature, rows, sums, data);
            seen += usize::from(varies);
            if let Some(split) = split
                && best.is_none_or(|best| split.gain > best.gain)
            {
                best = Some(split);
            }
        }
        best
    }

    /// A node of one outcome alone has nothing to gain.
    fn is_pure(&self, sums: Sums) -> bool {
        self.rules.features.is_some()
            && (sums.gradient <= 0.0 || sums.gradient >= sums.weight * (1.0 - 1e-12))
    }

    /// Whether the feature varies in these rows, and its best split.
    fn of_feature(
        &mut self,
        feature: usize,
        rows: &[u32],
        all: Sums,
        data: Data<'_>,
    ) -> (bool, Option<Split>) {
        let Some(binned) = self.features.get(feature) else { return (false, None) };
        let (mut lowest, mut highest) = (MISSING, 0_u8);
        for &row in rows {
            let code = code(binned, row);
            if code != MISSING {
                lowest = lowest.min(code);
                highest = highest.max(code);
            }
            if let Some(count) = self.counts.get_mut(usize::from(code)) {
                count.add(data.of(row));
            }
        }
        let missing = self.counts.get(usize::from(MISSING)).copied().unwrap_or_default();
        let varies = lowest < highest || (missing.rows > 0 && missing.rows < all.rows);
        let split = if varies { self.scan(feature, lowest, highest, missing, all) } else { None };
        for count in self.counts.get_mut(usize::from(lowest)..=usize::from(highest)).unwrap_or_default() {
            *count = Sums::default();
        }
        if let Some(count) = self.counts.last_mut() {
            *count = Sums::default();
        }
        (varies, split)
    }

    fn scan(&self, feature: usize, lowest: u8, highest: u8, missing: Sums, all: Sums) -> Option<Split> {
        let before = all.worth(self.rules.shrink);
        let mut best: Option<Split> = None;
        let mut left = Sums::default();
        // The last bin is a split only where missing values stand at the right of it.
        let last = if missing.rows > 0 { highest } else { highest.saturating_sub(1) };
        for bin in lowest..=last {
            let here = self.counts.get(usize::from(bin)).copied().unwrap_or_default();
            left.add(here);
            if here.rows == 0 {
                continue;
            }
            let mut with_missing = left;
            with_missing.add(missing);
            for (side, missing_left) in [(left, false), (with_missing, true)] {
                if missing_left && missing.rows == 0 {
                    continue;
                }
                if let Some(gain) = self.gain(side, all.without(side), before)
                    && best.is_none_or(|best| gain > best.gain)
                {
                    let other = all.without(side);
                    // Where none is missing, a missing value goes with most.
                    let missing_left = if missing.rows == 0 { side.rows > other.rows } else { missing_left };
                    best = Some(Split { feature, bin, missing_left, gain });
                }
            }
        }
        best
    }

    fn gain(&self, left: Sums, right: Sums, before: f64) -> Option<f64> {
        let Rules { min_leaf, min_weight, shrink, .. } = self.rules;
        if left.rows.min(right.rows) < min_leaf || left.weight.min(right.weight) < min_weight {
            return None;
        }
        let gain = left.worth(shrink) + right.worth(shrink) - before;
        (gain > GAIN_MIN).then_some(gain)
    }
}

fn code(feature: &Binned, row: u32) -> u8 {
    let row = usize::try_from(row).unwrap_or(usize::MAX);
    feature.codes.get(row).copied().unwrap_or(MISSING)
}

/// Takes the leaf whose split gains most; of equal ones the first.
fn take_best(leaves: &mut Vec<Leaf>) -> Option<Leaf> {
    let gain = |leaf: &Leaf| leaf.split.map_or(0.0, |split| split.gain);
    let (mut best, mut most) = (None, 0.0);
    for (position, leaf) in leaves.iter().enumerate() {
        if gain(leaf) > most {
            (best, most) = (Some(position), gain(leaf));
        }
    }
    best.map(|position| leaves.swap_remove(position))
}

#[derive(Clone, Copy)]
struct Data<'a> {
    gradients: &'a [f64],
    weights: &'a [f64],
}

impl Data<'_> {
    fn of(self, row: u32) -> Sums {
        let row = usize::try_from(row).unwrap_or(usize::MAX);
        Sums {
            gradient: self.gradients.get(row).copied().unwrap_or(0.0),
            weight: self.weights.get(row).copied().unwrap_or(0.0),
            rows: 1,
        }
    }

    fn sums(self, rows: &[u32]) -> Sums {
        let mut sums = Sums::default();
        for &row in rows {
            sums.add(self.of(row));
        }
        sums
    }
}
