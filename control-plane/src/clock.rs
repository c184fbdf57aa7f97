//! The one place that asks what time it is. Everything else takes the answer as an argument.

use std::time::{SystemTime, UNIX_EPOCH};

use serin_rollout::UnixMillis;

/// What the system's clock says.
#[must_use]
pub fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
