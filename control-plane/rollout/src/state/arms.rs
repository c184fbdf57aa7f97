//! Arms of an experiment that were stopped.

use serin_analysis::{Reason, ScopeAssessment, Trend, Verdict};
use serin_proto::assignment::Weight;

use super::{Phase, Pin, State};
use crate::event::Event;
use crate::{Cause, ComponentJudgement};

impl State {
    /// True while an arm of an experiment gets its part of the users.
    #[must_use]
    pub fn arm_runs(&self, arm: &str) -> bool {
        match self.phase {
            Phase::WarmingUp | Phase::Progressing | Phase::Completing => !self.stopped.contains_key(arm),
            Phase::Paused { .. }
            | Phase::RollingBack
            | Phase::Promoted
            | Phase::RolledBack
            | Phase::Failed => false,
        }
    }

    /// What the others measured still counts, so their evaluation goes on.
    pub(super) fn stop_arms(&mut self, arms: &[String], left: Weight, event: &Event, cause: &Cause) {
        for arm in arms {
            let pin = || Pin::of_arm(arm, event, cause);
            self.stopped.entry(arm.clone()).or_insert_with(pin);
        }
        self.weight = left;
        self.changed_at = event.at;
    }
}

impl Pin {
    /// Of an arm: what is said against it as a whole and against each of its components.
    fn of_arm(arm: &str, event: &Event, cause: &Cause) -> Self {
        let judged = event.fact.evidence().and_then(|judgement| judgement.arm(arm));
        let components = judged.map(|one| one.components.as_slice()).unwrap_or_default();
        let of = |one: &ComponentJudgement| {
            let name = one.name.clone();
            against(&one.assessment).into_iter().map(move |sentence| format!("{name}: {sentence}"))
        };
        let whole = judged.map(|one| against(&one.version)).unwrap_or_default();
        let evidence = whole.into_iter().chain(components.iter().flat_map(of)).collect();
        Self { cause: cause.clone(), actor: event.actor.clone(), at: event.at, evidence, needs: Vec::new() }
    }
}

/// What is said against a scope, one sentence each.
pub(super) fn against(assessment: &ScopeAssessment) -> Vec<String> {
    let reasons = assessment.reasons.iter().filter(|reason| reason.verdict == Verdict::Regressed);
    reasons.map(Reason::sentence).chain(assessment.predicted().map(Trend::sentence)).collect()
}
