//! What is known beside the comparison of the two versions: triggers, queries and health checks, as they stand.
//!
//! [`Told`] is what comes in: one answer of something outside. [`Outside`] is what is made of all answers, and of the counts that
//! triggers look at, at the moment of a judgement; it is part of the [`Judgement`](crate::Judgement) and so of the evidence. Silence
//! is never a reason to undo anything: what says nothing is inconclusive, holds, and is told after a while.

use serde::{Deserialize, Serialize};
use serin_analysis::Arm;

use crate::plan::TriggerAction;
use crate::{Severity, UnixMillis};

/// Bytes of a reason that is kept.
pub const TOLD_BYTES: usize = 300;

/// One answer of something outside.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Told {
    /// When it came.
    pub at: UnixMillis,
    /// What.
    #[serde(flatten)]
    pub about: About,
}

/// What an answer is about.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum About {
    /// A query of the plan.
    Query {
        /// Its name.
        name: String,
        /// What it gave.
        #[serde(flatten)]
        answer: QueryAnswer,
    },
    /// A health check of the plan.
    Check {
        /// Its name.
        name: String,
        /// Which arm was asked.
        arm: Arm,
        /// What it gave.
        #[serde(flatten)]
        answer: CheckAnswer,
    },
}

/// What a query gave.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum QueryAnswer {
    /// A number.
    Value {
        /// It is; what is not finite counts as nothing.
        value: f64,
    },
    /// Nothing that could be judged.
    Nothing {
        /// Why.
        reason: String,
    },
}

/// What a health check gave.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum CheckAnswer {
    /// It is healthy.
    Passed {
        /// Time that it took.
        latency_ms: u64,
    },
    /// It is not, or did not answer in time.
    Failed {
        /// Why.
        reason: String,
    },
    /// It could not be asked, which says nothing of its health.
    NotAsked {
        /// Why.
        reason: String,
    },
}

/// What is known from outside at one moment.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Outside {
    /// The triggers, in the order of the plan.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<TriggerReading>,
    /// The queries, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub queries: Vec<QueryReading>,
    /// The health checks, in the order of the plan.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub health: Vec<HealthReading>,
}

/// Where a trigger stands.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TriggerState {
    /// It does not apply now: nothing runs beside the canary, or not by weight alone.
    Idle,
    /// It cannot be told whether its condition holds.
    Inconclusive,
    /// Its condition does not hold.
    Quiet,
    /// Its condition holds, but not for long enough.
    Pending,
    /// It would fire, but the baseline is as bad.
    Shared,
    /// Its condition held for all of its time.
    Fired,
}

impl TriggerState {
    /// In snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Inconclusive => "inconclusive",
            Self::Quiet => "quiet",
            Self::Pending => "pending",
            Self::Shared => "shared",
            Self::Fired => "fired",
        }
    }

    /// Whether progress may go on with it.
    #[must_use]
    pub const fn allows(self) -> bool {
        matches!(self, Self::Idle | Self::Quiet)
    }
}

/// A trigger as it stands.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct TriggerReading {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub state: TriggerState,
    /// Since when.
    pub since: UnixMillis,
    /// For what it is there.
    pub action: TriggerAction,
    /// How urgent it is.
    pub severity: Severity,
    /// The component that it is about. `None`: the version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// What is compared with the limit. `None`: there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// The limit.
    pub limit: f64,
    /// In words, without a full stop.
    pub text: String,
    /// It says nothing for longer than it needs to.
    #[serde(default)]
    pub overdue: bool,
}

/// A query as it stands.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct QueryReading {
    /// Its name.
    pub name: String,
    /// Its value. `None`: there is none that is fresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Seconds since its last value. `None`: it never had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_s: Option<u64>,
    /// Why the last question gave none. `None`: it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// It has no value for so long that people are told.
    #[serde(default)]
    pub silent: bool,
}

/// What a health check says.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthState {
    /// Nothing: too few answers, or none.
    #[default]
    Unknown,
    /// Healthy.
    Healthy,
    /// Unhealthy.
    Unhealthy,
    /// Unhealthy, and so is the baseline.
    Shared,
}

impl HealthState {
    /// In snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::Shared => "shared",
        }
    }
}

/// A health check as it stands.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct HealthReading {
    /// Its name.
    pub check: String,
    /// What it is about. `None`: the version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// What it says of the canary.
    pub state: HealthState,
    /// The part of the last ten questions whose answer says so: 0 to 1.
    pub confidence: f64,
    /// Since when.
    pub since: UnixMillis,
    /// What follows when it is unhealthy.
    pub action: TriggerAction,
    /// How urgent that is.
    pub severity: Severity,
    /// Seconds since the last answer. `None`: there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_s: Option<u64>,
    /// In words, without a full stop.
    pub text: String,
    /// Its component must be healthy before the rollout goes on.
    #[serde(default)]
    pub required: bool,
    /// It says nothing for so long that people are told.
    #[serde(default)]
    pub silent: bool,
}

impl Outside {
    /// Whether there is nothing in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.triggers.is_empty() && self.queries.is_empty() && self.health.is_empty()
    }

    /// What says nothing for so long that people are told, by the name under which it is told, with why.
    pub(crate) fn silent(&self) -> impl Iterator<Item = (String, String)> {
        let of_query = |one: &QueryReading| {
            let why = one.error.clone().unwrap_or_else(|| "no value comes".to_owned());
            (format!("query {}", one.name), why)
        };
        let of_check = |one: &HealthReading| (format!("health check {}", one.check), one.text.clone());
        let queries = self.queries.iter().filter(|one| one.silent).map(of_query);
        queries.chain(self.health.iter().filter(|one| one.silent).map(of_check))
    }

    /// The same with every number finite.
    pub(crate) fn make_finite(&mut self) {
        let finite = |value: &mut Option<f64>| *value = value.filter(|value| value.is_finite());
        for one in &mut self.triggers {
            finite(&mut one.value);
            if !one.limit.is_finite() {
                one.limit = 0.0;
            }
        }
        self.queries.iter_mut().for_each(|one| finite(&mut one.value));
        for one in &mut self.health {
            one.confidence = if one.confidence.is_finite() { one.confidence } else { 0.0 };
        }
    }
}

/// A reason as it is kept: one line, and not longer than [`TOLD_BYTES`].
pub(crate) fn reason(text: &str) -> String {
    let mut line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.len() > TOLD_BYTES {
        let end = (0..=TOLD_BYTES - 3).rev().find(|end| line.is_char_boundary(*end)).unwrap_or(0);
        line.truncate(end);
        line.push('…');
    }
    line
}
