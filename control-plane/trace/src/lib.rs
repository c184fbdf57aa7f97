//! Recorded traffic: a trace, line by line, and its replay through the engine that judges live rollouts.
//!
//! * [`Record`] is one line of a trace, checked: nearly always a [`Line`] of requests. [`Record::parse`] is total, and its
//!   errors name column, field and rule.
//! * [`Writer`] writes records; what `serin record` writes begins with a [`Start`], has [`Merged`] in each [`Line`], an
//!   [`Act`] for all that people did, a [`Logged`] for what log records said of blocks, a [`Streamed`] for what
//!   logs and users told, and what queries and health checks answered.
//! * [`Lines`] reads a stream of records, plain, gzip or zstd, in memory bounded by [`LINE_BYTES_MAX`].
//! * [`Seconds`] puts lines in order: those of one second in any order, and up to [`LATE_S`] seconds late.
//! * [`Replay`] feeds them to a rollout on paper and says what would have been decided, and when.
//!
//! The simulator and `serin record` write what this crate reads. Nothing here opens a file, reads a clock or draws a
//! random number; a replay steers nothing, so the weights of the trace stay what they were.
#![forbid(unsafe_code)]

mod act;
mod base64_hdr;
mod line;
mod logged;
mod merged;
mod number;
mod outside;
mod raw;
mod read;
mod record;
mod replay;
mod seconds;
mod start;
mod stream;
mod text;
mod write;

pub use act::Act;
pub use line::{Line, LineError, Rule};
pub use logged::Logged;
pub use merged::{Merged, SampledHost};
pub use read::{LINE_BYTES_MAX, Lines, TraceError};
pub use record::Record;
pub use replay::{Decided, Decision, Entry, Level, Needed, Reason, Replay, ReplayError};
pub use seconds::{Cell, Host, LATE_S, Second, Seconds};
pub use start::{EVIDENCE_BYTES_MAX, Piece, Start};
pub use stream::Streamed;
pub use write::{Packing, Writer};

/// JSON Schema of one line.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    record::json_schema()
}
