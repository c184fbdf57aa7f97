//! The dashboard in a real Chromium, on a real control plane: what a person sees, and does, by mouse, keyboard and phone.
//!
//! Few stacks are started, because each takes seconds; every test tells one story through one of them. A page that asks another
//! origin, runs into an error of a script or shows a dialog fails each of them.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests")]
#![expect(clippy::print_stdout, reason = "what was measured, for people")]

mod acts;
mod beacons;
mod hostile;
mod live;
mod plans;
mod sound;
mod states;
