//! Signing in and out. Both are noted in the audit log, and who is turned away too.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Instant;

use axum::body::to_bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::gate::{NotSignedIn, Who};
use super::{Dashboard, pages, problem};
use crate::audit::SIGN_IN;
use crate::audit::form::{self, FORM_BYTES_MAX};
use crate::listener::BODY_DEADLINE;

/// Bytes of a path to go to.
const NEXT_BYTES_MAX: usize = 2_000;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    next: String,
}

pub(super) async fn form(
    Extension(who): Extension<Who>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let next = wanted.map(|Query(wanted)| wanted.next).unwrap_or_default();
    page(&who, None, place(&next))
}

fn page(who: &Who, refusal: Option<&str>, next: &str) -> Response {
    pages::shown(who, SIGN_IN, &serin_dashboard::sign_in::page(refusal, next))
}

/// A path of ours, whatever is asked for.
fn place(next: &str) -> &str {
    let is_path = next.starts_with('/') && !next.starts_with("//") && !next.contains('\\');
    let is_plain = next.len() <= NEXT_BYTES_MAX && next.bytes().all(|byte| byte.is_ascii_graphic());
    if is_path && is_plain { next } else { "/" }
}

/// The fields of a form that was posted. `None`: it is too large, late, or none.
pub(super) async fn read(request: Request) -> Option<BTreeMap<String, String>> {
    let (parts, body) = request.into_parts();
    let bytes = timeout(BODY_DEADLINE, to_bytes(body, FORM_BYTES_MAX)).await.ok()?.ok()?;
    form::fields(&parts.headers, &bytes)
}

pub(super) async fn sign_in(
    State(dashboard): State<Dashboard>,
    Extension(who): Extension<Who>,
    request: Request,
) -> Response {
    let authority = request.uri().authority().map(|authority| authority.as_str().to_owned());
    if let Err(foreign) = dashboard.gate().check_origin(request.headers(), authority.as_deref(), &who) {
        return problem::page(&who, SIGN_IN, StatusCode::FORBIDDEN, &foreign.to_string());
    }
    let mut asked = dashboard.audit().asked(&request, "unknown".to_owned(), Value::Null);
    let from = asked.peer.parse::<SocketAddr>().ok().map(|peer| peer.ip());
    let Some(fields) = read(request).await else {
        return problem::page(&who, SIGN_IN, StatusCode::BAD_REQUEST, "A form with a token is needed.");
    };
    let field = |name: &str| fields.get(name).map(|value| value.trim()).unwrap_or_default();
    let (name, next) = (Some(field("name")).filter(|name| !name.is_empty()), place(field("next")));
    match dashboard.gate().sign_in(field("token"), name, from, Instant::now()) {
        Ok((id, session)) => {
            asked.actor.clone_from(&session.actor.0);
            asked.arguments = json!({ "may_act": session.may_act });
            if let Err(error) = dashboard.audit().signed_in(asked).await {
                tracing::error!(%error, "nobody can sign in, because it cannot be noted in the audit log");
                let words = "The audit log cannot be written, so nobody can sign in.";
                return problem::page(&who, SIGN_IN, StatusCode::SERVICE_UNAVAILABLE, words);
            }
            with_cookie(&dashboard, Some(&id), Redirect::to(next).into_response())
        }
        Err(why) => {
            dashboard.audit().note_denied(asked).await;
            let mut response = page(&who, Some(&why.to_string()), next);
            *response.status_mut() = match why {
                NotSignedIn::Wrong => StatusCode::UNAUTHORIZED,
                NotSignedIn::Name => StatusCode::BAD_REQUEST,
                NotSignedIn::TooMany => StatusCode::TOO_MANY_REQUESTS,
                NotSignedIn::NoRandom => StatusCode::SERVICE_UNAVAILABLE,
            };
            response
        }
    }
}

pub(super) async fn sign_out(
    State(dashboard): State<Dashboard>,
    Extension(who): Extension<Who>,
    request: Request,
) -> Response {
    let authority = request.uri().authority().map(|authority| authority.as_str());
    if let Err(foreign) = dashboard.gate().check_origin(request.headers(), authority, &who) {
        return problem::page(&who, SIGN_IN, StatusCode::FORBIDDEN, &foreign.to_string());
    }
    if let Some(key) = who.session {
        dashboard.gate().sign_out(key);
    }
    with_cookie(&dashboard, None, Redirect::to("/").into_response())
}

fn with_cookie(dashboard: &Dashboard, id: Option<&str>, mut response: Response) -> Response {
    if let Ok(cookie) = HeaderValue::from_str(&dashboard.gate().cookie(id)) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere_after_signing_in() {
        for fine in ["/", "/rollouts/shop-1", "/decisions?service=shop"] {
            assert_eq!(place(fine), fine);
        }
        for foreign in [
            "",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "/a\r\nb",
            "javascript:alert(1)",
        ] {
            assert_eq!(place(foreign), "/");
        }
    }
}
