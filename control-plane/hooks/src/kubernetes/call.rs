//! Requests to a cluster's API server and what their answers mean. Each has a deadline and an answer of bounded size.

use std::time::Duration;

use kube::core::Status;
use kube::core::params::{GetParams, ListParams, PostParams};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serin_outside::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use serin_outside::{Request, Response};

use super::cluster::Cluster;
use super::fault::Fault;
use super::object::Object;
use crate::attempts::{RETRY_AFTER_MAX, asked_to_wait};

/// So much of an answer is taken. An object is at most 3 MiB, the most that a server takes; a Deployment keeps 10 ReplicaSets
/// unless it says otherwise.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Who wrote a field, as `managedFields` show it.
const MANAGER: &str = "serin";
/// Characters of the server's words that are told.
const WORDS_MAX: usize = 400;

/// Calls about an object.
pub(super) struct Calls<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) object: &'a Object,
}

impl Calls<'_> {
    /// The object, or the part of it that is changed.
    pub(super) async fn read(&self) -> Result<Value, Fault> {
        let (requests, name) = (self.object.requests(), self.object.name());
        let request = match self.object.part {
            None => requests.get(name, &GetParams::default()),
            Some((part, _)) => requests.get_subresource(part, name),
        };
        self.object_of(self.send(request).await?)
    }

    /// Stores it, unless it was changed since it was read. Gives what is stored.
    pub(super) async fn write(&self, object: &Value) -> Result<Value, Fault> {
        let (requests, name) = (self.object.requests(), self.object.name());
        let body = object.to_string().into_bytes();
        let by = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
        let request = match self.object.part {
            None => requests.replace(name, &by, body),
            Some((part, _)) => requests.replace_subresource(part, name, &by, body),
        };
        self.object_of(self.send(request).await?)
    }

    /// ReplicaSets that a selector takes.
    pub(super) async fn replica_sets(&self, selector: &str) -> Result<Vec<Value>, Fault> {
        #[derive(serde::Deserialize)]
        struct List {
            items: Vec<Value>,
        }
        let list = self.object.replica_sets().list(&ListParams::default().labels(selector));
        Ok(parsed::<List>("ReplicaSetList", &self.send(list).await?)?.items)
    }

    fn object_of(&self, answer: Response) -> Result<Value, Fault> {
        let kind = self.object.kind();
        let object: Value = parsed(kind, &answer)?;
        let at = |pointer| object.pointer(pointer).and_then(Value::as_str);
        let (found, name) = (at("/kind"), at("/metadata/name"));
        if found != Some(kind) || name != Some(self.object.name()) {
            let detail = format!("it is {} {}", found.unwrap_or("nothing"), name.unwrap_or("without a name"));
            return Err(Fault::Answer { kind, detail });
        }
        if at("/metadata/resourceVersion").is_none_or(str::is_empty) {
            return Err(Fault::Answer { kind, detail: "it has no metadata.resourceVersion".to_owned() });
        }
        Ok(object)
    }

    async fn send<E: std::fmt::Display>(
        &self,
        made: Result<http::Request<Vec<u8>>, E>,
    ) -> Result<Response, Fault> {
        let unusable = |error: &dyn std::fmt::Display| Fault::Request(error.to_string());
        let (parts, body) = made.map_err(|error| unusable(&error))?.into_parts();
        let url = self.cluster.url(&parts.uri.to_string()).map_err(|error| unusable(&error))?;
        let mut request = Request::get(url, self.cluster.deadline());
        (request.method, request.headers, request.body) = (parts.method, parts.headers, body.into());
        request.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(authorization) = self.cluster.authorization().await? {
            request.headers.insert(AUTHORIZATION, authorization);
        }
        request.body_max = ANSWER_BYTES_MAX;
        let answer = self.cluster.client().send(request).await?;
        if answer.is_success() { Ok(answer) } else { Err(refused(&answer)) }
    }
}

fn parsed<T: DeserializeOwned>(kind: &'static str, answer: &Response) -> Result<T, Fault> {
    let refused = |error: serde_json::Error| Fault::Answer { kind, detail: error.to_string() };
    serde_json::from_slice(&answer.body).map_err(refused)
}

fn refused(answer: &Response) -> Fault {
    let status = serde_json::from_slice::<Status>(&answer.body).ok();
    let words = match &status {
        Some(status) if !status.message.is_empty() => status.message.clone(),
        Some(_) | None => String::from_utf8_lossy(&answer.body).trim().to_owned(),
    };
    let words = words.chars().filter(|letter| !letter.is_control()).take(WORDS_MAX).collect();
    if answer.status == 409 {
        return Fault::Conflict(words);
    }
    let by_body = status.and_then(|status| status.details).map(|details| details.retry_after_seconds);
    let by_body = by_body
        .filter(|seconds| *seconds > 0)
        .map(|seconds| Duration::from_secs(u64::from(seconds)).min(RETRY_AFTER_MAX));
    let asked = asked_to_wait(&answer.headers).or(by_body);
    Fault::Refused { status: answer.status, words, asked }
}
