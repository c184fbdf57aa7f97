//! An API server that keeps objects as a real one does, as far as hooks can tell, and misbehaves on purpose.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use k8s_openapi::api::{apps::v1::Deployment, autoscaling::v1::Scale};
use serde_json::{Value, json};

/// What it does with one request instead of serving it.
#[derive(Clone, Debug)]
pub(super) enum Then {
    /// Nothing of that.
    Serve,
    /// Says no, with `retry-after`.
    Status(u16, Option<u64>),
    /// Somebody else writes first.
    Foreign,
    /// Never answers, having done nothing, or all.
    HangBefore,
    HangAfter,
    /// 200, with this.
    Say(Vec<u8>),
    /// Takes the write and keeps what was there.
    Ignore,
}

#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) method: Method,
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

#[derive(Default)]
struct Kept {
    objects: BTreeMap<String, Value>,
    version: u64,
    writes: u32,
    script: VecDeque<Then>,
    /// What follows when the script has ended.
    always: Option<Then>,
    seen: Vec<Seen>,
}

#[derive(Clone)]
pub(super) struct Server {
    pub(super) url: String,
    kept: Arc<Mutex<Kept>>,
}

impl Server {
    pub(super) async fn start(objects: &[(&str, Value)]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { url, kept: Arc::default() };
        for (path, object) in objects {
            server.put((*path).to_owned(), object.clone());
        }
        let app = Router::new().fallback(handle).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        server
    }

    fn put(&self, path: String, mut object: Value) {
        let mut kept = self.kept.lock().unwrap();
        kept.version += 1;
        object["metadata"]["resourceVersion"] = kept.version.to_string().into();
        kept.objects.insert(path, object);
    }

    pub(super) fn script(&self, script: &[Then], always: Option<Then>) {
        let mut kept = self.kept.lock().unwrap();
        kept.script.extend(script.iter().cloned());
        kept.always = always;
    }

    pub(super) fn object(&self, path: &str) -> Value {
        self.kept.lock().unwrap().objects.get(path).unwrap().clone()
    }

    /// Writes of ours that it took.
    pub(super) fn writes(&self) -> u32 {
        self.kept.lock().unwrap().writes
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.kept.lock().unwrap().seen.clone()
    }

    pub(super) async fn has_seen(&self, count: usize) {
        while self.kept.lock().unwrap().seen.len() < count {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

async fn handle(State(server): State<Server>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 22).await.unwrap();
    let target = parts.uri.to_string();
    let seen = Seen { method: parts.method, target, headers: parts.headers, body };
    let then = {
        let mut kept = server.kept.lock().unwrap();
        kept.seen.push(seen.clone());
        let always = kept.always.clone();
        kept.script.pop_front().or(always).unwrap_or(Then::Serve)
    };
    match then {
        Then::Serve => server.serve(&seen),
        Then::Status(code, after) => {
            let mut answer = status(code, "not today");
            if let Some(after) = after {
                answer.headers_mut().insert("retry-after", after.into());
            }
            answer
        }
        Then::Foreign => {
            server.foreign();
            server.serve(&seen)
        }
        Then::HangBefore => std::future::pending().await,
        Then::HangAfter => {
            server.serve(&seen);
            std::future::pending().await
        }
        Then::Say(text) => Response::new(Body::from(text)),
        Then::Ignore => {
            let path = seen.target.split('?').next().unwrap();
            answer(StatusCode::OK, &server.read(path, "").unwrap())
        }
    }
}

impl Server {
    /// Touches every object, as controllers and people do.
    fn foreign(&self) {
        let objects = self.kept.lock().unwrap().objects.clone();
        for (path, mut object) in objects {
            object["metadata"]["annotations"]["somebody"] = "else".into();
            self.put(path, object);
        }
    }

    fn serve(&self, seen: &Seen) -> Response {
        let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
        match seen.method {
            Method::GET => match self.read(path, query) {
                Some(found) => answer(StatusCode::OK, &found),
                None => status(404, &format!("{path} not found")),
            },
            Method::PUT if seen.headers.get("content-type").is_none_or(|kind| kind != "application/json") => {
                status(415, "the body of the request was in an unknown format")
            }
            Method::PUT => self.write(path, &seen.body),
            _ => status(405, "the server does not allow this method on the requested resource"),
        }
    }

    fn read(&self, path: &str, query: &str) -> Option<Value> {
        let kept = self.kept.lock().unwrap();
        if path.ends_with("/replicasets") {
            let wanted = query.split('&').find_map(|part| part.strip_prefix("labelSelector="));
            let wanted = wanted.unwrap().replace("%3D", "=").replace("%2C", ",");
            let takes = |(at, object): &(&String, &Value)| {
                let labels = &object["metadata"]["labels"];
                at.starts_with(path)
                    && wanted.split(',').all(|one| {
                        let (name, value) = one.split_once('=').unwrap();
                        labels[name] == value
                    })
            };
            let items: Vec<_> = kept.objects.iter().filter(takes).map(|(_, object)| object).collect();
            return Some(
                json!({"kind": "ReplicaSetList", "apiVersion": "apps/v1", "metadata": {}, "items": items}),
            );
        }
        match path.strip_suffix("/scale") {
            Some(path) => kept.objects.get(path).map(scale_of),
            None => kept.objects.get(path).cloned(),
        }
    }

    fn write(&self, path: &str, body: &[u8]) -> Response {
        let Ok(sent) = serde_json::from_slice::<Value>(body) else { return status(400, "no JSON") };
        let Some(stored) = self.read(path, "") else { return status(404, "not found") };
        let same = |pointer| sent.pointer(pointer) == stored.pointer(pointer);
        if !["/kind", "/apiVersion", "/metadata/name", "/metadata/namespace"].iter().all(|at| same(at)) {
            return status(400, "the object does not match the address");
        }
        if let Err(error) = known(&sent) {
            return status(422, &error);
        }
        let version = sent.pointer("/metadata/resourceVersion").and_then(Value::as_str);
        if version.is_none_or(str::is_empty) {
            return status(422, "metadata.resourceVersion: must be specified for an update");
        }
        if !same("/metadata/resourceVersion") {
            return status(
                409,
                "the object has been modified; please apply your changes to the latest version",
            );
        }
        let whole = path.strip_suffix("/scale");
        let object = match whole {
            None => sent,
            Some(path) => {
                let mut object = self.object(path);
                object["spec"]["replicas"] = sent["spec"]["replicas"].clone();
                object
            }
        };
        self.put(whole.unwrap_or(path).to_owned(), object);
        self.kept.lock().unwrap().writes += 1;
        answer(StatusCode::OK, &self.read(path, "").unwrap())
    }
}

/// Whether the published types take what was sent.
fn known(sent: &Value) -> Result<(), String> {
    match sent["kind"].as_str() {
        Some("Deployment") => {
            let sent: Deployment = serde_json::from_value(sent.clone()).map_err(|error| error.to_string())?;
            let spec = sent.spec.ok_or("no spec")?;
            let labels = spec.template.metadata.and_then(|metadata| metadata.labels).unwrap_or_default();
            let chosen = spec.selector.match_labels.unwrap_or_default();
            match chosen.iter().all(|(name, value)| labels.get(name) == Some(value)) {
                true if !labels.contains_key("pod-template-hash") => Ok(()),
                true => Err("a template with a hash makes two ReplicaSets of one".to_owned()),
                false => Err("`selector` does not match template `labels`".to_owned()),
            }
        }
        Some("Scale") => {
            let sent: Scale = serde_json::from_value(sent.clone()).map_err(|error| error.to_string())?;
            let replicas = sent.spec.and_then(|spec| spec.replicas).unwrap_or_default();
            if replicas < 0 { Err("must be at least 0".to_owned()) } else { Ok(()) }
        }
        _ => Ok(()),
    }
}

/// A real server leaves 0 out.
fn scale_of(deployment: &Value) -> Value {
    let metadata = &deployment["metadata"];
    let replicas = deployment["spec"]["replicas"].as_u64().unwrap();
    let spec = if replicas == 0 { json!({}) } else { json!({"replicas": replicas}) };
    json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
        },
        "spec": spec,
        "status": {"replicas": replicas, "selector": "app=cart"},
    })
}

fn answer(code: StatusCode, object: &Value) -> Response {
    let answer = Response::builder().status(code).header("content-type", "application/json");
    answer.body(Body::from(object.to_string())).unwrap()
}

fn status(code: u16, message: &str) -> Response {
    let code = StatusCode::from_u16(code).unwrap();
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
        "reason": code.canonical_reason(), "code": code.as_u16(),
    });
    answer(code, &status)
}
