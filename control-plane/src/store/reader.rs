//! Reads evidence and the audit log beside the store, over a connection of its own: a check of all there is may take minutes, and
//! no decision waits for it.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, Transaction};
use serin_evidence::Hash;
use serin_evidence::archive::{Archive, Verified};
use serin_evidence::chain::{Check, Checked, Entry, Head};

use super::bundles::read;
use super::chains::{Chain, PAGE};
use super::{
    BundleQuery, DecisionQuery, Exported, Found, StoreError, StoredBundle, StoredDecision, StoredEvent,
    decisions,
};

/// A database that is only read.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
}

impl Reader {
    /// Opens the database in `folder`.
    ///
    /// # Errors
    /// When it is not there or cannot be read.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(folder.join("serin.db"), flags)?;
        connection.busy_timeout(super::sqlite::BUSY)?;
        Ok(Self { connection })
    }

    /// One view of everything, whoever writes beside it.
    fn view(&mut self) -> Result<Transaction<'_>, StoreError> {
        Ok(self.connection.transaction()?)
    }

    /// Manifests, the newest first.
    ///
    /// # Errors
    /// When the medium fails.
    pub fn bundles(&mut self, query: &BundleQuery) -> Result<Vec<StoredBundle>, StoreError> {
        read::bundles(&self.connection, query)
    }

    /// Decisions, the newest first.
    ///
    /// # Errors
    /// When the medium fails.
    pub fn decisions(&mut self, query: &DecisionQuery) -> Result<Vec<StoredDecision>, StoreError> {
        decisions::decisions(&*self.view()?, query)
    }

    /// The newest events of a rollout, the newest first.
    ///
    /// # Errors
    /// When the medium fails.
    pub fn newest_events(&mut self, rollout: &str, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        decisions::newest_events(&self.connection, rollout, limit)
    }

    /// One bundle, with its addenda and all documents. `None`: there is none of this name.
    ///
    /// # Errors
    /// When the medium fails.
    pub fn bundle(&mut self, id: &str) -> Result<Option<Found>, StoreError> {
        read::bundle(&*self.view()?, id)
    }

    /// Everything of a rollout, or of one bundle, to be checked without this store. `None`: there is nothing.
    ///
    /// # Errors
    /// When the medium fails.
    pub fn export(&mut self, of: &Exported) -> Result<Option<Archive>, StoreError> {
        read::export(&*self.view()?, of)
    }

    /// Checks the chain, every document, and that every decision has its bundle. `anchor` is a hash that was kept elsewhere.
    ///
    /// # Errors
    /// When the medium fails.
    pub fn verify_bundles(&mut self, anchor: Option<Hash>) -> Result<Verified, StoreError> {
        read::verify(&*self.view()?, anchor)
    }

    /// Entries of the audit log after a number, in order, at most 256, and the newest of all. `None`: the newest 256.
    ///
    /// # Errors
    /// When the medium fails.
    pub fn audit(&mut self, after: Option<u64>) -> Result<(Vec<Entry>, Head), StoreError> {
        let view = self.view()?;
        let head = Chain::Audit.head(&view)?;
        let after = after.unwrap_or_else(|| head.number.saturating_sub(u64::from(PAGE)));
        let page = Chain::Audit.page(&view, after)?;
        Ok((page.into_iter().map(|stored| stored.entry).collect(), head))
    }

    /// Checks the chain of the audit log. `anchor` is a hash that was kept elsewhere.
    ///
    /// # Errors
    /// When the medium fails.
    pub fn verify_audit(&mut self, anchor: Option<Hash>) -> Result<Checked, StoreError> {
        let (view, mut check) = (self.view()?, Check::anchored(anchor));
        Chain::Audit.each(&view, 0, |stored| {
            check.entry(&stored.entry, Some(stored.hash));
            Ok(())
        })?;
        Ok(check.finish(Some(Chain::Audit.head(&view)?)))
    }
}
