//! Numbers as exporters write them: a whole number may come as `5` or as `5.0`.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::{Serialize, Serializer};

/// Highest count that is taken; the sum of any second stays far below 2^64.
pub(crate) const COUNT_MAX: u64 = 1 << 40;
/// Whole numbers beyond this are not exact as floating point.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// A whole number from 0.
#[derive(Clone, Copy, Debug, Default, Eq, JsonSchema, PartialEq, Serialize)]
#[schemars(transparent)]
pub(crate) struct Count(#[schemars(range(min = 0, max = 1_099_511_627_776_u64))] pub(crate) u64);

/// A latency in µs, rounded down.
#[derive(Clone, Copy, Debug, Default, Eq, JsonSchema, PartialEq)]
pub(crate) struct Micros(#[schemars(with = "f64", range(min = 0))] pub(crate) u64);

/// A Unix time in whole seconds.
#[derive(Clone, Copy, Debug, Default, Eq, JsonSchema, PartialEq, Serialize)]
pub(crate) struct UnixSecond(#[schemars(range(min = 0, max = 253_402_300_799_u64))] pub(crate) u64);

/// Highest second that is taken: year 9999.
const SECOND_MAX: u64 = 253_402_300_799;

/// A mask of 64 buckets of users, written as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, Default, Eq, JsonSchema, PartialEq)]
#[schemars(transparent)]
pub(crate) struct UserBuckets(
    #[schemars(with = "String", regex(pattern = "^[0-9a-fA-F]{16}$"))] pub(crate) u64,
);

impl UserBuckets {
    /// Itself, if any bucket is set.
    pub(crate) fn told(self) -> Option<Self> {
        (self.0 != 0).then_some(self)
    }
}

impl Serialize for UserBuckets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:016x}", self.0))
    }
}

impl<'de> Deserialize<'de> for UserBuckets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        let is_hex = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let mask = is_hex.then(|| u64::from_str_radix(&text, 16).ok()).flatten();
        mask.map(Self).ok_or_else(|| D::Error::custom("must be 16 hexadecimal digits"))
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        whole(deserializer, COUNT_MAX, "exceeds 2^40").map(Self)
    }
}

impl<'de> Deserialize<'de> for UnixSecond {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        whole(deserializer, SECOND_MAX, "is beyond the year 9999: write seconds, not milliseconds").map(Self)
    }
}

impl<'de> Deserialize<'de> for Micros {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = deserializer.deserialize_any(Number)?;
        match number {
            Found::Whole(value) => Ok(Self(value)),
            Found::Negative => Err(D::Error::custom("must not be negative")),
            Found::Float(value) if value < 0.0 => Err(D::Error::custom("must not be negative")),
            // Anything from an hour up counts as an hour.
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "clamped, not negative"
            )]
            Found::Float(value) => Ok(Self(value.min(EXACT_MAX) as u64)),
        }
    }
}

fn whole<'de, D: Deserializer<'de>>(deserializer: D, most: u64, rule: &str) -> Result<u64, D::Error> {
    let value = match deserializer.deserialize_any(Number)? {
        Found::Whole(value) => value,
        Found::Negative => return Err(D::Error::custom("must not be negative")),
        Found::Float(value) if value < 0.0 => return Err(D::Error::custom("must not be negative")),
        Found::Float(value) if value.fract() != 0.0 => {
            return Err(D::Error::custom("must be a whole number"));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped, not negative")]
        Found::Float(value) => value.min(EXACT_MAX) as u64,
    };
    if value > most { Err(D::Error::custom(rule)) } else { Ok(value) }
}

enum Found {
    Whole(u64),
    Negative,
    Float(f64),
}

struct Number;

impl Visitor<'_> for Number {
    type Value = Found;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number")
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Found, E> {
        Ok(Found::Whole(value))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Found, E> {
        Ok(Found::Negative)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Found, E> {
        Ok(Found::Float(value))
    }
}
