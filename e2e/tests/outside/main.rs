//! Serin and the servers of others, the real ones: what it does to them, and what becomes of it when they or it crash.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests")]
#![expect(clippy::print_stdout, reason = "what was measured, for people")]

mod abuse;
mod dashboards;
mod kafka;
mod logs;
mod metrics;
mod migrate;
mod monitoring;
mod neighbours;
mod notify;
mod plane;
mod prometheus;
mod rules;
mod schema;
mod terminal;
