//! What Serin calls outside, with real servers, and with one that misbehaves on purpose.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that fails panics")]

mod notify;
