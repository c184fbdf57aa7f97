//! What a person may do to a rollout.

use serin_proto::admin::v1 as api;

/// What a person may do to a rollout.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
    /// Hold it.
    Pause,
    /// Let it go on.
    Resume,
    /// Give the canary everything.
    Promote,
    /// Set the canary's weight.
    Weight,
    /// Return to the baseline.
    Rollback,
    /// Free the canary's endpoint.
    HandOver,
    /// Go on in spite of the calendar.
    OverrideWindows,
    /// Allow what waits for a person.
    Approve(api::Approval),
}

impl Action {
    /// As in addresses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Promote => "promote",
            Self::Weight => "weight",
            Self::Rollback => "rollback",
            Self::HandOver => "hand-over",
            Self::OverrideWindows => "override-windows",
            Self::Approve(_) => "approve",
        }
    }

    /// From an address, and the field `approval` where it is `approve`. `None`: there is no such action.
    #[must_use]
    pub fn parse(name: &str, approval: &str) -> Option<Self> {
        Some(match name {
            "pause" => Self::Pause,
            "resume" => Self::Resume,
            "promote" => Self::Promote,
            "weight" => Self::Weight,
            "rollback" => Self::Rollback,
            "hand-over" => Self::HandOver,
            "override-windows" => Self::OverrideWindows,
            "approve" => Self::Approve(approval_of(approval)?),
            _ => return None,
        })
    }

    /// As on its button.
    pub(super) const fn verb(self) -> &'static str {
        match self {
            Self::Pause => "Pause",
            Self::Resume => "Resume",
            Self::Promote => "Promote",
            Self::Weight => "Set the weight of",
            Self::Rollback => "Roll back",
            Self::HandOver => "Hand over",
            Self::OverrideWindows => "Go on with",
            Self::Approve(api::Approval::DataLoss) => "Allow loss of data for",
            Self::Approve(api::Approval::RetryHook) => "Run the hook again for",
            Self::Approve(api::Approval::SkipHook) => "Go on without the hook for",
            Self::Approve(api::Approval::Drained) => "Say that it is drained:",
            Self::Approve(api::Approval::Unspecified) => "Approve",
        }
    }

    /// Whether its button warns.
    pub(super) const fn undoes(self) -> bool {
        matches!(self, Self::Rollback | Self::Promote | Self::Approve(api::Approval::DataLoss))
    }
}

/// By its name in addresses and forms.
#[must_use]
pub fn approval_of(name: &str) -> Option<api::Approval> {
    Some(match name {
        "data-loss" => api::Approval::DataLoss,
        "retry-hook" => api::Approval::RetryHook,
        "skip-hook" => api::Approval::SkipHook,
        "drained" => api::Approval::Drained,
        _ => return None,
    })
}

/// As in addresses and forms.
#[must_use]
pub const fn approval_name(approval: api::Approval) -> &'static str {
    match approval {
        api::Approval::DataLoss => "data-loss",
        api::Approval::RetryHook => "retry-hook",
        api::Approval::SkipHook => "skip-hook",
        api::Approval::Drained => "drained",
        api::Approval::Unspecified => "",
    }
}
