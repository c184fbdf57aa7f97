//! The dashboard: which address shows which page, and what every answer carries.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serin_dashboard::assets::ASSETS;

use super::gate::Gate;
use super::live::Hub;
use super::past::Pasts;
use super::{act, pages, sign_in};
use crate::admin::Admin;
use crate::audit::Audit;
use crate::audit::form::FORM_BYTES_MAX;
use crate::evidence::service::Evidence;
use crate::shutdown::Ending;
use crate::snapshot::Directory;

/// What a page may load and do: nothing that is not from here, and nothing that is written within it.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What the dashboard shows and acts by.
#[derive(Clone, Debug)]
pub(crate) struct Dashboard(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    admin: Admin,
    evidence: Evidence,
    gate: Gate,
    audit: Audit,
    hub: Hub,
    pasts: Pasts,
}

impl Dashboard {
    pub(crate) fn new(admin: Admin, evidence: Evidence, gate: Gate, audit: Audit) -> Self {
        Self(Arc::new(Parts { admin, evidence, gate, audit, hub: Hub::default(), pasts: Pasts::default() }))
    }

    pub(super) fn admin(&self) -> &Admin {
        &self.0.admin
    }

    pub(super) fn evidence(&self) -> &Evidence {
        &self.0.evidence
    }

    pub(super) fn gate(&self) -> &Gate {
        &self.0.gate
    }

    pub(super) fn audit(&self) -> &Audit {
        &self.0.audit
    }

    pub(super) fn hub(&self) -> &Hub {
        &self.0.hub
    }

    pub(super) fn pasts(&self) -> &Pasts {
        &self.0.pasts
    }

    /// The generation of the assignment on offer.
    pub(super) fn generation(&self) -> u64 {
        self.0.admin.board.newest().generation
    }

    pub(super) fn directory(&self) -> &Directory {
        &self.0.admin.directory
    }

    pub(super) fn ending(&self) -> Ending {
        self.0.admin.ending.clone()
    }
}

/// All addresses of the dashboard. Each request carries who sent it ([`super::gate::identify`]).
pub(super) fn routes(dashboard: Dashboard) -> Router {
    let pages = Router::new()
        .route("/", get(pages::fleet))
        .route("/live/fleet", get(pages::fleet_live))
        .route("/nodes", get(pages::nodes))
        .route("/live/nodes", get(pages::nodes_live))
        .route("/rollouts/{id}", get(pages::rollout))
        .route("/live/rollouts/{id}", get(pages::rollout_live))
        .route("/rollouts/{id}/version", get(pages::version))
        .route("/live/rollouts/{id}/version", get(pages::version_live))
        .route("/rollouts/{id}/components/{name}", get(pages::component))
        .route("/live/rollouts/{id}/components/{name}", get(pages::component_live))
        .route("/rollouts/{id}/graph", get(pages::graph))
        .route("/rollouts/{id}/{action}", get(pages::confirm).post(act::act))
        .route("/decisions", get(pages::decisions))
        .route("/decisions/{id}", get(pages::decision))
        .route("/decisions/{id}/mark", post(act::mark))
        .route("/compare", get(pages::compare))
        .route("/history", get(pages::history))
        .route("/login", get(sign_in::form).post(sign_in::sign_in))
        .route("/logout", post(sign_in::sign_out))
        .fallback(pages::nowhere)
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .with_state(dashboard)
        .layer(from_fn(guard));
    Router::new().route("/assets/{version}/{name}", get(asset)).merge(pages)
}

/// The headers of every page.
async fn guard(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed: [(HeaderName, &str); 5] = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Without a referrer at all browsers hide from us, too, that a form is our own.
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// A file that pages load. Its address tells its content, so browsers keep it.
async fn asset(Path((version, name)): Path<(String, String)>) -> Response {
    let found = ASSETS.iter().find(|asset| asset.name == name);
    let address = format!("/assets/{version}/{name}");
    let Some(asset) = found.filter(|asset| serin_dashboard::assets::path(asset.name) == address) else {
        return (StatusCode::NOT_FOUND, "there is no such file\n").into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, asset.media_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, asset.content).into_response()
}
