//! A rollout as everyone sees it. Built in one place from state, last assessment and window summaries; the admin
//! service, the dashboard and the metrics show this and nothing else.

mod build;
mod directory;
mod experiment;

use std::collections::BTreeMap;

use serde::Serialize;
use serin_analysis::risk::Action;
use serin_analysis::streams::{Finding, SourcesRisk};
use serin_analysis::{ArmSummary, Trend, Verdict, Veto};
use serin_rollout::outside::Outside;
use serin_rollout::plan::{FlagValue, Omitted, Said, Taken};
use serin_rollout::{Granularity, HookState, Phase, Rollback, UnixMillis};

pub use build::{ComponentWindow, Seen, Windows, build};
pub use directory::{Directory, ROLLOUTS_MAX};
pub use experiment::{ArmResult, Experiment, ExperimentArm, ExperimentResult};

/// One rollout now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Snapshot {
    /// Identifier.
    pub id: String,
    /// Service.
    pub service: String,
    /// Version that carries the traffic before the rollout.
    pub baseline_version: String,
    /// Version on trial. Empty in an experiment.
    pub canary_version: String,
    /// Where it stands.
    pub phase: Phase,
    /// True when it is the newest rollout of its service.
    pub current: bool,
    /// Canary weight in parts per million.
    pub weight_ppm: u32,
    /// Step of the plan, from 0.
    pub step: u32,
    /// Steps in the plan.
    pub steps: u32,
    /// What they are. Empty in an experiment.
    pub planned_steps: Vec<PlannedStep>,
    /// When the next one, or the promotion, may come, if the evidence allows it. `None`: there is none, or it waits for something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_step_at: Option<UnixMillis>,
    /// Age of the newest evidence in seconds. `None`: there is none, or it is not looked at any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_age_s: Option<u32>,
    /// Verdict on the whole version.
    pub verdict: Verdict,
    /// Why.
    pub reasons: Vec<Reason>,
    /// Why a regression that shows is not undone.
    pub vetoes: Vec<Veto>,
    /// From 0 to 100.
    pub risk: f64,
    /// Where it is going.
    pub trend: Option<Trend>,
    /// What risk, evidence and trend ask for.
    pub action: Action,
    /// Both arms over the last 60 seconds.
    pub arms: Vec<Arm>,
    /// Components in the order of the plan, then `unmatched`.
    pub components: Vec<Component>,
    /// When it was created.
    pub created_at: UnixMillis,
    /// When phase or step last changed.
    pub changed_at: UnixMillis,
    /// When the rollback window closes. `None`: it is closed, or there is none.
    pub rollback_window_until: Option<UnixMillis>,
    /// After the promotion: it is still judged, and returns by itself.
    pub watched: bool,
    /// Why progress is stopped, as a kind. `None`: it is not, or a person stopped it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<&'static str>,
    /// What is happening, in one sentence.
    pub summary: String,
    /// Journal events of this rollout.
    pub revision: u64,
    /// Generation of the assignment that carries its last change.
    pub generation: u64,
    /// Tags that were taken when it was created, where its plan is silent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub taken: Vec<Taken>,
    /// What was on offer then and not taken.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_taken: Vec<Omitted>,
    /// Runs of hooks and schema changes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<HookState>,
    /// Its newest rollback, while it is carried out and afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Rollback>,
    /// Living VMs that apply at least this generation.
    pub vms_applied: u32,
    /// Living VMs.
    pub vms_known: u32,
    /// Triggers, queries and health checks.
    #[serde(skip_serializing_if = "Outside::is_empty")]
    pub outside: Outside,
    /// What logs and users tell, strongest evidence first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// What each source makes of the risk. `None`: requests are the only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sources: Option<SourcesRisk>,
    /// What is compared. `None`: it is no experiment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experiment: Option<Experiment>,
}

/// A step of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PlannedStep {
    /// Canary weight in parts per million.
    pub weight_ppm: u32,
    /// How long it bakes at least, in seconds.
    pub bake_s: u64,
}

/// Why a verdict is what it is: one signal's evidence.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reason {
    /// As data.
    #[serde(flatten)]
    pub data: serin_analysis::Reason,
    /// One sentence.
    pub text: String,
}

impl Reason {
    /// Name of the signal.
    #[must_use]
    pub const fn signal(&self) -> &'static str {
        self.data.signal.name()
    }
}

/// One arm over the last 60 seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Arm {
    /// Name.
    pub arm: &'static str,
    /// What was seen.
    #[serde(flatten)]
    pub summary: ArmSummary,
}

/// What control charts show of one series of one arm.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Chart {
    /// As data.
    #[serde(flatten)]
    pub data: serin_analysis::ControlChart,
    /// One sentence.
    pub text: String,
}

/// One component of the service.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Component {
    /// Name.
    pub name: String,
    /// What a rollback of it undoes.
    pub granularity: Granularity,
    /// True when it was returned to the baseline.
    pub rolled_back: bool,
    /// Why it was, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rolled_back_because: Option<String>,
    /// Verdict on it.
    pub verdict: Verdict,
    /// Why.
    pub reasons: Vec<Reason>,
    /// Why a regression that shows is not undone.
    pub vetoes: Vec<Veto>,
    /// From 0 to 100.
    pub risk: f64,
    /// Where it is going.
    pub trend: Option<Trend>,
    /// What risk, evidence and trend ask for.
    pub action: Action,
    /// Both arms over the last 60 seconds.
    pub arms: Vec<Arm>,
    /// What control charts show of both arms' last minute.
    pub charts: Vec<Chart>,
    /// Blocks of its code, in the order of the plan.
    pub blocks: Vec<Block>,
    /// True while it recovers from what was undone for it, and is not judged.
    pub recovering: bool,
    /// Its share of the error budget beside the other components.
    pub business_weight: f64,
    /// What it needs: a component of the service, or `SERVICE/COMPONENT`.
    pub depends_on: Vec<String>,
    /// Those of them with which it returns to the baseline.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub returns_with: Vec<String>,
    /// Those of them by whose return its feature is switched off.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub switched_off_with: Vec<String>,
    /// Who answers for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Which of its tags the plan itself gives.
    #[serde(skip)]
    pub said: Said,
    /// Flag by which it is switched off when what it needs returns to the baseline.
    pub feature: Option<String>,
    /// Why it was, in words. `None`: it was not.
    pub switched_off_because: Option<String>,
}

/// A block of a component's code.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Block {
    /// Name: the key of its flag.
    pub name: String,
    /// Version that the canary runs unless it was restored.
    pub current: String,
    /// Versions before that, newest first; the baseline runs the first.
    pub previous: Vec<String>,
    /// Values of the flag by version. A version without one is its own value.
    pub values: BTreeMap<String, FlagValue>,
    /// Version in force on the canary since the block was rolled back. `None`: it was not.
    pub restored: Option<String>,
    /// Why it was, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restored_because: Option<String>,
    /// What the failures say that named it. `None`: none of the canary's did.
    pub evidence: Option<BlockEvidence>,
}

/// What the failures say that named a block.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BlockEvidence {
    /// As data.
    #[serde(flatten)]
    pub data: serin_analysis::BlockEvidence,
    /// One sentence.
    pub text: String,
}
