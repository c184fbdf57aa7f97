//! From a connection to an answer.

use std::sync::Arc;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap, UPGRADE};
use hyper::service::service_fn;
use hyper::{Method, Request};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serin_proto::assignment::{ARM_HEADER, BAGGAGE_HEADER, BLOCK_BAGGAGE_PREFIX};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::answer::{self, Answer, CutShort};
use super::fault::{Faults, Kind};
use super::stats::Key;
use super::{FAULT_HEADER, Service, route, websocket};

/// Bytes that `POST /_faults` may have.
const FAULTS_BYTES: usize = 64 * 1024;

/// Accepts connections until `stopped`, which also ends them.
pub(super) async fn accept(listener: TcpListener, service: Arc<Service>, stopped: watch::Receiver<bool>) {
    loop {
        // A failed accept (out of descriptors) passes; the pause keeps it from spinning.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            continue;
        };
        tokio::spawn(connection(stream, Arc::clone(&service), stopped.clone()));
    }
}

async fn connection(stream: TcpStream, service: Arc<Service>, mut stopped: watch::Receiver<bool>) {
    // Without it answers wait for delayed acknowledgements; a socket that refuses it still works.
    let _ = stream.set_nodelay(true);
    let answer = service_fn(move |request| {
        let service = Arc::clone(&service);
        async move { service.answer(request).await }
    });
    let server = auto::Builder::new(TokioExecutor::new());
    let serving = server.serve_connection_with_upgrades(TokioIo::new(stream), answer);
    tokio::select! {
        // How a connection ends is the client's business, or a fault's.
        _ = serving => {}
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
}

impl Service {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/_stats") => self.tell_stats(),
            (&Method::POST, "/_faults") => self.replace_faults(request).await,
            _ => self.shop(request).await,
        }
    }

    fn tell_stats(&self) -> Answer {
        let stats = serde_json::to_vec(&self.stats()).map_err(|_| CutShort)?;
        answer::whole(self.version(), 200, "application/json", stats)
    }

    async fn replace_faults(&self, request: Request<Incoming>) -> Answer {
        let body = Limited::new(request.into_body(), FAULTS_BYTES).collect().await;
        let faults = body.map_err(|error| error.to_string()).and_then(|body| {
            serde_json::from_slice::<Faults>(&body.to_bytes()).map_err(|error| error.to_string())
        });
        match faults {
            Ok(faults) => {
                self.faults.send_replace(Arc::new(faults));
                answer::whole(self.version(), 200, "text/plain", "replaced\n")
            }
            Err(error) => answer::whole(self.version(), 400, "text/plain", error),
        }
    }

    /// A request to the shop: decided and counted first, then answered.
    async fn shop(&self, request: Request<Incoming>) -> Answer {
        let route = route::of(request.uri().path());
        let mut draws = self.next_draws();
        let latency = draws.latency(self.settings.median_latency);
        let (delay, fault) = match fault_of_request(request.headers()) {
            Some(Kind::LatencyMs(more)) => (std::time::Duration::from_millis(more), None),
            Some(kind) => (std::time::Duration::ZERO, Some(kind)),
            None => {
                let faults = Arc::clone(&self.faults.borrow());
                faults.hit(route, || draws.next(), |block| asked(request.headers(), block))
            }
        };
        let outcome = Outcome::of(&request, route, fault);
        self.counts.add(outcome.clone().key(route, request.headers()));
        let wait = latency + delay;
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        self.perform(outcome, route, request).await
    }

    async fn perform(&self, outcome: Outcome, route: &str, request: Request<Incoming>) -> Answer {
        let version = self.version();
        match outcome {
            Outcome::Status(200) if asks_for_a_page(request.headers()) => answer::page(version, route),
            Outcome::Status(status) => {
                answer::whole(version, status, "text/plain", format!("{version} {route} {status}\n"))
            }
            Outcome::Block(block, status) => answer::block_failed(version, status, &block),
            Outcome::Hang => std::future::pending().await,
            Outcome::Reset => Err(CutShort),
            Outcome::CloseMidBody => answer::cut_short(version),
            Outcome::Grpc(status) => answer::grpc(version, status),
            Outcome::GrpcTrailersOnly(status) => answer::grpc_trailers_only(version, status),
            Outcome::WebSocket => websocket::accept(version, request),
        }
    }

    fn version(&self) -> &str {
        &self.settings.version
    }
}

/// What is done with a request.
#[derive(Clone)]
enum Outcome {
    Status(u16),
    Block(String, u16),
    Hang,
    Reset,
    CloseMidBody,
    Grpc(u16),
    GrpcTrailersOnly(u16),
    WebSocket,
}

impl Outcome {
    fn of(request: &Request<Incoming>, route: &str, fault: Option<Kind>) -> Self {
        let is_grpc = request
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"));
        match fault {
            Some(Kind::Status(status)) => Self::Status(status.clamp(200, 599)),
            Some(Kind::Block { name, status, .. }) => Self::Block(name, status.clamp(200, 599)),
            Some(Kind::Hang) => Self::Hang,
            Some(Kind::Reset) => Self::Reset,
            Some(Kind::CloseMidBody) => Self::CloseMidBody,
            Some(Kind::GrpcStatus(status)) => Self::Grpc(status),
            Some(Kind::GrpcStatusTrailersOnly(status)) => Self::GrpcTrailersOnly(status),
            Some(Kind::LatencyMs(_)) | None if is_grpc => {
                // 12 is UNIMPLEMENTED: what a gRPC server says of a method that it does not have.
                if route == route::GRPC_METHOD { Self::Grpc(0) } else { Self::GrpcTrailersOnly(12) }
            }
            Some(Kind::LatencyMs(_)) | None => match route {
                route::WEBSOCKET if request.headers().contains_key(UPGRADE) => Self::WebSocket,
                route::OTHER => Self::Status(404),
                _ => Self::Status(200),
            },
        }
    }

    fn key(self, route: &str, headers: &HeaderMap) -> Key {
        let (status, grpc_status) = match self {
            Self::Status(status) | Self::Block(_, status) => (status.to_string(), None),
            Self::Hang => ("hang".to_owned(), None),
            Self::Reset => ("reset".to_owned(), None),
            Self::CloseMidBody => ("close_mid_body".to_owned(), None),
            Self::Grpc(status) | Self::GrpcTrailersOnly(status) => ("200".to_owned(), Some(status)),
            Self::WebSocket => ("101".to_owned(), None),
        };
        let arm = headers.get(ARM_HEADER).map(|arm| String::from_utf8_lossy(arm.as_bytes()).into_owned());
        Key { route: route.to_owned(), status, grpc_status, arm }
    }
}

/// The version of a block that the request's baggage asks for.
fn asked(headers: &HeaderMap, block: &str) -> Option<String> {
    let members = headers.get(BAGGAGE_HEADER)?.to_str().ok()?.split(',');
    let asked = |member: &str| {
        let value =
            member.trim().strip_prefix(BLOCK_BAGGAGE_PREFIX)?.strip_prefix(block)?.strip_prefix('=')?;
        Some(value.split(';').next().unwrap_or_default().to_owned())
    };
    members.into_iter().find_map(asked)
}

/// Whether a browser shows the answer.
fn asks_for_a_page(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).is_some_and(|value| value.as_bytes().starts_with(b"text/html"))
}

fn fault_of_request(headers: &HeaderMap) -> Option<Kind> {
    serde_json::from_slice(headers.get(FAULT_HEADER)?.as_bytes()).ok()
}
