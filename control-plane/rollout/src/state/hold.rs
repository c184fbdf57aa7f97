//! Why progress is stopped.

use std::fmt;

use serde::{Deserialize, Serialize};
use serin_analysis::{Signal, Veto};
use serin_proto::assignment::Weight;

use crate::UnixMillis;
use crate::plan::HookPoint;
use crate::text::{Percent, Time};

/// Why progress is stopped, and since when.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Hold {
    /// The reason.
    pub reason: HoldReason,
    /// Since when.
    pub since: UnixMillis,
}

/// Why progress is stopped.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum HoldReason {
    /// No fresh evidence.
    MissingData,
    /// The canary answers too few requests.
    SuccessRate {
        /// The plan's limit.
        #[serde(with = "crate::text::ppm")]
        limit_ppm: Weight,
    },
    /// Too many of the canary's requests fail.
    ErrorRate {
        /// The plan's limit.
        #[serde(with = "crate::text::ppm")]
        limit_ppm: Weight,
    },
    /// The canary is too slow.
    Latency {
        /// The plan's limit of the 99th percentile in milliseconds.
        limit_ms: u64,
    },
    /// Something regressed and automatic rollback is off.
    Regressed {
        /// The components. Empty: the whole version.
        components: Vec<String>,
    },
    /// Something looks worse, or may not be judged, and it is not the canary that is known to be to blame.
    Vetoed {
        /// The components. Empty: the whole version.
        components: Vec<String>,
        /// What speaks against acting; at least one.
        vetoes: Vec<Veto>,
    },
    /// Nothing is too bad yet, but it is going there.
    Predicted {
        /// The components. Empty: the whole version.
        components: Vec<String>,
        /// The signal that gets worse.
        signal: Signal,
    },
    /// A hook failed that the start or a step waits for.
    Hook {
        /// Its point.
        point: HookPoint,
        /// Its name.
        name: String,
    },
}

impl HoldReason {
    /// True for the plan's limits.
    #[must_use]
    pub const fn is_limit(&self) -> bool {
        match self {
            Self::SuccessRate { .. } | Self::ErrorRate { .. } | Self::Latency { .. } => true,
            Self::MissingData
            | Self::Regressed { .. }
            | Self::Vetoed { .. }
            | Self::Predicted { .. }
            | Self::Hook { .. } => false,
        }
    }

    /// True when users suffer and nothing is undone for them: somebody has to be told at once.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        match self {
            Self::Vetoed { vetoes, .. } => vetoes.iter().any(|veto| veto.tells_of_harm()),
            Self::MissingData
            | Self::SuccessRate { .. }
            | Self::ErrorRate { .. }
            | Self::Latency { .. }
            | Self::Regressed { .. }
            | Self::Predicted { .. }
            | Self::Hook { .. } => false,
        }
    }

    /// True when going from one to the other is not worth a word: equal, both a limit, both predicted, or the same vetoes.
    pub(crate) fn is_same_kind(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Vetoed { vetoes, .. }, Self::Vetoed { vetoes: others, .. }) => vetoes == others,
            (Self::Predicted { signal, .. }, Self::Predicted { signal: other, .. }) => signal == other,
            _ => self == other || (self.is_limit() && other.is_limit()),
        }
    }
}

/// In words, what is in sight of these components, or of the whole version.
pub(crate) fn predicted(components: &[String], signal: Signal) -> String {
    let whose = match components {
        [] => "the canary".to_owned(),
        components => crate::text::list(components),
    };
    let what = match signal {
        Signal::ErrorRate | Signal::Share => "error rate",
        Signal::Latency => "latency",
    };
    format!("the {what} of {whose} rises and will exceed the forecast's limit")
}

impl fmt::Display for HoldReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingData => formatter.write_str("no fresh evidence arrives"),
            Self::SuccessRate { limit_ppm } => {
                write!(formatter, "the canary's success rate is below {}", Percent(*limit_ppm))
            }
            Self::ErrorRate { limit_ppm } => {
                write!(formatter, "the canary's error rate is above {}", Percent(*limit_ppm))
            }
            Self::Latency { limit_ms } => {
                let limit = Time(std::time::Duration::from_millis(*limit_ms));
                write!(formatter, "the canary's 99th percentile of latency is above {limit}")
            }
            Self::Regressed { components } if components.is_empty() => {
                formatter.write_str("the canary regressed and automatic rollback is off")
            }
            Self::Regressed { components } => {
                write!(formatter, "{} regressed and automatic rollback is off", crate::text::list(components))
            }
            Self::Predicted { components, signal } => formatter.write_str(&predicted(components, *signal)),
            Self::Hook { point, name } => {
                write!(
                    formatter,
                    "hook {name} ({point}) failed; a person has to let it run again or go on without it"
                )
            }
            Self::Vetoed { components, vetoes } => {
                if !components.is_empty() {
                    write!(formatter, "{}: ", crate::text::list(components))?;
                }
                let sentences: Vec<_> = vetoes.iter().map(|veto| veto.sentence()).collect();
                write!(formatter, "{}; nothing is rolled back for that", sentences.join(", and "))
            }
        }
    }
}
