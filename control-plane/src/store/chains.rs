//! The chains in the database: evidence and the audit log have the same form.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serin_evidence::Hash;
use serin_evidence::chain::{Entry, Head, Removed};
use serin_rollout::UnixMillis;

use super::StoreError;
use super::sqlite::{signed, unsigned};

/// Entries that are read at a time.
pub(super) const PAGE: u32 = 256;
/// Entries that are removed at a time, so that nobody waits long for it.
pub(super) const REMOVED_AT_ONCE: u64 = 1_000;

/// One of the chains.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Chain {
    Evidence,
    Audit,
}

/// An entry as it is stored.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) entry: Entry,
    /// The hash that was written for it. [`Hash::NONE`]: what is there is none.
    pub(super) hash: Hash,
}

impl Chain {
    pub(super) const fn table(self) -> &'static str {
        match self {
            Self::Evidence => "evidence",
            Self::Audit => "audit",
        }
    }

    /// The newest entry, as it is kept apart.
    pub(super) fn head(self, connection: &Connection) -> Result<Head, StoreError> {
        let head = "SELECT number, hash FROM chain_heads WHERE chain = ?1";
        let row = |row: &Row<'_>| Ok(Head { number: unsigned(row.get(0)?), hash: hash(row, 1)? });
        Ok(connection.query_row(head, [self.table()], row).optional()?.unwrap_or_default())
    }

    /// What follows the newest entry; not written yet.
    pub(super) fn next(self, transaction: &Connection, body: String) -> Result<Entry, StoreError> {
        Ok(Entry::after(self.head(transaction)?, body))
    }

    /// Notes an entry that was written as the newest.
    pub(super) fn advance(self, transaction: &Connection, head: Head) -> Result<(), StoreError> {
        transaction.execute(
            "INSERT INTO chain_heads (chain, number, hash) VALUES (?1, ?2, ?3) \
             ON CONFLICT (chain) DO UPDATE SET number = excluded.number, hash = excluded.hash",
            params![self.table(), signed(head.number), head.hash.as_bytes()],
        )?;
        Ok(())
    }

    /// Entries after a number, in order.
    pub(super) fn page(self, connection: &Connection, after: u64) -> Result<Vec<Stored>, StoreError> {
        let query = format!(
            "SELECT number, previous, hash, body FROM {} WHERE number > ?1 ORDER BY number LIMIT ?2",
            self.table()
        );
        let mut statement = connection.prepare_cached(&query)?;
        let rows = statement.query_map(params![signed(after), PAGE], stored)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Visits all entries after a number, in order.
    pub(super) fn each(
        self,
        connection: &Connection,
        after: u64,
        mut visit: impl FnMut(Stored) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut after = after;
        loop {
            let page = self.page(connection, after)?;
            let Some(last) = page.last() else { return Ok(()) };
            if last.entry.number <= after {
                return Ok(());
            }
            after = last.entry.number;
            page.into_iter().try_for_each(&mut visit)?;
        }
    }

    /// The last of the oldest entries that were all written before `before`; of these at most so many.
    pub(super) fn oldest(
        self,
        connection: &Connection,
        before: UnixMillis,
        at_once: u64,
    ) -> Result<Option<u64>, StoreError> {
        // Numbers and times both rise, but clocks can step: an entry goes only with all before it.
        let query = format!(
            "SELECT coalesce((SELECT min(number) FROM {0} WHERE at_ms >= ?1), \
             (SELECT max(number) + 1 FROM {0})) - 1, (SELECT min(number) FROM {0})",
            self.table()
        );
        let row = |row: &Row<'_>| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?));
        let (through, first) = connection.query_row(&query, [signed(before.0)], row)?;
        let going = through.zip(first).filter(|(through, first)| through >= first);
        Ok(going.map(|(through, first)| unsigned(through).min(unsigned(first) + at_once - 1)))
    }

    /// The last of the oldest entries that are beyond `most`; of these at most so many.
    pub(super) fn beyond(
        self,
        connection: &Connection,
        most: u64,
        at_once: u64,
    ) -> Result<Option<u64>, StoreError> {
        let query = format!("SELECT min(number) FROM {}", self.table());
        let first = connection.query_row(&query, [], |row| row.get::<_, Option<i64>>(0))?.map(unsigned);
        let last = self.head(connection)?.number;
        Ok(first.and_then(|first| {
            let beyond = (last + 1).saturating_sub(first).saturating_sub(most);
            (beyond > 0).then(|| first + beyond.min(at_once) - 1)
        }))
    }

    /// The statement that all entries up to one go. `None`: it is not there.
    pub(super) fn removal(
        self,
        connection: &Connection,
        through: u64,
        why: String,
    ) -> Result<Option<Removed>, StoreError> {
        let query = format!("SELECT hash FROM {} WHERE number = ?1", self.table());
        let found = connection.query_row(&query, [signed(through)], |row| hash(row, 0)).optional()?;
        Ok(found.map(|hash| Removed { through, hash, why }))
    }

    /// Removes the entries up to one, of which an entry already says so.
    pub(super) fn cut(self, transaction: &Connection, through: u64) -> Result<(), StoreError> {
        transaction
            .execute(&format!("DELETE FROM {} WHERE number <= ?1", self.table()), [signed(through)])?;
        Ok(())
    }
}

fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    let entry = Entry { number: unsigned(row.get(0)?), previous: hash(row, 1)?, body: row.get(3)? };
    Ok(Stored { entry, hash: hash(row, 2)? })
}

/// A hash; what is none is told from all that are.
pub(super) fn hash(row: &Row<'_>, column: usize) -> rusqlite::Result<Hash> {
    let bytes: Vec<u8> = row.get(column)?;
    Ok(Hash::from_bytes(&bytes).unwrap_or(Hash::NONE))
}
