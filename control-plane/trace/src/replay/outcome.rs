//! What a replay says.

use serde::Serialize;
use serin_analysis::{BaselineUsed, ScopeAssessment, Signal, Verdict};
use serin_rollout::{Cause, ComponentJudgement, Event, Fact, Judgement};

/// Something that happened on the way. Each is one JSON object; its second field tells which kind it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Entry {
    /// A verdict changed.
    Verdict {
        /// Unix time in seconds.
        t: u64,
        /// What it is now.
        verdict: Verdict,
        /// The component. `None`: the version.
        component: Option<String>,
        /// Why, in words.
        text: String,
    },
    /// What a policy says changed.
    Policy {
        /// Unix time in seconds.
        t: u64,
        /// Its name.
        policy: String,
        /// What it says now: a decision, or `inconclusive`, which holds.
        says: &'static str,
        /// What it read, or why it came to no conclusion.
        text: String,
    },
    /// The rollout on paper did something.
    Event {
        /// Unix time in seconds.
        t: u64,
        /// What, as in the journal: `step_started`, `held`, ….
        event: &'static str,
        /// In words.
        text: String,
    },
    /// Something to know about the trace.
    Note {
        /// Unix time in seconds.
        t: u64,
        /// In words.
        note: String,
    },
}

/// What was decided.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decided {
    /// The canary goes.
    Rollback,
    /// The canary stays.
    Promote,
    /// Neither.
    Hold,
}

/// What a rollback undoes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The version.
    Coarse,
    /// Components alone.
    Medium,
    /// Blocks of a component's code.
    Fine,
}

/// The end of a replay.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decision {
    /// What.
    pub decision: Decided,
    /// Unix time, in seconds, at which it could have been made live. For a hold: the end of the trace. `None`: the trace is empty.
    pub t: Option<u64>,
    /// What a rollback undoes; only then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Components that are rolled back, or that a rollback of the version is due to.
    pub components: Vec<String>,
    /// Blocks of their code that return to a previous version.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<String>,
    /// Why.
    pub reasons: Vec<Reason>,
    /// What a hold waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needed: Option<Needed>,
    /// What was decided after a rollback of components, about the rest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub later: Vec<Decision>,
}

/// One reason.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reason {
    /// The component that it is about. `None`: the version.
    pub component: Option<String>,
    /// The signal. `None`: a rule of the plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<Signal>,
    /// What the canary was compared with. `None`: a rule of the plan, or of another judge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline_used: Option<BaselineUsed>,
    /// In words.
    pub text: String,
}

/// What a hold waits for, at the present traffic.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Needed {
    /// Canary requests until the verdict is decided. `None`: it is, or that cannot be foreseen.
    pub canary_requests: Option<u64>,
    /// Seconds until a promotion, at least. `None`: it cannot be foreseen.
    pub seconds: Option<u64>,
}

impl Decision {
    /// A hold without evidence.
    pub(crate) fn nothing(text: String) -> Self {
        let reasons = vec![Reason { component: None, signal: None, baseline_used: None, text }];
        Self {
            decision: Decided::Hold,
            t: None,
            level: None,
            components: Vec::new(),
            blocks: Vec::new(),
            reasons,
            needed: None,
            later: Vec::new(),
        }
    }
}

/// What an event decides, if it decides anything.
pub(super) fn decision(event: &Event) -> Option<Decision> {
    let whole = Decision { t: Some(event.at.second()), ..Decision::nothing(event.fact.text()) };
    let evidence = event.fact.evidence();
    match &event.fact {
        Fact::ComponentsRolledBack { components, .. } => {
            Some(rolled_back(whole, Level::Medium, components.clone(), evidence))
        }
        Fact::BlocksRestored { component, blocks, .. } => {
            let decision = rolled_back(whole, Level::Fine, vec![component.clone()], evidence);
            Some(Decision { blocks: blocks.keys().cloned().collect(), ..decision })
        }
        // Decided is the rollback when its first stage begins.
        Fact::RolledBack { cause, .. } | Fact::RollbackBegan { cause, .. } => {
            let components = match cause {
                Cause::CoarseComponent { component } => vec![component.clone()],
                Cause::CoarseDependent { regressed: components, .. }
                | Cause::TooManyComponents { components, .. }
                | Cause::ComponentsRegressed { components }
                | Cause::Predicted { components, .. } => components.clone(),
                Cause::BlocksAtFault { component, .. } => vec![component.clone()],
                Cause::Trigger { component, .. } | Cause::Unhealthy { component, .. } => {
                    component.iter().cloned().collect()
                }
                Cause::VersionRegressed
                | Cause::Told { .. }
                | Cause::LimitSustained { .. }
                | Cause::Policy { .. }
                | Cause::WithinLimits
                | Cause::ArmsRegressed { .. }
                | Cause::AllArmsStopped
                | Cause::DurationOver { .. }
                | Cause::OtherService { .. }
                | Cause::HookFailed { .. }
                | Cause::Train { .. }
                | Cause::Person { .. } => Vec::new(),
            };
            Some(rolled_back(whole, Level::Coarse, components, evidence))
        }
        Fact::Promoted { .. } => Some(Decision { decision: Decided::Promote, ..whole }),
        Fact::Created { .. }
        | Fact::StepStarted { .. }
        | Fact::Held { .. }
        | Fact::HoldLifted { .. }
        | Fact::Completing { .. }
        | Fact::HandedOver { .. }
        | Fact::RollbackStage { .. }
        | Fact::ArmsStopped { .. }
        | Fact::ExperimentEnded { .. }
        | Fact::TriggerFired { .. }
        | Fact::TriggerCleared { .. }
        | Fact::EvidenceMissing { .. }
        | Fact::EvidenceIncomplete { .. }
        | Fact::DecisionMarked { .. }
        | Fact::EvidenceReturned { .. }
        | Fact::Ready
        | Fact::WatchEnded
        | Fact::RollbackLowered { .. }
        | Fact::QuotaLowered { .. }
        | Fact::WindowsOverridden { .. }
        | Fact::Queued { .. }
        | Fact::WeightSet { .. }
        | Fact::Paused { .. }
        | Fact::Resumed { .. }
        | Fact::Superseded { .. }
        | Fact::Begun { .. }
        | Fact::HookStarted(_)
        | Fact::HookEnded(_)
        | Fact::Approved { .. } => None,
    }
}

fn rolled_back(
    whole: Decision,
    level: Level,
    components: Vec<String>,
    evidence: Option<&Judgement>,
) -> Decision {
    let regressed = |verdict| verdict == Verdict::Regressed;
    let mut reasons = whole.reasons;
    if let Some(judgement) = evidence {
        reasons.extend(of_scope(None, &judgement.version, regressed));
        reasons.extend(predicted(None, &judgement.version));
        for component in judgement.components.iter().filter(|one| components.contains(&one.name)) {
            reasons.extend(of_scope(Some(&component.name), &component.assessment, regressed));
            reasons.extend(predicted(Some(&component.name), &component.assessment));
            reasons.extend(at_fault(component));
        }
    }
    Decision { decision: Decided::Rollback, level: Some(level), components, reasons, ..whole }
}

fn predicted(component: Option<&String>, assessment: &ScopeAssessment) -> Option<Reason> {
    assessment.predicted().map(|trend| Reason {
        component: component.cloned(),
        signal: Some(trend.signal),
        baseline_used: Some(BaselineUsed::Concurrent),
        text: trend.sentence(),
    })
}

/// The blocks of a component that are at fault.
fn at_fault(component: &ComponentJudgement) -> impl Iterator<Item = Reason> {
    let blocks = component.assessment.blocks.iter().filter(|block| block.at_fault);
    blocks.map(|block| Reason {
        component: Some(component.name.clone()),
        signal: Some(Signal::ErrorRate),
        baseline_used: None,
        text: block.sentence(),
    })
}

pub(super) fn of_scope(
    component: Option<&String>,
    assessment: &ScopeAssessment,
    counts: impl Fn(Verdict) -> bool,
) -> Vec<Reason> {
    let reasons = assessment.reasons.iter().filter(|reason| counts(reason.verdict));
    let said = reasons.map(|reason| Reason {
        component: component.cloned(),
        signal: Some(reason.signal),
        baseline_used: Some(reason.baseline_used),
        text: reason.sentence(),
    });
    said.collect()
}
