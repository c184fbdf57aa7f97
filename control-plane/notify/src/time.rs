//! Points in time as RFC 3339 writes them, in UTC.

use serin_rollout::UnixMillis;

/// For example `2026-01-31T12:00:00.250Z`.
pub(crate) fn rfc3339(at: UnixMillis) -> String {
    at.utc("%Y-%m-%dT%H:%M:%S%.3fZ")
}
