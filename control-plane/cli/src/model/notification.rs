//! Who is told, and what became of it.

use serde::Serialize;

use super::Moment;

words! {
    /// How a target stands.
    TargetState {
        /// The last attempt did not fail.
        Well = "well",
        /// The last attempt failed.
        Failing = "failing",
        /// A message waits for more than five minutes.
        Silent = "silent",
        /// A state that this client does not know.
        Unknown = "unknown",
    }
}

/// Targets, and the newest messages to them.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Notifications {
    pub(crate) targets: Vec<Target>,
    pub(crate) pending: Vec<Delivery>,
    pub(crate) dead: Vec<Delivery>,
    pub(crate) delivered: Vec<Delivery>,
}

/// A target and how it stands.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) place: String,
    pub(crate) state: TargetState,
    pub(crate) pending: u64,
    pub(crate) oldest_pending_at: Option<Moment>,
    pub(crate) dead: u64,
    pub(crate) last_delivered_at: Option<Moment>,
    pub(crate) last_failed_at: Option<Moment>,
    pub(crate) last_error: Option<String>,
}

/// One message to one target.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Delivery {
    pub(crate) id: u64,
    pub(crate) target: String,
    pub(crate) key: String,
    pub(crate) title: String,
    pub(crate) severity: String,
    pub(crate) attempts: u32,
    pub(crate) created_at: Option<Moment>,
    pub(crate) next_attempt_at: Option<Moment>,
    pub(crate) error: Option<String>,
}
