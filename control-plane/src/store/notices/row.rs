//! Rows of deliveries.

use rusqlite::Row;
use rusqlite::types::Type;
use serin_rollout::{Severity, UnixMillis};

use super::{DeliveryState, StoredDelivery};
use crate::store::sqlite::unsigned;

/// What [`delivery`] reads.
pub(super) const COLUMNS: &str =
    "id, target, message, part, title, severity, state, attempts, created_ms, next_ms, error";

pub(super) fn delivery(row: &Row<'_>) -> rusqlite::Result<StoredDelivery> {
    let number = |column: usize| row.get(column).map(unsigned);
    let severity = match row.get::<_, i64>(5)? {
        0 => Severity::Info,
        1 => Severity::Warning,
        _ => Severity::Critical,
    };
    let state = match row.get::<_, String>(6)?.as_str() {
        "pending" => DeliveryState::Pending,
        "delivered" => DeliveryState::Delivered,
        "dead" => DeliveryState::Dead,
        _ => return Err(rusqlite::Error::InvalidColumnType(6, "state".to_owned(), Type::Text)),
    };
    Ok(StoredDelivery {
        id: number(0)?,
        target: row.get(1)?,
        message: row.get(2)?,
        part: row.get(3)?,
        title: row.get(4)?,
        severity,
        state,
        attempts: row.get(7)?,
        created: UnixMillis(number(8)?),
        next: UnixMillis(number(9)?),
        error: row.get(10)?,
    })
}

/// How a severity is ordered.
pub(super) fn severity(severity: Severity) -> i64 {
    match severity {
        Severity::Info => 0,
        Severity::Warning => 1,
        Severity::Critical => 2,
    }
}

impl DeliveryState {
    /// In lower case, as in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}
