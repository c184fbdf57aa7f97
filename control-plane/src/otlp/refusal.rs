//! Why a request is refused, and how gRPC and HTTP say so.

use axum::http::StatusCode;
use prost::Message;
use tonic::{Code, Status};

use super::Signal;
use crate::access::Denied;
use crate::listener::{BODY_DEADLINE, MESSAGE_BYTES_MAX};
use crate::metrics::OtlpResult;

/// When a refused request may come again, in seconds.
pub(super) const RETRY_AFTER_S: i64 = 1;

/// Why a request is refused. Nothing of it counts.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum Refusal {
    /// It cannot be read.
    #[error("the request is no {}: {fault}", .signal.request())]
    Malformed {
        /// What it should be.
        signal: Signal,
        /// What is wrong.
        fault: String,
    },
    /// It is too large.
    #[error("the request exceeds {MESSAGE_BYTES_MAX} bytes: send smaller batches")]
    TooLarge,
    /// It is written in a way that is not read.
    #[error("{0}")]
    Unsupported(&'static str),
    /// Too many requests came at once.
    #[error("too many requests at once: send again")]
    Busy,
    /// It does not arrive.
    #[error("the request did not arrive within {} s: send again", BODY_DEADLINE.as_secs())]
    Slow,
    /// Its sender may not.
    #[error(transparent)]
    Denied(#[from] Denied),
}

impl Refusal {
    /// How it is counted.
    pub(super) fn result(&self) -> OtlpResult {
        match self {
            Self::Malformed { .. } => OtlpResult::Malformed,
            Self::TooLarge => OtlpResult::TooLarge,
            Self::Unsupported(_) => OtlpResult::Unsupported,
            Self::Busy => OtlpResult::Busy,
            Self::Slow => OtlpResult::Slow,
            Self::Denied(_) => OtlpResult::Denied,
        }
    }

    /// How HTTP says it.
    pub(super) fn status_code(&self) -> StatusCode {
        match self {
            Self::Malformed { .. } => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unsupported(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Busy => StatusCode::TOO_MANY_REQUESTS,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Denied(_) => StatusCode::UNAUTHORIZED,
        }
    }

    /// How gRPC says it.
    pub(super) fn code(&self) -> Code {
        match self {
            Self::Malformed { .. } => Code::InvalidArgument,
            Self::TooLarge => Code::OutOfRange,
            Self::Unsupported(_) => Code::Unimplemented,
            Self::Busy => Code::ResourceExhausted,
            Self::Slow => Code::DeadlineExceeded,
            Self::Denied(_) => Code::Unauthenticated,
        }
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let (code, message) = (refusal.code(), refusal.to_string());
        if refusal != Refusal::Busy {
            return Self::new(code, message);
        }
        // Without this detail a sender of OTLP gives the batch up.
        let retry =
            RetryInfo { retry_delay: Some(prost_types::Duration { seconds: RETRY_AFTER_S, nanos: 0 }) };
        let retry = prost_types::Any {
            type_url: "type.googleapis.com/google.rpc.RetryInfo".to_owned(),
            value: retry.encode_to_vec(),
        };
        let details = RpcStatus { code: code as i32, message: message.clone(), details: vec![retry] };
        Self::with_details(code, message, details.encode_to_vec().into())
    }
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
    #[prost(string, tag = "2")]
    pub(super) message: String,
    #[prost(message, repeated, tag = "3")]
    pub(super) details: Vec<prost_types::Any>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, prost::Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<prost_types::Duration>,
}
