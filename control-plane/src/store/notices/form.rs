//! What is written and read about deliveries.

use serin_notify::Message;
use serin_rollout::UnixMillis;

/// How far the journal was read, and what is gathered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NotifierState {
    /// Sequence of the last event that was read.
    pub cursor: u64,
    /// What is gathered, as JSON.
    pub desk: String,
}

/// A delivery to be written.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// The message.
    pub message: Message,
    /// Which part of it, from 0.
    pub part: u32,
}

/// What is read of the journal, and what follows.
#[derive(Clone, Debug)]
pub struct Noted {
    /// How far, and what is gathered.
    pub state: NotifierState,
    /// What is to be delivered.
    pub deliveries: Vec<NewDelivery>,
    /// Dead ones that are kept, of all targets together.
    pub keep_dead: u64,
    /// When.
    pub at: UnixMillis,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DeliveryState {
    /// It is sent, or sent again.
    Pending,
    /// The target has it.
    Delivered,
    /// It was given up.
    Dead,
}

/// A delivery as it is stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredDelivery {
    /// Identifier.
    pub id: u64,
    /// Name of the target.
    pub target: String,
    /// What is sent, as JSON.
    pub message: String,
    /// Which part of it.
    pub part: u32,
    /// In one line.
    pub title: String,
    /// How urgent it is.
    pub severity: serin_rollout::Severity,
    /// Where it stands.
    pub state: DeliveryState,
    /// Attempts that were made.
    pub attempts: u32,
    /// When it was written.
    pub created: UnixMillis,
    /// Pending: not sent before. Else: when it came to this state.
    pub next: UnixMillis,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// What became of an attempt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settled {
    /// The delivery.
    pub id: u64,
    /// Where it stands now.
    pub state: DeliveryState,
    /// Pending: not sent before. Else: now.
    pub next: UnixMillis,
    /// Why it failed.
    pub error: Option<String>,
    /// Dead ones that are kept.
    pub keep_dead: u64,
}

/// What is pending and dead of one target.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TargetCounts {
    /// Name of the target.
    pub target: String,
    /// Pending deliveries.
    pub pending: u64,
    /// When the oldest of them was written.
    pub oldest: Option<UnixMillis>,
    /// Why its last attempt failed.
    pub error: Option<String>,
    /// Dead deliveries.
    pub dead: u64,
}

/// Which dead deliveries are sent again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Which {
    /// All of a target.
    Target(String),
    /// One.
    Id(u64),
}
