//! What would move in a rollback that a person asks for: which components return or are switched off, in which services, and what
//! part of the requests that is.
//!
//! It follows the rules of `serin-rollout`: what needs what returns goes too, over edges that move or disable, and nothing else does.
//! In other services a rollout follows by itself once it sees what returned here; where a component of it is coarse, as a whole.

use std::collections::{BTreeMap, BTreeSet};

use serin_proto::admin::v1 as api;

use crate::view;

/// Rounds over services; each adds what follows in the next one.
const ROUNDS: usize = 32;

/// What a rollback returns.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope<'a> {
    /// The whole version; of an experiment all arms.
    Version,
    /// A component, and what cannot work without it.
    Component(&'a str),
    /// A block of code.
    Block(&'a str),
    /// An arm of an experiment.
    Arm(&'a str),
}

/// What would move.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Radius {
    /// Components that return, in the order of the plan; those that returned before are not among them.
    pub returns: Vec<String>,
    /// Of these, those that go for the sake of another one, with what they need.
    pub because: BTreeMap<String, Vec<String>>,
    /// Components whose feature is switched off.
    pub switched_off: Vec<String>,
    /// Components that keep the canary.
    pub keeps: Vec<String>,
    /// Components of other services that would follow, as `SERVICE/COMPONENT`, if the rollouts there still send requests to a canary.
    pub elsewhere: Vec<String>,
    /// Requests of the last minute that went to what returns.
    pub moved: u64,
    /// All requests of the last minute.
    pub all: u64,
}

/// What goes: names that return, and names that are switched off.
#[derive(Default)]
struct Gone<'a> {
    moved: BTreeSet<&'a str>,
    disabled: BTreeSet<&'a str>,
}

/// A component by what it needs.
struct Needs<'a> {
    name: &'a str,
    returns_with: &'a [String],
    switched_off_with: &'a [String],
}

/// What would move if `scope` of `rollout` were rolled back by a person.
#[must_use]
pub fn radius(rollout: &api::Rollout, known: &[api::KnownComponent], scope: Scope<'_>) -> Radius {
    let all = rollout.arms.iter().map(|arm| arm.requests).sum();
    match scope {
        Scope::Arm(name) => {
            let moved = view::arm(&rollout.arms, name).map(|arm| arm.requests).unwrap_or_default();
            Radius { moved, all, ..Radius::default() }
        }
        // Requests of a block stay where they are.
        Scope::Block(_) => Radius { keeps: names(rollout), all, ..Radius::default() },
        Scope::Version => {
            let gone = Gone {
                moved: rollout.components.iter().map(|one| one.name.as_str()).collect(),
                ..Gone::default()
            };
            let moved = rollout.arms.iter().filter(|arm| arm.arm != "baseline").map(|arm| arm.requests).sum();
            Radius { moved, ..told(rollout, known, &gone, None) }
        }
        Scope::Component(name) => {
            told(rollout, known, &gone(&needs(rollout), &BTreeSet::from([name])), Some(name))
        }
    }
}

fn names(rollout: &api::Rollout) -> Vec<String> {
    rollout.components.iter().map(|one| one.name.clone()).collect()
}

fn needs<'a>(rollout: &'a api::Rollout) -> Vec<Needs<'a>> {
    let of = |one: &'a api::Component| Needs {
        name: &one.name,
        returns_with: &one.returns_with,
        switched_off_with: &one.switched_off_with,
    };
    rollout.components.iter().map(of).collect()
}

/// The smallest sets that hold `names` and everything that cannot work without what is in them.
fn gone<'a>(components: &[Needs<'a>], names: &BTreeSet<&'a str>) -> Gone<'a> {
    let mut gone = Gone { moved: names.clone(), ..Gone::default() };
    let mut open: Vec<&str> = names.iter().copied().collect();
    while let Some(needed) = open.pop() {
        for one in components {
            let has = |of: &[String]| of.iter().any(|name| name == needed);
            let is_new = if has(one.returns_with) {
                gone.disabled.remove(one.name);
                gone.moved.insert(one.name)
            } else {
                has(one.switched_off_with) && !gone.moved.contains(one.name) && gone.disabled.insert(one.name)
            };
            if is_new {
                open.push(one.name);
            }
        }
    }
    gone
}

fn told(
    rollout: &api::Rollout,
    known: &[api::KnownComponent],
    gone: &Gone<'_>,
    asked: Option<&str>,
) -> Radius {
    let of = |wanted: &dyn Fn(&api::Component) -> bool| -> Vec<&api::Component> {
        rollout.components.iter().filter(|one| wanted(one)).collect()
    };
    let returns = of(&|one| gone.moved.contains(one.name.as_str()) && !one.rolled_back);
    let off = of(&|one| gone.disabled.contains(one.name.as_str()) && !one.rolled_back && !one.switched_off);
    let keeps = of(&|one| {
        let goes = gone.moved.contains(one.name.as_str()) || gone.disabled.contains(one.name.as_str());
        !goes && !one.rolled_back
    });
    let named = |some: &[&api::Component]| some.iter().map(|one| one.name.clone()).collect();
    let canary = |one: &&api::Component| view::arm(&one.arms, "canary").map_or(0, |arm| arm.requests);
    let because =
        returns.iter().chain(&off).filter(|one| asked.is_some_and(|asked| asked != one.name)).map(|one| {
            let needed = one.returns_with.iter().chain(&one.switched_off_with);
            (
                one.name.clone(),
                needed
                    .filter(|name| {
                        gone.moved.contains(name.as_str()) || gone.disabled.contains(name.as_str())
                    })
                    .cloned()
                    .collect(),
            )
        });
    Radius {
        because: because.collect(),
        moved: returns.iter().map(canary).sum(),
        returns: named(&returns),
        switched_off: named(&off),
        keeps: named(&keeps),
        // What does not move takes nobody along.
        elsewhere: if returns.is_empty() && off.is_empty() {
            Vec::new()
        } else {
            elsewhere(&rollout.service, known, gone)
        },
        all: rollout.arms.iter().map(|arm| arm.requests).sum(),
    }
}

/// What follows in other services, service by service, until nothing is added.
fn elsewhere(service: &str, known: &[api::KnownComponent], gone: &Gone<'_>) -> Vec<String> {
    let mut returned: BTreeSet<String> = gone.moved.iter().map(|name| format!("{service}/{name}")).collect();
    let mut off: BTreeSet<String> = BTreeSet::new();
    let others: BTreeSet<&str> =
        known.iter().map(|one| one.service.as_str()).filter(|other| *other != service).collect();
    for _ in 0..ROUNDS {
        let before = returned.len() + off.len();
        for other in &others {
            let of: Vec<&api::KnownComponent> =
                known.iter().filter(|one| one.service == *other && !one.rollout_id.is_empty()).collect();
            follow(other, &of, &mut returned, &mut off);
        }
        if returned.len() + off.len() == before {
            break;
        }
    }
    let own = format!("{service}/");
    let all = returned.into_iter().chain(off).collect::<BTreeSet<_>>();
    all.into_iter().filter(|name| !name.starts_with(&own)).collect()
}

fn follow(
    service: &str,
    components: &[&api::KnownComponent],
    returned: &mut BTreeSet<String>,
    off: &mut BTreeSet<String>,
) {
    let needs: Vec<Needs<'_>> = components
        .iter()
        .map(|one| Needs {
            name: &one.name,
            returns_with: &one.returns_with,
            switched_off_with: &one.switched_off_with,
        })
        .collect();
    let gone = gone(&needs, &returned.iter().map(String::as_str).collect());
    let moves = |one: &&&api::KnownComponent| gone.moved.contains(one.name.as_str());
    let is_coarse = components.iter().filter(moves).any(|one| one.granularity() == api::Granularity::Coarse);
    let full = |name: &str| format!("{service}/{name}");
    let added: Vec<String> =
        components.iter().filter(|one| is_coarse || moves(one)).map(|one| full(&one.name)).collect();
    let disabled: Vec<String> = components
        .iter()
        .filter(|one| !is_coarse && gone.disabled.contains(one.name.as_str()))
        .map(|one| full(&one.name))
        .collect();
    returned.extend(added);
    off.extend(disabled);
}

#[cfg(test)]
mod tests;
