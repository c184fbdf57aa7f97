//! One decision tree, as it is asked and stored.

use serde::{Deserialize, Serialize};

use super::bins::Binned;

/// A node. The one at the right of `left` is the other child; `left` 0 is a leaf.
///
/// Stored as `[feature, threshold, missing goes left, left, value, gain]`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Node(
    pub(super) u16,
    pub(super) f64,
    pub(super) bool,
    pub(super) u32,
    pub(super) f32,
    pub(super) f32,
);

impl Node {
    pub(super) const fn leaf(value: f64) -> Self {
        Self(0, 0.0, false, 0, value as f32, 0.0)
    }

    const fn is_leaf(&self) -> bool {
        self.3 == 0
    }

    /// The value of its rows.
    pub(super) fn value(&self) -> f64 {
        f64::from(self.4)
    }

    fn child(&self, row: &[f64]) -> usize {
        let value = row.get(usize::from(self.0)).copied().unwrap_or(f64::NAN);
        let left = if value.is_nan() { self.2 } else { value <= self.1 };
        usize::try_from(self.3).unwrap_or(usize::MAX).saturating_add(usize::from(!left))
    }
}

/// A tree; the first node is the root.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(transparent)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
}

impl Tree {
    /// Nodes from the root to a leaf. Children stand behind their parents, so that it ends.
    fn path<'a>(&'a self, row: &'a [f64]) -> impl Iterator<Item = &'a Node> {
        let mut next = Some(0);
        std::iter::from_fn(move || {
            let node = self.nodes.get(next?)?;
            next = (!node.is_leaf()).then(|| node.child(row));
            Some(node)
        })
    }

    /// The value of the leaf that a row falls into.
    pub(super) fn value(&self, row: &[f64]) -> f64 {
        self.path(row).last().map_or(0.0, Node::value)
    }

    /// The value of all rows together.
    pub(super) fn base(&self) -> f64 {
        self.nodes.first().map_or(0.0, Node::value)
    }

    /// Adds to each feature by how much the value changed where it split (Saabas, 2014). With the base they add up to the value.
    pub(super) fn attribute(&self, row: &[f64], parts: &mut [f64]) {
        let mut before: Option<&Node> = None;
        for node in self.path(row) {
            if let Some(parent) = before
                && let Some(part) = parts.get_mut(usize::from(parent.0))
            {
                *part += node.value() - parent.value();
            }
            before = Some(node);
        }
    }

    /// The leaf's value of a row of binned features.
    pub(super) fn binned_value(&self, features: &[Binned], row: usize) -> f64 {
        let mut at = 0;
        while let Some(node) = self.nodes.get(at) {
            if node.is_leaf() {
                return node.value();
            }
            let left = features.get(usize::from(node.0)).is_none_or(|feature| {
                match feature.codes.get(row) {
                    None | Some(&super::bins::MISSING) => node.2,
                    // The last bin has no end.
                    Some(code) => feature
                        .thresholds
                        .get(usize::from(*code))
                        .map_or(node.1 == f64::MAX, |top| *top <= node.1),
                }
            });
            at = usize::try_from(node.3).unwrap_or(usize::MAX).saturating_add(usize::from(!left));
        }
        0.0
    }

    /// Adds to each feature what its splits gained.
    pub(super) fn add_usage(&self, usage: &mut [f64]) {
        for node in self.nodes.iter().filter(|node| !node.is_leaf()) {
            if let Some(part) = usage.get_mut(usize::from(node.0)) {
                *part += f64::from(node.5);
            }
        }
    }

    /// Checks a tree that was read: children behind their parents, features that there are, finite numbers.
    pub(super) fn check(&self, width: usize) -> Result<(), &'static str> {
        if self.nodes.is_empty() {
            return Err("a tree has no node");
        }
        for (position, node) in self.nodes.iter().enumerate() {
            if !node.value().is_finite() || !node.1.is_finite() {
                return Err("a tree has a number that is not finite");
            }
            let left = usize::try_from(node.3).unwrap_or(usize::MAX);
            if !node.is_leaf() && (left <= position || left.saturating_add(1) >= self.nodes.len()) {
                return Err("a tree has a node whose children are not in it");
            }
            if !node.is_leaf() && usize::from(node.0) >= width {
                return Err("a tree splits by a feature that there is not");
            }
        }
        Ok(())
    }
}
