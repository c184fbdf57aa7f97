//! `ExportLogsServiceRequest` in OTLP's JSON encoding. Lists are not built: their elements are looked at one by one, so a
//! request takes no more memory than its records that may count. Fields that are not looked at are passed over, whatever
//! they hold.

mod body;
pub(super) mod points;
pub(super) mod spans;

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

use super::record::{Attributes, Gathered, Record};
use body::Body;

/// Reads a request. Total: any bytes give records or what is wrong.
pub(super) fn read(bytes: &[u8]) -> Result<Gathered<'_>, String> {
    let request: Request<'_> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    Ok(request.resource_logs.into)
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Request<'a> {
    #[serde(borrow)]
    resource_logs: Each<ResourceLogs<'a>, Gathered<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ResourceLogs<'a> {
    #[serde(borrow)]
    resource: Option<Resource<'a>>,
    #[serde(borrow)]
    scope_logs: Each<ScopeLogs<'a>, Gathered<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Resource<'a> {
    #[serde(borrow)]
    attributes: Each<Pair<'a>, Attributes<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ScopeLogs<'a> {
    #[serde(borrow)]
    log_records: Each<LogRecord<'a>, Gathered<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct LogRecord<'a> {
    time_unix_nano: Number,
    observed_time_unix_nano: Number,
    severity_number: Number,
    #[serde(borrow)]
    trace_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    span_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    body: Body<'a>,
    #[serde(borrow)]
    attributes: Each<Pair<'a>, Attributes<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Pair<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    value: Option<Value<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Value<'a> {
    #[serde(borrow)]
    string_value: Option<Cow<'a, str>>,
    #[serde(borrow)]
    array_value: Option<List<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct List<'a> {
    #[serde(borrow)]
    values: Each<Text<'a>, First<'a>>,
}

/// A value within a list. What nests there is passed over.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Text<'a> {
    #[serde(borrow)]
    string_value: Option<Cow<'a, str>>,
}

/// The first value of a list, once there is one.
#[derive(Default)]
struct First<'a>(Option<Option<Cow<'a, str>>>);

impl<'a> Collect<Text<'a>> for First<'a> {
    fn collect(&mut self, text: Text<'a>) {
        self.0.get_or_insert(text.string_value);
    }
}

/// What the elements of a list add up to.
#[derive(Default)]
struct Each<T, I> {
    into: I,
    elements: PhantomData<T>,
}

trait Collect<T>: Default {
    fn collect(&mut self, element: T);
}

impl<'a> Collect<ResourceLogs<'a>> for Gathered<'a> {
    fn collect(&mut self, logs: ResourceLogs<'a>) {
        self.absorb(logs.scope_logs.into);
        self.close(logs.resource.unwrap_or_default().attributes.into);
    }
}

impl<'a> Collect<ScopeLogs<'a>> for Gathered<'a> {
    fn collect(&mut self, logs: ScopeLogs<'a>) {
        self.absorb(logs.log_records.into);
    }
}

impl<'a> Collect<LogRecord<'a>> for Gathered<'a> {
    fn collect(&mut self, record: LogRecord<'a>) {
        self.add(Record {
            time_ns: record.time_unix_nano.0,
            observed_ns: record.observed_time_unix_nano.0,
            severity: i32::try_from(record.severity_number.0).unwrap_or_default(),
            trace: hex(record.trace_id, 32),
            span: u64::try_from(hex(record.span_id, 16)).unwrap_or_default(),
            attributes: record.attributes.into,
            body: record.body.0,
        });
    }
}

impl<'a> Collect<Pair<'a>> for Attributes<'a> {
    fn collect(&mut self, pair: Pair<'a>) {
        let Value { string_value, array_value } = pair.value.unwrap_or_default();
        let first = || array_value.and_then(|list| list.values.into.0).flatten();
        self.set(&pair.key, string_value.or_else(first));
    }
}

/// An id of so many hexadecimal digits. 0: it is none.
fn hex(id: Option<Cow<'_, str>>, digits: usize) -> u128 {
    let id = id.filter(|id| id.len() == digits);
    id.and_then(|id| u128::from_str_radix(&id, 16).ok()).unwrap_or_default()
}

impl<'de, T: Deserialize<'de>, I: Collect<T>> Deserialize<'de> for Each<T, I> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<T, I>(PhantomData<(T, I)>);

        impl<'de, T: Deserialize<'de>, I: Collect<T>> Visitor<'de> for List<T, I> {
            type Value = Each<T, I>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list")
            }

            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(Each { into: I::default(), elements: PhantomData })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut into = I::default();
                while let Some(element) = list.next_element()? {
                    into.collect(element);
                }
                Ok(Each { into, elements: PhantomData })
            }
        }

        deserializer.deserialize_any(List(PhantomData))
    }
}

/// A whole number, which OTLP writes as text where it has 64 bits.
#[derive(Default)]
struct Number(u64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Whole;

        impl Visitor<'_> for Whole {
            type Value = Number;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a whole number of at most 64 bits, or the same as text")
            }

            fn visit_unit<E: Error>(self) -> Result<Number, E> {
                Ok(Number(0))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
                Ok(Number(number))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
                text.parse()
                    .map(Number)
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_any(Whole)
    }
}

#[cfg(test)]
mod tests;
