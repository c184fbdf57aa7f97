//! JSON as far as it is read of a payload: the fields of log records that matter, no deeper than they lie.
//!
//! One type for all messages instead of one for each, which would take several times the room in the module. What is not
//! asked for is read and not kept. It nests no deeper than the stack allows by far. Small rather than fast, as page views are
//! rare beside requests: nothing is inlined.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Fields that are kept.
const FIELDS: [&str; 11] = [
    "resourceLogs",
    "scopeLogs",
    "logRecords",
    "eventName",
    "attributes",
    "key",
    "value",
    "stringValue",
    "intValue",
    "doubleValue",
    "boolValue",
];
/// Lists and messages around a value. Around one of an attribute there are ten.
pub(super) const DEPTH_MAX: usize = 32;

/// A value.
#[derive(Debug)]
pub(super) enum Json {
    /// Null.
    Nothing,
    Flag(bool),
    Number(f64),
    Text(String),
    List(Vec<Self>),
    /// Its fields that are kept, in their order.
    Message(Vec<(&'static str, Self)>),
}

impl Json {
    /// Reads a whole text.
    #[inline(never)]
    pub(super) fn parse(bytes: &[u8]) -> serde_json::Result<Self> {
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        let json = Value { depth: 0 }.deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(json)
    }

    /// The first field of this name.
    #[inline(never)]
    pub(super) fn field(&self, name: &str) -> Option<&Self> {
        let Self::Message(fields) = self else { return None };
        fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The text in the field of this name.
    #[inline(never)]
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let Some(Self::Text(text)) = self.field(name) else { return None };
        Some(text)
    }

    /// The messages in the field of this name. `None`: it is something else than a list of them.
    #[inline(never)]
    pub(super) fn messages(&self, name: &str) -> Option<&[Self]> {
        match self.field(name) {
            None | Some(Self::Nothing) => Some(&[]),
            Some(Self::List(list)) if list.iter().all(|one| matches!(one, Self::Message(_))) => Some(list),
            Some(_) => None,
        }
    }
}

/// Reads a value that so many others lie around.
#[derive(Clone, Copy)]
struct Value {
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Value {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        if self.depth > DEPTH_MAX {
            return Err(D::Error::custom("nests too deeply"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value {
    type Value = Json;

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Nothing)
    }

    fn visit_bool<E: Error>(self, holds: bool) -> Result<Json, E> {
        Ok(Json::Flag(holds))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number as f64))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Number(number as f64))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Json, E> {
        Ok(Json::Number(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    #[inline(never)]
    fn visit_seq<A: SeqAccess<'de>>(self, mut given: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(one) = given.next_element_seed(Self { depth: self.depth + 1 })? {
            list.push(one);
        }
        Ok(Json::List(list))
    }

    #[inline(never)]
    fn visit_map<A: MapAccess<'de>>(self, mut given: A) -> Result<Json, A::Error> {
        let mut fields = Vec::new();
        while let Some(name) = given.next_key_seed(Name)? {
            let value = given.next_value_seed(Self { depth: self.depth + 1 })?;
            if let Some(name) = name {
                fields.push((name, value));
            }
        }
        Ok(Json::Message(fields))
    }
}

/// Reads the name of a field. `None`: one that is passed over.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Option<&'static str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Option<&'static str>;

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("a name")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(FIELDS.iter().position(|known| *known == text).and_then(|at| FIELDS.get(at)).copied())
    }
}
