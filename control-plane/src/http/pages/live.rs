//! Pages that change while somebody looks.

use axum::extract::{Extension, Path, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serin_dashboard::Rendered;
use serin_dashboard::component::{self, ComponentPage};
use serin_dashboard::fleet::{self, Fleet};
use serin_dashboard::nodes::{self, NodesPage};
use serin_dashboard::rollout::{self, RolloutPage};
use tonic::Status;

use super::{address, reading, shown};
use crate::clock;
use crate::http::gate::Who;
use crate::http::live::{Hub, Page, Reading, Topic};
use crate::http::{Dashboard, problem};

impl Dashboard {
    /// A page as it is now.
    pub(in crate::http) async fn render(&self, page: &Page, may_act: bool) -> Result<Rendered, Status> {
        match page {
            Page::Fleet => Ok(self.render_fleet()),
            Page::Nodes => Ok(self.render_nodes()),
            Page::Rollout(id) => self.render_rollout(id, may_act).await,
            Page::Component(id, name) => self.render_component(id, name, may_act).await,
        }
    }

    fn render_fleet(&self) -> Rendered {
        let (rollouts, now) = (self.admin().heads(), clock::now());
        let (nodes, generation) = (self.admin().nodes(now), self.generation());
        fleet::page(&Fleet { rollouts: &rollouts, nodes: &nodes, generation, now_ms: now.0 })
    }

    fn render_nodes(&self) -> Rendered {
        let now = clock::now();
        let (nodes, generation) = (self.admin().nodes(now), self.generation());
        nodes::page(&NodesPage { nodes: &nodes, generation, now_ms: now.0 })
    }

    async fn render_rollout(&self, id: &str, may_act: bool) -> Result<Rendered, Status> {
        let rollout = self.admin().rollout(id)?;
        let recent = self.admin().recent(&rollout.id).await?;
        let past = self.past(&rollout).await?;
        let (events, decisions, now_ms) = (&past.events, &past.decisions, clock::now().0);
        let page = RolloutPage { rollout: &rollout, recent: &recent, events, decisions, may_act, now_ms };
        Ok(rollout::page(&page))
    }

    async fn render_component(&self, id: &str, name: &str, may_act: bool) -> Result<Rendered, Status> {
        let rollout = self.admin().rollout(id)?;
        let detail = self.admin().component(&rollout.id, name).await?;
        let now_ms = clock::now().0;
        Ok(component::page(&ComponentPage { rollout: &rollout, detail: &detail, may_act, now_ms }))
    }

    async fn show(&self, who: &Who, page: Page, uri: &Uri) -> Response {
        if let Err(sent) = reading(who, uri) {
            return *sent;
        }
        match self.render(&page, who.viewer.may_act()).await {
            Ok(rendered) => shown(who, address(uri), &rendered),
            Err(status) => problem::of(who, address(uri), &status),
        }
    }

    fn stream(&self, who: &Who, page: Page) -> Response {
        if !who.may_read {
            return problem::text(StatusCode::UNAUTHORIZED, "sign in first");
        }
        if let Page::Rollout(id) | Page::Component(id, _) = &page
            && self.directory().find(id).is_none()
        {
            return problem::text(StatusCode::NOT_FOUND, "there is no such rollout");
        }
        let topic = Topic { page, may_act: who.viewer.may_act() };
        match Hub::join(self, topic, Reading { session: who.session }) {
            Ok(body) => {
                let kind = HeaderValue::from_static("text/event-stream");
                ([(header::CONTENT_TYPE, kind)], body).into_response()
            }
            Err(full) => problem::text(StatusCode::SERVICE_UNAVAILABLE, &full.to_string()),
        }
    }
}

type Asks = (State<Dashboard>, Extension<Who>);

pub(in crate::http) async fn fleet((State(all), Extension(who)): Asks, uri: Uri) -> Response {
    all.show(&who, Page::Fleet, &uri).await
}

pub(in crate::http) async fn fleet_live((State(all), Extension(who)): Asks) -> Response {
    all.stream(&who, Page::Fleet)
}

pub(in crate::http) async fn nodes((State(all), Extension(who)): Asks, uri: Uri) -> Response {
    all.show(&who, Page::Nodes, &uri).await
}

pub(in crate::http) async fn nodes_live((State(all), Extension(who)): Asks) -> Response {
    all.stream(&who, Page::Nodes)
}

pub(in crate::http) async fn rollout(
    (State(all), Extension(who)): Asks,
    Path(id): Path<String>,
    uri: Uri,
) -> Response {
    all.show(&who, Page::Rollout(id), &uri).await
}

pub(in crate::http) async fn rollout_live(
    (State(all), Extension(who)): Asks,
    Path(id): Path<String>,
) -> Response {
    all.stream(&who, Page::Rollout(id))
}

pub(in crate::http) async fn component(
    (State(all), Extension(who)): Asks,
    Path((id, name)): Path<(String, String)>,
    uri: Uri,
) -> Response {
    all.show(&who, Page::Component(id, name), &uri).await
}

pub(in crate::http) async fn component_live(
    (State(all), Extension(who)): Asks,
    Path((id, name)): Path<(String, String)>,
) -> Response {
    all.stream(&who, Page::Component(id, name))
}

pub(in crate::http) async fn version(
    (State(all), Extension(who)): Asks,
    Path(id): Path<String>,
    uri: Uri,
) -> Response {
    all.show(&who, Page::Component(id, String::new()), &uri).await
}

pub(in crate::http) async fn version_live(
    (State(all), Extension(who)): Asks,
    Path(id): Path<String>,
) -> Response {
    all.stream(&who, Page::Component(id, String::new()))
}
