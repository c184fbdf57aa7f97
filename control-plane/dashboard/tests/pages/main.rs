//! Pages as a whole: with sample data, with hostile data, and what changes of them.

#![allow(
    clippy::expect_used,
    clippy::cloned_ref_to_slice_refs,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::too_many_lines,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that fails panics"
)]

mod golden;
mod preview;
mod sample;
mod whole;
