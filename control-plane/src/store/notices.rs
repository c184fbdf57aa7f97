//! What targets outside are told: the part of the store that the notifier uses.
//!
//! What was read of the journal, what is gathered from it and the deliveries that follow are written in one transaction, so a
//! crash neither loses nor doubles a delivery. A delivery is pending until it is delivered or dead. Pending ones have a bound for
//! each target, beyond which the least urgent, oldest one is given up; of dead and delivered ones the newest are kept.

mod form;
mod row;

use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};
use serin_notify::Message;
use serin_rollout::UnixMillis;

use super::sqlite::{signed, unsigned};
use super::{SqliteStore, StoreError};
pub use form::{
    DeliveryState, NewDelivery, Noted, NotifierState, Settled, StoredDelivery, TargetCounts, Which,
};
use row::{COLUMNS, delivery, severity};

/// Deliveries of one target that may be pending.
pub const PENDING_MAX: u64 = 1_000;
/// Delivered ones that are kept, of all targets together.
const DELIVERED_KEPT: u64 = 1_000;

/// What targets are told, durably.
pub trait Notices {
    /// How far the journal was read. The first time, its end.
    ///
    /// # Errors
    /// When the medium fails.
    fn notifier(&mut self) -> Result<NotifierState, StoreError>;

    /// Writes what was read and what follows from it: all or nothing. A delivery that is there already stays as it is.
    ///
    /// # Errors
    /// When the medium fails.
    fn note(&mut self, noted: &Noted) -> Result<(), StoreError>;

    /// The first event of a rollout, as JSON.
    ///
    /// # Errors
    /// When the medium fails.
    fn first_event(&mut self, rollout_id: &str) -> Result<Option<String>, StoreError>;

    /// The pending delivery of a target that is to be sent first. What tells of an incident waits for what told of it before.
    ///
    /// # Errors
    /// When the medium fails.
    fn next_delivery(&mut self, target: &str) -> Result<Option<StoredDelivery>, StoreError>;

    /// Writes what became of an attempt.
    ///
    /// # Errors
    /// When the medium fails.
    fn settle(&mut self, settled: &Settled) -> Result<(), StoreError>;

    /// What is pending and dead, by target.
    ///
    /// # Errors
    /// When the medium fails.
    fn delivery_counts(&mut self) -> Result<Vec<TargetCounts>, StoreError>;

    /// Deliveries in a state, the newest first.
    ///
    /// # Errors
    /// When the medium fails.
    fn deliveries(&mut self, state: DeliveryState, limit: u32) -> Result<Vec<StoredDelivery>, StoreError>;

    /// Gives up what is pending for targets other than these, which are not configured any more.
    ///
    /// # Errors
    /// When the medium fails.
    fn give_up_others(&mut self, targets: &[String], now: UnixMillis) -> Result<(), StoreError>;

    /// Makes dead deliveries pending, with all their attempts. Gives how many.
    ///
    /// # Errors
    /// When the medium fails.
    fn revive(&mut self, which: &Which, now: UnixMillis) -> Result<u64, StoreError>;
}

impl Notices for SqliteStore {
    fn notifier(&mut self) -> Result<NotifierState, StoreError> {
        let end = "INSERT OR IGNORE INTO notifier SELECT 1, coalesce(max(sequence), 0), '{}' FROM journal";
        self.connection.execute(end, [])?;
        let read =
            |row: &rusqlite::Row<'_>| Ok(NotifierState { cursor: unsigned(row.get(0)?), desk: row.get(1)? });
        Ok(self.connection.query_row("SELECT cursor, desk FROM notifier", [], read)?)
    }

    fn note(&mut self, noted: &Noted) -> Result<(), StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let NotifierState { cursor, desk } = &noted.state;
        transaction.execute("UPDATE notifier SET cursor = ?1, desk = ?2", params![signed(*cursor), desk])?;
        for new in &noted.deliveries {
            insert(&transaction, new, noted.at)?;
        }
        let mut targets: Vec<&str> = noted.deliveries.iter().map(|new| new.message.target.as_str()).collect();
        targets.sort_unstable();
        targets.dedup();
        for target in targets {
            make_room(&transaction, target, noted.at)?;
        }
        prune(&transaction, noted.keep_dead)?;
        transaction.commit()?;
        Ok(())
    }

    fn first_event(&mut self, rollout_id: &str) -> Result<Option<String>, StoreError> {
        let first = "SELECT json FROM journal WHERE rollout_id = ?1 AND revision = 1";
        Ok(self.connection.query_row(first, [rollout_id], |row| row.get(0)).optional()?)
    }

    fn next_delivery(&mut self, target: &str) -> Result<Option<StoredDelivery>, StoreError> {
        let mut next = self.connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM deliveries AS later WHERE target = ?1 AND state = 'pending' AND NOT EXISTS \
             (SELECT 1 FROM deliveries AS earlier WHERE earlier.target = ?1 AND earlier.state = 'pending' \
             AND earlier.incident = later.incident AND earlier.id < later.id) ORDER BY next_ms, id LIMIT 1"
        ))?;
        Ok(next.query_row([target], delivery).optional()?)
    }

    fn settle(&mut self, settled: &Settled) -> Result<(), StoreError> {
        let Settled { id, state, next, error, keep_dead } = settled;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute(
            "UPDATE deliveries SET state = ?2, next_ms = ?3, error = ?4, attempts = attempts + 1 WHERE id = ?1",
            params![signed(*id), state.name(), signed(next.0), error],
        )?;
        if *state != DeliveryState::Pending {
            prune(&transaction, *keep_dead)?;
        }
        transaction.commit()?;
        Ok(())
    }

    fn delivery_counts(&mut self) -> Result<Vec<TargetCounts>, StoreError> {
        // SQLite takes the bare column `error` from the row that has the minimum.
        let mut all = self.connection.prepare_cached(
            "SELECT target, count(*), min(created_ms), error, \
             (SELECT count(*) FROM deliveries AS dead WHERE dead.target = live.target AND dead.state = 'dead') \
             FROM deliveries AS live WHERE state = 'pending' GROUP BY target \
             UNION ALL SELECT target, 0, NULL, NULL, count(*) FROM deliveries WHERE state = 'dead' AND target NOT IN \
             (SELECT target FROM deliveries WHERE state = 'pending') GROUP BY target",
        )?;
        let read = |row: &rusqlite::Row<'_>| {
            Ok(TargetCounts {
                target: row.get(0)?,
                pending: unsigned(row.get(1)?),
                oldest: row.get::<_, Option<i64>>(2)?.map(|at| UnixMillis(unsigned(at))),
                error: row.get(3)?,
                dead: unsigned(row.get(4)?),
            })
        };
        Ok(all.query_map([], read)?.collect::<Result<_, _>>()?)
    }

    fn deliveries(&mut self, state: DeliveryState, limit: u32) -> Result<Vec<StoredDelivery>, StoreError> {
        let mut newest = self.connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM deliveries WHERE state = ?1 ORDER BY id DESC LIMIT ?2"
        ))?;
        Ok(newest.query_map(params![state.name(), limit], delivery)?.collect::<Result<_, _>>()?)
    }

    fn give_up_others(&mut self, targets: &[String], now: UnixMillis) -> Result<(), StoreError> {
        let known = serde_json::Value::from(targets).to_string();
        self.connection.execute(
            "UPDATE deliveries SET state = 'dead', next_ms = ?2, error = 'the target is not configured any more' \
             WHERE state = 'pending' AND target NOT IN (SELECT value FROM json_each(?1))",
            params![known, signed(now.0)],
        )?;
        Ok(())
    }

    fn revive(&mut self, which: &Which, now: UnixMillis) -> Result<u64, StoreError> {
        let (target, id) = match which {
            Which::Target(target) => (Some(target), None),
            Which::Id(id) => (None, Some(signed(*id))),
        };
        let revived = self.connection.execute(
            "UPDATE deliveries SET state = 'pending', attempts = 0, next_ms = ?3 \
             WHERE state = 'dead' AND (target = ?1 OR id = ?2)",
            params![target, id, signed(now.0)],
        )?;
        Ok(revived as u64)
    }
}

fn insert(transaction: &Transaction<'_>, new: &NewDelivery, at: UnixMillis) -> Result<(), StoreError> {
    let NewDelivery { message, part } = new;
    let json = serde_json::to_string(message)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    let mut insert = transaction.prepare_cached(
        "INSERT OR IGNORE INTO deliveries \
         (target, key, part, message, title, severity, state, created_ms, next_ms, incident) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'pending', ?7, ?7, ?8)",
    )?;
    let Message { target, key, incident, .. } = message;
    let (title, urgency, at) = (message.title(), severity(message.severity), signed(at.0));
    let incident = incident.as_ref().map(|incident| &incident.key);
    insert.execute(params![target, key, part, json, title, urgency, at, incident])?;
    Ok(())
}

/// Gives up what is pending beyond the bound: the least urgent first, and of these the oldest.
fn make_room(transaction: &Transaction<'_>, target: &str, now: UnixMillis) -> Result<(), StoreError> {
    let pending = "SELECT count(*) FROM deliveries WHERE target = ?1 AND state = 'pending'";
    let pending = unsigned(transaction.query_row(pending, [target], |row| row.get(0))?);
    transaction.execute(
        "UPDATE deliveries SET state = 'dead', next_ms = ?2, error = 'too many were pending' WHERE id IN \
         (SELECT id FROM deliveries WHERE target = ?1 AND state = 'pending' ORDER BY severity, id LIMIT ?3)",
        params![target, signed(now.0), signed(pending.saturating_sub(PENDING_MAX))],
    )?;
    Ok(())
}

fn prune(transaction: &Transaction<'_>, keep_dead: u64) -> Result<(), StoreError> {
    for (state, kept) in [("delivered", DELIVERED_KEPT), ("dead", keep_dead)] {
        transaction.execute(
            "DELETE FROM deliveries WHERE state = ?1 AND id <= \
             (SELECT id FROM deliveries WHERE state = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
            params![state, signed(kept)],
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
