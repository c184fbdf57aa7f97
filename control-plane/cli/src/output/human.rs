//! Numbers and times for people. JSON never uses them.

use std::time::Duration;

use serin_rollout::UnixMillis;

/// Parts per million as percent, without needless zeros: `25%`, `0.5%`.
pub(crate) fn percent(ppm: u32) -> String {
    let text = format!("{}.{:04}", ppm / 10_000, ppm % 10_000);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

/// The two largest units, exact below a minute: `250ms`, `1.5s`, `45s`, `1m 30s`, `2h`, `3d 4h`.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds < 60 && duration.subsec_millis() != 0 {
        return if seconds == 0 {
            format!("{}ms", duration.subsec_millis())
        } else {
            let text = format!("{seconds}.{:03}", duration.subsec_millis());
            format!("{}s", text.trim_end_matches('0'))
        };
    }
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    let units = [(days, "d"), (hours, "h"), (minutes, "m"), (seconds % 60, "s")];
    let shown: Vec<String> = units
        .iter()
        .skip_while(|(number, _)| *number == 0)
        .take(2)
        .filter(|(number, _)| *number != 0)
        .map(|(number, unit)| format!("{number}{unit}"))
        .collect();
    if shown.is_empty() { "0s".to_owned() } else { shown.join(" ") }
}

/// `just now`, or the time that has passed in its largest unit: `3m ago`.
pub(crate) fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0..=1 => "just now".to_owned(),
        2..=59 => format!("{seconds}s ago"),
        60..=3_599 => format!("{}m ago", seconds / 60),
        3_600..=86_399 => format!("{}h ago", seconds / 3_600),
        _ => format!("{}d ago", seconds / 86_400),
    }
}

/// Microseconds with three significant digits: `850µs`, `12.3ms`, `1.25s`.
pub(crate) fn latency(microseconds: u64) -> String {
    match microseconds {
        0..=999 => format!("{microseconds}µs"),
        1_000..=999_999 => format!("{}ms", thousandths(microseconds)),
        _ => format!("{}s", thousandths(microseconds / 1_000)),
    }
}

/// A number of thousandths with three significant digits, cut off.
fn thousandths(number: u64) -> String {
    let (whole, fraction) = (number / 1_000, number % 1_000);
    let decimals = match whole {
        0..=9 => format!("{whole}.{:02}", fraction / 10),
        10..=99 => format!("{whole}.{}", fraction / 100),
        _ => whole.to_string(),
    };
    if decimals.contains('.') {
        decimals.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        decimals
    }
}

/// A number with separated thousands: `12,345`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index != 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A Unix second as UTC: `2026-01-31T12:00:00Z`.
pub(crate) fn utc(second: u64) -> String {
    UnixMillis(second.saturating_mul(1_000)).utc("%Y-%m-%dT%H:%M:%SZ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_are_exact_and_short() {
        let cases = [
            (0, "0%"),
            (1, "0.0001%"),
            (5_000, "0.5%"),
            (250_000, "25%"),
            (123_456, "12.3456%"),
            (1_000_000, "100%"),
        ];
        for (ppm, expected) in cases {
            assert_eq!(percent(ppm), expected);
        }
    }

    #[test]
    fn durations_show_their_two_largest_units() {
        let cases = [
            (0, "0s"),
            (250, "250ms"),
            (1_500, "1.5s"),
            (45_000, "45s"),
            (90_000, "1m 30s"),
            (7_200_000, "2h"),
            (3_605_000, "1h"),
            (273_600_000, "3d 4h"),
        ];
        for (milliseconds, expected) in cases {
            assert_eq!(duration(Duration::from_millis(milliseconds)), expected);
        }
    }

    #[test]
    fn latencies_and_counts_are_readable() {
        let cases =
            [(850, "850µs"), (1_000, "1ms"), (12_345, "12.3ms"), (120_000, "120ms"), (1_250_000, "1.25s")];
        for (microseconds, expected) in cases {
            assert_eq!(latency(microseconds), expected);
        }
        assert_eq!((count(0), count(999), count(1_234_567)), ("0".into(), "999".into(), "1,234,567".into()));
    }

    #[test]
    fn seconds_are_shown_as_utc() {
        for (second, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_800_000_042, "2027-01-15T08:00:42Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(utc(second), text);
        }
    }
}
