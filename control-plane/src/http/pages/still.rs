//! Pages that stay as they were loaded.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Path, Query, State};
use axum::http::Uri;
use axum::response::Response;
use serde::Deserialize;
use serin_dashboard::Rendered;
use serin_dashboard::compare::{self, ComparePage, Side};
use serin_dashboard::decision::{self, DecisionPage};
use serin_dashboard::decisions::{self, DecisionsPage};
use serin_dashboard::graph::{self, GraphPage};
use serin_dashboard::history::{self, HistoryPage};
use serin_proto::admin::v1 as api;
use tonic::{Code, Status};

use super::{address, reading, shown};
use crate::clock;
use crate::http::act::{self, Asked};
use crate::http::gate::Who;
use crate::http::{Dashboard, problem};

/// Decisions of one page.
const DECISIONS_SHOWN: u32 = 200;
/// Decisions that trends are made of.
const DECISIONS_OF_HISTORY: u32 = 1_000;

/// What decisions are asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::http) struct OfDecisions {
    service: String,
    rollout: String,
    before: u64,
}

/// What is compared.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::http) struct OfCompare {
    left: String,
    right: String,
}

type Asks = (State<Dashboard>, Extension<Who>);

/// What a page that may fail becomes.
async fn answered(who: &Who, uri: &Uri, page: impl Future<Output = Result<Rendered, Status>>) -> Response {
    if let Err(sent) = reading(who, uri) {
        return *sent;
    }
    match page.await {
        Ok(page) => shown(who, address(uri), &page),
        Err(status) => problem::of(who, address(uri), &status),
    }
}

fn asked<T: Default>(query: Result<Query<T>, QueryRejection>) -> T {
    query.map(|Query(asked)| asked).unwrap_or_default()
}

pub(in crate::http) async fn graph(
    (State(all), Extension(who)): Asks,
    Path(id): Path<String>,
    uri: Uri,
) -> Response {
    let page = async {
        let (rollout, known) = (all.admin().rollout(&id)?, all.admin().known(None).components);
        let (may_act, now_ms) = (who.viewer.may_act(), clock::now().0);
        Ok(graph::page(&GraphPage { rollout: &rollout, known: &known, may_act, now_ms }))
    };
    answered(&who, &uri, page).await
}

pub(in crate::http) async fn confirm(
    (State(all), Extension(who)): Asks,
    Path((id, action)): Path<(String, String)>,
    query: Result<Query<act::Fields>, QueryRejection>,
    uri: Uri,
) -> Response {
    let fields = asked(query);
    let page = async { act::page(&all, &id, &action, Asked { fields: &fields, refusal: None }) };
    answered(&who, &uri, page).await
}

pub(in crate::http) async fn decisions(
    (State(all), Extension(who)): Asks,
    query: Result<Query<OfDecisions>, QueryRejection>,
    uri: Uri,
) -> Response {
    let OfDecisions { service, rollout, before } = asked(query);
    let page = async {
        let query = api::ListDecisionsRequest {
            rollout_id: rollout.clone(),
            service: service.clone(),
            before_sequence: before,
            limit: DECISIONS_SHOWN + 1,
        };
        let mut found = all.admin().decisions(query).await?;
        let shown = usize::try_from(DECISIONS_SHOWN).unwrap_or(usize::MAX);
        let has_more = found.len() > shown;
        found.truncate(shown);
        let now_ms = clock::now().0;
        let page =
            DecisionsPage { decisions: &found, service: &service, rollout_id: &rollout, has_more, now_ms };
        Ok(decisions::page(&page))
    };
    answered(&who, &uri, page).await
}

pub(in crate::http) async fn decision(
    (State(all), Extension(who)): Asks,
    Path(id): Path<String>,
    uri: Uri,
) -> Response {
    answered(&who, &uri, of_decision(&all, &who, &id, None)).await
}

/// The page of a decision, with what somebody was refused.
pub(in crate::http) async fn of_decision(
    all: &Dashboard,
    who: &Who,
    id: &str,
    refusal: Option<&str>,
) -> Result<Rendered, Status> {
    let decision = all.admin().decision(id).await?;
    // Evidence may have gone with its age; the decision is still in the journal.
    let bundle = match all.evidence().bundle(decision.id.clone()).await {
        Ok(bundle) => Some(bundle),
        Err(status) if status.code() == Code::NotFound => None,
        Err(status) => return Err(status),
    };
    let (bundle, may_act, now_ms) = (bundle.as_ref(), who.viewer.may_act(), clock::now().0);
    Ok(decision::page(&DecisionPage { decision: &decision, bundle, may_act, refusal, now_ms }))
}

pub(in crate::http) async fn compare(
    (State(all), Extension(who)): Asks,
    query: Result<Query<OfCompare>, QueryRejection>,
    uri: Uri,
) -> Response {
    let OfCompare { left, right } = asked(query);
    let page = async {
        let (left, right) = (side(&all, &left).await?, side(&all, &right).await?);
        let rollouts = all.admin().heads();
        Ok(compare::page(&ComparePage {
            left: left.as_ref().map(|(rollout, decisions)| Side { rollout, decisions }),
            right: right.as_ref().map(|(rollout, decisions)| Side { rollout, decisions }),
            rollouts: &rollouts,
            now_ms: clock::now().0,
        }))
    };
    answered(&who, &uri, page).await
}

/// One of two rollouts. `None`: none was named.
async fn side(all: &Dashboard, id: &str) -> Result<Option<(api::Rollout, Vec<api::Decision>)>, Status> {
    if id.is_empty() {
        return Ok(None);
    }
    let rollout = all.admin().rollout(id)?;
    let past = all.past(&rollout).await?;
    Ok(Some((rollout, past.decisions.clone())))
}

pub(in crate::http) async fn history((State(all), Extension(who)): Asks, uri: Uri) -> Response {
    let page = async {
        let limit = DECISIONS_OF_HISTORY;
        let query = api::ListDecisionsRequest { limit, ..api::ListDecisionsRequest::default() };
        let decisions = all.admin().decisions(query).await?;
        Ok(history::page(&HistoryPage { decisions: &decisions, now_ms: clock::now().0 }))
    };
    answered(&who, &uri, page).await
}
