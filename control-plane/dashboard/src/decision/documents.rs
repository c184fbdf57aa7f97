//! The documents of a bundle, as far as pages read them. What is missing in one is left out.

use serde_json::Value;
use serin_proto::evidence::v1::GetBundleResponse;

/// A document by name. `Null`: there is none, or it is no JSON.
pub(super) fn document(bundle: &GetBundleResponse, name: &str) -> Value {
    let found = bundle.documents.iter().find(|document| document.name == name);
    found.and_then(|document| serde_json::from_str(&document.content_json).ok()).unwrap_or_default()
}

/// The manifest of the bundle itself, which comes before what was added to it.
pub(super) fn manifest(bundle: &GetBundleResponse) -> Value {
    bundle.bundles.first().and_then(|one| serde_json::from_str(&one.manifest_json).ok()).unwrap_or_default()
}

/// A member that is a text.
pub(super) fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}

/// A member that is a whole number.
pub(super) fn whole(value: &Value, member: &str) -> u64 {
    value.get(member).and_then(Value::as_u64).unwrap_or_default()
}

/// A member that is a number.
pub(super) fn number(value: &Value, member: &str) -> f64 {
    value.get(member).and_then(Value::as_f64).unwrap_or_default()
}

/// A member that is a list.
pub(super) fn list<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value.get(member).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
