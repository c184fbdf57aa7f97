//! Names under which secrets stand, as members of JSON.

use serde_json::Value;

const NAMES: [&str; 16] = [
    "authorization",
    "proxy_authorization",
    "cookie",
    "set_cookie",
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "api_key",
    "apikey",
    "access_key",
    "private_key",
    "credential",
    "credentials",
];
const ENDINGS: [&str; 8] =
    ["_password", "_secret", "_token", "_api_key", "_access_key", "_private_key", "_passphrase", "_apikey"];

/// Whether a secret stands under this name.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    let plain: String =
        name.chars().map(|letter| if letter == '-' { '_' } else { letter.to_ascii_lowercase() }).collect();
    NAMES.contains(&plain.as_str()) || ENDINGS.iter().any(|ending| plain.ends_with(ending))
}

/// Whether a value can be one: a text or number, or a list.
pub(super) fn may_be_secret(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.is_empty(),
        Value::Number(_) | Value::Array(_) => true,
        Value::Null | Value::Bool(_) | Value::Object(_) => false,
    }
}
