//! Where values and alerts are posted, on the HTTP listener.

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;

use super::alerts::Posted;
use super::inbox::{Inbox, NotTaken};

/// Bytes of a request.
const BODY_MAX: usize = 1024 * 1024;

/// `POST /api/rollouts/ROLLOUT/queries/QUERY` takes `{"value": 3}`, `POST /api/alerts` what Alertmanager sends.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(inbox: Inbox) -> Router<S> {
    Router::new()
        .route("/api/rollouts/{rollout}/queries/{query}", post(value))
        .route("/api/alerts", post(alerts))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .with_state(inbox)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Value {
    value: f64,
}

async fn value(
    State(inbox): State<Inbox>,
    Path((rollout, query)): Path<(String, String)>,
    Json(Value { value }): Json<Value>,
) -> Response {
    answer(inbox.value(&rollout, &query, value))
}

async fn alerts(State(inbox): State<Inbox>, Json(posted): Json<Posted>) -> Response {
    answer(inbox.alerts(&posted.alerts))
}

fn answer(taken: Result<(), NotTaken>) -> Response {
    let Err(why) = taken else { return StatusCode::ACCEPTED.into_response() };
    let status = match why {
        NotTaken::NoRollout | NotTaken::NoQuery => StatusCode::NOT_FOUND,
        NotTaken::NoNumber => StatusCode::BAD_REQUEST,
        NotTaken::Busy => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, format!("{why}\n")).into_response()
}
