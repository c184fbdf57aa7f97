//! How much more than by chance the counts of an arm and the control vary, as it was last judged.
//!
//! Kept with the evidence, so that an interval says the same after a restart, and after the end, when nothing is judged.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serin_analysis::{Overdispersion, ScopeAssessment, Signal};

use crate::Judgement;

/// Overdispersion of the service and of each component. What is not estimated yet is absent.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Varies {
    whole: Option<Overdispersion>,
    components: BTreeMap<String, Overdispersion>,
}

impl Varies {
    /// Takes over what a judgement says; what it does not say stays.
    pub(super) fn take(&mut self, judgement: &Judgement) {
        self.whole = said(&judgement.version).or(self.whole);
        for component in &judgement.components {
            let Some(said) = said(&component.assessment) else { continue };
            match self.components.get_mut(&component.name) {
                Some(known) => *known = said,
                None => _ = self.components.insert(component.name.clone(), said),
            }
        }
    }

    /// That of a component. `None`: of the service.
    pub(super) fn of(&self, component: Option<&str>) -> Option<Overdispersion> {
        match component {
            Some(name) => self.components.get(name).copied(),
            None => self.whole,
        }
    }
}

/// `None`: one of the two signals was not estimated.
fn said(assessment: &ScopeAssessment) -> Option<Overdispersion> {
    let of = |signal: Signal| {
        let reason = assessment.reasons.iter().find(|reason| reason.signal == signal)?;
        Some(reason.overdispersion).filter(|phi| *phi >= 1.0)
    };
    Some(Overdispersion { errors: of(Signal::ErrorRate)?, latency: of(Signal::Latency)? })
}
