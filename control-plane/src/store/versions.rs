//! Which versions are registered: the part of the store that the registry uses.
//!
//! A release is written in one transaction, after its artifacts are durable, so a row never names a content that was not kept.
//! A version that is registered is never changed; [`Versions::retire`] alone removes some, by the rule of
//! [`serin_registry::retention`], in the transaction in which it looked.

mod query;
mod register;
mod retire;
mod row;

use std::collections::BTreeSet;

use rusqlite::TransactionBehavior;
use serin_registry::retention::Policy;
use serin_registry::{Artifact, Digest, Kind, Release, Subject, Version};
use serin_rollout::UnixMillis;

use super::{SqliteStore, StoreError};

/// Entries of the history that are kept of each subject.
pub const HISTORY_MAX: u32 = 1_000;

/// What is registered, durably.
pub trait Versions {
    /// Registers a release: all of it, or nothing.
    ///
    /// # Errors
    /// [`StoreError::Differs`] when a version is registered already and is another one; else the medium's failure.
    fn register(&mut self, release: &Release, by: &str, at: UnixMillis) -> Result<Registered, StoreError>;

    /// Versions by falling sequence.
    ///
    /// # Errors
    /// When the medium fails.
    fn versions(&mut self, query: &VersionQuery) -> Result<Vec<StoredVersion>, StoreError>;

    /// One version; without a label the newest.
    ///
    /// # Errors
    /// When the medium fails.
    fn version(
        &mut self,
        subject: &Subject,
        version: Option<&Version>,
    ) -> Result<Option<StoredVersion>, StoreError>;

    /// What a version of an application consists of, in the order of its release.
    ///
    /// # Errors
    /// When the medium fails.
    fn parts(&mut self, application: &Subject, version: &Version) -> Result<Vec<StoredVersion>, StoreError>;

    /// The versions of the application that consist of a version of a component or block, the newest first.
    ///
    /// # Errors
    /// When the medium fails.
    fn releases(
        &mut self,
        subject: &Subject,
        version: &Version,
        limit: u32,
    ) -> Result<Vec<Version>, StoreError>;

    /// What happened, by falling sequence.
    ///
    /// # Errors
    /// When the medium fails.
    fn history(&mut self, query: &HistoryQuery) -> Result<Vec<StoredEntry>, StoreError>;

    /// Versions that carry a content, the newest first.
    ///
    /// # Errors
    /// When the medium fails.
    fn users(&mut self, digest: &Digest, limit: u32) -> Result<Vec<(Subject, Version)>, StoreError>;

    /// Those of `digests` that no version carries.
    ///
    /// # Errors
    /// When the medium fails.
    fn unused(&mut self, digests: &[Digest]) -> Result<Vec<Digest>, StoreError>;

    /// All applications of which something is registered.
    ///
    /// # Errors
    /// When the medium fails.
    fn applications(&mut self) -> Result<Vec<Subject>, StoreError>;

    /// Removes the versions of an application that may go, and tells which.
    ///
    /// # Errors
    /// When the medium fails; nothing is removed then.
    fn retire(
        &mut self,
        application: &Subject,
        needed: &BTreeSet<(Subject, Version)>,
        policy: Policy,
        now: UnixMillis,
    ) -> Result<Vec<(Subject, Version)>, StoreError>;
}

/// A version as it is registered.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredVersion {
    /// Its place in the order of registration.
    pub sequence: u64,
    /// What it is a version of.
    pub subject: Subject,
    /// Its label.
    pub version: Version,
    /// What it carries.
    pub artifact: Option<Artifact>,
    /// When it was registered.
    pub at: UnixMillis,
    /// By whom.
    pub by: String,
}

/// What a registration did.
#[derive(Clone, Debug)]
pub struct Registered {
    /// All versions of the release, in its order.
    pub versions: Vec<StoredVersion>,
    /// How many of them were new.
    pub new: u32,
}

/// Which versions to read.
#[derive(Clone, Debug, Default)]
pub struct VersionQuery {
    /// Only of this kind.
    pub kind: Option<Kind>,
    /// Only of this and what is inside it.
    pub within: Option<Subject>,
    /// Only the newest of each subject.
    pub newest_only: bool,
    /// Only below this sequence. `None`: from the newest on.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: u32,
}

/// Which entries of the history to read.
#[derive(Clone, Debug)]
pub struct HistoryQuery {
    /// Of this.
    pub subject: Subject,
    /// Only below this sequence. `None`: from the newest on.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: u32,
}

/// What happened to a version.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Happened {
    /// It was registered.
    Registered,
    /// A version of the application that consists of it was.
    Released,
    /// Retention removed it.
    Removed,
}

/// An entry of the history.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredEntry {
    /// Its place in the order of all entries.
    pub sequence: u64,
    /// When.
    pub at: UnixMillis,
    /// Which version.
    pub version: Version,
    /// What happened.
    pub happened: Happened,
    /// Who did it.
    pub actor: String,
    /// One sentence.
    pub text: String,
}

/// A version that is registered already, and is another one.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Differs {
    /// It carries something else.
    #[error("{subject} {version} is registered with {found}, not {given}: give what changed a new version")]
    Artifact {
        /// What it is a version of.
        subject: Subject,
        /// Its label.
        version: Version,
        /// What it carries.
        found: String,
        /// What it would carry.
        given: String,
    },
    /// It consists of something else.
    #[error(
        "{application} {version} is registered with {found}, not {given}: give what changed a new version"
    )]
    Parts {
        /// The application.
        application: Subject,
        /// Its label.
        version: Version,
        /// The part that it has.
        found: String,
        /// The part that it would have.
        given: String,
    },
}

impl Differs {
    /// What it is a version of.
    #[must_use]
    pub const fn subject(&self) -> &Subject {
        match self {
            Self::Artifact { subject, .. } | Self::Parts { application: subject, .. } => subject,
        }
    }
}

impl Happened {
    const ALL: [Self; 3] = [Self::Registered, Self::Released, Self::Removed];

    const fn name(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Released => "released",
            Self::Removed => "removed",
        }
    }
}

impl Versions for SqliteStore {
    fn register(&mut self, release: &Release, by: &str, at: UnixMillis) -> Result<Registered, StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let registered = register::register(&transaction, release, by, at)?;
        transaction.commit()?;
        Ok(registered)
    }

    fn versions(&mut self, query: &VersionQuery) -> Result<Vec<StoredVersion>, StoreError> {
        query::versions(&self.connection, query)
    }

    fn version(
        &mut self,
        subject: &Subject,
        version: Option<&Version>,
    ) -> Result<Option<StoredVersion>, StoreError> {
        query::version(&self.connection, subject, version)
    }

    fn parts(&mut self, application: &Subject, version: &Version) -> Result<Vec<StoredVersion>, StoreError> {
        query::parts(&self.connection, application, version)
    }

    fn releases(
        &mut self,
        subject: &Subject,
        version: &Version,
        limit: u32,
    ) -> Result<Vec<Version>, StoreError> {
        query::releases(&self.connection, subject, version, limit)
    }

    fn history(&mut self, query: &HistoryQuery) -> Result<Vec<StoredEntry>, StoreError> {
        query::history(&self.connection, query)
    }

    fn users(&mut self, digest: &Digest, limit: u32) -> Result<Vec<(Subject, Version)>, StoreError> {
        query::users(&self.connection, digest, limit)
    }

    fn unused(&mut self, digests: &[Digest]) -> Result<Vec<Digest>, StoreError> {
        query::unused(&self.connection, digests)
    }

    fn applications(&mut self) -> Result<Vec<Subject>, StoreError> {
        query::applications(&self.connection)
    }

    fn retire(
        &mut self,
        application: &Subject,
        needed: &BTreeSet<(Subject, Version)>,
        policy: Policy,
        now: UnixMillis,
    ) -> Result<Vec<(Subject, Version)>, StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let removed = retire::retire(&transaction, application, needed, policy, now)?;
        transaction.commit()?;
        Ok(removed)
    }
}

#[cfg(test)]
mod tests;
