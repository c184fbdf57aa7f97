//! A point in time as the server gave it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};

/// A point in time: its RFC 3339 text, and its distance from the epoch to compute ages with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Moment {
    text: String,
    since_epoch: Duration,
}

impl Moment {
    /// `text` is RFC 3339 in UTC; `seconds` and `nanos` count from the epoch. A time before it counts as the epoch.
    pub(crate) fn new(text: String, seconds: i64, nanos: i32) -> Self {
        let since_epoch = Duration::new(
            u64::try_from(seconds).unwrap_or(0),
            u32::try_from(nanos).unwrap_or(0).min(999_999_999),
        );
        Self { text, since_epoch }
    }

    /// To the second, for tables: `2026-01-31T12:00:00Z`.
    pub(crate) fn to_seconds(&self) -> String {
        match self.text.split_once('.') {
            Some((seconds, _)) => format!("{seconds}Z"),
            None => self.text.clone(),
        }
    }

    /// Since the beginning of Unix time.
    pub(crate) const fn since_epoch(&self) -> Duration {
        self.since_epoch
    }

    /// How long after another it was; zero for the past.
    pub(crate) fn after(&self, other: &Self) -> Duration {
        self.since_epoch.saturating_sub(other.since_epoch)
    }

    /// How long ago it was; zero for the future, since clocks differ.
    pub(crate) fn age(&self, now: SystemTime) -> Duration {
        now.duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(self.since_epoch)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// As it is written.
#[cfg(test)]
impl schemars::JsonSchema for Moment {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Moment".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "date-time",
            "description": "A point in time: RFC 3339, in UTC.",
        })
    }
}
