//! What cannot work without what.
//!
//! An edge from `checkout` to `cart` says that checkout's new code cannot work beside the old cart. So what is returned to the
//! baseline takes with it everything that depends on it, directly or through others, and nothing else. There are no cycles:
//! components in one could only ever move together, which is one component.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serin_proto::assignment::Rule;

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
                    findings.add(&field, Rule::Duplicate { name: name.clone() }.into());
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
        let needed_by = self.reached(name);
        let last = needed_by.get(name)?;
        let back =
            std::iter::successors(Some(*last), |at| needed_by.get(at).filter(|_| *at != name).copied());
        let mut cycle: Vec<String> = std::iter::once(name).chain(back).map(str::to_owned).collect();
        cycle.reverse();
        Some(cycle)
    }

    /// What `name` cannot work without, directly.
    pub(super) fn of(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.get(name).into_iter().flatten().map(String::as_str)
    }

    /// The smallest set that holds `names` and everything that cannot work without one of it.
    pub(super) fn with_dependents(&self, names: &BTreeSet<String>) -> BTreeSet<String> {
        let mut dependents: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
        for (name, needs) in &self.0 {
            needs.iter().for_each(|needed| dependents.entry(needed).or_default().push(name));
        }
        let mut moved = names.clone();
        let mut open: Vec<&String> = names.iter().collect();
        while let Some(name) = open.pop() {
            let of_name = dependents.get(name.as_str()).into_iter().flatten();
            open.extend(of_name.filter(|dependent| moved.insert((**dependent).clone())));
        }
        moved
    }

    /// Those of `names` that `name` cannot work without, directly or through others.
    pub(super) fn needs_of(&self, name: &str, names: &BTreeSet<String>) -> BTreeSet<String> {
        let reached = self.reached(name);
        names.iter().filter(|other| reached.contains_key(other.as_str())).cloned().collect()
    }

    /// What `name` cannot work without, directly or through others, nearest first; each with what needs it on the way.
    fn reached<'a>(&'a self, name: &'a str) -> BTreeMap<&'a str, &'a str> {
        let mut needed_by = BTreeMap::new();
        let mut open = VecDeque::from([name]);
        while let Some(at) = open.pop_front() {
            for needed in self.of(at) {
                needed_by.entry(needed).or_insert_with(|| {
                    open.push_back(needed);
                    at
                });
            }
        }
        needed_by
    }
}

#[cfg(test)]
mod tests;
