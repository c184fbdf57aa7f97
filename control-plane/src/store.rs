//! What survives a crash: the journal of every decision, the newest state of every rollout, which reports are already
//! counted, and which versions are registered.
//!
//! The journal is append-only. An append carries the revision that the caller believes in; when someone else was
//! first, nothing is written and the caller is told ([`StoreError::Conflict`]). The state is written from time to
//! time, in the transaction of an append; a restart takes it and replays the events since.
//! [`Store`] is blocking and single-owner; [`StoreHandle`] gives it a thread and lets async tasks wait.
//! The store decides nothing and interprets no state: states and events are JSON text here.

mod audit;
mod bundles;
mod chains;
mod decisions;
mod handle;
mod ledger;
mod notices;
mod reader;
mod sqlite;
mod versions;

use std::path::PathBuf;

use serin_analysis::Outcomes;
use serin_evidence::bundle::Bundle;
use serin_rollout::UnixMillis;

pub use audit::{AUDIT_ENTRIES_MAX, AuditLog};
pub use bundles::{BUNDLES_MAX, BundleQuery, Bundles, Exported, Found, Keep, Owed, StoredBundle};
pub use decisions::{DECISIONS_MAX, DecisionQuery, StoredDecision};
pub use handle::StoreHandle;
pub use notices::{
    DeliveryState, NewDelivery, Noted, Notices, NotifierState, PENDING_MAX, Settled, StoredDelivery,
    TargetCounts, Which,
};
pub use reader::Reader;
pub use sqlite::SqliteStore;
pub use versions::{
    Differs, HISTORY_MAX, Happened, HistoryQuery, Registered, StoredEntry, StoredVersion, VersionQuery,
    Versions,
};

/// Durable state behind the control plane.
pub trait Store: Versions + Bundles + AuditLog + Notices + Send + 'static {
    /// Everything that a starting control plane needs.
    ///
    /// # Errors
    /// When the medium fails or holds what cannot be read.
    fn load(&mut self) -> Result<Loaded, StoreError>;

    /// Writes events, the states after them and, for new rollouts, their plans: all or nothing.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a rollout is not at its `expected_revision`; else the medium's failure.
    fn append(&mut self, appends: &[Append]) -> Result<Vec<Appended>, StoreError>;

    /// The same with the evidence of these decisions, in one transaction. Evidence that cannot be written keeps no decision
    /// from being written: the second part of the answer says why it is not there then.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    fn append_with(
        &mut self,
        appends: &[Append],
        bundles: &[Bundle],
    ) -> Result<(Vec<Appended>, Option<StoreError>), StoreError>;

    /// Events in ascending sequence.
    ///
    /// # Errors
    /// When the medium fails.
    fn events(&mut self, query: &EventQuery) -> Result<Vec<StoredEvent>, StoreError>;

    /// Replaces the evidence gathered by running rollouts. What is lost here costs evidence, never a decision.
    ///
    /// # Errors
    /// When the medium fails.
    fn save_evidence(&mut self, evidence: &[(String, Vec<u8>)]) -> Result<(), StoreError>;

    /// Adds counted reports: the newest seq of their VMs and what they counted, in one transaction.
    ///
    /// # Errors
    /// When the medium fails; nothing is then recorded.
    fn record(&mut self, entries: &Ledger) -> Result<(), StoreError>;
}

/// What a starting control plane finds.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The newest rollouts, oldest first.
    pub rollouts: Vec<StoredRollout>,
    /// Sequence of the last event that changed the assignment.
    pub generation: u64,
    /// Which reports are counted, and what they add up to.
    pub ledger: Ledger,
    /// Addenda of the evidence that are not written, oldest first.
    pub owed: Vec<Owed>,
}

/// A rollout as it was last written.
#[derive(Clone, Debug)]
pub struct StoredRollout {
    /// Identifier.
    pub id: String,
    /// Its newest stored state, as JSON.
    pub state: String,
    /// The plan as YAML.
    pub plan: String,
    /// Events that are not part of the state yet, as JSON, in order.
    pub events: Vec<String>,
    /// Evidence that was gathered, as its engine wrote it.
    pub evidence: Option<Vec<u8>>,
}

/// Events of one rollout that belong together.
#[derive(Clone, Debug)]
pub struct Append {
    /// The rollout.
    pub rollout_id: String,
    /// The plan as YAML, for a new rollout.
    pub plan: Option<String>,
    /// Events that are already written for it. 0: it is new.
    pub expected_revision: u64,
    /// When it happens.
    pub at: UnixMillis,
    /// The events, in order; at least one.
    pub events: Vec<NewEvent>,
    /// The state after them, as JSON. `None`: the one that is stored stays, and a restart replays the events since.
    pub state: Option<String>,
    /// True when the assignment is another one after these events.
    pub assignment_changed: bool,
}

/// An event to be written.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Kind, for example `step_started`.
    pub kind: String,
    /// Who caused it.
    pub actor: String,
    /// One sentence.
    pub text: String,
    /// The whole event as JSON.
    pub json: String,
}

/// What an append did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Appended {
    /// Sequence of its last event.
    pub sequence: u64,
    /// Revision of the rollout now.
    pub revision: u64,
}

/// Which events to read.
#[derive(Clone, Debug, Default)]
pub struct EventQuery {
    /// Only of this rollout.
    pub rollout_id: Option<String>,
    /// Only above this sequence.
    pub after_sequence: u64,
    /// At most so many.
    pub limit: u32,
}

/// An event of the journal.
#[derive(Clone, Debug)]
pub struct StoredEvent {
    /// Position in the journal.
    pub sequence: u64,
    /// When.
    pub at: UnixMillis,
    /// Rollout.
    pub rollout_id: String,
    /// What it says.
    pub event: NewEvent,
}

/// Reports that are counted.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// The newest seq of each VM.
    pub seen: Vec<Seen>,
    /// Counts by series; increments when recorded, totals when loaded.
    pub counts: Vec<(Series, Counts)>,
}

/// The newest report of a VM.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Seen {
    /// Envoy's node id.
    pub node: String,
    /// Life of the VM.
    pub epoch: u64,
    /// Its newest counted seq.
    pub seq: u64,
    /// When it came.
    pub at: UnixMillis,
}

/// What a count is about.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Series {
    /// Service.
    pub service: String,
    /// Component.
    pub component: String,
    /// Arm.
    pub arm: String,
}

/// Requests, by what became of them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Started.
    pub started: u64,
    /// Finished, by outcome.
    pub outcomes: Outcomes,
}

impl Counts {
    /// Adds what another count says.
    pub fn add(&mut self, other: &Self) {
        let (mine, others) = (&mut self.outcomes, &other.outcomes);
        self.started += other.started;
        mine.ok += others.ok;
        mine.client_error += others.client_error;
        mine.server_error += others.server_error;
        mine.timeout += others.timeout;
        mine.connect_failure += others.connect_failure;
        mine.reset += others.reset;
        mine.overload += others.overload;
        mine.cancelled += others.cancelled;
    }
}

/// Why the store refuses.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Someone else changed the rollout first.
    #[error("the rollout is at revision {found}, not {expected}: someone else changed it first")]
    Conflict {
        /// What the caller believed.
        expected: u64,
        /// What is true.
        found: u64,
    },
    /// A version is registered already, and is another one.
    #[error(transparent)]
    Differs(#[from] Differs),
    /// Another process has the folder.
    #[error("{} is in use by another control plane", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder cannot be used.
    #[error("{}: {source}", path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// Written by a newer control plane.
    #[error("{} has schema version {found}, this control plane knows up to {known}: run a newer one", path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// What is known here.
        known: i64,
    },
    /// Not a database, or a damaged one.
    #[error("{} is damaged ({detail}): restore it from a backup, or move it away to start empty", path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The database failed.
    #[error("database: {0}")]
    Database(#[from] rusqlite::Error),
    /// Something cannot be written as text, or read from it.
    #[error("{0}")]
    Unwritable(String),
    /// The store's thread has ended, or did not answer in time.
    #[error("the store does not answer")]
    Gone,
}
