//! OFREP 0.3, the protocol by which any OpenFeature SDK asks for flags: each block of code that a plan names
//! is one, and so is the feature of a component.
//!
//! It answers for code that runs outside of requests, and for requests that came past no filter; for a request that did,
//! the filter's `baggage` tells the version, and counts more. Evaluation is a pure function of the [snapshots](crate::snapshot)
//! that all other views show, so a flag never says another thing than `serin rollout status`. Nothing is kept of who
//! asks, and nothing here changes a rollout.
//!
//! [`flag`] says which version is in force where, [`context`] reads what a caller says of itself, [`evaluate`] finds the
//! flag of a key, `answer` writes the protocol's shapes.

mod answer;
pub mod context;
pub mod evaluate;
pub mod failure;
pub mod flag;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::time::timeout;

use self::context::Context;
use self::failure::Failure;
use self::flag::Flag;
use crate::listener::BODY_DEADLINE;
use crate::snapshot::{Directory, Snapshot};

/// Bytes of the body of a request.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// The routes, for a listener that has let the caller in.
pub fn routes<S: Clone + Send + Sync + 'static>(directory: Arc<Directory>) -> Router<S> {
    // Providers put `service/name` into the path as it is, so a key may have several segments.
    Router::new()
        .route("/ofrep/v1/evaluate/flags", post(all))
        .route("/ofrep/v1/evaluate/flags/{*key}", post(one))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn(in_time))
        .with_state(directory)
}

/// What does not arrive in time is told so.
async fn in_time(request: Request, next: Next) -> Response {
    let answered = timeout(BODY_DEADLINE, next.run(request)).await;
    answered.unwrap_or_else(|_| StatusCode::REQUEST_TIMEOUT.into_response())
}

async fn one(
    State(directory): State<Arc<Directory>>,
    key: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let key = match key {
        Ok(Path(key)) => key,
        Err(rejection) => {
            return answer::none(&Failure::parse_error(format!("key: {}", rejection.body_text())));
        }
    };
    let snapshots = directory.current();
    let flags = flags(&snapshots);
    let outcome = said(body).and_then(|context| evaluate::one(&flags, &key, &context));
    answer::one(&key, outcome)
}

async fn all(
    State(directory): State<Arc<Directory>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    match said(body) {
        Ok(context) => {
            let snapshots = directory.current();
            answer::all(&evaluate::all(&flags(&snapshots), &context), &headers)
        }
        Err(failure) => answer::none(&failure),
    }
}

fn flags(snapshots: &[Arc<Snapshot>]) -> Vec<Flag<'_>> {
    snapshots.iter().flat_map(|snapshot| Flag::of(snapshot)).collect()
}

/// A body beyond the bound gets 400 like any that cannot be read: of a 413 providers tell no details.
fn said(body: Result<Bytes, BytesRejection>) -> Result<Context, Failure> {
    let body = body.map_err(|rejection| {
        let details =
            format!("body: must be at most {BODY_BYTES_MAX} bytes and whole: {}", rejection.body_text());
        Failure::parse_error(details)
    })?;
    Context::parse(&body)
}

#[cfg(test)]
mod tests;
