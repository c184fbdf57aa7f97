//! The dashboard, metrics, health and flags, for whatever speaks HTTP. Everything shown is a snapshot; what is taken are values and
//! alerts that plans wait for ([`crate::probe`]).
//!
//! `/healthz` and `/readyz` answer everyone; the rest asks for a token where the listener has tokens, and what is posted to plans also
//! where only the admin listener has some.

mod act;
mod dashboard;
mod gate;
mod live;
mod pages;
mod past;
mod problem;
mod release;
mod sign_in;

use std::sync::Arc;

use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::access::Access;
use crate::assignment::Board;
use crate::audit;
use crate::calls::Calls;
use crate::clock;
use crate::components::Known;
use crate::fleet::Fleet;
use crate::metrics::{Form, Metrics};
use crate::ofrep;
use crate::shutdown::Ending;
use crate::snapshot::{Directory, ROLLOUTS_MAX, Snapshot};
pub(crate) use dashboard::Dashboard;
pub(crate) use gate::Gate;
pub(crate) use release::Releases;

/// Rollouts of one answer, when the caller does not say.
const ROLLOUTS_DEFAULT: usize = 100;

/// What is shown.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Snapshots.
    pub directory: Arc<Directory>,
    /// The Envoys.
    pub fleet: Arc<Fleet>,
    /// What traces tell of who calls whom.
    pub calls: Arc<Calls>,
    /// The assignment on offer.
    pub board: Arc<Board>,
    /// Metrics.
    pub metrics: Arc<Metrics>,
    /// When it stops being ready.
    pub ending: Ending,
}

/// The routes, with those that take values and alerts and let in only who may post. What may change something is noted before it
/// acts, by the name of who signed in.
pub(crate) fn router(
    shown: Shown,
    inbox: Router<Shown>,
    releases: &Releases,
    (access, posts): (Access, Access),
    dashboard: Dashboard,
) -> Router {
    let guarded = Router::new()
        .route("/metrics", get(metrics))
        .route("/api/rollouts", get(rollouts))
        .route("/api/components", get(components))
        .merge(ofrep::routes(Arc::clone(&shown.directory)))
        .merge(releases.routes())
        .route_layer(from_fn_with_state(access, admit))
        .merge(inbox.route_layer(from_fn_with_state(posts, admit)));
    let open = Router::new().route("/healthz", get(healthy)).route("/readyz", get(ready));
    let routes = guarded.merge(open).with_state(shown).merge(dashboard::routes(dashboard.clone()));
    let audited = routes.layer(from_fn_with_state(dashboard.audit().clone(), audit::note));
    audited.layer(from_fn_with_state(dashboard, gate::identify))
}

async fn admit(State(access): State<Access>, request: Request, next: Next) -> Response {
    let authorization = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match access.holder(authorization) {
        Ok(_) => next.run(request).await,
        Err(denied) => {
            let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
            (StatusCode::UNAUTHORIZED, challenge, denied.to_string()).into_response()
        }
    }
}

async fn healthy() -> &'static str {
    "ok\n"
}

async fn ready(State(shown): State<Shown>) -> Response {
    if shown.ending.has_begun() {
        return (StatusCode::SERVICE_UNAVAILABLE, "ending\n").into_response();
    }
    "ready\n".into_response()
}

async fn metrics(State(shown): State<Shown>, headers: HeaderMap) -> Response {
    let form = Form::accepted(headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()));
    ([(header::CONTENT_TYPE, form.media_type())], shown.metrics.encode(form)).into_response()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    service: Option<String>,
    limit: Option<usize>,
}

#[derive(Debug, Serialize)]
struct Rollouts<'a> {
    generation: u64,
    rollouts: Vec<&'a Snapshot>,
}

async fn rollouts(State(shown): State<Shown>, Query(filter): Query<Filter>) -> Response {
    let limit = filter.limit.unwrap_or(ROLLOUTS_DEFAULT);
    if !(1..=ROLLOUTS_MAX).contains(&limit) {
        return (StatusCode::BAD_REQUEST, "limit: must be 1 to 1000\n").into_response();
    }
    let rollouts = shown.directory.list(filter.service.as_deref(), limit);
    let rollouts = rollouts.iter().map(AsRef::as_ref).collect();
    Json(Rollouts { generation: shown.board.newest().generation, rollouts }).into_response()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfService {
    service: Option<String>,
}

async fn components(State(shown): State<Shown>, Query(filter): Query<OfService>) -> Response {
    let mut known = Known::of(&shown.directory, &shown.fleet, &shown.calls, clock::now());
    if let Some(service) = filter.service {
        known.components.retain(|one| one.service == service);
    }
    Json(known).into_response()
}
