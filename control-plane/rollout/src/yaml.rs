//! Documents that people write in YAML: read into their raw form, and where each of their fields is.
//!
//! [`read`] gives the raw form, or the one place at which the text stops being of the right shape. What reads well may still
//! break rules; who checks these asks [`Places`] where a field was written. Nothing here knows what a document means.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeOwned, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::{
    Location, MessageFormatter, NonFiniteFloatPolicy, Options, Spanned, UserMessageFormatter,
};

/// A text that is not YAML or not of the right shape.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Misshapen {
    /// Path of the field, for example `steps[2].weight`; empty when it has none.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// Line and column in characters, from 1. `(0, 0)`: not known.
    pub place: (u32, u32),
}

/// Reads the raw form of a document.
///
/// # Errors
/// The first place that is not YAML, of a wrong type, missing or unknown.
pub fn read<T: DeserializeOwned>(yaml: &str) -> Result<T, Misshapen> {
    let mut field = String::new();
    let parsed = serde_saphyr::with_deserializer_from_str_with_options(yaml, options(), |deserializer| {
        serde_path_to_error::deserialize(deserializer).map_err(|error| {
            field = error.path().to_string();
            error.into_inner()
        })
    });
    parsed.map_err(|error| {
        let message = in_words(&UserMessageFormatter.format_message(&error)).to_owned();
        let place = error.location().map_or((0, 0), place);
        // A place that has no name is shown as `?` or `.`.
        Misshapen { field: field.trim_end_matches(['?', '.']).to_owned(), message, place }
    })
}

fn options() -> Options {
    serde_saphyr::options! { with_snippet: false, non_finite_float_policy: NonFiniteFloatPolicy::PassThrough }
}

/// The parser's messages about types, in words of people.
fn in_words(message: &str) -> &str {
    match message {
        "expected mapping start" => "must be a mapping of fields",
        "expected sequence start" => "must be a list",
        "invalid boolean" => "must be true or false",
        "invalid u64" => "must be a whole number, not below 0",
        "invalid floating point value" => "must be a number",
        other => other,
    }
}

/// Line and column of every field, by path.
#[derive(Debug, Default)]
pub struct Places(BTreeMap<String, (u32, u32)>);

impl Places {
    /// Of all fields of a text. Empty when it is not YAML.
    #[must_use]
    pub fn of(yaml: &str) -> Self {
        let mut places = Self::default();
        if let Ok(root) = serde_saphyr::from_str_with_options::<Spanned<Node>>(yaml, options()) {
            places.note(String::new(), &root);
        }
        places
    }

    /// Place of a field, or of the closest field around it that was written. `(0, 0)`: nothing is known.
    #[must_use]
    pub fn find(&self, field: &str) -> (u32, u32) {
        let mut path = field;
        loop {
            if let Some(place) = self.0.get(path) {
                return *place;
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = path.get(..end).unwrap_or_default(),
                None if path.is_empty() => return (0, 0),
                None => path = "",
            }
        }
    }

    fn note(&mut self, path: String, node: &Spanned<Node>) {
        match &node.value {
            Node::Scalar => {}
            Node::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.note(format!("{path}[{index}]"), item);
                }
            }
            Node::Map(fields) => {
                for (name, value) in fields {
                    let field = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    self.note(field, value);
                }
            }
        }
        self.0.insert(path, place(node.referenced));
    }
}

/// Line and column of a location.
fn place(location: Location) -> (u32, u32) {
    let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    (number(location.line()), number(location.column()))
}

/// The shape of a value, whatever it means.
enum Node {
    Scalar,
    List(Vec<Spanned<Node>>),
    Map(Vec<(String, Spanned<Node>)>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_bytes<E: Error>(self, _: &[u8]) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_none<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Node::Map(fields))
    }
}
