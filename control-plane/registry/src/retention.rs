//! Which versions may go.
//!
//! A version stays while it is one of the newest of its subject, younger than the time that is kept, live or the one before
//! a live one, or part of an application's version that stays for any of these reasons: a release is never left with holes.
//! Everything else may go. The rule looks at nothing but its arguments, and removes nothing itself.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serin_rollout::UnixMillis;

use crate::name::{Subject, Version};

/// What is kept besides what is needed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Policy {
    /// So many newest versions of each subject, at least 1.
    pub keep_versions: usize,
    /// Everything younger than this.
    pub keep_for: Duration,
}

/// A version that is registered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Registered {
    /// What it is a version of.
    pub subject: Subject,
    /// Its label.
    pub version: Version,
    /// When it was registered.
    pub at: UnixMillis,
}

/// What is registered of one application.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// All versions, in the order in which they were registered.
    pub versions: Vec<Registered>,
    /// Which versions of components and blocks each version of the application consists of.
    pub parts: BTreeMap<Version, Vec<(Subject, Version)>>,
}

/// The versions that may go, in the order of the inventory. `needed` are the application's versions that are live or were
/// live before those, and whatever else must stay.
#[must_use]
pub fn removable(
    inventory: &Inventory,
    needed: &BTreeSet<(Subject, Version)>,
    policy: Policy,
    now: UnixMillis,
) -> Vec<(Subject, Version)> {
    let mut newer: BTreeMap<&Subject, usize> = BTreeMap::new();
    let mut stays: BTreeSet<(&Subject, &Version)> = BTreeSet::new();
    for Registered { subject, version, at } in inventory.versions.iter().rev() {
        let newer = newer.entry(subject).or_default();
        let is_new = *newer < policy.keep_versions || now.since(*at) < policy.keep_for;
        *newer += 1;
        if is_new || needed.contains(&(subject.clone(), version.clone())) {
            stays.insert((subject, version));
        }
    }
    let parts = inventory.versions.iter().filter(|one| one.subject.parent().is_none());
    for application in parts {
        if stays.contains(&(&application.subject, &application.version)) {
            let parts = inventory.parts.get(&application.version).into_iter().flatten();
            stays.extend(parts.map(|(subject, version)| (subject, version)));
        }
    }
    let goes = inventory.versions.iter().filter(|one| !stays.contains(&(&one.subject, &one.version)));
    goes.map(|one| (one.subject.clone(), one.version.clone())).collect()
}

#[cfg(test)]
mod tests;
