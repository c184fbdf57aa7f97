//! Notes who asks for what, whatever the interface: the one place through which every command passes.
//!
//! A layer around the listeners, so a method that is added later is noted without being told to. Of each call that may change
//! something one entry is written before it acts and one after it answered; when the first cannot be written the call is refused,
//! because what leaves no trace must not happen. Reads pass unnoted, exports do not. Who is turned away is noted too, at most
//! [`DENIED_PER_MINUTE`] times a minute, and counted beyond that. Arguments are masked and cut.

mod arguments;
pub(crate) mod form;
mod methods;

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use serin_evidence::Hash;
use serin_evidence::audit::{Asked, Record, What};
use serin_evidence::mask::Masker;
use tokio::time::timeout;
use tonic::Status;
use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo};

use crate::access::{Access, Actor};
use crate::clock;
use crate::failpoint::Failpoint;
use crate::listener::{BODY_DEADLINE, MESSAGE_BYTES_MAX};
use crate::store::{StoreError, StoreHandle};
pub(crate) use methods::{Methods, MethodsError};

/// Who is turned away is noted so often in a minute.
pub(crate) const DENIED_PER_MINUTE: u32 = 60;
/// Bytes of a message about a refusal that are kept.
const MESSAGE_KEPT: usize = 2_000;
/// Bytes of a method's name that are kept.
const METHOD_KEPT: usize = 256;
/// Where people sign in.
pub(crate) const SIGN_IN: &str = "/login";

/// Which interface it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Interface {
    Grpc,
    Http,
}

/// Notes the calls of one listener.
#[derive(Clone, Debug)]
pub(crate) struct Audit {
    store: StoreHandle,
    access: Access,
    masker: Arc<Masker>,
    interface: Interface,
    methods: Arc<Methods>,
    denied: Arc<Mutex<Turned>>,
}

/// Who was turned away in the present minute.
#[derive(Debug, Default)]
struct Turned {
    minute: u64,
    noted: u32,
    more: u64,
}

impl Audit {
    pub(crate) fn new(
        store: StoreHandle,
        access: Access,
        masker: Arc<Masker>,
        interface: Interface,
        methods: Arc<Methods>,
    ) -> Self {
        Self { store, access, masker, interface, methods, denied: Arc::default() }
    }

    /// Notes that someone signed in, or was turned away. What cannot be noted does not happen.
    pub(crate) async fn signed_in(&self, asked: Asked) -> Result<(), StoreError> {
        let number = self.write(What::Asked(asked)).await?;
        let (outcome, message) = ("ok".to_owned(), String::new());
        self.write(What::Answered { asked: number, outcome, message }).await.map(|_| ())
    }

    fn is_read(&self, request: &Request) -> bool {
        match self.interface {
            Interface::Grpc => Methods::is_read(method_of(request)),
            // Flags are evaluated by POST, as their protocol wants it. Who signs in is noted by who knows whether they may.
            Interface::Http => {
                let (reads, path) = ([Method::GET, Method::HEAD, Method::OPTIONS], request.uri().path());
                reads.contains(request.method()) || path.starts_with("/ofrep/") || path == SIGN_IN
            }
        }
    }

    async fn write(&self, what: What) -> Result<u64, StoreError> {
        let record = Record::new(what, clock::now());
        Ok(self.store.call(move |store| store.audit(&record)).await?.number)
    }

    /// What somebody asks for, as it is noted.
    pub(crate) fn asked(&self, request: &Request, actor: String, arguments: Value) -> Asked {
        let method = method_of(request);
        let method = method.get(..method.floor_char_boundary(METHOD_KEPT)).unwrap_or_default().to_owned();
        let (peer, certificate) = peer(request);
        let interface = match self.interface {
            Interface::Grpc => "grpc",
            Interface::Http => "http",
        };
        Asked { actor, certificate, peer, interface: interface.to_owned(), method, arguments }
    }

    /// Notes that someone without a right to asked, unless that happens too often.
    pub(crate) async fn note_denied(&self, asked: Asked) {
        let and_more = {
            let mut turned = self.denied.lock().unwrap_or_else(PoisonError::into_inner);
            let minute = clock::now().second() / 60;
            if turned.minute != minute {
                (turned.minute, turned.noted) = (minute, 0);
            }
            if turned.noted >= DENIED_PER_MINUTE {
                turned.more = turned.more.saturating_add(1);
                return;
            }
            turned.noted += 1;
            std::mem::take(&mut turned.more)
        };
        if let Err(error) = self.write(What::Denied { asked, and_more }).await {
            tracing::warn!(%error, "a call that was turned away could not be noted");
        }
    }

    /// The request with its body read, and what it asks for.
    async fn read(&self, request: Request) -> Result<(Request, Value), Box<Response>> {
        let method = method_of(&request).to_owned();
        if self.interface == Interface::Grpc && self.methods.is_stream(&method) {
            return Ok((request, json!("a stream")));
        }
        let (parts, body) = request.into_parts();
        let read = timeout(BODY_DEADLINE, to_bytes(body, MESSAGE_BYTES_MAX + 5)).await;
        let Ok(Ok(bytes)) = read else {
            return Err(Box::new(self.refuse("the request is too large, or did not come in time")));
        };
        let mut arguments = match self.interface {
            Interface::Grpc => self.methods.arguments(&method, &bytes),
            Interface::Http => {
                let query = parts.uri.query().unwrap_or_default();
                match form::fields(&parts.headers, &bytes) {
                    Some(fields) => json!({"query": query, "fields": fields}),
                    None => {
                        json!({"query": query, "body_bytes": bytes.len(), "body_sha256": Hash::of(&bytes)})
                    }
                }
            }
        };
        self.masker.mask_value(&mut arguments);
        arguments::shorten(&mut arguments);
        Ok((Request::from_parts(parts, Body::from(bytes)), arguments))
    }

    fn refuse(&self, words: &str) -> Response {
        match self.interface {
            Interface::Grpc => Status::unavailable(words).into_http(),
            Interface::Http => (StatusCode::SERVICE_UNAVAILABLE, words.to_owned()).into_response(),
        }
    }

    async fn through(self, request: Request, next: Next) -> Response {
        // Who signed in is known before; nothing else knows more than the headers say.
        let known = request.extensions().get::<Actor>().cloned();
        let Ok(Actor(actor)) = known.map_or_else(|| self.access.who(request.headers()), Ok) else {
            let asked = self.asked(&request, "unknown".to_owned(), Value::Null);
            self.note_denied(asked).await;
            return next.run(request).await;
        };
        let (request, arguments) = match self.read(request).await {
            Ok(read) => read,
            Err(refusal) => return *refusal,
        };
        let asked = self.asked(&request, actor, arguments);
        let number = match self.write(What::Asked(asked)).await {
            Ok(number) => number,
            Err(error) => {
                tracing::error!(%error, "a command is refused, because it cannot be noted in the audit log");
                return self.refuse(&format!("the audit log cannot be written: {error}"));
            }
        };
        Failpoint::AfterAsked.reach();
        // A task of its own: a caller that goes away must not keep the outcome from being noted.
        let answering = tokio::spawn(async move {
            let response = next.run(request).await;
            let (outcome, message) = outcome(self.interface, &response);
            let mut message = self.masker.mask(&message).into_owned();
            message.truncate(message.floor_char_boundary(MESSAGE_KEPT));
            if let Err(error) = self.write(What::Answered { asked: number, outcome, message }).await {
                tracing::warn!(number, %error, "the outcome of a command could not be noted");
            }
            response
        });
        answering.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
    }
}

/// Notes a call, and lets it pass.
pub(crate) async fn note(State(audit): State<Audit>, request: Request, next: Next) -> Response {
    if audit.is_read(&request) {
        return next.run(request).await;
    }
    audit.through(request, next).await
}

fn method_of(request: &Request) -> &str {
    request.uri().path().trim_start_matches('/')
}

/// Where a call came from, and the SHA-256 of the certificate that was shown.
fn peer(request: &Request) -> (String, String) {
    let plain = request.extensions().get::<TcpConnectInfo>();
    let secure = request.extensions().get::<TlsConnectInfo<TcpConnectInfo>>();
    let connection = plain.or(secure.map(TlsConnectInfo::get_ref));
    let address = connection.and_then(TcpConnectInfo::remote_addr);
    let certificates = secure.and_then(TlsConnectInfo::peer_certs);
    let leaf = certificates.and_then(|all| all.first().map(|leaf| Hash::of(leaf.as_ref()).to_string()));
    (address.map(|address| address.to_string()).unwrap_or_default(), leaf.unwrap_or_default())
}

/// What became of a call, and why it was refused.
fn outcome(interface: Interface, response: &Response) -> (String, String) {
    let told = grpc_status(response.headers());
    match (interface, told) {
        (Interface::Grpc, Some(status)) if status.code() != tonic::Code::Ok => {
            (format!("{:?}", status.code()), status.message().to_owned())
        }
        (Interface::Grpc | Interface::Http, _)
            if response.status().is_success() || response.status() == StatusCode::SEE_OTHER =>
        {
            ("ok".to_owned(), String::new())
        }
        (Interface::Grpc | Interface::Http, _) => (response.status().as_u16().to_string(), String::new()),
    }
}

fn grpc_status(headers: &HeaderMap) -> Option<Status> {
    let is_grpc = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
    is_grpc.then(|| Status::from_header_map(headers)).flatten()
}
