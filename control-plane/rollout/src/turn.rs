//! Whose turn it is, where only so many rollouts may run at once.
//!
//! A rollout by itself takes one place, and a train one as a whole: for itself among all, and one in each group that plans of its
//! members name. It takes all of them at once or none, so no train holds a place that its own members wait for. A train that waits
//! keeps the places of its groups free of whoever came after it, or it might wait for ever where groups are taken in turns. Only
//! what came earlier is waited for, so nobody waits in a circle.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Plan;
use crate::train::TrainPlan;

/// Why a rollout or a train waits for its turn.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Turn {
    /// The group that is full. `None`: all rollouts of the server together are too many.
    #[serde(default)]
    pub group: Option<String>,
    /// So many run at once.
    pub max: u32,
}

/// What the server allows, whatever plans say. `None`: any number.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct TurnLimits {
    /// All together.
    pub all: Option<u32>,
    /// Of one group.
    pub per_group: Option<u32>,
}

/// The groups in which somebody takes a place, each with how many run at once by the plans. Empty: only among all.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Places(BTreeMap<String, Option<u32>>);

/// Somebody else who takes turns.
#[derive(Clone, Copy, Debug)]
pub enum Rival<'a> {
    /// It runs.
    Runs(&'a Places),
    /// A train that waits, and came earlier.
    Waits(&'a Places),
}

impl Places {
    /// Those of a rollout by itself. `None`: an experiment takes no turn.
    #[must_use]
    pub fn of_plan(plan: &Plan) -> Option<Self> {
        let own = plan.concurrency().map(|own| (own.group.clone(), own.max));
        plan.experiment().is_none().then(|| Self(own.into_iter().collect()))
    }

    /// Those of a train, the strictest where plans of its members differ.
    #[must_use]
    pub fn of_train(plan: &TrainPlan) -> Self {
        let mut groups: BTreeMap<String, Option<u32>> = BTreeMap::new();
        for own in plan.members().iter().filter_map(|member| member.plan.concurrency()) {
            let max = groups.entry(own.group.clone()).or_default();
            *max = max.iter().chain(&own.max).copied().min();
        }
        Self(groups)
    }

    /// A limit that is reached, and so what is waited for. `None`: it is its turn.
    pub fn turn<'a>(&self, limits: TurnLimits, rivals: impl Iterator<Item = Rival<'a>>) -> Option<Turn> {
        let (mut all, mut groups) = (0_u32, BTreeMap::<&str, u32>::new());
        for rival in rivals {
            all = all.saturating_add(u32::from(matches!(rival, Rival::Runs(_))));
            let (Rival::Runs(places) | Rival::Waits(places)) = rival;
            for group in places.0.keys() {
                let count = groups.entry(group).or_default();
                *count = count.saturating_add(1);
            }
        }
        if let Some(max) = limits.all.filter(|max| all >= *max) {
            return Some(Turn { group: None, max });
        }
        self.0.iter().find_map(|(group, max)| {
            let max = max.iter().chain(&limits.per_group).copied().min()?;
            let is_full = groups.get(group.as_str()).is_some_and(|count| *count >= max);
            is_full.then(|| Turn { group: Some(group.clone()), max })
        })
    }
}

impl fmt::Display for Turn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let max = self.max;
        match &self.group {
            Some(group) => write!(formatter, "{max} of group {group} may run at once"),
            None => write!(formatter, "{max} rollouts may run at once"),
        }
    }
}

#[cfg(test)]
mod tests;
