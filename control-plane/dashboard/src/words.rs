//! Numbers, times and names of things, as pages say them: each number with its unit.

use prost_types::Timestamp;
use serin_proto::admin::v1 as api;

/// A count with its thousands set apart: `12,500`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && index % 3 == first {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun: `1 request`, `12 requests`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// A number with three digits that count, without superfluous zeros.
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let size = value.abs();
    let decimals = if size >= 100.0 || size == 0.0 {
        0
    } else if size >= 10.0 {
        1
    } else if size >= 1.0 {
        2
    } else {
        3
    };
    if (10_000.0..1e15).contains(&size) {
        let sign = if value < 0.0 { "−" } else { "" };
        return format!("{sign}{}", count(whole(size)));
    }
    trimmed(&format!("{value:.decimals$}"))
}

fn trimmed(text: &str) -> String {
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
    let text = if text == "-0" { "0" } else { text };
    text.replacen('-', "−", 1)
}

/// The nearest whole number, 0 for what is none.
pub(crate) fn whole(value: f64) -> u64 {
    // Casts from floats saturate.
    value.round() as u64
}

/// A number as a float: what is too large to be exact is rounded.
pub(crate) const fn float(number: u64) -> f64 {
    number as f64
}

/// A share from 0 to 1 in percent: `0.25 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{} %", number(share * 100.0))
}

/// Parts per million in percent, with as many digits as it needs: `5 %`, `0.01 %`.
pub(crate) fn weight(ppm: u32) -> String {
    let (whole, rest) = (ppm / 10_000, ppm % 10_000);
    let rest = format!("{rest:04}");
    let rest = rest.trim_end_matches('0');
    if rest.is_empty() { format!("{whole} %") } else { format!("{whole}.{rest} %") }
}

/// A share of something; 0 of nothing.
pub(crate) fn share(part: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { float(part) / float(all) }
}

/// Requests in a number of seconds, by the second.
pub(crate) fn rate(requests: u64, seconds: u64) -> String {
    let per_second = if seconds == 0 { 0.0 } else { float(requests) / float(seconds) };
    format!("{}/s", number(per_second))
}

/// A latency: `85 µs`, `12.5 ms`, `3.2 s`.
pub(crate) fn latency(us: f64) -> String {
    if us < 1_000.0 {
        format!("{} µs", number(us.round()))
    } else if us < 10_000_000.0 {
        format!("{} ms", number(us / 1_000.0))
    } else {
        format!("{} s", number(us / 1e6))
    }
}

/// A time span in its two largest units: `2 h 5 min`, `40 s`, `250 ms`.
pub(crate) fn span(ms: u64) -> String {
    if ms < 1_000 {
        return format!("{ms} ms");
    }
    if ms < 10_000 && !ms.is_multiple_of(1_000) {
        return format!("{} s", number(float(ms) / 1_000.0));
    }
    let (mut rest, mut parts) = (ms / 1_000, Vec::new());
    for (size, unit) in [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")] {
        if rest >= size {
            parts.push(format!("{} {unit}", rest / size));
            rest %= size;
        }
    }
    parts.truncate(2);
    parts.join(" ")
}

/// Odds, from the natural logarithm of evidence: `412 : 1`.
pub(crate) fn odds(log_evidence: f64) -> String {
    if !log_evidence.is_finite() {
        return "none".to_owned();
    }
    if log_evidence >= 1e6_f64.ln() {
        return "over 1,000,000 : 1".to_owned();
    }
    if log_evidence <= 0.0 {
        return "even or less".to_owned();
    }
    let odds = log_evidence.exp();
    if odds < 10.0 { format!("{} : 1", number(odds)) } else { format!("{} : 1", count(whole(odds))) }
}

/// Unix milliseconds of a moment. 0: it is absent or before 1970.
pub(crate) fn millis(at: Option<&Timestamp>) -> u64 {
    let Some(at) = at else { return 0 };
    let seconds = u64::try_from(at.seconds).unwrap_or_default();
    let millis = u64::try_from(at.nanos / 1_000_000).unwrap_or_default();
    seconds.saturating_mul(1_000).saturating_add(millis)
}

/// A verdict as a word.
pub(crate) const fn verdict(verdict: api::Verdict) -> &'static str {
    match verdict {
        api::Verdict::Healthy => "healthy",
        api::Verdict::Regressed => "regressed",
        api::Verdict::Inconclusive | api::Verdict::Unspecified => "inconclusive",
    }
}

/// A phase as words.
pub(crate) const fn phase(phase: api::Phase) -> &'static str {
    match phase {
        api::Phase::WarmingUp => "warming up",
        api::Phase::Progressing => "progressing",
        api::Phase::Paused => "paused",
        api::Phase::Completing => "completing",
        api::Phase::Promoted => "promoted",
        api::Phase::RolledBack => "rolled back",
        api::Phase::RollingBack => "rolling back",
        api::Phase::Failed => "failed",
        api::Phase::Unspecified => "unknown",
    }
}

/// Whether a rollout is under way: it has no terminal phase.
pub(crate) const fn is_under_way(phase: api::Phase) -> bool {
    !matches!(phase, api::Phase::Promoted | api::Phase::RolledBack | api::Phase::Failed)
}

/// A granularity as a word.
pub(crate) const fn granularity(granularity: api::Granularity) -> &'static str {
    match granularity {
        api::Granularity::Coarse | api::Granularity::Unspecified => "coarse",
        api::Granularity::Medium => "medium",
        api::Granularity::Fine => "fine",
    }
}

/// What a rollback of a granularity undoes, in words.
pub(crate) const fn undoes(granularity: api::Granularity) -> &'static str {
    match granularity {
        api::Granularity::Coarse | api::Granularity::Unspecified => "the whole version",
        api::Granularity::Medium => "this component",
        api::Granularity::Fine => "one block of its code",
    }
}

/// Why a regression that shows is not undone, as a sentence.
pub(crate) const fn veto(veto: api::Veto) -> &'static str {
    match veto {
        api::Veto::OlderThanExposure => {
            "The failures were there before the canary got these requests: they only moved to it."
        }
        api::Veto::BothArmsWorse => {
            "The baseline became worse too, in the same seconds: something shared is broken."
        }
        api::Veto::BaselineUnhealthy => "The baseline fails so much that a comparison means nothing.",
        api::Veto::TooLittleTraffic => "Too few requests since the harm began.",
        api::Veto::DataGap => "Seconds are missing, or clocks jumped, where the harm began.",
        api::Veto::FewUsers => "One or two users fail, and the others fare no worse than on the baseline.",
        api::Veto::Unspecified => "A reason that this page does not know.",
    }
}

/// A signal in words.
pub(crate) fn signal(name: &str) -> &str {
    match name {
        "error_rate" => "error rate",
        "share" => "share of the requests",
        other => other,
    }
}

/// A category of failures in words.
pub(crate) fn category(name: &str) -> &str {
    match name {
        "server_error" => "server errors",
        "timeout" => "timeouts",
        "connect_failure" => "failed connections",
        "reset" => "broken connections",
        "overload" => "refusals for load",
        "client_error" => "client errors",
        "cancelled" => "cancelled requests",
        other => other,
    }
}

/// What the canary was compared with, after a value: `usual at this hour`.
pub(crate) const fn compared_with(used: api::BaselineUsed) -> &'static str {
    match used {
        api::BaselineUsed::Concurrent | api::BaselineUsed::Unspecified => "the baseline beside it",
        api::BaselineUsed::Profile => "what is usual at this hour",
        api::BaselineUsed::PreviousDeployment => "the previous deployment at this age",
        api::BaselineUsed::Thresholds => "what the plan's limits allow",
        api::BaselineUsed::Nothing => "nothing: no baseline is known",
    }
}

/// A word of the contract such as `rolled_back`, as words.
pub(crate) fn plain(name: &str) -> String {
    name.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_as_people_read_them() {
        assert_eq!([number(0.0), number(0.12345), number(1.5), number(99.96)], ["0", "0.123", "1.5", "100"]);
        assert_eq!([number(-0.0001), number(-2.5), number(123_456.7)], ["0", "−2.5", "123,457"]);
        assert_eq!(
            [weight(0), weight(50_000), weight(125_000), weight(1)],
            ["0 %", "5 %", "12.5 %", "0.0001 %"]
        );
        assert_eq!([latency(85.0), latency(12_500.0), latency(2.5e7)], ["85 µs", "12.5 ms", "25 s"]);
        assert_eq!(
            [span(250), span(1_400), span(40_000), span(7_512_000)],
            ["250 ms", "1.4 s", "40 s", "2 h 5 min"]
        );
        assert_eq!([odds(6.02), odds(0.0), odds(99.0)], ["412 : 1", "even or less", "over 1,000,000 : 1"]);
        assert_eq!([rate(120, 60), rate(1, 60), rate(5, 0)], ["2/s", "0.017/s", "0/s"]);
        assert_eq!([counted(1, "request"), counted(12_500, "request")], ["1 request", "12,500 requests"]);
    }
}
