//! One request of a load.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{HeaderMap, Request};
use tokio::time::Instant;

use super::{Key, Plan, Status, Summary, Target};
use crate::http::{self, HttpClient};
use crate::sample::{VERSION_HEADER, splitmix};

/// Sends the requests of one plan.
pub(super) struct Sender {
    plan: Plan,
    weights: u64,
    plain: HttpClient,
    grpc: HttpClient,
    summary: Arc<Mutex<Summary>>,
    /// Version that each user got last, by route.
    last: Mutex<BTreeMap<String, HashMap<u64, String>>>,
}

impl Sender {
    pub(super) fn new(plan: Plan, summary: Arc<Mutex<Summary>>) -> Self {
        let weights = plan.targets.iter().map(|target| u64::from(target.weight)).sum();
        let last = Mutex::default();
        Self { plan, weights, plain: http::client(), grpc: http::h2c_client(), summary, last }
    }

    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(super) fn not_sent(&self) {
        self.summary.lock().unwrap_or_else(PoisonError::into_inner).not_sent += 1;
    }

    /// Sends request `number`, waits for its whole answer and counts it.
    pub(super) async fn send(&self, number: u64, due: Instant) {
        let draw = splitmix(self.plan.seed).wrapping_add(splitmix(number.wrapping_add(1)));
        let Some(target) = self.target(splitmix(draw)) else { return };
        let client = if target.grpc { &self.grpc } else { &self.plain };
        let exchange = async {
            let request = self.request(target, draw)?;
            answer(client, request, target.grpc).await
        };
        let (version, status) = match tokio::time::timeout_at(due + self.plan.timeout, exchange).await {
            Ok(Ok(answered)) => answered,
            Ok(Err(_)) => (None, Status::Broken),
            Err(_) => (None, Status::TimedOut),
        };
        let key = Key { route: target.route.clone(), version, status };
        let moved = self.plan.users > 0 && self.has_moved(&key, self.user(draw));
        self.summary.lock().unwrap_or_else(PoisonError::into_inner).add(key, moved, due.elapsed());
    }

    /// Whether a user got another version on a route than the last time.
    fn has_moved(&self, key: &Key, user: u64) -> bool {
        let Some(version) = &key.version else { return false };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let before = last.entry(key.route.clone()).or_default().insert(user, version.clone());
        before.is_some_and(|before| before != *version)
    }

    fn user(&self, draw: u64) -> u64 {
        splitmix(draw ^ 3) % self.plan.users
    }

    fn target(&self, draw: u64) -> Option<&Target> {
        let mut rest = draw % self.weights;
        self.plan.targets.iter().find(|target| {
            let hit = rest < u64::from(target.weight);
            rest = rest.saturating_sub(u64::from(target.weight));
            hit
        })
    }

    fn request(&self, target: &Target, draw: u64) -> Result<Request<Full<Bytes>>> {
        let path = target.path.replace("{id}", &(splitmix(draw ^ 2) % 100).to_string());
        let mut request = Request::builder()
            .method(target.method.clone())
            .uri(format!("http://{}{path}", self.plan.address));
        if self.plan.users > 0 {
            request = request.header("x-user-id", format!("user-{}", self.user(draw)));
        }
        for (name, value) in &target.headers {
            request = request.header(name, value);
        }
        if !target.grpc {
            return Ok(request.body(Full::default())?);
        }
        // One empty gRPC message.
        let request = request.header("content-type", "application/grpc").header("te", "trailers");
        Ok(request.body(Full::from(&[0_u8; 5][..]))?)
    }
}

/// The version and status of a whole answer. An answer that breaks after its headers keeps its version.
async fn answer(
    client: &HttpClient,
    request: Request<Full<Bytes>>,
    grpc: bool,
) -> Result<(Option<String>, Status)> {
    let (head, body) = client.request(request).await?.into_parts();
    let version = head.headers.get(VERSION_HEADER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let Ok(body) = body.collect().await else { return Ok((version, Status::Broken)) };
    let status =
        body.trailers().and_then(grpc_status).or_else(|| grpc_status(&head.headers)).filter(|_| grpc);
    Ok((version, status.unwrap_or(Status::Http(head.status.as_u16()))))
}

fn grpc_status(headers: &HeaderMap) -> Option<Status> {
    Some(Status::Grpc(headers.get("grpc-status")?.to_str().ok()?.parse().ok()?))
}
