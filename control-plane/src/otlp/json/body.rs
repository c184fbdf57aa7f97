//! The body of a record, where it is text. Whatever else it is, is passed over and not built.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The text, if it is one.
#[derive(Default)]
pub(super) struct Body<'a>(pub(super) Option<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for Body<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Body<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Body<'de>, A::Error> {
        let mut body = Body::default();
        while let Some(name) = members.next_key::<Cow<'de, str>>()? {
            if name == "stringValue" {
                body.0 = members.next_value::<Option<String>>()?.map(Cow::Owned);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(body)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Body<'de>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Body::default())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Body<'de>, E> {
        Ok(Body::default())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Body<'de>, E> {
        Ok(Body::default())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Body<'de>, E> {
        Ok(Body::default())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Body<'de>, E> {
        Ok(Body::default())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Body<'de>, E> {
        Ok(Body::default())
    }

    fn visit_unit<E: Error>(self) -> Result<Body<'de>, E> {
        Ok(Body::default())
    }
}
