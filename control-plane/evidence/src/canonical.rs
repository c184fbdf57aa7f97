//! JSON in one form: members sorted by name, no white space, numbers as shortest text. So the same value has the same hash,
//! whoever writes it.

use serde::Serialize;
use serde_json::Value;

/// Deepest nesting that is written.
const DEPTH_MAX: usize = 64;

/// Why a value cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum Unwritable {
    /// It is not JSON.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// It nests too deeply.
    #[error("nests deeper than {DEPTH_MAX} levels")]
    Deep,
}

/// The canonical text of anything that is JSON.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn text(value: &impl Serialize) -> Result<String, Unwritable> {
    let value = serde_json::to_value(value)?;
    let mut text = String::new();
    write(&value, &mut text, 0)?;
    Ok(text)
}

fn write(value: &Value, into: &mut String, depth: usize) -> Result<(), Unwritable> {
    if depth > DEPTH_MAX {
        return Err(Unwritable::Deep);
    }
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            into.push_str(&serde_json::to_string(value)?);
        }
        Value::Array(values) => {
            into.push('[');
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    into.push(',');
                }
                write(value, into, depth + 1)?;
            }
            into.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|one, other| one.0.cmp(other.0));
            into.push('{');
            for (at, (name, value)) in members.into_iter().enumerate() {
                if at > 0 {
                    into.push(',');
                }
                into.push_str(&serde_json::to_string(name)?);
                into.push(':');
                write(value, into, depth + 1)?;
            }
            into.push('}');
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {

    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_sorted_and_nothing_else_changes() {
        let value = json!({"b": [1, 2.5, "ä\n"], "a": {"z": null, "y": true}});
        assert_eq!(text(&value).unwrap(), r#"{"a":{"y":true,"z":null},"b":[1,2.5,"ä\n"]}"#);
    }
}
