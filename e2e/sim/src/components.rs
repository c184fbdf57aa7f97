//! Routes of a scenario as the components that are judged.
//!
//! The engine's cost grows with its components, and most of fifty routes only carry traffic. So the routes that are
//! at fault stay components of their own and the others are taken together, the rarer the more. Each component keeps
//! the traffic and the part of the error budget of all its routes: the threshold of a route at fault is that of one
//! route among fifty.

use std::collections::BTreeSet;

use serin_analysis::ComponentSpec;

use crate::scenario::{Fault, Scenario};

/// A service of so many routes keeps them all.
const FEW: usize = 10;
/// First rank of each group of routes; the last is without end.
const GROUPS: [usize; 6] = [0, 1, 2, 5, 10, 20];

/// Routes that are judged together.
#[derive(Clone, Debug, PartialEq)]
pub struct Component {
    /// Its name, after the ranks of its routes, from 1.
    pub name: String,
    /// Ranks of its routes, from 0, rising.
    pub routes: Vec<usize>,
    /// Its share of the traffic.
    pub share: f64,
}

impl Component {
    /// As the engine needs to know it.
    pub fn spec(&self) -> ComponentSpec {
        ComponentSpec { weight: self.routes.len() as f64, ..ComponentSpec::new(self.name.as_str()) }
    }

    /// Whether `fault` strikes it.
    pub fn suffers(&self, fault: &Fault) -> bool {
        fault.routes.as_ref().is_none_or(|struck| self.routes.iter().all(|route| struck.contains(route)))
    }
}

/// The components of `scenario`.
pub fn components(scenario: &Scenario) -> Vec<Component> {
    let shares = scenario.popularity.shares();
    let at_fault: BTreeSet<usize> =
        scenario.faults.iter().filter_map(|fault| fault.routes.as_ref()).flatten().copied().collect();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut shared: Option<usize> = None;
    for route in 0..shares.len() {
        let alone = shares.len() <= FEW || at_fault.contains(&route);
        if GROUPS.contains(&route) {
            shared = None;
        }
        match shared.and_then(|place| groups.get_mut(place)) {
            Some(group) if !alone => group.push(route),
            Some(_) | None => {
                groups.push(vec![route]);
                if !alone {
                    shared = Some(groups.len() - 1);
                }
            }
        }
    }
    let share = |routes: &[usize]| routes.iter().filter_map(|route| shares.get(*route)).sum();
    groups
        .into_iter()
        .map(|routes| Component { name: name(&routes), share: share(&routes), routes })
        .collect()
}

fn name(routes: &[usize]) -> String {
    match routes {
        [first, .., last] => format!("routes-{}-{}", first + 1, last + 1),
        [only] => format!("route-{}", only + 1),
        [] => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario;

    #[test]
    fn every_route_is_in_one_component_and_those_at_fault_are_alone() {
        for scenario in scenario::all() {
            let components = components(scenario);
            let mut routes: Vec<_> =
                components.iter().flat_map(|component| component.routes.clone()).collect();
            routes.sort_unstable();
            assert_eq!(routes, (0..scenario.popularity.routes()).collect::<Vec<_>>(), "{}", scenario.id);
            let names: BTreeSet<_> = components.iter().map(|component| &component.name).collect();
            assert_eq!(names.len(), components.len());
            assert!(components.len() <= 16, "{}: {}", scenario.id, components.len());
            assert!((components.iter().map(|component| component.share).sum::<f64>() - 1.0).abs() < 1e-12);
            for route in scenario.faults.iter().filter_map(|fault| fault.routes.as_ref()).flatten() {
                assert!(components.iter().any(|component| component.routes == [*route]), "{}", scenario.id);
            }
        }
    }
}
