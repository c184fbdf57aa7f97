//! Which versions carry requests, by the rollouts: told to people, and never removed.
//!
//! A function of the snapshots that everyone is shown. Of each service the newest rollout counts. It says from which version
//! of the application each arm takes a subject; which version of a component or block that is, the registry knows, unless the
//! rollout restored a block to a version that its plan names.

use std::collections::{BTreeMap, BTreeSet};

use serin_registry::{Subject, Version};
use serin_rollout::{Phase, UnixMillis, Weight};

use crate::snapshot::Snapshot;

const BASELINE: &str = "baseline";
const CANARY: &str = "canary";

/// A version of an application that carries requests of a subject.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Carried {
    /// What is carried.
    pub(super) subject: Subject,
    /// The version of the application from which it is taken.
    pub(super) of: Version,
    /// Its own version, where the rollout says which. `None`: the one that `of` consists of.
    pub(super) version: Option<Version>,
    /// Arm that carries it.
    pub(super) arm: String,
    /// Part of the users, in parts per million.
    pub(super) share_ppm: u32,
    /// The rollout that says so.
    pub(super) rollout: String,
    /// When that last changed its phase or step.
    pub(super) changed_at: UnixMillis,
    /// Why it is taken from another version than the arm's.
    pub(super) because: Option<String>,
}

/// What the newest rollout of each service carries: the application of each arm, then what was returned to the baseline.
pub(super) fn carried<'a>(snapshots: impl IntoIterator<Item = &'a Snapshot>) -> Vec<Carried> {
    let current = snapshots.into_iter().filter(|snapshot| snapshot.current);
    let mut all: Vec<Carried> =
        current.flat_map(|snapshot| arms(snapshot).into_iter().chain(returned(snapshot))).collect();
    all.sort_by(|one, other| (&one.subject, &one.arm).cmp(&(&other.subject, &other.arm)));
    all
}

fn arms(snapshot: &Snapshot) -> Vec<Carried> {
    let whole = Weight::FULL.ppm();
    if let Some(experiment) = snapshot.experiment.as_ref().filter(|_| !snapshot.phase.is_terminal()) {
        let own = |label: &str, name: &str, ppm| one(snapshot, &snapshot.service, label, name, ppm, None);
        let control = own(&snapshot.baseline_version, BASELINE, experiment.control_weight_ppm);
        let running = experiment.arms.iter().filter(|arm| arm.weight_ppm > 0);
        let arms = running.filter_map(|arm| own(&arm.version, &arm.name, arm.weight_ppm));
        return control.into_iter().chain(arms).collect();
    }
    let arm = |label: &str, arm, share_ppm| one(snapshot, &snapshot.service, label, arm, share_ppm, None);
    let (baseline, canary) = (&snapshot.baseline_version, &snapshot.canary_version);
    let arms = match snapshot.phase {
        Phase::WarmingUp
        | Phase::Progressing
        | Phase::Paused { .. }
        | Phase::Completing
        | Phase::RollingBack => vec![
            arm(baseline, BASELINE, whole.saturating_sub(snapshot.weight_ppm)),
            arm(canary, CANARY, snapshot.weight_ppm),
        ],
        // Handed over, the promoted version is what the baseline's endpoint runs.
        Phase::Promoted if snapshot.weight_ppm == 0 => vec![arm(canary, BASELINE, whole)],
        Phase::Promoted => vec![arm(canary, CANARY, whole)],
        Phase::RolledBack | Phase::Failed => vec![arm(baseline, BASELINE, whole)],
    };
    arms.into_iter().flatten().collect()
}

/// What was returned to another version than its arm's: components to the baseline's, for everyone, and blocks to a previous
/// one, for who gets the canary's version.
fn returned(snapshot: &Snapshot) -> Vec<Carried> {
    let whole = Weight::FULL.ppm();
    let (arm, share_ppm) = match snapshot.phase {
        Phase::WarmingUp
        | Phase::Progressing
        | Phase::Paused { .. }
        | Phase::Completing
        | Phase::RollingBack => (CANARY, snapshot.weight_ppm),
        Phase::Promoted if snapshot.weight_ppm == 0 => (BASELINE, whole),
        Phase::Promoted => (CANARY, whole),
        Phase::RolledBack | Phase::Failed => return Vec::new(),
    };
    let mut all = Vec::new();
    for component in &snapshot.components {
        let path = format!("{}/{}", snapshot.service, component.name);
        if component.rolled_back {
            let because = component.rolled_back_because.clone().unwrap_or_else(|| "rolled back".to_owned());
            all.extend(one(snapshot, &path, &snapshot.baseline_version, BASELINE, whole, Some(because)));
            continue;
        }
        for block in &component.blocks {
            let Some(restored) = &block.restored else { continue };
            let because = block.restored_because.clone().unwrap_or_else(|| "restored".to_owned());
            let path = format!("{path}/{}", block.name);
            let block = one(snapshot, &path, &snapshot.canary_version, arm, share_ppm, Some(because));
            all.extend(block.map(|block| Carried { version: restored.parse().ok(), ..block }));
        }
    }
    all
}

/// `None`: a name that cannot be registered, and so is not.
fn one(
    snapshot: &Snapshot,
    path: &str,
    label: &str,
    arm: &str,
    share_ppm: u32,
    because: Option<String>,
) -> Option<Carried> {
    Some(Carried {
        subject: path.parse().ok()?,
        of: label.parse().ok()?,
        version: None,
        arm: arm.to_owned(),
        share_ppm,
        rollout: snapshot.id.clone(),
        changed_at: snapshot.changed_at,
        because,
    })
}

/// The versions that retention must keep, those of applications with all that they consist of: what carries requests, and what
/// can be returned to, that is all of the rollouts since the one that brought the version that is live, with every version of
/// a block that their plans name. Takes the newest first.
pub(super) fn needed<'a>(
    newest_first: impl IntoIterator<Item = &'a Snapshot>,
) -> BTreeSet<(Subject, Version)> {
    let mut needed = BTreeSet::new();
    let mut complete: BTreeMap<&str, bool> = BTreeMap::new();
    for snapshot in newest_first {
        let is_complete = complete.entry(&snapshot.service).or_default();
        if *is_complete {
            continue;
        }
        *is_complete = snapshot.phase == Phase::Promoted;
        let Ok(application) = Subject::application(&snapshot.service) else { continue };
        let arms = snapshot.experiment.iter().flat_map(|experiment| &experiment.arms);
        let labels = [&snapshot.baseline_version, &snapshot.canary_version].into_iter();
        for label in labels.chain(arms.map(|arm| &arm.version)) {
            needed.extend(label.parse().ok().map(|version| (application.clone(), version)));
        }
        needed.extend(blocks(snapshot));
    }
    needed
}

/// All versions of blocks that a plan names: the canary's, and those that a rollback can return to.
fn blocks(snapshot: &Snapshot) -> impl Iterator<Item = (Subject, Version)> + '_ {
    let blocks = snapshot.components.iter().flat_map(|one| one.blocks.iter().map(move |block| (one, block)));
    blocks.flat_map(|(component, block)| {
        let path = format!("{}/{}/{}", snapshot.service, component.name, block.name);
        let labels = std::iter::once(&block.current).chain(&block.previous);
        labels.filter_map(move |label| Some((path.parse().ok()?, label.parse().ok()?)))
    })
}

#[cfg(test)]
pub(super) mod tests;
