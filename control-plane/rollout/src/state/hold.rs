//! Why progress is stopped.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serin_analysis::{Signal, Veto};
use serin_policy::Decision;
use serin_proto::assignment::Weight;

use crate::plan::HookPoint;
use crate::text::{Percent, Time};
use crate::{Severity, UnixMillis};

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
    /// A policy of the plan says so.
    Policy {
        /// Its name.
        name: String,
        /// What it says. A rollback is held while automatic rollback is off.
        says: Decision,
        /// Why it came to no conclusion. `None`: it did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
        /// What it read.
        values: BTreeMap<String, String>,
    },
    /// A window of the plan's calendar is open.
    Window {
        /// Its name.
        name: String,
    },
    /// A quota is nearly used up, or nobody tells.
    Quota {
        /// The query.
        query: String,
        /// The part that is used, in parts per million. `None`: it is not known.
        used_ppm: Option<u64>,
    },
    /// The canary fails too much beside the baseline.
    ErrorRatio {
        /// The plan's limit in thousandths.
        limit_thousandths: u32,
    },
    /// The canary is too slow beside the baseline.
    LatencyRatio {
        /// The plan's limit in thousandths.
        limit_thousandths: u32,
    },
    /// The canary gets too few of the requests that its weight lets expect.
    ThroughputRatio {
        /// The plan's limit.
        #[serde(with = "crate::text::ppm")]
        limit_ppm: Weight,
    },
    /// The canary gets too few requests.
    Throughput {
        /// The plan's limit in requests per thousand seconds.
        limit_millirps: u64,
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
    /// A trigger fired that holds, or may not undo anything.
    Trigger {
        /// Its name.
        trigger: String,
        /// What it saw, when this was noted.
        detail: String,
        /// How urgent it is.
        severity: Severity,
    },
    /// A health check is unhealthy, and holds or may not undo anything.
    Unhealthy {
        /// Its name.
        check: String,
        /// What it saw, when this was noted.
        detail: String,
        /// How urgent it is.
        severity: Severity,
    },
    /// Both versions are as bad by a trigger or a health check: undoing the canary would help nobody.
    BothAlike {
        /// Which, in words.
        by: String,
        /// What it saw, when this was noted.
        detail: String,
    },
    /// A trigger or a health check that decides says nothing.
    Unanswered {
        /// Which, in words.
        of: String,
        /// Why, when this was noted.
        detail: String,
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
            | Self::Policy { .. }
            | Self::Window { .. }
            | Self::Quota { .. }
            | Self::ErrorRatio { .. }
            | Self::LatencyRatio { .. }
            | Self::ThroughputRatio { .. }
            | Self::Throughput { .. }
            | Self::Trigger { .. }
            | Self::Unhealthy { .. }
            | Self::BothAlike { .. }
            | Self::Unanswered { .. }
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
            | Self::Policy { .. }
            | Self::Window { .. }
            | Self::Quota { .. }
            | Self::ErrorRatio { .. }
            | Self::LatencyRatio { .. }
            | Self::ThroughputRatio { .. }
            | Self::Throughput { .. }
            | Self::Unanswered { .. }
            | Self::Hook { .. } => false,
            Self::Trigger { severity, .. } | Self::Unhealthy { severity, .. } => {
                *severity == Severity::Critical
            }
            Self::BothAlike { .. } => true,
        }
    }

    /// True when it says that something is not known: what was seen before it still counts.
    pub(crate) const fn is_silence(&self) -> bool {
        matches!(self, Self::MissingData | Self::Unanswered { .. })
    }

    /// True when going from one to the other is not worth a word: equal, both a limit, both predicted, or the same vetoes.
    pub(crate) fn is_same_kind(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Vetoed { vetoes, .. }, Self::Vetoed { vetoes: others, .. }) => vetoes == others,
            (Self::Predicted { signal, .. }, Self::Predicted { signal: other, .. }) => signal == other,
            (Self::Policy { name, says, .. }, Self::Policy { name: other, says: also, .. }) => {
                (name, says) == (other, also)
            }
            (Self::Quota { used_ppm, .. }, Self::Quota { used_ppm: other, .. }) => {
                used_ppm.is_some() == other.is_some()
            }
            (Self::Trigger { trigger, .. }, Self::Trigger { trigger: other, .. }) => trigger == other,
            (Self::Unhealthy { check, .. }, Self::Unhealthy { check: other, .. }) => check == other,
            (Self::BothAlike { by, .. }, Self::BothAlike { by: other, .. }) => by == other,
            (Self::Unanswered { of, .. }, Self::Unanswered { of: other, .. }) => of == other,
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

/// What a policy read, in words: nothing where it read nothing.
pub(crate) fn read(values: &BTreeMap<String, String>) -> String {
    const SHOWN: usize = 6;
    if values.is_empty() {
        return String::new();
    }
    let shown: Vec<String> =
        values.iter().take(SHOWN).map(|(name, value)| format!("{name} = {value}")).collect();
    let more = if values.len() > SHOWN { ", …" } else { "" };
    format!(" ({}{more})", shown.join(", "))
}

/// How much of a quota is used.
pub(crate) fn used(query: &str, used_ppm: Option<u64>) -> String {
    match used_ppm {
        Some(ppm) => format!("quota {query} is at {} %", thousandths(ppm / 10)),
        None => format!("quota {query} is not known"),
    }
}

/// A number of thousandths, with as many decimals as it needs.
fn thousandths(number: u64) -> String {
    let (whole, rest) = (number / 1_000, number % 1_000);
    if rest == 0 {
        whole.to_string()
    } else {
        format!("{whole}.{}", format!("{rest:03}").trim_end_matches('0'))
    }
}

impl fmt::Display for HoldReason {
    #[expect(clippy::too_many_lines, reason = "a sentence for each reason")]
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
            Self::Trigger { trigger, detail, .. } => {
                write!(formatter, "the trigger {trigger} fired: {detail}")
            }
            Self::Unhealthy { check, detail, .. } => {
                write!(formatter, "the health check {check} is unhealthy: {detail}")
            }
            Self::BothAlike { by, detail } => {
                write!(
                    formatter,
                    "both versions are as bad by the {by}: {detail}; nothing is rolled back for that"
                )
            }
            Self::Unanswered { of, detail } => write!(formatter, "the {of} says nothing: {detail}"),
            Self::Predicted { components, signal } => formatter.write_str(&predicted(components, *signal)),
            Self::Policy { name, says, why, values } => {
                write!(formatter, "policy {name} ")?;
                match (why, says) {
                    (Some(why), _) => write!(formatter, "comes to no conclusion: {why}")?,
                    (None, Decision::Rollback) => {
                        formatter.write_str("asks for a rollback and automatic rollback is off")?;
                    }
                    (None, says) => write!(formatter, "says {says}")?,
                }
                formatter.write_str(&read(values))
            }
            Self::Window { name } => write!(formatter, "window {name} is open"),
            Self::Quota { query, used_ppm } => formatter.write_str(&used(query, *used_ppm)),
            Self::ErrorRatio { limit_thousandths } => {
                let times = f64::from(*limit_thousandths) / 1_000.0;
                write!(formatter, "the canary's error rate is above {times} times the baseline's")
            }
            Self::LatencyRatio { limit_thousandths } => {
                let times = f64::from(*limit_thousandths) / 1_000.0;
                write!(formatter, "the canary's 99th percentile is above {times} times the baseline's")
            }
            Self::ThroughputRatio { limit_ppm } => {
                let limit = Percent(*limit_ppm);
                write!(
                    formatter,
                    "the canary gets less than {limit} of the requests that its weight lets expect"
                )
            }
            Self::Throughput { limit_millirps } => {
                write!(
                    formatter,
                    "the canary gets less than {} requests a second",
                    thousandths(*limit_millirps)
                )
            }
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
