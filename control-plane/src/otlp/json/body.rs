//! The body of a record, whatever it is, as text. It is scanned once, so depth costs nothing, and built by itself only.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::otlp::said::{DEEPEST, Said};

/// The text, if it says anything.
#[derive(Default)]
pub(super) struct Body<'a>(pub(super) Option<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for Body<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        // What nests too deep to be built says nothing.
        let value = serde_json::from_str(raw.get()).unwrap_or(Value::Null);
        Ok(Self(text(value, 0).map(Cow::Owned)))
    }
}

/// Of an `AnyValue`.
fn text(value: Value, depth: usize) -> Option<String> {
    let Value::Object(members) = value else { return None };
    let (kind, content) = members.into_iter().next()?;
    let list = |mut content: Value| content.get_mut("values").filter(|_| depth < DEEPEST).map(Value::take);
    match (kind.as_str(), content) {
        ("stringValue" | "intValue" | "doubleValue", Value::String(text)) => {
            (!text.is_empty()).then_some(text)
        }
        ("intValue", Value::Number(number)) => Some(number.to_string()),
        ("doubleValue", Value::Number(number)) => number.as_f64().map(|number| number.to_string()),
        ("boolValue", Value::Bool(truth)) => Some(truth.to_string()),
        ("arrayValue", content) => {
            let mut said = Said::default();
            for element in elements(list(content)) {
                said.element(&text(element, depth + 1).unwrap_or_default());
            }
            said.text()
        }
        ("kvlistValue", content) => {
            let mut said = Said::default();
            for mut pair in elements(list(content)) {
                let value = pair.get_mut("value").map(Value::take).and_then(|value| text(value, depth + 1));
                if let (Some(name), Some(value)) = (pair.get("key").and_then(Value::as_str), value) {
                    said.member(name, &value);
                }
            }
            said.text()
        }
        _ => None,
    }
}

fn elements(list: Option<Value>) -> Vec<Value> {
    if let Some(Value::Array(elements)) = list { elements } else { Vec::new() }
}
