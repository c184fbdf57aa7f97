//! Values of the command line, checked.

use std::str::FromStr;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use serin_analysis::judge::NamedJudge;
use serin_trace::Packing;

/// Parts of the whole, in parts per million.
const WHOLE_PPM: u64 = 1_000_000;
/// Bytes of a reason, as in the contract.
const REASON_BYTES: usize = 1_000;
/// Bytes of the name of who asks.
const ACTOR_BYTES: usize = 128;
/// Longest deadline of a call.
const CALL_MAX: Duration = Duration::from_secs(3_600);
/// Shortest and longest recording, as in the contract.
const RECORDING: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(86_400));
/// Longest duration that can be written: ten years.
const DURATION_MAX: Duration = Duration::from_secs(10 * 365 * 86_400);

/// A canary weight, 0 to 1,000,000 parts per million.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Weight {
    pub(crate) ppm: u32,
}

impl FromStr for Weight {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, decimals) = match (text.strip_suffix('%'), text.strip_suffix("ppm")) {
            (Some(number), _) => (number, 4),
            (None, Some(number)) => (number, 0),
            (None, None) => return Err(format!("write {text}% or {text}ppm")),
        };
        let ppm = fixed_point(number.trim(), decimals)
            .ok_or("is not a number of percent (at most four decimals) or ppm (none)")?;
        if ppm > WHOLE_PPM {
            return Err("is more than 100%".to_owned());
        }
        Ok(Self { ppm: u32::try_from(ppm).map_err(|error| error.to_string())? })
    }
}

/// A decimal number times ten to the power of `decimals`. `None` if it is none, or not a whole one then.
fn fixed_point(number: &str, decimals: usize) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > decimals {
        return None;
    }
    if number.ends_with('.') {
        return None;
    }
    format!("{whole}{fraction:0<decimals$}").parse().ok()
}

/// Requests a second.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "is not a number of requests a second".to_owned())?;
    if (0.1..=20_000.0).contains(&rate) { Ok(rate) } else { Err("must be 0.1 to 20000".to_owned()) }
}

/// A median latency.
pub(super) fn latency(text: &str) -> Result<Duration, String> {
    let latency = duration(text)?;
    if (Duration::from_millis(1)..=Duration::from_secs(60)).contains(&latency) {
        Ok(latency)
    } else {
        Err("must be 1ms to 1m".to_owned())
    }
}

/// The judges of a replay, by name.
pub(super) fn judge() -> PossibleValuesParser {
    let others = NamedJudge::ALL.into_iter().map(NamedJudge::name);
    PossibleValuesParser::new(std::iter::once("serin").chain(others))
}

/// How long a recording may last.
pub(super) fn recording(text: &str) -> Result<Duration, String> {
    let lasting = duration(text)?;
    if (RECORDING.0..=RECORDING.1).contains(&lasting) {
        Ok(lasting)
    } else {
        Err("must be 1s to 24h".to_owned())
    }
}

/// How a recording is compressed.
pub(super) fn packing(text: &str) -> Result<Packing, String> {
    match text {
        "none" => Ok(Packing::Plain),
        "gzip" => Ok(Packing::Gzip),
        "zstd" => Ok(Packing::Zstd),
        _ => Err("must be none, gzip or zstd".to_owned()),
    }
}

/// A request header.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Header {
    /// In lower case.
    pub(crate) name: String,
    pub(crate) value: String,
}

impl FromStr for Header {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once(':').ok_or("write it as NAME: VALUE")?;
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(format!("{name:?} is not a header name"));
        }
        let value = value.trim();
        if value.chars().any(char::is_control) {
            return Err("the value holds a control character".to_owned());
        }
        Ok(Self { name: name.to_ascii_lowercase(), value: value.to_owned() })
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

pub(super) fn cookie(text: &str) -> Result<String, String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    let clean = !value.contains(|character: char| character == ';' || character.is_control());
    if name.is_empty() || !name.bytes().all(is_token) || !clean {
        return Err("write it as NAME=VALUE, without ';'; repeat --cookie for more".to_owned());
    }
    Ok(text.to_owned())
}

pub(super) fn method(text: &str) -> Result<String, String> {
    if text.is_empty() || !text.bytes().all(is_token) {
        return Err("is not a method such as GET".to_owned());
    }
    Ok(text.to_ascii_uppercase())
}

pub(super) fn path(text: &str) -> Result<String, String> {
    if !text.starts_with('/') || text.chars().any(|character| character.is_control() || character == ' ') {
        return Err("must begin with / and hold no spaces".to_owned());
    }
    Ok(text.to_owned())
}

/// Why a person acts.
pub(crate) fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.len() > REASON_BYTES {
        return Err(format!("must have 1 to {REASON_BYTES} bytes"));
    }
    Ok(text.to_owned())
}

/// A name that the server takes: not the one of automatic decisions.
pub(super) fn actor(text: &str) -> Result<String, String> {
    let visible = text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) && text.trim() == text;
    if !visible || text.is_empty() || text.len() > ACTOR_BYTES {
        return Err(format!("must be 1 to {ACTOR_BYTES} visible ASCII characters"));
    }
    if text.eq_ignore_ascii_case(serin_rollout::AUTOMATIC) {
        return Err("is the name of automatic decisions".to_owned());
    }
    Ok(text.to_owned())
}

pub(super) fn call_deadline(text: &str) -> Result<Duration, String> {
    let deadline = duration(text)?;
    if deadline > CALL_MAX { Err("is more than 1h".to_owned()) } else { Ok(deadline) }
}

/// Whole numbers with units, largest first or not: `90s`, `250ms`, `1h30m`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    const FORM: &str = "write it as 250ms, 90s, 30m, 2h or 1h30m";
    let mut rest = text;
    let mut total_ms: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit()).ok_or(FORM)?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|character: char| character.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let unit_ms: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(FORM.to_owned()),
        };
        let part = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit_ms)).ok_or(FORM)?;
        total_ms = total_ms.checked_add(part).ok_or(FORM)?;
        rest = tail;
    }
    let total = Duration::from_millis(total_ms);
    if total.is_zero() {
        return Err("must be more than nothing".to_owned());
    }
    if total > DURATION_MAX { Err("is more than ten years".to_owned()) } else { Ok(total) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_exact_to_the_part_per_million() {
        let ppm = |text: &str| text.parse::<Weight>().map(|weight| weight.ppm).ok();
        for (text, expected) in [
            ("25%", Some(250_000)),
            ("0%", Some(0)),
            ("100%", Some(1_000_000)),
            ("0.5%", Some(5_000)),
            ("12.3456%", Some(123_456)),
            ("0.0001%", Some(1)),
            ("250000ppm", Some(250_000)),
            ("25", None),
            ("100.0001%", None),
            ("1000001ppm", None),
            ("0.00001%", None),
            ("-1%", None),
            ("+1%", None),
            (".5%", None),
            ("5.%", None),
            ("1e1%", None),
            ("%", None),
            ("99999999999999999999%", None),
        ] {
            assert_eq!(ppm(text), expected, "{text}");
        }
    }

    #[test]
    fn a_duration_needs_a_unit_and_is_not_zero() {
        for (text, expected_ms) in [
            ("250ms", Some(250)),
            ("90s", Some(90_000)),
            ("1h30m", Some(5_400_000)),
            ("2d", Some(172_800_000)),
            ("0s", None),
            ("", None),
            ("10", None),
            ("s", None),
            ("1x", None),
            ("1.5s", None),
            ("-1s", None),
            ("99999999999999999999s", None),
            ("9999999999999999d", None),
        ] {
            assert_eq!(duration(text).ok(), expected_ms.map(Duration::from_millis), "{text}");
        }
        assert!(call_deadline("2h").is_err());
    }

    #[test]
    fn a_header_has_a_name_a_colon_and_a_value() {
        let header: Header = "X-User-Id:  ann ".parse().unwrap();
        assert_eq!((header.name.as_str(), header.value.as_str()), ("x-user-id", "ann"));
        for wrong in ["x", ": v", "a b: c", "x: a\u{1b}b"] {
            assert!(wrong.parse::<Header>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_cookie_cannot_smuggle_in_another_one() {
        assert!(cookie("sid=a=b").is_ok());
        assert!(cookie("sid=a; beta=1").is_err());
        assert!(cookie("=a").is_err());
    }
}
