//! Points in time, given by the caller.

use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

/// Where the time of Unix begins, in UTC.
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// Milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct UnixMillis(pub u64);

impl UnixMillis {
    /// Whole seconds since the Unix epoch.
    #[must_use]
    pub const fn second(self) -> u64 {
        self.0 / 1_000
    }

    /// As text in UTC, in a form of `strftime`. What lies beyond the calendar, which ends with the year 9999, is its end.
    #[must_use]
    pub fn utc(self, form: &str) -> String {
        let since = i64::try_from(self.0).map(SignedDuration::from_millis).unwrap_or(SignedDuration::MAX);
        EPOCH.saturating_add(since).strftime(form).to_string()
    }

    /// Time passed since `earlier`; zero when the clock went backwards.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_in_time_is_written_as_others_write_it() {
        // Expected values: python3, datetime.fromtimestamp(…, UTC).
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_767_225_600_001, "2026-01-01T00:00:00.001Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(UnixMillis(ms).utc("%Y-%m-%dT%H:%M:%S%.3fZ"), text);
        }
        assert_eq!(UnixMillis(u64::MAX).utc("%Y-%m-%d %H:%M:%S"), "9999-12-31 23:59:59");
    }
}
