//! Serin and the servers of others, the real ones: what it does to them, and what becomes of it when they or it crash.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests")]
#![expect(clippy::print_stdout, reason = "what was measured, for people")]

mod kafka;
mod metrics;
mod migrate;
mod neighbours;
mod notify;
mod plane;
mod prometheus;
mod schema;
