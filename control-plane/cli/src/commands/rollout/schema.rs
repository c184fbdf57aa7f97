//! The JSON Schema of what `--json` prints of rollouts, published for programs as `docs/rollout.schema.json`. It is made of the
//! types that are printed, so it cannot say anything else. `SERIN_PUBLISH=1` writes it.

use std::path::Path;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::Rollouts;
use crate::model::Rollout;

/// What `serin rollout …` prints with `--json`, a document a line: `list` prints `rollouts`, every other command one rollout, and
/// `watch` one at every change.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is wanted")]
enum RolloutOutput {
    /// Of every command but `list`.
    One(Box<Rollout>),
    /// Of `list`.
    List(Rollouts),
}

fn schema() -> Value {
    let mut schema = SchemaSettings::default()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<RolloutOutput>()
        .to_value();
    in_words_of_json(&mut schema);
    schema
}

/// Descriptions are the comments of the types, whose `None` is written as `null`.
fn in_words_of_json(part: &mut Value) {
    match part {
        Value::Object(fields) => {
            if let Some(Value::String(text)) = fields.get_mut("description") {
                *text = text.replace("`None`", "`null`");
            }
            fields.values_mut().for_each(in_words_of_json);
        }
        Value::Array(items) => items.iter_mut().for_each(in_words_of_json),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_published_schema_of_rollouts_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/rollout.schema.json");
    let text = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
    if std::env::var_os("SERIN_PUBLISH").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == text,
        "docs/rollout.schema.json is old: run `SERIN_PUBLISH=1 cargo test -p serin --bin serin schema`"
    );
}
