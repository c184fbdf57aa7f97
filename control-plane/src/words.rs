//! The names of things, as they are written in metrics, JSON and logs.

use serin_rollout::{Cause, HoldReason, Phase};

/// A phase, as in the admin contract without its prefix.
#[must_use]
pub(crate) fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::WarmingUp => "warming_up",
        Phase::Progressing => "progressing",
        Phase::Paused { .. } => "paused",
        Phase::Completing => "completing",
        Phase::RollingBack => "rolling_back",
        Phase::Promoted => "promoted",
        Phase::RolledBack => "rolled_back",
        Phase::Failed => "failed",
    }
}

/// Why something was undone, as kinds: what a person does next differs between them.
#[must_use]
pub(crate) const fn cause(cause: &Cause) -> &'static str {
    match cause {
        Cause::ComponentsRegressed { .. }
        | Cause::BlocksAtFault { .. }
        | Cause::VersionRegressed
        | Cause::CoarseComponent { .. }
        | Cause::TooManyComponents { .. }
        | Cause::ArmsRegressed { .. } => "evidence",
        Cause::Told { source, .. } => source.name(),
        Cause::Predicted { .. } => "forecast",
        Cause::Trigger { .. } => "trigger",
        Cause::Unhealthy { .. } => "health_check",
        Cause::LimitSustained { .. } => "limit",
        Cause::CoarseDependent { .. } | Cause::OtherService { .. } | Cause::Train { .. } => "dependency",
        Cause::Policy { .. } => "policy",
        Cause::HookFailed { .. } => "hook",
        Cause::Person { .. } => "person",
        Cause::WithinLimits | Cause::AllArmsStopped | Cause::DurationOver { .. } => "plan",
    }
}

/// All that [`cause`] says.
pub(crate) const CAUSES: [&str; 12] = [
    "evidence",
    "behaviour",
    "logs",
    "forecast",
    "trigger",
    "health_check",
    "limit",
    "dependency",
    "policy",
    "hook",
    "person",
    "plan",
];

/// Why progress is stopped.
#[must_use]
pub(crate) const fn hold(reason: &HoldReason) -> &'static str {
    match reason {
        HoldReason::MissingData => "missing_data",
        HoldReason::SuccessRate { .. }
        | HoldReason::ErrorRate { .. }
        | HoldReason::Latency { .. }
        | HoldReason::ErrorRatio { .. }
        | HoldReason::LatencyRatio { .. }
        | HoldReason::ThroughputRatio { .. }
        | HoldReason::Throughput { .. } => "limit",
        HoldReason::Regressed { .. } => "regressed",
        HoldReason::Vetoed { .. } => "vetoed",
        HoldReason::Policy { .. } => "policy",
        HoldReason::Window { .. } => "window",
        HoldReason::Quota { .. } => "quota",
        HoldReason::Predicted { .. } => "forecast",
        HoldReason::Hook { .. } => "hook",
        HoldReason::Trigger { .. } => "trigger",
        HoldReason::Unhealthy { .. } => "health_check",
        HoldReason::BothAlike { .. } => "both_alike",
        HoldReason::Unanswered { .. } => "unanswered",
    }
}
