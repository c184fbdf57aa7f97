//! The two forms of a beacon, and how each of them is answered.
//!
//! Lines of text are answered by a status alone. OTLP asks for documents: what was rejected of a payload that was read, and why
//! one was not. No answer quotes anything that was sent.

use std::fmt::Display;

use serin_proto::assignment::{BEACON_LOGS, BEACON_PATH};

use super::Handling;
use crate::abi;
use crate::beacon::{self, otlp};
use crate::request::RequestView;

/// Statuses of answers.
const READ: u16 = 200;
const TAKEN: u16 = 204;
pub(super) const MALFORMED: u16 = 400;
const NOT_ALLOWED: u16 = 405;
pub(super) const TOO_LONG: u16 = 413;
const UNSUPPORTED: u16 = 415;
/// The code of gRPC for what the sender should not send again.
const INVALID_ARGUMENT: u16 = 3;

/// What the body of a beacon is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Form {
    /// One page view in lines of text.
    Lines,
    /// Page views as log records in JSON.
    Records,
}

/// What is not taken of a payload.
#[derive(Debug, Default)]
pub(super) struct Rejected {
    records: u32,
    /// The first of them: where and why.
    first: Option<String>,
}

impl Form {
    /// By the path of a request. `None`: it is no beacon.
    pub(super) fn of(path: &[u8]) -> Option<Self> {
        match path.strip_prefix(BEACON_PATH.as_bytes())? {
            b"" => Some(Self::Lines),
            below if below == BEACON_LOGS.as_bytes() => Some(Self::Records),
            _ => None,
        }
    }

    /// Bytes of a body.
    pub(super) const fn max_bytes(self) -> usize {
        match self {
            Self::Lines => beacon::MAX_BYTES,
            Self::Records => otlp::MAX_BYTES,
        }
    }

    /// Why its headers alone are enough to refuse a request.
    #[cold]
    pub(super) fn refusal(self, request: &impl RequestView) -> Option<Handling> {
        if request.method() != Some(b"POST") {
            return Some(self.refused(NOT_ALLOWED, &":method: must be POST"));
        }
        let length = request.header("content-length").and_then(abi::decimal).unwrap_or_default();
        if length as usize > self.max_bytes() {
            return Some(self.too_long());
        }
        if self == Self::Lines {
            return None;
        }
        let kind = request.header("content-type").unwrap_or_default();
        let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default();
        if !kind.trim_ascii().eq_ignore_ascii_case(b"application/json") {
            return Some(self.refused(UNSUPPORTED, &"content-type: must be application/json"));
        }
        let coding = request.header("content-encoding").unwrap_or(b"identity");
        let is_plain = coding.trim_ascii().eq_ignore_ascii_case(b"identity");
        (!is_plain).then(|| self.refused(UNSUPPORTED, &"content-encoding: must be identity"))
    }

    /// The answer to what was taken, whether it counts or not.
    pub(super) fn taken(self) -> Handling {
        match self {
            Self::Lines => Handling::Answer(TAKEN),
            Self::Records => Handling::Document(READ, "{}".to_owned()),
        }
    }

    /// The answer to a body of too many bytes.
    pub(super) fn too_long(self) -> Handling {
        self.refused(TOO_LONG, &format_args!("body: exceeds {} bytes", self.max_bytes()))
    }

    /// The answer to what breaks a rule. `rule` has nothing in it that JSON would escape.
    #[cold]
    pub(super) fn refused(self, status: u16, rule: &dyn Display) -> Handling {
        match self {
            Self::Lines => Handling::Answer(status),
            Self::Records => Handling::Document(
                status,
                format!("{{\"code\":{INVALID_ARGUMENT},\"message\":\"serin: {rule}\"}}"),
            ),
        }
    }
}

impl Rejected {
    /// One more record is rejected.
    #[cold]
    pub(super) fn add(&mut self, place: otlp::Place, error: otlp::RecordError) {
        self.records += 1;
        self.first.get_or_insert_with(|| format!("{place}: {error}"));
    }

    /// The answer to a payload that was read.
    #[cold]
    pub(super) fn answer(self) -> Handling {
        let Self { records, first: Some(first) } = self else { return Form::Records.taken() };
        // Protobuf's JSON writes 64-bit integers as text.
        Handling::Document(
            READ,
            format!(
                "{{\"partialSuccess\":{{\"rejectedLogRecords\":\"{records}\",\"errorMessage\":\"serin: {first}\"}}}}"
            ),
        )
    }
}
