//! What one rollout teaches the next.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Engine;
use super::component::Component;
use crate::config::Failures;
use crate::history::History;
use crate::placebo::Dispersion;

/// What one rollout taught that the next one of the same service should begin with.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Learned {
    /// Overdispersion of the whole version.
    pub version: Dispersion,
    /// Overdispersion by component.
    pub components: BTreeMap<String, Dispersion>,
    /// What is usual, by component.
    pub histories: BTreeMap<String, History>,
    /// What counted as a failure in it.
    pub failures: Failures,
}

impl Engine {
    /// What the next rollout of the service should begin with, after which the canary serves if it is `promoted`.
    pub fn learned(&self, promoted: bool) -> Learned {
        let named = |component: &Component| component.name().to_owned();
        let components = self.components.iter();
        Learned {
            failures: self.config.raw().failures,
            version: self.hosts.dispersion,
            components: components.clone().map(|one| (named(one), one.dispersion())).collect(),
            histories: components.map(|one| (named(one), one.history(promoted))).collect(),
        }
    }

    /// Begins with what an earlier rollout taught. Components that it did not know, and numbers that make no sense,
    /// count as not learned; so does what is usual where other outcomes counted as failures.
    pub fn recall(&mut self, learned: &Learned) {
        let alike = learned.failures == self.config.raw().failures;
        self.hosts.dispersion = learned.version.checked();
        for component in &mut self.components {
            if let Some(dispersion) = learned.components.get(component.name()) {
                component.recall(*dispersion);
            }
            if let Some(history) = learned.histories.get(component.name()).filter(|_| alike) {
                component.recall_history(history);
            }
        }
    }
}
