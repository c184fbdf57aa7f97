//! Times, numbers and text from outside, in a document.

use serin_rollout::UnixMillis;

/// `2026-01-31 12:00:00 UTC`.
pub(super) fn utc(second: u64) -> String {
    at(UnixMillis(second.saturating_mul(1_000)))
}

pub(super) fn at(moment: UnixMillis) -> String {
    moment.utc("%Y-%m-%d %H:%M:%S UTC")
}

/// `2 h 5 min`, `40 s`, `1.3 s`, `250 ms`.
pub(super) fn lasting(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0 => format!("{ms} ms"),
        1..=9 => format!("{}.{} s", seconds, ms % 1_000 / 100),
        10..=59 => format!("{seconds} s"),
        60..=3_599 if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        60..=3_599 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
    }
}

/// `12,500`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && index % 3 == first {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `4.2 %` of a share.
pub(super) fn percent(share: f64) -> String {
    if share > 0.0 && share < 0.001 {
        format!("{:.3} %", share * 100.0)
    } else {
        format!("{:.1} %", share * 100.0)
    }
}

/// Parts per million as `25 %`.
pub(super) fn weight(ppm: u32) -> String {
    let text = format!("{}.{:04}", ppm / 10_000, ppm % 10_000);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Text from outside as a part of a line: nothing in it is markup, and it begins no line.
pub(super) fn plain(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// `a, b and c`.
pub(super) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
