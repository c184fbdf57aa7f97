//! What a replay says.

use serde::Serialize;
use serin_analysis::{Signal, Verdict};

/// Something that happened on the way. Each is one JSON object; its second field tells which kind it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Entry {
    /// A verdict changed.
    Verdict {
        /// Unix time in seconds.
        t: u64,
        /// What it is now.
        verdict: Verdict,
        /// The component. `None`: the version.
        component: Option<String>,
        /// Why, in words.
        text: String,
    },
    /// The rollout on paper did something.
    Event {
        /// Unix time in seconds.
        t: u64,
        /// What, as in the journal: `step_started`, `held`, ….
        event: &'static str,
        /// In words.
        text: String,
    },
    /// Something to know about the trace.
    Note {
        /// Unix time in seconds.
        t: u64,
        /// In words.
        note: String,
    },
}

/// What was decided.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decided {
    /// The canary goes.
    Rollback,
    /// The canary stays.
    Promote,
    /// Neither.
    Hold,
}

/// What a rollback undoes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The version.
    Coarse,
    /// Components alone.
    Medium,
}

/// The end of a replay.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decision {
    /// What.
    pub decision: Decided,
    /// Unix time, in seconds, at which it could have been made live. For a hold: the end of the trace. `None`: the trace is empty.
    pub t: Option<u64>,
    /// What a rollback undoes; only then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Components that are rolled back, or that a rollback of the version is due to.
    pub components: Vec<String>,
    /// Why.
    pub reasons: Vec<Reason>,
    /// What a hold waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needed: Option<Needed>,
    /// What was decided after a rollback of components, about the rest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub later: Vec<Decision>,
}

/// One reason.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reason {
    /// The component that it is about. `None`: the version.
    pub component: Option<String>,
    /// The signal. `None`: a rule of the plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<Signal>,
    /// In words.
    pub text: String,
}

/// What a hold waits for, at the present traffic.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Needed {
    /// Canary requests until the verdict is decided. `None`: it is, or that cannot be foreseen.
    pub canary_requests: Option<u64>,
    /// Seconds until a promotion, at least. `None`: it cannot be foreseen.
    pub seconds: Option<u64>,
}

impl Decision {
    /// A hold without evidence.
    pub(crate) fn nothing(text: String) -> Self {
        let reasons = vec![Reason { component: None, signal: None, text }];
        Self {
            decision: Decided::Hold,
            t: None,
            level: None,
            components: Vec::new(),
            reasons,
            needed: None,
            later: Vec::new(),
        }
    }
}
