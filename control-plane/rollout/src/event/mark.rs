//! What a person says of a decision afterwards.

use serde::{Deserialize, Serialize};

/// What is said.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// It was right.
    Right,
    /// What was undone was not worse.
    FalseAlarm,
}

impl Mark {
    /// As in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::FalseAlarm => "false_alarm",
        }
    }

    /// In words, after "was".
    #[must_use]
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::FalseAlarm => "a false alarm",
        }
    }
}
