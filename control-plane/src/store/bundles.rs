//! The evidence of decisions in the database.

pub(super) mod owed;
pub(super) mod read;
mod write;

use rusqlite::TransactionBehavior;
use serin_evidence::bundle::{Bundle, Manifest};
use serin_evidence::chain::Head;
use serin_rollout::UnixMillis;

use super::{SqliteStore, StoreError};

pub use owed::Owed;
pub(super) use write::add;

/// Manifests of one answer.
pub const BUNDLES_MAX: u32 = 1_000;

/// Evidence of decisions, durably.
pub trait Bundles {
    /// Adds a bundle or an addendum.
    ///
    /// # Errors
    /// When the medium fails; nothing is added then.
    fn add_bundle(&mut self, bundle: &Bundle) -> Result<Head, StoreError>;

    /// Removes the oldest evidence: what was written before `before`, and what is beyond `bytes` altogether. A new entry
    /// of the chain says so. Returns through which number.
    ///
    /// # Errors
    /// When the medium fails; nothing is removed then.
    fn retire_bundles(&mut self, keep: &Keep, now: UnixMillis) -> Result<Option<u64>, StoreError>;
}

/// Which manifests to read.
#[derive(Clone, Debug, Default)]
pub struct BundleQuery {
    /// Only of this rollout.
    pub rollout_id: Option<String>,
    /// Only below this number. `None`: from the newest on.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: u32,
}

/// A manifest in the chain.
#[derive(Clone, Debug)]
pub struct StoredBundle {
    /// Its place in the chain.
    pub head: Head,
    /// What it says.
    pub manifest: Manifest,
}

/// A bundle with what was added to it.
#[derive(Clone, Debug)]
pub struct Found {
    /// The bundle, then its addenda.
    pub manifests: Vec<StoredBundle>,
    /// All their documents, by name.
    pub documents: Vec<(String, String)>,
}

/// What is exported.
#[derive(Clone, Debug)]
pub struct Exported {
    /// A rollout, or the name of a bundle.
    pub of: String,
    /// When.
    pub now: UnixMillis,
}

/// What is kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Keep {
    /// Evidence younger than this.
    pub keep_for: std::time::Duration,
    /// So many bytes altogether.
    pub max_bytes: u64,
}

impl Bundles for SqliteStore {
    fn add_bundle(&mut self, bundle: &Bundle) -> Result<Head, StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let head = write::add(&transaction, bundle)?;
        transaction.commit()?;
        Ok(head)
    }

    fn retire_bundles(&mut self, keep: &Keep, now: UnixMillis) -> Result<Option<u64>, StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let through = write::retire(&transaction, keep, now)?;
        transaction.commit()?;
        Ok(through)
    }
}

#[cfg(test)]
mod tests;
