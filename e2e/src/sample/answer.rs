//! The answers of the service.

use std::time::Duration;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::http::response::Builder;
use hyper::{HeaderMap, Response};
use serin_proto::assignment::BLOCK_ERROR_HEADER;
use tokio_stream::StreamExt as _;

use super::VERSION_HEADER;

/// Why an answer is cut short on purpose.
#[derive(Debug)]
pub(super) struct CutShort;

impl std::fmt::Display for CutShort {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("cut short by a fault")
    }
}

impl std::error::Error for CutShort {}

/// A body that may be cut short.
pub(super) type Body = BoxBody<Bytes, CutShort>;
/// An answer, or none: the connection or stream ends.
pub(super) type Answer = Result<Response<Body>, CutShort>;

/// Time between the two halves of an answer that is cut short.
const FIRST_HALF_LEAVES: Duration = Duration::from_millis(5);
/// What operators add to their pages.
const SCRIPT: &str = include_str!("../../../envoy/serin.js");
/// An empty gRPC message: not compressed, no bytes.
const EMPTY_MESSAGE: &[u8] = &[0, 0, 0, 0, 0];

/// An answer with a body that is complete.
pub(super) fn whole(version: &str, status: u16, content_type: &str, body: impl Into<Bytes>) -> Answer {
    let body = Full::new(body.into()).map_err(|never| match never {}).boxed();
    head(version, status, content_type).body(body).map_err(|_| CutShort)
}

/// A page of the shop, with the script that tells what a view of it came to.
pub(super) fn page(version: &str, route: &str) -> Answer {
    let html = format!(
        "<!doctype html><html lang=\"en\"><title>{route}</title><script>{SCRIPT}</script>\
         <h1>{route}</h1><p id=\"version\">{version}</p><button data-serin-convert>Buy</button>\
         <button data-serin-feature=\"zoom\">Zoom</button>"
    );
    whole(version, 200, "text/html; charset=utf-8", html)
}

/// An answer of which a block of code failed.
pub(super) fn block_failed(version: &str, status: u16, block: &str) -> Answer {
    let body =
        Full::new(Bytes::from(format!("block {block} failed\n"))).map_err(|never| match never {}).boxed();
    head(version, status, "text/plain").header(BLOCK_ERROR_HEADER, block).body(body).map_err(|_| CutShort)
}

/// An answer that promises more body than it sends.
pub(super) fn cut_short(version: &str) -> Answer {
    let frames = [Ok(Frame::data(Bytes::from_static(b"half of it"))), Err(CutShort)];
    let frames = tokio_stream::iter(frames).then(|frame| async move {
        if frame.is_err() {
            // Without it the connection ends before the first half has left.
            tokio::time::sleep(FIRST_HALF_LEAVES).await;
        }
        frame
    });
    head(version, 200, "text/plain")
        .header("content-length", "20")
        .body(StreamBody::new(frames).boxed())
        .map_err(|_| CutShort)
}

/// One empty gRPC message, then the status in the trailers.
pub(super) fn grpc(version: &str, status: u16) -> Answer {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", status.into());
    let frames = [Ok(Frame::data(Bytes::from_static(EMPTY_MESSAGE))), Ok(Frame::trailers(trailers))];
    head(version, 200, "application/grpc")
        .body(StreamBody::new(tokio_stream::iter(frames)).boxed())
        .map_err(|_| CutShort)
}

/// The gRPC status in the headers and nothing else.
pub(super) fn grpc_trailers_only(version: &str, status: u16) -> Answer {
    head(version, 200, "application/grpc").header("grpc-status", status).body(empty()).map_err(|_| CutShort)
}

/// A body without a byte.
pub(super) fn empty() -> Body {
    Full::default().map_err(|never| match never {}).boxed()
}

/// Status line and the headers of every answer.
pub(super) fn head(version: &str, status: u16, content_type: &str) -> Builder {
    Response::builder().status(status).header(VERSION_HEADER, version).header("content-type", content_type)
}
