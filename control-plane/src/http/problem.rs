//! What is said when there is nothing to show.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tonic::{Code, Status};

use super::gate::Who;
use super::pages;

/// The HTTP status that says what a gRPC status says.
pub(super) fn code(status: &Status) -> StatusCode {
    match status.code() {
        Code::InvalidArgument => StatusCode::BAD_REQUEST,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::FailedPrecondition | Code::Aborted | Code::AlreadyExists => StatusCode::CONFLICT,
        Code::Unavailable | Code::ResourceExhausted => StatusCode::SERVICE_UNAVAILABLE,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Internal
        | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// A page that says why there is no other, at an address.
pub(super) fn of(who: &Who, path: &str, status: &Status) -> Response {
    page(who, path, code(status), status.message())
}

/// The same by its code.
pub(super) fn page(who: &Who, path: &str, code: StatusCode, words: &str) -> Response {
    let next = match code {
        StatusCode::NOT_FOUND => "Look for it among all rollouts.",
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "Nothing was done.",
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => "Try again in a moment.",
        _ => "Go back, and see how the rollout stands.",
    };
    let page = serin_dashboard::problem::page(code.as_u16(), words, next);
    (code, pages::shown(who, path, &page)).into_response()
}

/// The same for what is no browser's page.
pub(super) fn text(code: StatusCode, words: &str) -> Response {
    (code, format!("{words}\n")).into_response()
}
