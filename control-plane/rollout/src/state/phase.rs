//! The phases of a rollout.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A phase.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Canary at its first weight; nothing is decided for promotion yet.
    WarmingUp,
    /// Walking through the steps.
    Progressing,
    /// Held by a person.
    Paused {
        /// What goes on at [`crate::Order::Resume`].
        from: ActivePhase,
    },
    /// At full weight, watched before completion.
    Completing,
    /// The whole version returns to the baseline in stages. Nothing but that goes on, and a person may end it at once.
    RollingBack,
    /// Terminal: the canary's version carries all traffic, on its own endpoint until it is handed over to the baseline's. Before
    /// that a person may still roll back, and while it is [watched](crate::State::watched) it returns by itself.
    Promoted,
    /// Terminal: the baseline carries all traffic.
    RolledBack,
    /// Terminal: it could not be carried on; the baseline carries all traffic.
    Failed,
}

/// A phase that goes on by itself.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivePhase {
    /// [`Phase::WarmingUp`]
    WarmingUp,
    /// [`Phase::Progressing`]
    Progressing,
    /// [`Phase::Completing`]
    Completing,
}

impl Phase {
    /// Promoted, rolled back or failed.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Promoted | Self::RolledBack | Self::Failed => true,
            Self::WarmingUp
            | Self::Progressing
            | Self::Paused { .. }
            | Self::Completing
            | Self::RollingBack => false,
        }
    }

    /// The phase that goes on by itself; for a paused rollout the one before. `None`: terminal, or on the way back.
    #[must_use]
    pub const fn active(self) -> Option<ActivePhase> {
        match self {
            Self::WarmingUp => Some(ActivePhase::WarmingUp),
            Self::Progressing => Some(ActivePhase::Progressing),
            Self::Completing => Some(ActivePhase::Completing),
            Self::Paused { from } => Some(from),
            Self::RollingBack | Self::Promoted | Self::RolledBack | Self::Failed => None,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::WarmingUp => "warming up",
            Self::Progressing => "progressing",
            Self::Paused { .. } => "paused",
            Self::Completing => "completing",
            Self::RollingBack => "rolling back",
            Self::Promoted => "promoted",
            Self::RolledBack => "rolled back",
            Self::Failed => "failed",
        })
    }
}
