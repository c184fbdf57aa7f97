//! How a rollback that was decided is carried out, stage by stage: every proxy obeys, the canary gets no more requests, hooks
//! run, the baseline carries the load and is well.
//!
//! A decision is not the end: peers are silent when the proxies did not follow, or when the baseline breaks under what it gets back.
//! So each stage has a deadline and a record in the journal, and one that fails is told as urgently as the rollback itself.
//! Stages only watch: nothing here raises a weight, and nothing that is late undoes the decision.

mod counted;
mod settled;
mod sighting;
mod words;

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Event, Fact, Severity, State, UnixMillis};

pub use counted::{Counted, Measured};
pub(crate) use sighting::find;
pub use sighting::{Sighting, WINDOW_S};

/// What is returned.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Returned {
    /// The whole version.
    Version,
    /// These components.
    Components {
        /// Their names.
        names: BTreeSet<String>,
    },
    /// These arms of an experiment.
    Arms {
        /// Their names.
        names: BTreeSet<String>,
    },
    /// These blocks of code, whose requests stay where they are.
    Blocks {
        /// Their names.
        names: BTreeSet<String>,
    },
}

/// A part of carrying a rollback out.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Until every proxy that lives obeys.
    Acknowledge,
    /// Until no request goes to what was returned.
    Drain,
    /// Until the hooks of the rollback have ended.
    Hooks,
    /// Until the baseline carries the load and is within the plan's limits.
    Verify,
}

/// How a stage stands that has more to say than that it lasts.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StageOutcome {
    /// What it waits for is seen.
    Done,
    /// Its deadline passed. It goes on.
    Late,
    /// It is given up. What comes after it and does not need it goes on.
    Failed,
    /// There was too little to see to tell.
    Unknown,
}

/// A stage that ended, or is late.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct StageRecord {
    /// The stage.
    pub stage: Stage,
    /// How it stands.
    pub outcome: StageOutcome,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// What was seen.
    pub detail: String,
}

/// A rollback that is carried out, or was.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Rollback {
    /// What is returned.
    pub returned: Returned,
    /// When it was decided.
    pub decided_at: UnixMillis,
    /// What is waited for. `None`: it is over.
    pub stage: Option<Stage>,
    /// Since when.
    pub stage_since: UnixMillis,
    /// What was recorded, each stage at most once late and once ended.
    pub records: Vec<StageRecord>,
}

impl Stage {
    /// All, in their order.
    pub const ALL: [Self; 4] = [Self::Acknowledge, Self::Drain, Self::Hooks, Self::Verify];

    /// When it is told that it is late.
    #[must_use]
    pub const fn deadline(self) -> Duration {
        match self {
            Self::Acknowledge => Duration::from_secs(15),
            Self::Drain => Duration::from_secs(60),
            Self::Hooks => Duration::from_secs(300),
            Self::Verify => Duration::from_secs(120),
        }
    }

    /// When it is given up.
    #[must_use]
    pub const fn end(self) -> Duration {
        match self {
            Self::Acknowledge | Self::Drain => Duration::from_secs(600),
            Self::Hooks => Duration::from_secs(1_800),
            Self::Verify => Duration::from_secs(300),
        }
    }

    /// What it waits for, in words.
    #[must_use]
    pub const fn awaits(self) -> &'static str {
        match self {
            Self::Acknowledge => "every proxy obeys",
            Self::Drain => "nothing goes to what was returned",
            Self::Hooks => "the hooks have ended",
            Self::Verify => "the baseline is seen to carry the load",
        }
    }

    /// In snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Drain => "drain",
            Self::Hooks => "hooks",
            Self::Verify => "verify",
        }
    }
}

impl StageOutcome {
    /// All.
    pub const ALL: [Self; 4] = [Self::Done, Self::Late, Self::Failed, Self::Unknown];

    /// In snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Late => "late",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

impl StageRecord {
    /// How urgent it is: users may suffer while proxies do not obey, and where the baseline is not well.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match (self.outcome, self.stage) {
            (StageOutcome::Done, _) => Severity::Info,
            (StageOutcome::Unknown, _) | (StageOutcome::Late, Stage::Hooks) => Severity::Warning,
            (StageOutcome::Late | StageOutcome::Failed, _) => Severity::Critical,
        }
    }
}

impl Returned {
    /// What `fact` returns. `None`: it is no rollback.
    pub(crate) fn by(fact: &Fact) -> Option<Self> {
        match fact {
            Fact::RolledBack { .. } => Some(Self::Version),
            // A feature that is switched off keeps its requests where they are.
            Fact::ComponentsRolledBack { components, .. } => {
                Some(Self::Components { names: components.iter().cloned().collect() })
            }
            Fact::ArmsStopped { arms, .. } => Some(Self::Arms { names: arms.iter().cloned().collect() }),
            Fact::BlocksRestored { blocks, .. } => {
                Some(Self::Blocks { names: blocks.keys().cloned().collect() })
            }
            Fact::Created { .. }
            | Fact::StepStarted { .. }
            | Fact::Held { .. }
            | Fact::HoldLifted { .. }
            | Fact::ExperimentEnded { .. }
            | Fact::Completing { .. }
            | Fact::Promoted { .. }
            | Fact::Ready
            | Fact::WatchEnded
            // Carried out is what is decided: the last of a rollback that goes down by and by.
            | Fact::RollbackBegan { .. }
            | Fact::RollbackLowered { .. }
            | Fact::QuotaLowered { .. }
            | Fact::WindowsOverridden { .. }
            | Fact::Queued { .. }
            | Fact::WeightSet { .. }
            | Fact::Paused { .. }
            | Fact::Resumed { .. }
            | Fact::HandedOver { .. }
            | Fact::RollbackStage { .. }
            | Fact::Begun { .. }
            | Fact::HookStarted(_)
            | Fact::HookEnded(_)
            | Fact::Approved { .. }
            | Fact::TriggerFired { .. }
            | Fact::TriggerCleared { .. }
            | Fact::EvidenceMissing { .. }
            | Fact::EvidenceIncomplete { .. }
            | Fact::DecisionMarked { .. }
            | Fact::EvidenceReturned { .. }
            | Fact::Superseded { .. } => None,
        }
    }

    /// True for the requests of this arm of this component, when `baseline` is the arm that they return to.
    #[must_use]
    pub fn covers(&self, component: &str, arm: &str, baseline: &str) -> bool {
        match self {
            Self::Version => arm != baseline,
            Self::Components { names } => arm != baseline && names.contains(component),
            Self::Arms { names } => names.contains(arm),
            Self::Blocks { .. } => false,
        }
    }

    /// True for the requests by which it is seen whether the baseline is well.
    #[must_use]
    pub fn returns_to(&self, component: &str, arm: &str, baseline: &str) -> bool {
        let concerns = match self {
            Self::Version | Self::Arms { .. } => true,
            Self::Components { names } => names.contains(component),
            Self::Blocks { .. } => false,
        };
        concerns && arm == baseline
    }

    /// Both together, the wider where they differ in kind.
    fn with(self, other: Self) -> Self {
        let both = |mut one: BTreeSet<String>, other: BTreeSet<String>| {
            one.extend(other);
            one
        };
        match (self, other) {
            (Self::Version, _) | (_, Self::Version) => Self::Version,
            (Self::Components { names }, Self::Components { names: more }) => {
                Self::Components { names: both(names, more) }
            }
            (Self::Arms { names }, Self::Arms { names: more }) => Self::Arms { names: both(names, more) },
            (Self::Blocks { names }, Self::Blocks { names: more }) => {
                Self::Blocks { names: both(names, more) }
            }
            (wide, Self::Blocks { .. }) | (Self::Blocks { .. }, wide) => wide,
            (_, newest) => newest,
        }
    }

    /// The stage after `stage`. Requests of a block stay where they are, so nothing of it drains or is carried elsewhere.
    fn after(&self, stage: Stage, outcome: StageOutcome) -> Option<Stage> {
        match (self, stage) {
            (Self::Blocks { .. }, Stage::Acknowledge) => Some(Stage::Hooks),
            (Self::Blocks { .. }, Stage::Hooks) => None,
            // What still gets requests must not be taken apart by a hook, and its users are not back.
            (_, Stage::Acknowledge | Stage::Drain) if outcome == StageOutcome::Failed => None,
            (_, Stage::Acknowledge) => Some(Stage::Drain),
            (_, Stage::Drain) => Some(Stage::Hooks),
            (_, Stage::Hooks) => Some(Stage::Verify),
            (_, Stage::Verify) => None,
        }
    }
}

impl Rollback {
    /// Begins, together with what `before` has not finished.
    pub(crate) fn begin(returned: Returned, before: Option<Self>, at: UnixMillis) -> Self {
        let open = before.filter(|before| before.stage.is_some());
        let returned = open.map_or_else(|| returned.clone(), |open| open.returned.with(returned.clone()));
        let stage = Some(Stage::Acknowledge);
        Self { returned, decided_at: at, stage, stage_since: at, records: Vec::new() }
    }

    /// Takes a record over.
    pub(crate) fn record(&mut self, record: &StageRecord, at: UnixMillis) {
        self.records.push(record.clone());
        if record.outcome != StageOutcome::Late && self.stage == Some(record.stage) {
            self.stage = self.returned.after(record.stage, record.outcome);
            self.stage_since = at;
        }
    }

    /// Whether it is told already that the present stage is late.
    pub(crate) fn is_late(&self) -> bool {
        self.records.iter().any(|one| Some(one.stage) == self.stage && one.outcome == StageOutcome::Late)
    }

    /// True once no request goes to what was returned.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        let drained = |one: &StageRecord| one.stage == Stage::Drain && one.outcome == StageOutcome::Done;
        self.records.iter().any(drained)
    }

    /// True once it is over and every stage did what it is for.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        let is_well = |one: &StageRecord| matches!(one.outcome, StageOutcome::Done | StageOutcome::Late);
        self.stage.is_none() && self.records.iter().all(is_well)
    }
}

impl State {
    /// Begins a rollback, or takes over what became of a stage of it.
    pub(crate) fn carry_out(&mut self, event: &Event) {
        if matches!(event.fact, Fact::Superseded { .. }) {
            self.rollback = None;
        }
        if let (Fact::RollbackStage { record, .. }, Some(rollback)) = (&event.fact, &mut self.rollback) {
            rollback.record(record, event.at);
        }
        if let Some(returned) = Returned::by(&event.fact) {
            self.rollback = Some(Rollback::begin(returned, self.rollback.take(), event.at));
        }
    }
}

#[cfg(test)]
mod tests;
