//! Proportions (`5%`, `{ppm: 500}`) and durations (`90s`, `1h30m`) as they are written, and what they mean.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serin_proto::assignment::Weight;

/// A part of the whole as it is written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Proportion {
    /// A percentage.
    Text(String),
    /// Parts per million.
    Ppm(u64),
}

/// A duration as it is written.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub(super) struct Span(pub(super) String);

/// A number of requests a second as it is written.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub(super) struct Rate(pub(super) String);

/// What a rate must look like.
pub(super) const RATE: &str = "a rate such as 500rps or 0.5rps, with at most three decimals";
/// What a percentage must look like.
pub(super) const PERCENTAGE: &str =
    "a percentage such as 5% or 0.01%, with at most four decimals, or {ppm: 500}";
/// What a duration must look like.
pub(super) const DURATION: &str = "a duration such as 500ms, 90s, 5m, 1h30m or 2d";

impl Proportion {
    /// `None`: not of the form, or above 100 %.
    pub(super) fn value(&self) -> Option<Weight> {
        match self {
            Self::Text(text) => percentage(text),
            Self::Ppm(ppm) => u32::try_from(*ppm).ok().and_then(Weight::from_ppm),
        }
    }
}

impl Span {
    /// `None`: not of the form, or longer than can be counted.
    pub(super) fn value(&self) -> Option<Duration> {
        const UNITS: [(&str, u64); 5] =
            [("d", 86_400_000), ("h", 3_600_000), ("ms", 1), ("m", 60_000), ("s", 1_000)];
        let mut rest = self.0.as_str();
        let mut total = 0_u64;
        let mut last_size = u64::MAX;
        while !rest.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, after) = rest.split_at_checked(digits)?;
            let number: u64 = number.parse().ok()?;
            let (unit, size) = UNITS.iter().find(|(unit, _)| after.starts_with(unit))?;
            if *size >= last_size {
                return None;
            }
            last_size = *size;
            total = total.checked_add(number.checked_mul(*size)?)?;
            rest = after.strip_prefix(unit)?;
        }
        (!self.0.is_empty()).then(|| Duration::from_millis(total))
    }
}

impl Rate {
    /// In a thousand seconds. `None`: not of the form, or not above 0.
    pub(super) fn value(&self) -> Option<u64> {
        let number = self.0.strip_suffix("rps")?.trim_end();
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || decimals.len() > 3 || whole.len() > 9 {
            return None;
        }
        let (whole, decimals) = (whole.parse::<u64>().ok()?, format!("{decimals:0<3}").parse::<u64>().ok()?);
        Some(whole * 1_000 + decimals).filter(|millirps| *millirps > 0)
    }
}

/// Exact: the digits are moved, never rounded.
pub(super) fn percentage(text: &str) -> Option<Weight> {
    let number = text.strip_suffix('%')?.trim_end();
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || decimals.len() > 4 {
        return None;
    }
    let whole: u32 = whole.parse().ok()?;
    let decimals: u32 = format!("{decimals:0<4}").parse().ok()?;
    Weight::from_ppm(whole.checked_mul(10_000)?.checked_add(decimals)?)
}

impl<'de> Deserialize<'de> for Proportion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ProportionVisitor)
    }
}

struct ProportionVisitor;

impl<'de> Visitor<'de> for ProportionVisitor {
    type Value = Proportion;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(PERCENTAGE)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Proportion, E> {
        Ok(Proportion::Text(text.to_owned()))
    }

    // A bare number has no unit: it is kept as text, and refused with its place by the check.
    fn visit_u64<E: Error>(self, number: u64) -> Result<Proportion, E> {
        Ok(Proportion::Text(number.to_string()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Proportion, E> {
        Ok(Proportion::Text(number.to_string()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Proportion, E> {
        Ok(Proportion::Text(number.to_string()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Proportion, A::Error> {
        let mut ppm = None;
        while let Some(key) = map.next_key::<String>()? {
            if key != "ppm" {
                return Err(A::Error::unknown_field(&key, &["ppm"]));
            }
            if ppm.replace(map.next_value()?).is_some() {
                return Err(A::Error::duplicate_field("ppm"));
            }
        }
        ppm.map(Proportion::Ppm).ok_or_else(|| A::Error::missing_field("ppm"))
    }
}

impl JsonSchema for Proportion {
    fn schema_name() -> Cow<'static, str> {
        "Proportion".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A part of the whole: a percentage with at most four decimals, or parts per million.",
            "oneOf": [
                { "type": "string", "pattern": r"^(100(\.0{1,4})?|[0-9]{1,2}(\.[0-9]{1,4})?) *%$" },
                {
                    "type": "object",
                    "properties": { "ppm": { "type": "integer", "minimum": 0, "maximum": 1_000_000 } },
                    "required": ["ppm"],
                    "additionalProperties": false
                }
            ]
        })
    }
}

impl JsonSchema for Rate {
    fn schema_name() -> Cow<'static, str> {
        "Rate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Requests a second, with at most three decimals: 500rps, 0.5rps.",
            "type": "string",
            "pattern": "^[0-9]{1,9}([.][0-9]{1,3})? *rps$"
        })
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A duration of at most 30 days: 500ms, 90s, 5m, 1h30m, 2d.",
            "type": "string",
            "pattern": "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$",
            "minLength": 2
        })
    }
}
