//! How often something is tried that may succeed later, and how long it waits in between.

use std::future::Future;
use std::time::Duration;

use serin_outside::header::{HeaderMap, RETRY_AFTER};
use serin_outside::retry::Schedule;
use serin_rollout::HookOutcome;
use tokio::time::sleep;

use crate::Tried;

/// Longest wait that a receiver can ask for.
pub(crate) const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

/// Why an attempt failed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// In words.
    pub(crate) words: String,
    /// Whether the same may succeed later, and the wait that was asked for.
    pub(crate) passing: Option<Option<Duration>>,
}

/// Tries until one succeeds, one fails for good, or so many have failed. Waits double, from 1 s to 30 s, with a jitter that `key`
/// draws; an asked wait is kept.
pub(crate) async fn attempts<F>(key: &str, attempts: u32, mut once: impl FnMut() -> F) -> Tried
where
    F: Future<Output = Result<String, Failure>>,
{
    let schedule = Schedule { first: Duration::from_secs(1), longest: Duration::from_secs(30), attempts };
    let mut failed = 0;
    loop {
        let Failure { words, passing } = match once().await {
            Ok(output) => {
                return Tried { outcome: HookOutcome::Succeeded, attempts: failed + 1, output };
            }
            Err(failure) => failure,
        };
        failed += 1;
        let wait = passing.and_then(|asked| Some((schedule.wait(failed, draw(key, failed))?, asked)));
        let Some((wait, asked)) = wait else {
            return Tried { outcome: HookOutcome::Failed, attempts: failed, output: words };
        };
        sleep(asked.map_or(wait, |asked| asked.max(wait))).await;
    }
}

/// Whether the same may succeed later, by the status of an answer.
pub(crate) const fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..)
}

/// The wait that an answer asks for.
pub(crate) fn asked_to_wait(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

/// Spreads the attempts of many hooks, alike whenever it is asked.
fn draw(key: &str, failed: u32) -> u32 {
    let mix = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(16_777_619);
    key.bytes().chain(failed.to_be_bytes()).fold(2_166_136_261, mix)
}
