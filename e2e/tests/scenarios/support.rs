//! What the scenarios share: a shop behind Envoy, a control plane (the real one, or one that stands in for it where a
//! scenario needs to send what the real one never would), clients that tell each answer, and the truth to compare
//! with.

pub(crate) mod assignment;
pub(crate) mod control_plane;
pub(crate) mod crowd;
pub(crate) mod patrol;
pub(crate) mod raw_http;
pub(crate) mod scene;
pub(crate) mod shop;
pub(crate) mod stand_in;
pub(crate) mod tools;
pub(crate) mod totals;

use std::time::{Duration, Instant};

/// Asks `probe` until it gives a value. Fails, saying what was waited for, after `deadline`.
pub(crate) async fn eventually<T>(
    what: &str,
    deadline: Duration,
    mut probe: impl AsyncFnMut() -> Option<T>,
) -> T {
    let end = Instant::now() + deadline;
    loop {
        if let Some(value) = probe().await {
            return value;
        }
        assert!(Instant::now() < end, "not within {deadline:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A long wait for something that takes milliseconds on an idle machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);
