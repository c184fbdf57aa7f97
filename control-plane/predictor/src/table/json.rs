//! JSON objects one after the other: JSON Lines, or a single object over several lines.

use serde_json::{Deserializer, Map, Value};

use super::builder::{Builder, Cell};
use super::{Place, TableError};

pub(super) fn read(text: &str, builder: &mut Builder<'_>) -> Result<(), TableError> {
    let text = text.trim_start_matches('\u{feff}');
    let mut places = Places { text, at: 0, place: Place { line: 1, column: 1 } };
    let mut objects = Deserializer::from_str(text).into_iter::<Map<String, Value>>();
    loop {
        let from = objects.byte_offset();
        let Some(object) = objects.next() else { return Ok(()) };
        let object = object.map_err(|error| {
            let place = Place { line: error.line().max(1), column: error.column().max(1) };
            TableError::Json { place, rule: said(&error) }
        })?;
        let object_text = text.get(from..objects.byte_offset()).unwrap_or_default();
        let began = places.of(from + (object_text.len() - object_text.trim_start().len()));
        let within =
            |name: &str| object_text.find(&format!("\"{name}\"")).map_or(from, |offset| from + offset);
        for (name, value) in &object {
            let place = || places.within(within(name));
            let position = match builder.position(name) {
                Some(position) => position,
                None => builder.column(name, place())?,
            };
            let cell = match value {
                Value::Null => Cell::Missing,
                Value::Bool(yes) => Cell::Yes(*yes),
                Value::Number(number) => Cell::Number(number.as_f64().unwrap_or(f64::NAN)),
                Value::String(words) => Cell::of(words),
                Value::Array(_) | Value::Object(_) => {
                    let rule = "is neither a number, a word, true, false nor null";
                    return Err(TableError::Value { place: place(), column: name.clone(), rule });
                }
            };
            builder.put(position, cell, began).map_err(|error| at(error, place()))?;
        }
        builder.end_row(began)?;
    }
}

/// What the parser says, without the place, which the error tells by itself.
fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

/// The same error at the place of its member.
fn at(error: TableError, place: Place) -> TableError {
    match error {
        TableError::Value { column, rule, .. } => TableError::Value { place, column, rule },
        TableError::Words { column, .. } => TableError::Words { place, column },
        TableError::Long { .. } => TableError::Long { place },
        other @ (TableError::TooLarge
        | TableError::Empty
        | TableError::Rows { .. }
        | TableError::Columns { .. }
        | TableError::Twice { .. }
        | TableError::Unnamed { .. }
        | TableError::Cells { .. }
        | TableError::Quote { .. }
        | TableError::Json { .. }
        | TableError::Parquet { .. }
        | TableError::Lacks { .. }) => other,
    }
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
