//! What was returned within a rollout, and why.

use serde::{Deserialize, Serialize};
use serin_analysis::BlockEvidence;

use crate::event::Event;
use crate::text::list;
use crate::{Cause, UnixMillis};

/// A block of code that was returned to a previous version.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Restored {
    /// The component that it is part of.
    pub component: String,
    /// The version in force.
    pub version: String,
    /// Why.
    pub cause: Cause,
    /// Who.
    pub actor: String,
    /// When.
    pub at: UnixMillis,
    /// What the evidence said against it then, in words. `None`: a person decided without any.
    pub evidence: Option<String>,
}

impl Restored {
    pub(super) fn new(
        component: &str,
        (block, version): (&String, &String),
        event: &Event,
        cause: &Cause,
    ) -> Self {
        let judged = event.fact.evidence().and_then(|judgement| judgement.component(component));
        let named = judged.and_then(|one| one.assessment.blocks.iter().find(|one| one.name == *block));
        Self {
            component: component.to_owned(),
            version: version.clone(),
            cause: cause.clone(),
            actor: event.actor.clone(),
            at: event.at,
            evidence: named.map(BlockEvidence::sentence),
        }
    }

    /// Why, in words.
    #[must_use]
    pub fn text(&self) -> String {
        match (&self.cause, &self.evidence) {
            (Cause::Person { reason }, _) => format!("{}: {reason}", self.actor),
            (_, Some(evidence)) => evidence.clone(),
            (cause, None) => cause.to_string(),
        }
    }
}

/// A component that was returned to the baseline.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Pin {
    /// Why.
    pub cause: Cause,
    /// Who.
    pub actor: String,
    /// When.
    pub at: UnixMillis,
    /// What the evidence said against it then, one sentence each. Empty where a person decided without any, and in
    /// older journals.
    #[serde(default)]
    pub evidence: Vec<String>,
    /// Components that it cannot work without and that were returned, sorted. Empty: it was returned for its own sake.
    #[serde(default)]
    pub needs: Vec<String>,
}

impl Pin {
    pub(super) fn new(component: &str, event: &Event, cause: &Cause) -> Self {
        let judged = event.fact.evidence().and_then(|judgement| judgement.component(component));
        let evidence = judged.map(|one| super::arms::against(&one.assessment)).unwrap_or_default();
        Self { cause: cause.clone(), actor: event.actor.clone(), at: event.at, evidence, needs: Vec::new() }
    }

    /// Why, in words.
    #[must_use]
    pub fn text(&self) -> String {
        if !self.needs.is_empty() {
            let needs = format!("cannot work without {}, which returned", list(&self.needs));
            return std::iter::once(needs)
                .chain(self.evidence.iter().cloned())
                .collect::<Vec<_>>()
                .join("; ");
        }
        match &self.cause {
            Cause::Person { reason } => format!("{}: {reason}", self.actor),
            Cause::ComponentsRegressed { .. }
            | Cause::BlocksAtFault { .. }
            | Cause::VersionRegressed
            | Cause::Told { .. }
            | Cause::CoarseComponent { .. }
            | Cause::CoarseDependent { .. }
            | Cause::TooManyComponents { .. }
            | Cause::OtherService { .. }
            | Cause::Train { .. }
            | Cause::Predicted { .. }
            | Cause::Trigger { .. }
            | Cause::Unhealthy { .. }
            | Cause::LimitSustained { .. }
            | Cause::Policy { .. }
            | Cause::ArmsRegressed { .. }
            | Cause::AllArmsStopped
            | Cause::DurationOver { .. }
            | Cause::HookFailed { .. }
            | Cause::WithinLimits => {
                if self.evidence.is_empty() {
                    self.cause.to_string()
                } else {
                    self.evidence.join("; ")
                }
            }
        }
    }
}
