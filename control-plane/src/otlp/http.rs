//! `POST /v1/logs`, `POST /v1/traces` and `POST /v1/metrics`: protobuf or JSON, plain or gzip; answers are in the encoding of the request.

use std::io::Read;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use flate2::read::MultiGzDecoder;
use prost::Message;
use tokio::time::timeout;
use tokio_stream::StreamExt;

use super::refusal::{RETRY_AFTER_S, Refusal, RpcStatus};
use super::{Answer, Encoding, Intake, Signal};
use crate::access::Access;
use crate::listener::{BODY_DEADLINE, MESSAGE_BYTES_MAX};
use crate::metrics::OtlpResult;

#[derive(Clone, Debug)]
struct Door {
    intake: Intake,
    access: Access,
    signal: Signal,
}

/// The routes.
pub(super) fn router(intake: Intake, access: Access) -> Router {
    let door = |signal| Door { intake: intake.clone(), access: access.clone(), signal };
    let route = |path: &str, signal| Router::new().route(path, post(export)).with_state(door(signal));
    let routes = route("/v1/logs", Signal::Logs).merge(route("/v1/traces", Signal::Traces));
    routes.merge(route("/v1/metrics", Signal::Metrics))
}

async fn export(State(door): State<Door>, request: Request) -> Response {
    let encoding = Encoding::of(request.headers());
    let outcome = door.take(encoding, request).await;
    door.intake.ended(outcome.as_ref().map_or_else(Refusal::result, |_| OtlpResult::Taken));
    match outcome {
        Ok(answer) => {
            let encoding = encoding.unwrap_or(Encoding::Protobuf);
            respond(StatusCode::OK, encoding, &answer, || answer.json(door.signal))
        }
        Err(refusal) => refuse(&refusal, encoding.unwrap_or(Encoding::Json)),
    }
}

impl Door {
    async fn take(&self, encoding: Option<Encoding>, request: Request) -> Result<Answer, Refusal> {
        let (parts, body) = request.into_parts();
        let authorization = parts.headers.get(header::AUTHORIZATION);
        self.access.holder(authorization.and_then(|value| value.to_str().ok()))?;
        let rule = "content-type must be application/x-protobuf or application/json";
        let encoding = encoding.ok_or(Refusal::Unsupported(rule))?;
        let is_packed = is_gzip(&parts.headers)?;
        let _place = self.intake.place().await?;
        let malformed = |fault| Refusal::Malformed { signal: self.signal, fault };
        let arriving = timeout(BODY_DEADLINE, whole(body, malformed));
        let bytes = arriving.await.map_err(|_| Refusal::Slow)??;
        let bytes = if is_packed { unpacked(&bytes, malformed)? } else { bytes };
        self.intake.take(self.signal, encoding, bytes).await
    }
}

impl Encoding {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        match value.split(';').next()?.trim() {
            kind if kind.eq_ignore_ascii_case(Self::Protobuf.media_type()) => Some(Self::Protobuf),
            kind if kind.eq_ignore_ascii_case(Self::Json.media_type()) => Some(Self::Json),
            _ => None,
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}

fn is_gzip(headers: &HeaderMap) -> Result<bool, Refusal> {
    let Some(value) = headers.get(header::CONTENT_ENCODING) else { return Ok(false) };
    match value.to_str().unwrap_or_default().trim() {
        coding if coding.eq_ignore_ascii_case("gzip") => Ok(true),
        coding if coding.is_empty() || coding.eq_ignore_ascii_case("identity") => Ok(false),
        _ => Err(Refusal::Unsupported("content-encoding must be gzip or identity")),
    }
}

async fn whole(body: Body, malformed: impl Fn(String) -> Refusal) -> Result<Vec<u8>, Refusal> {
    let (mut bytes, mut chunks) = (Vec::new(), body.into_data_stream());
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| malformed("the body is cut off".to_owned()))?;
        if bytes.len() + chunk.len() > MESSAGE_BYTES_MAX {
            return Err(Refusal::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn unpacked(bytes: &[u8], malformed: impl Fn(String) -> Refusal) -> Result<Vec<u8>, Refusal> {
    let mut unpacked = Vec::new();
    let one_more = MESSAGE_BYTES_MAX as u64 + 1;
    let read = MultiGzDecoder::new(bytes).take(one_more).read_to_end(&mut unpacked);
    read.map_err(|error| malformed(format!("the body is not gzip: {error}")))?;
    if unpacked.len() > MESSAGE_BYTES_MAX { Err(Refusal::TooLarge) } else { Ok(unpacked) }
}

fn respond(
    status: StatusCode,
    encoding: Encoding,
    message: &impl Message,
    json: impl FnOnce() -> serde_json::Value,
) -> Response {
    let body = match encoding {
        Encoding::Protobuf => message.encode_to_vec(),
        Encoding::Json => json().to_string().into_bytes(),
    };
    (status, [(header::CONTENT_TYPE, encoding.media_type())], body).into_response()
}

fn refuse(refusal: &Refusal, encoding: Encoding) -> Response {
    let status = RpcStatus { code: refusal.code() as i32, message: refusal.to_string(), details: Vec::new() };
    let json = || serde_json::json!({"code": status.code, "message": status.message});
    let mut response = respond(refusal.status_code(), encoding, &status, json);
    let headers = response.headers_mut();
    match refusal {
        Refusal::Busy => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S));
        }
        Refusal::Denied(_) => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        Refusal::Malformed { .. } | Refusal::TooLarge | Refusal::Unsupported(_) | Refusal::Slow => {}
    }
    response
}
