//! JSON objects one after the other: JSON Lines, or a single object over several lines.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, MapAccess, Visitor};
use serde_json::{Deserializer, Value};

use super::builder::Builder;
use super::cell::Cell;
use super::{Place, TableError};

/// The members of an object in their order, with those that are there twice.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Members;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

pub(super) fn read(text: &str, builder: &mut Builder<'_>) -> Result<(), TableError> {
    let text = text.trim_start_matches('\u{feff}');
    let mut places = Places { text, at: 0, place: Place { line: 1, column: 1 } };
    let start = text.len() - text.trim_start().len();
    if text.trim_start().starts_with('[') {
        let rule = "is an array; give its objects one after the other, as JSON Lines has them".to_owned();
        return Err(TableError::Json { place: places.of(start), rule });
    }
    let mut objects = Deserializer::from_str(text).into_iter::<Members>();
    loop {
        let from = objects.byte_offset();
        let Some(object) = objects.next() else { return Ok(()) };
        let Members(members) = object.map_err(|error| {
            let place = Place { line: error.line().max(1), column: error.column().max(1) };
            TableError::Json { place, rule: said(&error) }
        })?;
        let whole = text.get(from..objects.byte_offset()).unwrap_or_default();
        let began = from + (whole.len() - whole.trim_start().len());
        let object = Object { began: places.of(began), whole, from, places: &places };
        object.put(members, builder)?;
        builder.end_row(object.began)?;
    }
}

/// One object in its text.
struct Object<'a> {
    began: Place,
    whole: &'a str,
    from: usize,
    places: &'a Places<'a>,
}

impl Object<'_> {
    /// The place of a member; the last one of the name where `is_last`.
    fn place(&self, name: &str, is_last: bool) -> Place {
        let key = format!("\"{name}\"");
        let found = if is_last { self.whole.rfind(&key) } else { self.whole.find(&key) };
        self.places.within(found.map_or(self.from, |offset| self.from + offset))
    }

    fn put(&self, members: Vec<(String, Value)>, builder: &mut Builder<'_>) -> Result<(), TableError> {
        let mut seen = BTreeSet::new();
        for (name, value) in members {
            let place = || self.place(&name, false);
            let position = match builder.position(&name) {
                Some(position) => position,
                None => builder.column(&name, place())?,
            };
            if !seen.insert(position) {
                return Err(TableError::Twice { place: self.place(&name, true), column: name });
            }
            if builder.is_ignored(position) {
                continue;
            }
            let cell = match &value {
                Value::Null => Cell::Missing,
                Value::Bool(yes) => Cell::Yes(*yes),
                Value::Number(number) => Cell::Number(number.as_f64().unwrap_or(f64::NAN)),
                Value::String(words) => Cell::of(words),
                Value::Array(_) | Value::Object(_) => {
                    let rule = "is neither a number, a word, true, false nor null";
                    return Err(TableError::Value { place: place(), column: name, rule });
                }
            };
            builder.put(position, cell, &place)?;
        }
        Ok(())
    }
}

/// What the parser says, without the place, which the error tells by itself.
fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

/// Lines and columns of offsets, which only grow from object to object.
struct Places<'a> {
    text: &'a str,
    at: usize,
    place: Place,
}

impl Places<'_> {
    /// The place of an offset that is not before the one asked for last.
    fn of(&mut self, offset: usize) -> Place {
        self.place = self.within(offset);
        self.at = offset;
        self.place
    }

    fn within(&self, offset: usize) -> Place {
        let passed = self.text.get(self.at..offset).unwrap_or_default();
        passed.chars().fold(self.place, |place, letter| match letter {
            '\n' => Place { line: place.line + 1, column: 1 },
            _ => Place { line: place.line, column: place.column + 1 },
        })
    }
}
