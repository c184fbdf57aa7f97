//! The audit log in the database.

use rusqlite::{Connection, TransactionBehavior, params};
use serin_evidence::audit::Record;
use serin_evidence::canonical;
use serin_evidence::chain::Head;
use serin_rollout::UnixMillis;

use super::chains::{Chain, REMOVED_AT_ONCE};
use super::sqlite::signed;
use super::{SqliteStore, StoreError};

/// Entries that are kept, however young they are.
pub const AUDIT_ENTRIES_MAX: u64 = 2_000_000;

/// Who asked for what, durably.
pub trait AuditLog {
    /// Adds an entry.
    ///
    /// # Errors
    /// When the medium fails; nothing is added then.
    fn audit(&mut self, record: &Record) -> Result<Head, StoreError>;

    /// Removes entries that are older than `before` or beyond [`AUDIT_ENTRIES_MAX`], at most 1,000 of the oldest, and says so in a
    /// new entry. Returns through which number.
    ///
    /// # Errors
    /// When the medium fails; nothing is removed then.
    fn retire_audit(
        &mut self,
        before: UnixMillis,
        now: UnixMillis,
        why: &str,
    ) -> Result<Option<u64>, StoreError>;
}

impl AuditLog for SqliteStore {
    fn audit(&mut self, record: &Record) -> Result<Head, StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let head = add(&transaction, record)?;
        transaction.commit()?;
        Ok(head)
    }

    fn retire_audit(
        &mut self,
        before: UnixMillis,
        now: UnixMillis,
        why: &str,
    ) -> Result<Option<u64>, StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let oldest = Chain::Audit.oldest(&transaction, before, REMOVED_AT_ONCE)?;
        let beyond = Chain::Audit.beyond(&transaction, AUDIT_ENTRIES_MAX, REMOVED_AT_ONCE)?;
        let why = if beyond > oldest { "there were too many entries" } else { why };
        let Some(through) = oldest.max(beyond) else { return Ok(None) };
        let Some(removed) = Chain::Audit.removal(&transaction, through, why.to_owned())? else {
            return Ok(None);
        };
        add(&transaction, &Record::checkpoint(removed, now))?;
        Chain::Audit.cut(&transaction, through)?;
        transaction.commit()?;
        Ok(Some(through))
    }
}

fn add(transaction: &Connection, record: &Record) -> Result<Head, StoreError> {
    let body = canonical::text(record).map_err(|error| StoreError::Unwritable(error.to_string()))?;
    let entry = Chain::Audit.next(transaction, body)?;
    let (head, through) = (entry.head(), record.removed.as_ref().map(|removed| signed(removed.through)));
    transaction.execute(
        "INSERT INTO audit (number, at_ms, previous, hash, body, removed_through) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            signed(entry.number),
            signed(record.at.0),
            entry.previous.as_bytes(),
            head.hash.as_bytes(),
            entry.body,
            through
        ],
    )?;
    Chain::Audit.advance(transaction, head)?;
    Ok(head)
}
