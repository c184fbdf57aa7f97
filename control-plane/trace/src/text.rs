//! From the bytes of a line to its raw form, and the place of what is wrong in it.

use serde::de::DeserializeOwned;

use crate::line::{LineError, Rule};
use crate::raw;

pub(crate) fn text_of(bytes: &[u8]) -> Result<&str, LineError> {
    std::str::from_utf8(bytes).map_err(|error| LineError {
        column: error.valid_up_to() as u64 + 1,
        field: String::new(),
        rule: Rule::Encoding,
    })
}

/// Reads a line as an object, before the rules between its fields are checked.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, LineError> {
    let mut json = serde_json::Deserializer::from_str(text);
    let mut track = serde_path_to_error::Track::new();
    let raw = raw::object(serde_path_to_error::Deserializer::new(&mut json, &mut track))
        .map_err(|error| shape(text, known(&track.path()), &error))?;
    json.end().map_err(|error| shape(text, String::new(), &error))?;
    Ok(raw)
}

/// The path of a field, as far as it was read.
fn known(path: &serde_path_to_error::Path) -> String {
    let path = path.to_string();
    path.trim_end_matches(['?', '.']).to_owned()
}

/// What serde says, without the place that it repeats.
fn shape(text: &str, field: String, error: &serde_json::Error) -> LineError {
    let said = error.to_string();
    let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(said, _)| said).to_owned();
    let said = if error.is_data() { said } else { format!("is not JSON: {said}") };
    let name = field.rsplit('.').next().and_then(|last| last.split('[').next()).unwrap_or_default();
    let column = value_of(text, name).filter(|_| error.is_data());
    let column = column.unwrap_or_else(|| column_at(text, error.column().saturating_sub(1)));
    LineError { column, field, rule: Rule::Shape(said) }
}

/// Column of a field's value. 1: the field is not there.
pub(crate) fn column_of(text: &str, field: &str) -> u64 {
    value_of(text, field).unwrap_or(1)
}

fn value_of(text: &str, field: &str) -> Option<u64> {
    let name = format!("\"{field}\"");
    let value = text.match_indices(&name).find_map(|(at, _)| {
        let rest = text.get(at + name.len()..)?.trim_start().strip_prefix(':')?.trim_start();
        Some(text.len() - rest.len())
    });
    value.map(|bytes| column_at(text, bytes))
}

/// Column in characters, from 1, of a place in bytes.
fn column_at(text: &str, bytes: usize) -> u64 {
    let before = text.get(..text.floor_char_boundary(bytes)).unwrap_or_default();
    before.chars().count() as u64 + 1
}
