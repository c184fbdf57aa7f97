//! What the server says, in the program's own types: the shape of `--json` and the source of every table.
//!
//! They are plain data with serde names in the words of the glossary. A word that this client does not know yet
//! (a newer server) becomes `unknown`; a value that the contract writes as 0 or "" for "absent" becomes `null`.
//! Only `client` builds them, from the protobuf messages.

mod block;
mod decision;
mod finding;
mod hook;
mod moment;
mod node;
mod outside;
mod returned;
mod rollback;
mod taken;
mod traffic;
mod train;
mod version;

use serde::Serialize;

pub(crate) use block::{Block, BlockEvidence};
pub(crate) use decision::Decision;
pub(crate) use experiment::{
    ArmDifference, ArmResult, ArmTotals, Conclusion, Experiment, ExperimentArm, ExperimentResult,
};
pub(crate) use finding::{Finding, PeculiarTrait, Peculiarity, SourceRisk};
pub(crate) use hook::HookRun;
pub(crate) use known::{
    CallStanding, ComponentRoute, Known, KnownComponent, ObservedCalls, TagOrigin, TagSource,
};
pub(crate) use moment::Moment;
pub(crate) use node::Node;
pub(crate) use notification::{Delivery, Notifications, Target as NotificationTarget, TargetState};
pub(crate) use outside::OutsideReading;
pub(crate) use returned::Returned;
pub(crate) use rollback::{Rollback, RollbackStage};
pub(crate) use taken::{OmittedTag, TakenTag};
pub(crate) use traffic::{LiveArm, LiveTraffic};
pub(crate) use train::{Train, TrainGate, TrainMember};
pub(crate) use version::{Artifact, Difference, HistoryEntry, Live, Registered, Version, VersionDetail};
pub(crate) use veto::Veto;

/// Defines an enum whose words are the same in JSON and in tables, where `_` becomes a space.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        pub(crate) enum $name {
            $($(#[$variant_meta])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// The word for people.
            pub(crate) fn label(self) -> String {
                match self { $(Self::$variant => $word.replace('_', " "),)+ }
            }
        }
    };
}

mod experiment;
mod known;
mod notification;
mod veto;

words! {
    /// Where a rollout stands.
    Phase {
        /// Canary at its first weight; nothing is decided for promotion yet.
        WarmingUp = "warming_up",
        /// Walking through the steps.
        Progressing = "progressing",
        /// Held by a person.
        Paused = "paused",
        /// At full weight, watched before completion.
        Completing = "completing",
        /// The whole version returns to the baseline in stages.
        RollingBack = "rolling_back",
        /// Terminal: the canary carries all traffic.
        Promoted = "promoted",
        /// Terminal: the baseline carries all traffic.
        RolledBack = "rolled_back",
        /// Terminal: could not be carried on.
        Failed = "failed",
        /// A word of a newer server.
        Unknown = "unknown",
    }
}

words! {
    /// What the evidence says.
    Verdict {
        /// Not enough evidence either way.
        Inconclusive = "inconclusive",
        /// Shown to be within the margins.
        Healthy = "healthy",
        /// Shown to be worse than the margins allow.
        Regressed = "regressed",
        /// A word of a newer server.
        Unknown = "unknown",
    }
}

words! {
    /// What a rollback of a component undoes.
    Granularity {
        /// The whole version.
        Coarse = "coarse",
        /// This component alone.
        Medium = "medium",
        /// One block of code inside the component.
        Fine = "fine",
        /// A word of a newer server.
        Unknown = "unknown",
    }
}

words! {
    /// What the canary was compared with.
    BaselineUsed {
        /// The baseline that ran beside it.
        Concurrent = "concurrent",
        /// What is usual at this hour of the week.
        Profile = "profile",
        /// The previous deployment, at the same time since it began.
        PreviousDeployment = "previous_deployment",
        /// The plan's limits.
        Thresholds = "thresholds",
        /// None of these was known.
        Nothing = "nothing",
        /// A word of a newer server.
        Unknown = "unknown",
    }
}

words! {
    /// What follows from a forecast.
    Prediction {
        /// Nothing.
        Quiet = "quiet",
        /// A limit will be exceeded within the horizon.
        Ahead = "ahead",
        /// It will be exceeded within two minutes.
        Imminent = "imminent",
        /// A word of a newer server.
        Unknown = "unknown",
    }
}

words! {
    /// What risk, evidence and trend ask for.
    Action {
        /// Go on.
        Continue = "continue",
        /// Keep the weight.
        Hold = "hold",
        /// Keep the weight, and call a person.
        HoldAndPage = "hold_and_page",
        /// Undo it.
        Rollback = "rollback",
        /// A word of a newer server, or none of an older one.
        Unknown = "unknown",
    }
}

impl Phase {
    /// True when the rollout will not change any more.
    pub(crate) const fn is_terminal(self) -> bool {
        match self {
            Self::Promoted | Self::RolledBack | Self::Failed => true,
            Self::WarmingUp
            | Self::Progressing
            | Self::Paused
            | Self::Completing
            | Self::RollingBack
            | Self::Unknown => false,
        }
    }
}

/// A rollout as it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Rollout {
    pub(crate) id: String,
    pub(crate) service: String,
    pub(crate) baseline_version: String,
    pub(crate) canary_version: String,
    pub(crate) phase: Phase,
    pub(crate) weight_ppm: u32,
    /// Step of the plan, from 0.
    pub(crate) step: u32,
    pub(crate) steps: u32,
    pub(crate) verdict: Verdict,
    pub(crate) summary: String,
    pub(crate) reasons: Vec<Reason>,
    pub(crate) vetoes: Vec<Veto>,
    /// From 0 to 100.
    pub(crate) risk: f64,
    /// `None`: not known.
    pub(crate) trend: Option<Trend>,
    pub(crate) action: Action,
    pub(crate) arms: Vec<Arm>,
    pub(crate) components: Vec<Component>,
    pub(crate) created_at: Option<Moment>,
    pub(crate) changed_at: Option<Moment>,
    /// `None`: it is closed, or there is none.
    pub(crate) rollback_window_until: Option<Moment>,
    /// After the promotion: it is still judged, and returns by itself.
    pub(crate) watched: bool,
    pub(crate) revision: u64,
    pub(crate) generation: u64,
    pub(crate) vms_applied: u32,
    pub(crate) vms_known: u32,
    /// Tags that it took where its plan is silent.
    pub(crate) taken: Vec<TakenTag>,
    pub(crate) not_taken: Vec<OmittedTag>,
    /// Runs of hooks and schema changes.
    pub(crate) hooks: Vec<HookRun>,
    /// Triggers, queries and health checks.
    pub(crate) outside: Vec<OutsideReading>,
    /// What logs and users tell, the strongest evidence first.
    pub(crate) findings: Vec<Finding>,
    /// What each source makes of the risk. Empty: requests are the only one.
    pub(crate) sources: Vec<SourceRisk>,
    /// `None`: nothing was rolled back.
    pub(crate) rollback: Option<Rollback>,
    /// `None`: it is no experiment.
    pub(crate) experiment: Option<Experiment>,
}

/// A component of the service within a rollout.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Component {
    pub(crate) name: String,
    pub(crate) granularity: Granularity,
    pub(crate) rolled_back: bool,
    /// Why it was, in words. Empty unless it was.
    pub(crate) rolled_back_because: String,
    pub(crate) verdict: Verdict,
    pub(crate) reasons: Vec<Reason>,
    pub(crate) vetoes: Vec<Veto>,
    /// From 0 to 100.
    pub(crate) risk: f64,
    /// `None`: not known.
    pub(crate) trend: Option<Trend>,
    pub(crate) action: Action,
    pub(crate) arms: Vec<Arm>,
    /// Empty until something is usual.
    pub(crate) charts: Vec<ControlChart>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) recovering: bool,
    /// `None`: the plan does not say.
    pub(crate) owner: Option<String>,
    /// Flag by which it can be switched off. Empty: none.
    pub(crate) feature: String,
    pub(crate) switched_off: bool,
    /// Empty unless it was.
    pub(crate) switched_off_because: String,
}

/// One arm over the last 60 seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Arm {
    pub(crate) arm: String,
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    /// Microseconds; `None` without a finished request.
    pub(crate) latency_p50_us: Option<u64>,
    /// Microseconds; `None` without a finished request.
    pub(crate) latency_p99_us: Option<u64>,
}

/// One signal's part in a verdict.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Reason {
    pub(crate) signal: String,
    pub(crate) verdict: Verdict,
    pub(crate) log_evidence: f64,
    pub(crate) log_threshold: f64,
    pub(crate) log_evidence_healthy: f64,
    pub(crate) log_threshold_healthy: f64,
    /// A share for errors and the share of requests, µs for latency.
    pub(crate) baseline: f64,
    pub(crate) canary: f64,
    pub(crate) baseline_requests: u64,
    pub(crate) canary_requests: u64,
    /// `None`: decided, or not to be foreseen.
    pub(crate) canary_requests_needed: Option<u64>,
    pub(crate) baseline_used: BaselineUsed,
    /// `None`: nothing to compare.
    pub(crate) effect: Option<EffectSize>,
    /// `None`: not estimated.
    pub(crate) overdispersion: Option<f64>,
    pub(crate) categories: Vec<CategoryFailures>,
    pub(crate) text: String,
}

/// Where one signal is going, relative to the baseline.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Trend {
    pub(crate) signal: String,
    /// Of latency; `None` for errors.
    pub(crate) quantile: Option<f64>,
    pub(crate) now: Option<EffectSize>,
    pub(crate) ahead: Option<EffectSize>,
    pub(crate) horizon_s: u32,
    pub(crate) limit: f64,
    pub(crate) probability: f64,
    /// `None`: not within four horizons.
    pub(crate) earliest_s: Option<u32>,
    pub(crate) median_s: Option<u32>,
    pub(crate) latest_s: Option<u32>,
    pub(crate) prediction: Prediction,
    pub(crate) text: String,
}

/// What the control charts of one series of one arm show of its last minute.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ControlChart {
    pub(crate) arm: String,
    pub(crate) signal: String,
    pub(crate) at: Option<Moment>,
    /// A share for errors, the median in µs for latency.
    pub(crate) value: f64,
    pub(crate) usual: f64,
    pub(crate) lower_limit: f64,
    pub(crate) upper_limit: f64,
    pub(crate) ewma: f64,
    pub(crate) ewma_lower_limit: f64,
    pub(crate) ewma_upper_limit: f64,
    /// Empty: in control.
    pub(crate) broken: Vec<String>,
    /// `None`: in control.
    pub(crate) since: Option<Moment>,
    pub(crate) text: String,
}

/// How different the canary is, with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct EffectSize {
    pub(crate) estimate: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// Failures of one category since the harm began.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct CategoryFailures {
    pub(crate) category: String,
    pub(crate) baseline: u64,
    pub(crate) canary: u64,
    pub(crate) log_evidence: f64,
    pub(crate) at_fault: bool,
}

/// One entry of the journal.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Event {
    pub(crate) sequence: u64,
    pub(crate) at: Option<Moment>,
    pub(crate) rollout_id: String,
    pub(crate) kind: String,
    pub(crate) actor: String,
    pub(crate) text: String,
    /// The whole event, evidence included; a string when it is not JSON.
    pub(crate) detail: serde_json::Value,
}
