//! The names of things, as they are written in metrics, JSON and logs.

use serin_analysis::Verdict;
use serin_rollout::Phase;

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

/// A verdict.
#[must_use]
pub(crate) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Inconclusive => "inconclusive",
        Verdict::Healthy => "healthy",
        Verdict::Regressed => "regressed",
    }
}
