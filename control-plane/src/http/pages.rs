//! What each address shows. A page is rendered by the pure functions of `serin-dashboard`, for the first load and for the stream alike.

mod live;
mod still;

use axum::extract::Extension;
use axum::http::Uri;
use axum::response::{Html, IntoResponse, Redirect, Response};
use serin_dashboard::{Frame, Rendered, document};
use tonic::Status;

pub(super) use live::{
    component, component_live, fleet, fleet_live, nodes, nodes_live, rollout, rollout_live, version,
    version_live,
};
pub(super) use still::{compare, confirm, decision, decisions, graph, history, of_decision};

use super::gate::Who;
use super::problem;
use crate::audit::SIGN_IN;
use crate::clock;

/// A page in its frame, at an address.
pub(super) fn shown(who: &Who, path: &str, page: &Rendered) -> Response {
    let frame = Frame { viewer: &who.viewer, path, now_ms: clock::now().0 };
    Html(document(page, frame)).into_response()
}

/// Path and query.
pub(super) fn address(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", |address| address.as_str())
}

/// Lets in who may read, and sends everybody else to where they can sign in and come back from.
fn reading(who: &Who, uri: &Uri) -> Result<(), Box<Response>> {
    if who.may_read {
        return Ok(());
    }
    let next: String = form_urlencoded::byte_serialize(address(uri).as_bytes()).collect();
    Err(Box::new(Redirect::to(&format!("{SIGN_IN}?next={next}")).into_response()))
}

pub(super) async fn nowhere(Extension(who): Extension<Who>, uri: Uri) -> Response {
    problem::of(&who, address(&uri), &Status::not_found("There is no such page."))
}
