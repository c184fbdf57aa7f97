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

#[cfg(test)]
mod tests {
    use serin_evidence::audit::{Asked, What};
    use serin_evidence::chain::Fault;

    use super::*;
    use crate::store::Reader;

    fn asked(at: u64) -> Record {
        let asked = Asked { actor: "anna".to_owned(), method: "a/B".to_owned(), ..Asked::default() };
        Record::new(What::Asked(asked), UnixMillis(at))
    }

    #[test]
    fn old_entries_go_into_a_checkpoint_and_the_chain_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = SqliteStore::open(folder.path()).unwrap();
        (1..=5).for_each(|at| assert_eq!(store.audit(&asked(at)).unwrap().number, at));
        assert_eq!(store.retire_audit(UnixMillis(1), UnixMillis(9), "old").unwrap(), None);
        assert_eq!(store.retire_audit(UnixMillis(4), UnixMillis(9), "old").unwrap(), Some(3));
        let mut reader = Reader::open(folder.path()).unwrap();
        let checked = reader.verify_audit(None).unwrap();
        assert!(checked.is_sound(), "{checked:?}");
        assert_eq!((checked.first, checked.head.number, checked.entries), (4, 6, 3));
        assert_eq!(store.audit(&asked(10)).unwrap().number, 7);
        assert_eq!(
            store.retire_audit(UnixMillis(99), UnixMillis(99), "old").unwrap(),
            Some(7),
            "all of them"
        );
        let checked = reader.verify_audit(None).unwrap();
        assert!(checked.is_sound() && checked.first == 8, "{checked:?}");
        let (entries, head) = reader.audit(None).unwrap();
        assert_eq!((entries.len(), head.number), (1, 8));
    }

    #[test]
    fn an_entry_that_was_changed_or_removed_beside_us_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = SqliteStore::open(folder.path()).unwrap();
        for at in 1..=5 {
            store.audit(&asked(at)).unwrap();
        }
        for sql in ["UPDATE audit SET at_ms = 0", "DELETE FROM audit WHERE number = 5"] {
            let error = store.connection.execute_batch(sql).unwrap_err();
            assert!(error.to_string().contains("append-only"), "{sql}: {error}");
        }
        let without = "DROP TRIGGER audit_is_append_only_update; DROP TRIGGER audit_is_append_only_delete";
        store.connection.execute_batch(without).unwrap();
        store.connection.execute_batch("DELETE FROM audit WHERE number = 5").unwrap();
        let mut reader = Reader::open(folder.path()).unwrap();
        assert_eq!(reader.verify_audit(None).unwrap().faults, [Fault::End { last: 4, head: 5 }]);
        let renamed = "UPDATE audit SET body = replace(body, 'anna', 'otto') WHERE number = 2";
        store.connection.execute_batch(renamed).unwrap();
        assert_eq!(reader.verify_audit(None).unwrap().faults[0], Fault::Altered { number: 2 });
    }
}
