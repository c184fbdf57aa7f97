//! Why an action did not succeed, and whether it may later.

use std::path::PathBuf;
use std::time::Duration;

use serin_outside::CallError;

use crate::attempts::is_passing;

/// Why an action did not succeed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// No answer.
    #[error(transparent)]
    Call(#[from] CallError),
    /// An answer that refuses.
    #[error("the server answers {status}{}", said(.words))]
    Refused { status: u16, words: String, asked: Option<Duration> },
    /// Somebody else wrote in between.
    #[error("it kept being changed by somebody else{}", said(.0))]
    Conflict(String),
    /// An answer that is not what was asked for.
    #[error("the answer is no {kind}: {detail}")]
    Answer { kind: &'static str, detail: String },
    /// A token that cannot be read.
    #[error("token {}: {detail}", path.display())]
    Token { path: PathBuf, detail: String },
    /// A request that cannot be made.
    #[error("the request cannot be made: {0}")]
    Request(String),
    /// What is there does not permit it.
    #[error(transparent)]
    Rule(#[from] Rule),
}

/// What an object must be for an action.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum Rule {
    #[error("its namespace is none of those that the server's configuration allows: {0}")]
    Namespace(String),
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("spec.paused must not be true; resume it first")]
    Paused,
    #[error(
        "there is no ReplicaSet of an earlier revision with another template; spec.revisionHistoryLimit \
         says how many are kept"
    )]
    NoEarlier,
    #[error("there is no ReplicaSet of revision {wanted}; there are: {known}")]
    NoRevision { wanted: i64, known: String },
    #[error("no route leads to all of {0}")]
    NoRoute(String),
    #[error("there is no route {name:?} that leads to all of {destinations}")]
    NoNamedRoute { name: String, destinations: String },
    #[error("route {route} leads to {to} more than once")]
    Ambiguous { route: String, to: String },
    #[error("the server took the write and keeps something else; a webhook of the cluster may change it")]
    NotTaken,
}

impl Fault {
    /// Whether the same may succeed later, and the wait that was asked for.
    pub(super) const fn passing(&self) -> Option<Option<Duration>> {
        match self {
            Self::Call(CallError::Blocked(_) | CallError::TooLarge { .. })
            | Self::Request(_)
            | Self::Rule(_) => None,
            Self::Refused { status, asked, .. } if is_passing(*status) => Some(*asked),
            Self::Refused { .. } => None,
            Self::Call(_) | Self::Conflict(_) | Self::Answer { .. } | Self::Token { .. } => Some(None),
        }
    }
}

fn said(words: &str) -> String {
    if words.is_empty() { String::new() } else { format!(": {words}") }
}
