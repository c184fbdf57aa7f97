//! The tables of counted reports. A report is acknowledged only after this is committed, so a crash neither loses
//! nor doubles a count.

use rusqlite::{Connection, Row, Transaction, params};

use super::sqlite::{signed, unsigned};
use super::{Counts, Ledger, Seen, Series, StoreError};
use crate::fleet::nodes::{FORGOTTEN_AFTER, VMS_LOADED};
use serin_analysis::Outcomes;
use serin_rollout::UnixMillis;

pub(super) fn load(connection: &Connection) -> Result<Ledger, StoreError> {
    let mut seen =
        connection.prepare("SELECT node, epoch, seq, at_ms FROM vms ORDER BY at_ms DESC LIMIT ?1")?;
    let mut counts = connection.prepare("SELECT * FROM counts")?;
    Ok(Ledger {
        seen: seen.query_map([VMS_LOADED], row_seen)?.collect::<Result<_, _>>()?,
        counts: counts.query_map([], row_counts)?.collect::<Result<_, _>>()?,
    })
}

pub(super) fn record(transaction: &Transaction<'_>, entries: &Ledger) -> Result<(), StoreError> {
    let mut newest = transaction.prepare_cached(
        "INSERT INTO vms (node, epoch, seq, at_ms) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (node, epoch) DO UPDATE SET seq = excluded.seq, at_ms = excluded.at_ms",
    )?;
    for Seen { node, epoch, seq, at } in &entries.seen {
        newest.execute(params![node, signed(*epoch), signed(*seq), signed(at.0)])?;
    }
    if let Some(now) = entries.seen.iter().map(|seen| seen.at).max() {
        let oldest = now.0.saturating_sub(u64::try_from(FORGOTTEN_AFTER.as_millis()).unwrap_or(u64::MAX));
        transaction.execute("DELETE FROM vms WHERE at_ms < ?1", [signed(oldest)])?;
    }
    let mut add = transaction.prepare_cached(
        "INSERT INTO counts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
         ON CONFLICT (service, component, arm) DO UPDATE SET \
         started = started + excluded.started, ok = ok + excluded.ok, \
         client_error = client_error + excluded.client_error, server_error = server_error + excluded.server_error, \
         timeout = timeout + excluded.timeout, connect_failure = connect_failure + excluded.connect_failure, \
         reset = reset + excluded.reset, overload = overload + excluded.overload, \
         cancelled = cancelled + excluded.cancelled",
    )?;
    for (Series { service, component, arm }, Counts { started, outcomes: o }) in &entries.counts {
        let [ok, client_error, server_error, timeout] =
            [o.ok, o.client_error, o.server_error, o.timeout].map(signed);
        let [connect, reset, overload, cancelled] =
            [o.connect_failure, o.reset, o.overload, o.cancelled].map(signed);
        add.execute(params![
            service,
            component,
            arm,
            signed(*started),
            ok,
            client_error,
            server_error,
            timeout,
            connect,
            reset,
            overload,
            cancelled
        ])?;
    }
    Ok(())
}

fn row_seen(row: &Row<'_>) -> rusqlite::Result<Seen> {
    let (epoch, seq) = (unsigned(row.get(1)?), unsigned(row.get(2)?));
    Ok(Seen { node: row.get(0)?, epoch, seq, at: UnixMillis(unsigned(row.get(3)?)) })
}

fn row_counts(row: &Row<'_>) -> rusqlite::Result<(Series, Counts)> {
    let series = Series { service: row.get(0)?, component: row.get(1)?, arm: row.get(2)? };
    let count = |column: usize| row.get(column).map(unsigned);
    let outcomes = Outcomes {
        ok: count(4)?,
        client_error: count(5)?,
        server_error: count(6)?,
        timeout: count(7)?,
        connect_failure: count(8)?,
        reset: count(9)?,
        overload: count(10)?,
        cancelled: count(11)?,
    };
    Ok((series, Counts { started: count(3)?, outcomes }))
}
