//! What can happen to a rollout.

mod refused;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serin_analysis::streams::{Finding, SourcesRisk};
use serin_analysis::verdict::{Alarm, ScopeAssessment};
use serin_proto::assignment::Weight;

use crate::outside::Outside;
use crate::{Approval, HookEnd, Mark, RolloutId, Sighting, Turn};

pub use refused::Refused;

/// One thing that happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Time passes and nothing else is known. Promotes nothing.
    Tick,
    /// The evidence was judged. Expected once a second for a rollout that is not terminal.
    Assessed(Box<Judgement>),
    /// Somebody asks for something.
    Commanded {
        /// What.
        command: Command,
        /// The newest judgement, kept as evidence of what was known. `None`: there is none.
        seen: Option<Box<Judgement>>,
    },
    /// Components of other services are on the baseline. Repeating it changes nothing.
    OtherServices {
        /// All of them, as `SERVICE/COMPONENT`.
        returned: BTreeSet<String>,
    },
    /// Somebody lets it begin, and too many rollouts run: it waits for its turn. Does nothing to one that began before.
    Postponed {
        /// Why.
        turn: Turn,
        /// Who.
        actor: String,
    },
    /// It may begin now: fewer rollouts run than may. Does nothing to one that does not wait for its turn.
    Admitted,
    /// A hook that was due has ended. Repeating it changes nothing.
    HookEnded(HookEnd),
    /// The train that it is part of says so. Repeating it changes nothing.
    Train {
        /// Identifier of the train.
        train: String,
        /// What.
        order: TrainOrder,
    },
    /// A rollback is being carried out, and this is seen of it.
    Sighted(Sighting),
    /// A decision was carried out whose evidence is not whole. Repeating it tells it again.
    EvidenceIncomplete {
        /// Name of its bundle.
        bundle: String,
        /// What is missing, and why.
        why: String,
    },
    /// A person says what to think of a decision. It changes nothing but what is known of the decision.
    DecisionMarked {
        /// Name of the decision.
        decision: String,
        /// What is said.
        mark: Mark,
        /// Why.
        reason: String,
        /// Who says so.
        actor: String,
    },
    /// A newer rollout of the same service begins.
    Superseded {
        /// The newer one.
        by: RolloutId,
        /// Who created it.
        actor: String,
    },
}

/// What the evidence says now.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Judgement {
    /// The whole version, without components that are rolled back.
    pub version: ScopeAssessment,
    /// Components that were seen, `unmatched` among them, each name once.
    pub components: Vec<ComponentJudgement>,
    /// What should be undone. `None`: nothing.
    pub alarm: Option<Alarm>,
    /// Age of the newest evidence in seconds. `None`: there is none.
    pub data_age_s: Option<u64>,
    /// Baseline over the last 60 seconds.
    pub baseline: ArmWindow,
    /// Canary over the last 60 seconds.
    pub canary: ArmWindow,
    /// In an experiment, what the evidence says about each arm beside the control, which is the baseline of each. Of what stands
    /// outside of it, only the age and the baseline are said then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arms: Vec<ArmJudgement>,
    /// What logs and users tell of the version, strongest evidence first. Empty: nothing, or they are no evidence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// What each source makes of the version's risk. `None`: requests are the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sources: Option<SourcesRisk>,
    /// What triggers, queries and health checks say.
    #[serde(default, skip_serializing_if = "Outside::is_empty")]
    pub outside: Outside,
}

/// What the evidence says about one arm of an experiment.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ArmJudgement {
    /// Its name.
    pub name: String,
    /// What is said of it as the canary.
    #[serde(flatten)]
    pub judgement: Judgement,
}

/// What the evidence says about one component.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ComponentJudgement {
    /// Its name.
    pub name: String,
    /// The verdict on it.
    pub assessment: ScopeAssessment,
    /// Its requests on both arms over the last 60 seconds.
    pub requests: u64,
}

/// Counts of one arm over the last 60 seconds.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ArmWindow {
    /// Requests started.
    pub requests: u64,
    /// Requests that ended as one of the plan's `failures`.
    pub errors: u64,
    /// Requests refused as wrong (4xx, invalid input).
    pub client_errors: u64,
    /// 99th percentile of latency in µs. `None`: no finished request.
    pub latency_p99_us: Option<u64>,
    /// What it is at the least, but for chance ([`serin_analysis::chance`]). `None`: no finished request.
    #[serde(default)]
    pub latency_p99_least_us: Option<u64>,
}

/// What a train tells a member.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TrainOrder {
    /// It was its turn to wait, and now it begins.
    Begin,
    /// All members are ready, and are promoted together.
    Promote,
    /// It returns to the baseline.
    Return {
        /// Why.
        because: String,
    },
}

/// Somebody asks for something. Repeating a command that already took effect is answered with the state as it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Command {
    /// What.
    pub order: Order,
    /// Who.
    pub actor: String,
    /// Why: 1 to 1,000 bytes, for [`Order::Resume`] it may be empty.
    pub reason: String,
}

/// What can be asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Order {
    /// Set the canary's weight and hold there until [`Order::Resume`].
    SetWeight(Weight),
    /// Hold. Automatic rollback stays armed.
    Pause,
    /// Continue with a fresh evaluation of the step.
    Resume,
    /// Give the canary its full weight and complete, whatever the verdict.
    Promote,
    /// After the promotion: return all users to the baseline's endpoint, which runs the promoted version by now. The canary's is
    /// free for the next version. [`Order::Promote`] takes it back.
    HandOver,
    /// Act in spite of the windows of the plan's calendar that are open, until they close.
    OverrideWindows,
    /// Return to the baseline.
    Rollback {
        /// What of it.
        scope: RollbackScope,
    },
    /// Allow what waits for a person.
    Approve(Approval),
}

/// What a person returns to where it was.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RollbackScope {
    /// The whole version.
    Version,
    /// This component, and what cannot work without it.
    Component(String),
    /// This block of code.
    Block(String),
    /// This arm of an experiment: it is stopped.
    Arm(String),
}

impl Command {
    /// Whether the reason is one.
    ///
    /// # Errors
    /// When it is too long, or missing and the order needs one.
    pub fn check_reason(&self) -> Result<(), Refused> {
        if self.reason.len() > crate::REASON_BYTES {
            Err(Refused::ReasonTooLong)
        } else if self.reason.trim().is_empty() && self.order != Order::Resume {
            Err(Refused::ReasonMissing)
        } else {
            Ok(())
        }
    }
}

impl Order {
    /// As on the command line.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SetWeight(_) => "set-weight",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Promote => "promote",
            Self::HandOver => "hand-over",
            Self::OverrideWindows => "override-windows",
            Self::Rollback { .. } => "rollback",
            Self::Approve(_) => "approve",
        }
    }
}

impl Judgement {
    /// What is said of a component.
    #[must_use]
    pub fn component(&self, name: &str) -> Option<&ComponentJudgement> {
        self.components.iter().find(|component| component.name == name)
    }

    /// What is said of an arm of an experiment.
    #[must_use]
    pub fn arm(&self, name: &str) -> Option<&Self> {
        self.arms.iter().find(|arm| arm.name == name).map(|arm| &arm.judgement)
    }

    /// True when the evidence is no older than [`crate::DATA_AGE_MAX_S`].
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.data_age_s.is_some_and(|age| age <= crate::DATA_AGE_MAX_S)
    }
}
