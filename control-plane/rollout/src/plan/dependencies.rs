//! What cannot work without what.
//!
//! An edge from `checkout` to `cart` says that checkout's new code cannot work beside the old cart. So what is returned to the
//! baseline takes with it everything that depends on it, directly or through others, and nothing else. There are no cycles:
//! components in one could only ever move together, which is one component.

use std::collections::{BTreeMap, BTreeSet};

use super::check::Findings;
use super::error::PlanRule;
use super::raw;

/// By component, those that it cannot work without. Without cycles.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Dependencies(BTreeMap<String, BTreeSet<String>>);

impl Dependencies {
    pub(super) fn check(components: &[raw::Component], findings: &mut Findings) -> Self {
        let known: BTreeSet<&String> = components.iter().map(|component| &component.name).collect();
        let before = findings.len();
        let mut needs = BTreeMap::new();
        for (index, component) in components.iter().enumerate() {
            let mut of = BTreeSet::new();
            for (at, name) in component.depends_on.iter().enumerate() {
                let field = format!("components[{index}].depends_on[{at}]");
                if !known.contains(name) {
                    let name = name.chars().take(64).collect();
                    findings.add(&field, PlanRule::UnknownComponent { name });
                } else if !of.insert(name.clone()) {
                    findings.add(&field, PlanRule::Repeated);
                }
            }
            if !of.is_empty() {
                needs.insert(component.name.clone(), of);
            }
        }
        let dependencies = Self(needs);
        if findings.len() == before {
            dependencies.refuse_cycles(components, findings);
        }
        dependencies
    }

    /// Notes one cycle, at the component of it that comes first in the plan.
    fn refuse_cycles(&self, components: &[raw::Component], findings: &mut Findings) {
        for (index, component) in components.iter().enumerate() {
            if let Some(cycle) = self.cycle_of(&component.name) {
                findings.add(&format!("components[{index}].depends_on"), PlanRule::Cycle { cycle });
                return;
            }
        }
    }

    /// A shortest way from `name` back to itself, with `name` at both ends.
    fn cycle_of(&self, name: &str) -> Option<Vec<String>> {
        let mut from: BTreeMap<&str, &str> = BTreeMap::new();
        let mut reached = vec![name];
        while !reached.is_empty() {
            let mut next = Vec::new();
            for at in reached {
                for needed in self.of(at) {
                    if needed == name {
                        let back = std::iter::successors(Some(at), |at| from.get(at).copied());
                        let mut cycle: Vec<String> = back.map(str::to_owned).collect();
                        cycle.insert(0, name.to_owned());
                        cycle.reverse();
                        return Some(cycle);
                    }
                    if !from.contains_key(needed) {
                        from.insert(needed, at);
                        next.push(needed);
                    }
                }
            }
            reached = next;
        }
        None
    }

    /// What `name` cannot work without, directly.
    pub(super) fn of(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.get(name).into_iter().flatten().map(String::as_str)
    }

    /// The smallest set that holds `names` and everything that cannot work without one of it.
    pub(super) fn with_dependents(&self, names: &BTreeSet<String>) -> BTreeSet<String> {
        let mut moved = names.clone();
        loop {
            let is_moved = |needs: &BTreeSet<String>| !needs.is_disjoint(&moved);
            let dependents = self.0.iter().filter(|(name, needs)| !moved.contains(*name) && is_moved(needs));
            let dependents: Vec<String> = dependents.map(|(name, _)| name.clone()).collect();
            if dependents.is_empty() {
                return moved;
            }
            moved.extend(dependents);
        }
    }

    /// Those of `names` that depend on no other of them, directly or through others: where the cause is likely.
    pub(super) fn roots(&self, names: &BTreeSet<String>) -> BTreeSet<String> {
        let depends = |name: &String| self.all_of(name).into_iter().any(|needed| names.contains(needed));
        names.iter().filter(|name| !depends(name)).cloned().collect()
    }

    /// What `name` cannot work without, directly or through others.
    fn all_of(&self, name: &str) -> BTreeSet<&str> {
        let mut all = BTreeSet::new();
        let mut open: Vec<&str> = self.of(name).collect();
        while let Some(needed) = open.pop() {
            if all.insert(needed) {
                open.extend(self.of(needed));
            }
        }
        all
    }
}

#[cfg(test)]
mod tests;
