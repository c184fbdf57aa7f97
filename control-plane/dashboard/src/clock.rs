//! Moments as text, in UTC: a server does not know where its reader is, and all readers of a part get the same text.

use jiff::SignedDuration;
use jiff::civil::DateTime;
use maud::{Markup, html};
use prost_types::Timestamp;

use crate::words::millis;

/// Where the time of Unix begins, in UTC.
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

fn written(ms: u64, form: &str) -> String {
    let since = i64::try_from(ms).map(SignedDuration::from_millis).unwrap_or(SignedDuration::MAX);
    EPOCH.saturating_add(since).strftime(form).to_string()
}

/// `12:03:10`.
pub(crate) fn time(ms: u64) -> String {
    written(ms, "%H:%M:%S")
}

/// `12:03`.
pub(crate) fn minute(ms: u64) -> String {
    written(ms, "%H:%M")
}

/// `2026-11-30`.
pub(crate) fn date(ms: u64) -> String {
    written(ms, "%Y-%m-%d")
}

/// `2026-11-30T12:03:10Z`.
pub(crate) fn rfc3339(ms: u64) -> String {
    written(ms, "%Y-%m-%dT%H:%M:%SZ")
}

/// A moment as an element: the time alone if it is of the same day as `now_ms`, else with its date. A dash: it is absent.
pub(crate) fn moment(at: Option<&Timestamp>, now_ms: u64) -> Markup {
    let ms = millis(at);
    if ms == 0 {
        return html! { "–" };
    }
    let shown = if date(ms) == date(now_ms) { time(ms) } else { format!("{} {}", date(ms), time(ms)) };
    html! { time datetime=(rfc3339(ms)) { (shown) } }
}

/// A moment with its date, whatever day it is.
pub(crate) fn full(at: Option<&Timestamp>) -> Markup {
    let ms = millis(at);
    if ms == 0 {
        return html! { "–" };
    }
    html! { time datetime=(rfc3339(ms)) { (date(ms)) " " (time(ms)) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_calendar() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(951_782_399_000), "2000-02-28T23:59:59Z");
        assert_eq!(rfc3339(951_868_800_000), "2000-03-01T00:00:00Z");
        assert_eq!(rfc3339(1_796_000_590_000), "2026-11-30T01:03:10Z");
        assert_eq!(date(4_107_456_000_000), "2100-02-28");
        assert_eq!(date(4_107_542_400_000), "2100-03-01");
    }
}
