//! `LogsService/Export`, `TraceService/Export` and `MetricsService/Export` over gRPC.
//!
//! The services are written by hand, because a generated one builds the whole message before anyone can look at it.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::task::{Context, Poll};

use axum::http;
use prost::Message;
use prost::bytes::{Buf, Bytes};
use tokio::sync::OwnedSemaphorePermit;
use tonic::body::Body;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::{BoxFuture, Service};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Code, Request, Response, Status};

use super::answer::Answer;
use super::refusal::Refusal;
use super::{Encoding, Intake, Signal};
use crate::access::Access;
use crate::listener::MESSAGE_BYTES_MAX;
use crate::metrics::OtlpResult;

/// Which service it is.
pub(super) trait Kind: Clone + Send + 'static {
    const SIGNAL: Signal;
    const NAME: &'static str;
    const EXPORT: &'static str;
}

/// `LogsService`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Logs;

/// `TraceService`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Traces;

/// `MetricsService`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Metrics;

impl Kind for Logs {
    const SIGNAL: Signal = Signal::Logs;
    const NAME: &'static str = "opentelemetry.proto.collector.logs.v1.LogsService";
    const EXPORT: &'static str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
}

impl Kind for Traces {
    const SIGNAL: Signal = Signal::Traces;
    const NAME: &'static str = "opentelemetry.proto.collector.trace.v1.TraceService";
    const EXPORT: &'static str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
}

impl Kind for Metrics {
    const SIGNAL: Signal = Signal::Metrics;
    const NAME: &'static str = "opentelemetry.proto.collector.metrics.v1.MetricsService";
    const EXPORT: &'static str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
}

/// One of the services.
#[derive(Clone, Debug)]
pub(super) struct Exports<K> {
    intake: Intake,
    access: Access,
    kind: PhantomData<fn() -> K>,
}

impl<K: Kind> NamedService for Exports<K> {
    const NAME: &'static str = K::NAME;
}

impl<K: Kind> Exports<K> {
    pub(super) const fn new(intake: Intake, access: Access) -> Self {
        Self { intake, access, kind: PhantomData }
    }

    async fn export(&self, request: http::Request<Body>) -> http::Response<Body> {
        let response = match self.admit(request.uri().path(), request.headers()).await {
            Ok(_place) => self.read(request).await,
            Err(refusal) => Status::from(refusal).into_http(),
        };
        // An answer without a message has its status among the headers.
        let refused = Status::from_header_map(response.headers());
        self.intake.ended(refused.as_ref().map_or(OtlpResult::Taken, result));
        response
    }

    async fn admit(&self, path: &str, headers: &http::HeaderMap) -> Result<OwnedSemaphorePermit, Refusal> {
        let token = headers.get(http::header::AUTHORIZATION);
        self.access.holder(token.and_then(|value| value.to_str().ok()))?;
        if path != K::EXPORT {
            return Err(Refusal::Unsupported("the only method is Export"));
        }
        self.intake.place().await
    }

    async fn read(&self, request: http::Request<Body>) -> http::Response<Body> {
        let grpc = Grpc::new(Unread).accept_compressed(CompressionEncoding::Gzip);
        grpc.max_decoding_message_size(MESSAGE_BYTES_MAX)
            .unary(Export(self.intake.clone(), K::SIGNAL), request)
            .await
    }
}

/// How a refusal is counted, also one by the layers before ours.
fn result(status: &Status) -> OtlpResult {
    let may_come_again = !status.details().is_empty();
    match status.code() {
        Code::Ok => OtlpResult::Taken,
        Code::ResourceExhausted if may_come_again => OtlpResult::Busy,
        // What exceeds the bound packed, and what does unpacked.
        Code::OutOfRange | Code::ResourceExhausted => OtlpResult::TooLarge,
        Code::Unimplemented => OtlpResult::Unsupported,
        Code::Unauthenticated => OtlpResult::Denied,
        Code::Cancelled
        | Code::Unknown
        | Code::InvalidArgument
        | Code::DeadlineExceeded
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss => OtlpResult::Malformed,
    }
}

impl<K: Kind> Service<http::Request<Body>> for Exports<K> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { Ok(service.export(request).await) })
    }
}

struct Export(Intake, Signal);

impl UnaryService<Bytes> for Export {
    type Response = Answer;
    type Future = BoxFuture<Response<Answer>, Status>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let Self(intake, signal) = self;
        let (intake, signal) = (intake.clone(), *signal);
        Box::pin(async move {
            let answer = intake.take(signal, Encoding::Protobuf, request.into_inner()).await;
            answer.map(Response::new).map_err(Status::from)
        })
    }
}

/// Takes the bytes of a message as they are.
#[derive(Clone, Copy, Debug)]
struct Unread;

impl Codec for Unread {
    type Encode = Answer;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Unread {
    type Item = Answer;
    type Error = Status;

    fn encode(&mut self, answer: Answer, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        answer.encode(into).map_err(|error| Status::internal(error.to_string()))
    }
}

impl Decoder for Unread {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(bytes.copy_to_bytes(bytes.remaining())))
    }
}
