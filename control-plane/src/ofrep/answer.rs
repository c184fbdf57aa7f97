//! Evaluations in the shapes of OFREP 0.3, which its providers hold strictly: `reason`, `variant` and `errorDetails` are
//! always there.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::evaluate::{Evaluation, Item};
use super::failure::{Code, Failure};

/// Hexadecimal digits of an entity tag.
const TAG_DIGITS: usize = 32;

/// The answer to an evaluation of one flag.
pub(super) fn one(key: &str, outcome: Result<Evaluation<'_>, Failure>) -> Response {
    let status = outcome.as_ref().map_or_else(|failure| status(failure.code), |_| StatusCode::OK);
    with_body(status, &item(key, &outcome))
}

/// The answer to an evaluation of all flags: 304 where the caller has it already.
pub(super) fn all(items: &[Item<'_>], headers: &HeaderMap) -> Response {
    let flags: Vec<_> = items.iter().map(|(key, outcome)| item(key, outcome)).collect();
    let body = json!({ "flags": flags });
    let tag = tag(&body);
    let mut response = if known(headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        with_body(StatusCode::OK, &body)
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// The answer to an evaluation of all flags that cannot be made.
pub(super) fn none(failure: &Failure) -> Response {
    let body = json!({"errorCode": failure.code.name(), "errorDetails": failure.details});
    with_body(status(failure.code), &body)
}

fn item(key: &str, outcome: &Result<Evaluation<'_>, Failure>) -> Value {
    match outcome {
        Ok(evaluation) => json!({
            "key": key,
            "value": evaluation.value,
            "reason": evaluation.reason.name(),
            "variant": evaluation.version,
            "metadata": {
                "service": evaluation.service,
                "component": evaluation.component,
                "rollout": evaluation.rollout,
                "restored": evaluation.restored,
            },
        }),
        Err(failure) => {
            json!({"key": key, "errorCode": failure.code.name(), "errorDetails": failure.details})
        }
    }
}

/// A provider reads the details of a failure with 400 and 404 alone.
const fn status(code: Code) -> StatusCode {
    match code {
        Code::FlagNotFound => StatusCode::NOT_FOUND,
        Code::ParseError | Code::InvalidContext => StatusCode::BAD_REQUEST,
    }
}

fn with_body(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

/// What is told is what the tag stands for, so it changes with the context too.
fn tag(body: &Value) -> String {
    let digest = Sha256::digest(body.to_string());
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).take(TAG_DIGITS / 2).collect();
    format!("\"{digits}\"")
}

/// Whether `If-None-Match` names `tag`. Some clients send it without its quotes.
fn known(headers: &HeaderMap, tag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let named = values.flat_map(|value| value.split(',')).map(str::trim);
    named
        .map(|name| name.strip_prefix("W/").unwrap_or(name))
        .any(|name| name == "*" || name == tag || name == tag.trim_matches('"'))
}
