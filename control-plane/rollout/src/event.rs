//! The journal: facts about one rollout, in order. They are written before they take effect and never changed.

mod cause;
mod evidence;
mod mark;
mod undone;
mod words;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serin_proto::assignment::Weight;

use crate::plan::{Omitted, Taken};
use crate::rollback::{Returned, StageRecord};
use crate::train::Membership;
use crate::{Approval, HoldReason, HookEnd, HookRun, Judgement, RolloutId, Severity, Turn, UnixMillis};

pub use cause::Cause;
pub use mark::Mark;
pub use undone::{Beyond, Dependents, Impact};

/// Version of the JSON form of [`Event`]. Later versions read all earlier ones.
pub const EVENT_FORMAT: u32 = 1;

/// One entry of the journal.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Event {
    /// Version of this form: [`EVENT_FORMAT`].
    pub format: u32,
    /// The rollout.
    pub rollout: RolloutId,
    /// Position among the rollout's events, from 1 and without gaps.
    pub revision: u64,
    /// When.
    pub at: UnixMillis,
    /// Who: [`crate::AUTOMATIC`] for automatic decisions.
    pub actor: String,
    /// What.
    #[serde(flatten)]
    pub fact: Fact,
}

/// What happened.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fact {
    /// The rollout began.
    Created {
        /// The plan as it was given (YAML).
        plan: String,
        /// Key of the ring: 32 hexadecimal digits.
        salt: String,
        /// True: it waits at no weight for a person to let it begin. Absent in older journals: false.
        #[serde(default)]
        paused: bool,
        /// True: it has no weight until what stands before its start is done. Absent in older journals: false.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        waits: bool,
        /// Tags that were taken where the plan is silent. Absent in older journals: none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        taken: Vec<Taken>,
        /// What was on offer too. Absent in older journals: nothing.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        not_taken: Vec<Omitted>,
        /// The train that it is part of. Absent in older journals: none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        train: Option<Membership>,
    },
    /// A step of the plan began.
    StepStarted {
        /// From 0.
        step: u32,
        /// Canary weight during the step.
        #[serde(with = "crate::text::ppm")]
        weight_ppm: Weight,
        /// What allowed it. `None`: the end of the warm-up, which needs no evidence.
        evidence: Option<Box<Judgement>>,
    },
    /// Progress stopped for a reason other than gathering evidence.
    Held {
        /// The reason.
        reason: HoldReason,
        /// What was seen. `None`: nothing.
        evidence: Option<Box<Judgement>>,
    },
    /// The reason for holding is gone.
    HoldLifted {
        /// The reason that is gone.
        reason: HoldReason,
    },
    /// Some components returned to the baseline; the rollout goes on.
    ComponentsRolledBack {
        /// Their names, sorted.
        components: Vec<String>,
        /// Those of them that only cannot work without others, each with these.
        #[serde(default)]
        dependents: Dependents,
        /// Others, whose feature is switched off because they cannot work without what returned, each with these.
        #[serde(default)]
        disabled: Dependents,
        /// Others that regressed too, but need what returned: they may recover before they are judged again.
        #[serde(default)]
        recovering: Vec<String>,
        /// What all of them carry. `None`: nothing was seen.
        #[serde(default)]
        impact: Option<Impact>,
        /// Why.
        cause: Cause,
        /// What was seen. `None`: nothing.
        evidence: Option<Box<Judgement>>,
    },
    /// Some blocks of a component's code returned to their previous version; the component and the rollout go on.
    BlocksRestored {
        /// The component.
        component: String,
        /// By block, the version that is in force now.
        blocks: BTreeMap<String, String>,
        /// What the component carries. `None`: nothing was seen.
        #[serde(default)]
        impact: Option<Impact>,
        /// Why.
        cause: Cause,
        /// What was seen. `None`: nothing.
        evidence: Option<Box<Judgement>>,
    },
    /// Some arms of an experiment were stopped: their users returned to the control. The others go on.
    ArmsStopped {
        /// Their names, sorted.
        arms: Vec<String>,
        /// What the arms that go on have together.
        #[serde(with = "crate::text::ppm")]
        weight_ppm: Weight,
        /// Why.
        cause: Cause,
        /// What was seen. `None`: nothing.
        #[serde(default)]
        evidence: Option<Box<Judgement>>,
    },
    /// An experiment is over: all users returned to the control.
    ExperimentEnded {
        /// Why.
        cause: Cause,
        /// What was seen. `None`: nothing.
        #[serde(default)]
        evidence: Option<Box<Judgement>>,
    },
    /// The whole version returned to the baseline.
    RolledBack {
        /// Why.
        cause: Cause,
        /// What was seen. `None`: nothing.
        evidence: Option<Box<Judgement>>,
    },
    /// The whole version returns to the baseline in stages.
    RollbackBegan {
        /// What is left of the canary's weight.
        #[serde(with = "crate::text::ppm")]
        weight_ppm: Weight,
        /// Why.
        cause: Cause,
        /// What was seen. `None`: nothing.
        evidence: Option<Box<Judgement>>,
    },
    /// More of the version returned.
    RollbackLowered {
        /// What is left of the canary's weight.
        #[serde(with = "crate::text::ppm")]
        weight_ppm: Weight,
        /// What was seen. `None`: nothing.
        evidence: Option<Box<Judgement>>,
    },
    /// A quota is nearly used up: the weight was lowered, and the rollout goes on from there.
    QuotaLowered {
        /// Step that is evaluated from now on.
        step: u32,
        /// Weight from now on.
        #[serde(with = "crate::text::ppm")]
        weight_ppm: Weight,
        /// Weight before.
        #[serde(with = "crate::text::ppm")]
        before_ppm: Weight,
        /// The query.
        query: String,
        /// The part of the quota that is used, in parts per million.
        used_ppm: u64,
        /// What was seen. `None`: nothing.
        evidence: Option<Box<Judgement>>,
    },
    /// A person acts in spite of windows of the plan's calendar.
    WindowsOverridden {
        /// The windows that are open, each with when it closes: so long they do nothing.
        until: BTreeMap<String, UnixMillis>,
        /// Why.
        reason: String,
    },
    /// Too many rollouts run: this one waits for its turn.
    Queued {
        /// Why.
        turn: Turn,
    },
    /// The canary got all traffic and is watched before completion.
    Completing {
        /// What allowed it. `None`: a person.
        evidence: Option<Box<Judgement>>,
    },
    /// The canary carries all traffic.
    Promoted {
        /// It is still judged, and returns by itself, until [`Fact::WatchEnded`]. Absent in older journals: false.
        #[serde(default)]
        watched: bool,
        /// Why.
        cause: Cause,
        /// What allowed it. `None`: nothing was seen.
        evidence: Option<Box<Judgement>>,
    },
    /// A trigger or a health check that decides nothing came to hold.
    TriggerFired {
        /// Which, in words: `trigger NAME` or `health check NAME`.
        trigger: String,
        /// How urgent it is.
        severity: Severity,
        /// What was seen, in words.
        detail: String,
        /// What was seen. `None`: nothing.
        #[serde(default)]
        evidence: Option<Box<Judgement>>,
    },
    /// It does not hold any more.
    TriggerCleared {
        /// Which.
        trigger: String,
    },
    /// Something outside that a plan asks for says nothing for long.
    EvidenceMissing {
        /// What, in words: `query NAME` or `health check NAME`.
        source: String,
        /// Why.
        detail: String,
    },
    /// It says something again.
    EvidenceReturned {
        /// What.
        source: String,
    },
    /// A decision was carried out, and what was known when it was made is not kept whole.
    EvidenceIncomplete {
        /// Name of the bundle that is not there, or lacks something.
        bundle: String,
        /// Why.
        detail: String,
    },
    /// A person said what to think of a decision. The newest mark of a decision holds.
    DecisionMarked {
        /// Name of the decision, which is that of its evidence.
        decision: String,
        /// What was said.
        mark: Mark,
        /// Why.
        reason: String,
    },
    /// Its plan would promote it now; it waits for the other members of its train.
    Ready,
    /// The rollback window after the promotion closed: the version is not judged any more.
    WatchEnded,
    /// A person set the weight and holds the rollout.
    WeightSet {
        /// New weight.
        #[serde(with = "crate::text::ppm")]
        weight_ppm: Weight,
        /// Weight before.
        #[serde(with = "crate::text::ppm")]
        before_ppm: Weight,
        /// Why.
        reason: String,
    },
    /// A person holds the rollout.
    Paused {
        /// Why.
        reason: String,
    },
    /// A person lets the rollout go on.
    Resumed {
        /// Why; may be empty.
        reason: String,
        /// Step that is evaluated from now on.
        step: u32,
        /// Weight from now on.
        #[serde(with = "crate::text::ppm")]
        weight_ppm: Weight,
    },
    /// After the promotion, all users returned to the baseline's endpoint, which runs the promoted version by then.
    HandedOver {
        /// Why.
        reason: String,
    },
    /// A part of carrying a rollback out ended, or is late.
    RollbackStage {
        /// What became of it.
        #[serde(flatten)]
        record: StageRecord,
        /// What is returned. Absent in older journals: not known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        returned: Option<Returned>,
    },
    /// A newer rollout of the service took over.
    Superseded {
        /// The newer one.
        by: RolloutId,
    },
    /// What stands before the start is done: the canary got its first weight and warms up.
    Begun {
        /// Its first weight.
        #[serde(with = "crate::text::ppm")]
        weight_ppm: Weight,
    },
    /// A hook is due, and is performed until it has ended.
    HookStarted(HookRun),
    /// A hook ended.
    HookEnded(HookEnd),
    /// A person allowed something that waited for it.
    Approved {
        /// What.
        approval: Approval,
        /// The failed run that it is about. `None`: none had failed.
        #[serde(default)]
        run: Option<HookRun>,
        /// Why.
        reason: String,
    },
}

impl Fact {
    /// In snake case, for example `step_started`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Created { .. } => "created",
            Self::StepStarted { .. } => "step_started",
            Self::Held { .. } => "held",
            Self::HoldLifted { .. } => "hold_lifted",
            Self::ComponentsRolledBack { .. } => "components_rolled_back",
            Self::BlocksRestored { .. } => "blocks_restored",
            Self::ArmsStopped { .. } => "arms_stopped",
            Self::ExperimentEnded { .. } => "experiment_ended",
            Self::RolledBack { .. } => "rolled_back",
            Self::RollbackBegan { .. } => "rollback_began",
            Self::RollbackLowered { .. } => "rollback_lowered",
            Self::QuotaLowered { .. } => "quota_lowered",
            Self::WindowsOverridden { .. } => "windows_overridden",
            Self::Queued { .. } => "queued",
            Self::Completing { .. } => "completing",
            Self::Promoted { .. } => "promoted",
            Self::TriggerFired { .. } => "trigger_fired",
            Self::TriggerCleared { .. } => "trigger_cleared",
            Self::EvidenceMissing { .. } => "evidence_missing",
            Self::EvidenceIncomplete { .. } => "evidence_incomplete",
            Self::DecisionMarked { .. } => "decision_marked",
            Self::EvidenceReturned { .. } => "evidence_returned",
            Self::Ready => "ready",
            Self::WatchEnded => "watch_ended",
            Self::WeightSet { .. } => "weight_set",
            Self::Paused { .. } => "paused",
            Self::Resumed { .. } => "resumed",
            Self::HandedOver { .. } => "handed_over",
            Self::RollbackStage { .. } => "rollback_stage",
            Self::Superseded { .. } => "superseded",
            Self::Begun { .. } => "begun",
            Self::HookStarted(_) => "hook_started",
            Self::HookEnded(_) => "hook_ended",
            Self::Approved { .. } => "approved",
        }
    }
}
