//! Whether a release may go out, for pipelines that call a webhook and run nothing of ours, as Spinnaker's.
//!
//! It answers as `serin gate` does: the status says whether to go on, so a stage that only looks at the status stops where the gate
//! blocks. The model is read anew once its file is another; one that cannot be read is told in the log, and the last one goes on. It
//! changes nothing, so who may read may ask.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serin_predictor::document::Document;
use serin_predictor::gate::{Decision, Thresholds, ask};
use serin_predictor::table::{Format, Table, TableError};

use crate::config::ReleaseGate;

/// Bytes of a release.
const BODY_BYTES: usize = 64 * 1024;
const PATH: &str = "/api/gate";

/// Whom releases are asked of. Clones share the model.
#[derive(Clone, Debug)]
pub(crate) struct Releases(Option<Arc<Asked>>);

#[derive(Debug)]
struct Asked {
    file: PathBuf,
    approval: Option<f64>,
    block: f64,
    known: Mutex<Known>,
}

/// The model that was read last, and the state of its file then.
#[derive(Clone, Debug)]
struct Known {
    document: Arc<Document>,
    state: Option<(SystemTime, u64)>,
}

impl Releases {
    /// `None`: no model is configured.
    pub(crate) fn new(gate: Option<&ReleaseGate>) -> Self {
        Self(gate.map(|gate| {
            let known = Known { document: Arc::clone(&gate.document), state: state(&gate.model) };
            let ReleaseGate { model, approval, block, .. } = gate;
            let (file, known) = (model.clone(), Mutex::new(known));
            Arc::new(Asked { file, approval: *approval, block: *block, known })
        }))
    }

    /// The route.
    pub(super) fn routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        Router::new()
            .route(PATH, post(answer))
            .layer(DefaultBodyLimit::max(BODY_BYTES))
            .with_state(self.clone())
    }
}

fn state(file: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(ReleaseGate::watched(file)).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

impl Asked {
    /// The model of now. Reads a file.
    fn document(&self) -> Arc<Document> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let state = state(&self.file);
        if state != known.state {
            known.state = state;
            match ReleaseGate::read(&self.file) {
                Ok(document) => known.document = Arc::new(document),
                Err(error) => {
                    tracing::warn!(file = %self.file.display(), %error, "the gate keeps the model that it has");
                }
            }
        }
        Arc::clone(&known.document)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    approval: Option<f64>,
    block: Option<f64>,
}

/// What is wrong, and where.
#[derive(Debug, Default, Serialize)]
struct Refused {
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
}

fn refused(code: StatusCode, error: impl Into<String>) -> Response {
    (code, Json(Refused { error: error.into(), ..Refused::default() })).into_response()
}

fn unreadable(error: &TableError) -> Response {
    let place = error.place();
    let (line, column) = (place.map(|place| place.line), place.map(|place| place.column));
    let told = Refused { error: format!("the release: {error}"), line, column };
    (StatusCode::BAD_REQUEST, Json(told)).into_response()
}

async fn answer(State(releases): State<Releases>, Query(given): Query<Given>, body: Bytes) -> Response {
    let Some(asked) = releases.0 else {
        return refused(
            StatusCode::NOT_FOUND,
            "this server has no model: give gate.model in its configuration",
        );
    };
    for (name, value) in [("approval", given.approval), ("block", given.block)] {
        if value.is_some_and(|value| !(0.0..=1.0).contains(&value)) {
            return refused(StatusCode::BAD_REQUEST, format!("{name}: must be from 0 to 1"));
        }
    }
    let judged = tokio::task::spawn_blocking(move || judge(&asked, &given, &body)).await;
    judged.unwrap_or_else(|_| refused(StatusCode::INTERNAL_SERVER_ERROR, "the release could not be judged"))
}

fn judge(asked: &Asked, given: &Given, body: &[u8]) -> Response {
    let Ok(text) = std::str::from_utf8(body) else {
        return refused(StatusCode::BAD_REQUEST, "the release: is not UTF-8 text");
    };
    let document = asked.document();
    let release = match Table::read(text, Format::Json, &document.layout(false)) {
        Ok(release) if release.rows() == 1 => release,
        Ok(release) => {
            let error = format!("the release: must be one JSON object, not {}", release.rows());
            return refused(StatusCode::BAD_REQUEST, error);
        }
        Err(error) => return unreadable(&error),
    };
    let by_costs = || document.card().costs.threshold();
    let approval = given.approval.or(asked.approval).unwrap_or_else(by_costs);
    let thresholds = Thresholds { approval, block: given.block.unwrap_or(asked.block) };
    let answer = ask(&document, &release, thresholds);
    let code = match answer.decision {
        Decision::Allow | Decision::NeedsApproval => StatusCode::OK,
        Decision::Block => StatusCode::CONFLICT,
    };
    (code, Json(answer)).into_response()
}
