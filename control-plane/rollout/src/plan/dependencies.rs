//! What cannot work without what.
//!
//! An edge from `checkout` to `cart` says that checkout's new code needs the new cart. When the cart returns to the baseline, the
//! owner's choice decides what becomes of checkout: it returns too (`move`), its feature is switched off (`disable`), or it
//! stays, because it only calls the cart (`stay`). What returned or was switched off takes along what needs it in turn, and
//! nothing else. Of components that regress together, those that need no other of them are the likely cause.
//!
//! Edges that move or disable have no cycles: components in one could only ever go together, which is one component. An edge to
//! `inventory/stock` leads to a component of another service; what its rollout returns is told to this one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serin_proto::assignment::Rule;

use super::blocks::is_name;
use super::check::Findings;
use super::error::PlanRule;
use super::raw;

/// What becomes of a component when one that it needs is undone.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PlanOnRollback")]
pub enum OnRollback {
    /// It returns to the baseline too.
    #[default]
    Move,
    /// Its feature is switched off.
    Disable,
    /// Nothing: it only calls the other one. Still, a fault of both is likely the other's.
    Stay,
}

impl OnRollback {
    /// As in plans.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Move => "move",
            Self::Disable => "disable",
            Self::Stay => "stay",
        }
    }
}

/// An edge as it is written: a name, or more.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "must be the name of a component, or {component: NAME, on_rollback: move|disable|stay}"
)]
#[schemars(rename = "PlanDependency")]
pub(super) enum Dependency {
    /// Of a component, which moves this one along.
    Name(String),
    /// More.
    Edge(Edge),
}

/// An edge.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlanDependencyEdge")]
pub(super) struct Edge {
    /// Name of a component of this plan, or `SERVICE/COMPONENT` of another service.
    component: String,
    /// What becomes of this component when that one is undone. Default: move.
    #[serde(default)]
    on_rollback: OnRollback,
}

impl Dependency {
    fn parts(&self) -> (&str, OnRollback) {
        match self {
            Self::Name(name) => (name, OnRollback::Move),
            Self::Edge(Edge { component, on_rollback }) => (component, *on_rollback),
        }
    }
}

/// What goes when something is undone.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Undone {
    /// Components that return to the baseline.
    pub moved: BTreeSet<String>,
    /// Components whose feature is switched off, none of them moved.
    pub disabled: BTreeSet<String>,
}

/// By component, those that it needs. Without cycles among those that move or disable.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Dependencies(BTreeMap<String, BTreeMap<String, OnRollback>>);

impl Dependencies {
    pub(super) fn check(components: &[raw::Component], findings: &mut Findings) -> Self {
        let known: BTreeSet<&str> = components.iter().map(|component| component.name.as_str()).collect();
        let before = findings.len();
        let mut needs = BTreeMap::new();
        for (index, component) in components.iter().enumerate() {
            let mut of = BTreeMap::new();
            for (at, dependency) in component.depends_on.iter().flatten().enumerate() {
                let field = format!("components[{index}].depends_on[{at}]");
                let (name, on_rollback) = dependency.parts();
                let short = || name.chars().take(64).collect();
                if !known.contains(name) && !is_foreign(name) {
                    findings.add(&field, PlanRule::UnknownComponent { name: short() });
                } else if on_rollback == OnRollback::Disable && component.feature.is_none() {
                    findings.add(&field, PlanRule::NoFeature);
                } else if of.insert(name.to_owned(), on_rollback).is_some() {
                    findings.add(&field, Rule::Duplicate { name: short() }.into());
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

    /// A shortest way from `name` back to itself over edges that move or disable, with `name` at both ends.
    fn cycle_of(&self, name: &str) -> Option<Vec<String>> {
        let needed_by = self.reached(name, |mode| mode != OnRollback::Stay);
        let last = needed_by.get(name)?;
        let back =
            std::iter::successors(Some(*last), |at| needed_by.get(at).filter(|_| *at != name).copied());
        let mut cycle: Vec<String> = std::iter::once(name).chain(back).map(str::to_owned).collect();
        cycle.reverse();
        Some(cycle)
    }

    /// Adds an edge.
    ///
    /// # Errors
    /// When it leads back, or there is one between the same two; nothing changed.
    pub(super) fn add(&mut self, from: &str, to: &str, on_rollback: OnRollback) -> Result<(), Added> {
        if from == to {
            return Err(Added::Cycle(vec![from.to_owned(), to.to_owned()]));
        }
        let needs = self.0.entry(from.to_owned()).or_default();
        if needs.contains_key(to) {
            return Err(Added::Repeated);
        }
        needs.insert(to.to_owned(), on_rollback);
        let cycle = if on_rollback == OnRollback::Stay { None } else { self.cycle_of(from) };
        let Some(cycle) = cycle else { return Ok(()) };
        if let Some(needs) = self.0.get_mut(from) {
            needs.remove(to);
        }
        self.0.retain(|_, needs| !needs.is_empty());
        Err(Added::Cycle(cycle))
    }

    /// What `name` needs, directly.
    pub(super) fn of(&self, name: &str) -> impl Iterator<Item = (&str, OnRollback)> {
        self.0.get(name).into_iter().flatten().map(|(name, on_rollback)| (name.as_str(), *on_rollback))
    }

    /// Other services of which something is needed.
    pub(super) fn services(&self) -> BTreeSet<String> {
        let foreign = self.0.values().flat_map(BTreeMap::keys).filter_map(|name| name.split_once('/'));
        foreign.map(|(service, _)| service.to_owned()).collect()
    }

    /// What goes when `names` return: the smallest sets that hold them and everything that cannot work without what is in
    /// them. Names of other services are among `names` only.
    pub(super) fn undone(&self, names: &BTreeSet<String>) -> Undone {
        let mut dependents: BTreeMap<&str, Vec<(&String, OnRollback)>> = BTreeMap::new();
        for (name, needs) in &self.0 {
            for (needed, on_rollback) in needs {
                dependents.entry(needed).or_default().push((name, *on_rollback));
            }
        }
        let mut undone = Undone { moved: names.clone(), disabled: BTreeSet::new() };
        let mut open: Vec<&String> = names.iter().collect();
        while let Some(name) = open.pop() {
            for (dependent, on_rollback) in dependents.get(name.as_str()).into_iter().flatten() {
                let is_new = match on_rollback {
                    OnRollback::Move => {
                        undone.disabled.remove(*dependent);
                        undone.moved.insert((*dependent).clone())
                    }
                    OnRollback::Disable => {
                        !undone.moved.contains(*dependent) && undone.disabled.insert((*dependent).clone())
                    }
                    OnRollback::Stay => false,
                };
                if is_new {
                    open.push(*dependent);
                }
            }
        }
        undone
    }

    /// Those of `names` that `name` needs, directly or through others, by whatever edge.
    pub(super) fn needs_of(&self, name: &str, names: &BTreeSet<String>) -> BTreeSet<String> {
        let reached = self.reached(name, |_| true);
        names.iter().filter(|other| reached.contains_key(other.as_str())).cloned().collect()
    }

    /// The likely cause, where `names` regressed: those that need none of them but those that need them too.
    pub(super) fn causes(&self, names: &BTreeSet<String>) -> BTreeSet<String> {
        let needs = |name: &String| self.needs_of(name, names);
        let is_cause = |name: &&String| needs(name).iter().all(|needed| needs(needed).contains(*name));
        names.iter().filter(is_cause).cloned().collect()
    }

    /// What `name` needs, directly or through others, nearest first; each with what needs it on the way.
    fn reached<'a>(
        &'a self,
        name: &'a str,
        counts: impl Fn(OnRollback) -> bool,
    ) -> BTreeMap<&'a str, &'a str> {
        let mut needed_by = BTreeMap::new();
        let mut open = VecDeque::from([name]);
        while let Some(at) = open.pop_front() {
            for (needed, _) in self.of(at).filter(|(_, on_rollback)| counts(*on_rollback)) {
                needed_by.entry(needed).or_insert_with(|| {
                    open.push_back(needed);
                    at
                });
            }
        }
        needed_by
    }
}

/// Why an edge cannot be added.
pub(super) enum Added {
    /// There is one between the same two.
    Repeated,
    /// It would lead back this way.
    Cycle(Vec<String>),
}

/// `SERVICE/COMPONENT`.
pub(super) fn is_foreign(name: &str) -> bool {
    name.split_once('/').is_some_and(|(service, component)| is_name(service) && is_name(component))
}

#[cfg(test)]
mod tests;
