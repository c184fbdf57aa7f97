//! An event of the journal as something to tell: who it concerns, what it belongs to, and whether harm begins or ends.

mod concern;
mod harm;

use std::collections::{BTreeMap, BTreeSet};

use serin_rollout::plan::TakenTag;
use serin_rollout::{Cause, Event, Fact, HoldReason, Plan, Severity, UnixMillis};

use concern::components;
pub use harm::{Closes, Harm};

/// Longest text of an event that is told, in characters.
const TEXT_MAX: usize = 500;

/// What a rollout is about.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct About {
    /// Service.
    pub service: String,
    /// Version on trial. Of an experiment: `experiment`.
    pub version: String,
    /// Version before.
    pub baseline: String,
    /// Who answers for components, by component.
    pub owners: BTreeMap<String, String>,
}

/// Something to tell.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct News {
    /// Position in the journal.
    pub sequence: u64,
    /// When it happened.
    pub at: UnixMillis,
    /// How urgent it is.
    pub severity: Severity,
    /// Identifier of the rollout.
    pub rollout: String,
    /// Service.
    pub service: String,
    /// Version on trial.
    pub version: String,
    /// Version before.
    pub baseline: String,
    /// Kind of the event, for example `rolled_back`.
    pub kind: String,
    /// Who caused it.
    pub actor: String,
    /// One sentence.
    pub text: String,
    /// Components that it names, sorted.
    pub components: Vec<String>,
    /// Who answers for what it concerns.
    pub owners: BTreeSet<String>,
    /// What it belongs to: news of one cause are told together.
    pub cause: String,
    /// Services whose rollback this one follows from.
    pub follows: BTreeSet<String>,
    /// What it tells of, where it is critical.
    pub harm: Harm,
    /// What ends with it.
    pub closes: Option<Closes>,
}

impl About {
    /// What the first event of a rollout tells. `None`: it is no first event, or its plan is not accepted any more.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        let Fact::Created { plan, taken, .. } = &event.fact else { return None };
        let plan = Plan::parse(plan).ok()?;
        let said = plan.components().filter_map(|one| Some((one.name.to_owned(), one.owner?.to_owned())));
        let mut owners: BTreeMap<String, String> = said.collect();
        for one in taken {
            if let TakenTag::Owner { owner } = &one.tag {
                owners.entry(one.component.clone()).or_insert_with(|| owner.clone());
            }
        }
        let version = if plan.experiment().is_some() { "experiment" } else { plan.canary() };
        Some(Self {
            service: plan.service().to_owned(),
            version: version.to_owned(),
            baseline: plan.baseline().to_owned(),
            owners,
        })
    }
}

impl News {
    /// What there is to tell about an event.
    #[must_use]
    pub fn of(event: &Event, sequence: u64, about: &About) -> Self {
        let (severity, components) = (Severity::of(&event.fact), components(&event.fact));
        let follows = follows(&event.fact);
        Self {
            sequence,
            at: event.at,
            severity,
            rollout: event.rollout.0.clone(),
            service: about.service.clone(),
            version: about.version.clone(),
            baseline: about.baseline.clone(),
            kind: event.fact.kind().to_owned(),
            actor: event.actor.clone(),
            text: event.fact.text().chars().take(TEXT_MAX).collect(),
            owners: owners(about, &components),
            components,
            cause: cause(event, severity, about, &follows),
            follows,
            harm: Harm::of(&event.fact),
            closes: harm::closes(&event.fact),
        }
    }
}

/// Owners of the components; where none of them has one, or none is named, those of the whole service.
fn owners(about: &About, components: &[String]) -> BTreeSet<String> {
    let named: BTreeSet<_> = components.iter().filter_map(|name| about.owners.get(name)).cloned().collect();
    if named.is_empty() { about.owners.values().cloned().collect() } else { named }
}

fn follows(fact: &Fact) -> BTreeSet<String> {
    let (Fact::ComponentsRolledBack { cause: Cause::OtherService { returned }, .. }
    | Fact::RolledBack { cause: Cause::OtherService { returned }, .. }) = fact
    else {
        return BTreeSet::new();
    };
    returned.iter().filter_map(|path| Some(path.split_once('/')?.0.to_owned())).collect()
}

/// Missing data strikes all rollouts of a fleet at once; a rollback takes along other services; all else is of one rollout.
fn cause(event: &Event, severity: Severity, about: &About, follows: &BTreeSet<String>) -> String {
    if let Fact::Held { reason: HoldReason::MissingData, .. }
    | Fact::HoldLifted { reason: HoldReason::MissingData } = &event.fact
    {
        return "missing_data".to_owned();
    }
    if let Some(service) = follows.first() {
        format!("service/{service}")
    } else if severity == Severity::Critical && !about.service.is_empty() {
        format!("service/{}", about.service)
    } else {
        format!("rollout/{}", event.rollout)
    }
}

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
