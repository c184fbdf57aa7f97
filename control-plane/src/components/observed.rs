//! Calls that were observed, beside what plans and routes declare.

use std::sync::Arc;

use serde::Serialize;
use serin_rollout::UnixMillis;
use serin_rollout::plan::{TakenFrom, TakenTag};

use super::Component;
use crate::calls::Observed;
use crate::snapshot::Snapshot;

/// Observed calls of a component from which on it is told that a declared one was never among them.
const CALLS_MIN: u64 = 100;

/// Calls of one component by another.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct ObservedCalls {
    /// What is called: a component of the service, or `SERVICE/COMPONENT`.
    pub needed: String,
    /// Calls that were seen.
    pub calls: u64,
    /// Those of them, since the newest rollout of the service began, that the baseline made.
    pub baseline: u64,
    /// Those that the canary made.
    pub canary: u64,
    /// True when only the canary was seen to make them.
    pub canary_only: bool,
    /// When the last one was seen.
    pub last_seen: UnixMillis,
    /// What the rollout makes of it.
    pub standing: Standing,
}

/// What a rollout makes of an observed call.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The plan or the routes declare that the one needs the other: that holds.
    Declared,
    /// It was taken when the rollout was created.
    Taken,
    /// It is shown, and acts in no rollout.
    Undeclared,
}

/// Adds to each component what it was seen to call.
pub(super) fn add(components: &mut [Component], rollouts: &[Arc<Snapshot>], observed: &[Observed]) {
    for component in components {
        let mine =
            observed.iter().filter(|one| one.service == component.service && one.component == component.name);
        let rollout = rollouts.iter().find(|one| Some(&one.id) == component.rollout.as_ref());
        component.calls = mine.map(|one| shown(component, rollout.map(AsRef::as_ref), one)).collect();
        let all: u64 = component.calls.iter().map(|one| one.calls).sum();
        let unseen = |needed: &&String| !component.calls.iter().any(|one| one.needed == **needed);
        if all >= CALLS_MIN {
            let unseen = component.depends_on.value.iter().filter(unseen);
            component.contradictions.extend(unseen.map(|needed| {
                format!(
                    "depends_on: {needed} is declared, but none of {all} observed calls goes there directly"
                )
            }));
        }
    }
}

fn shown(component: &Component, rollout: Option<&Snapshot>, observed: &Observed) -> ObservedCalls {
    let is_taken = |rollout: &Snapshot| {
        rollout.taken.iter().any(|one| {
            let TakenTag::DependsOn { needed, .. } = &one.tag else { return false };
            one.component == component.name && *needed == observed.needed && is_observed(&one.from)
        })
    };
    let standing = if component.depends_on.value.contains(&observed.needed) {
        Standing::Declared
    } else if rollout.is_some_and(is_taken) {
        Standing::Taken
    } else {
        Standing::Undeclared
    };
    ObservedCalls {
        needed: observed.needed.clone(),
        calls: observed.calls,
        baseline: observed.baseline,
        canary: observed.canary,
        canary_only: observed.is_canary_only(),
        last_seen: observed.last_seen,
        standing,
    }
}

/// Whether a tag was taken from calls.
pub(super) const fn is_observed(from: &TakenFrom) -> bool {
    match from {
        TakenFrom::ObservedCalls { .. } => true,
        TakenFrom::Routes { .. } => false,
    }
}

#[cfg(test)]
mod tests;
