//! A webhook: a POST that whoever gets it can authenticate, and tell from its repetitions.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serin_outside::header::{HeaderName, HeaderValue, RETRY_AFTER};
use serin_outside::retry::Schedule;
use serin_outside::{CallError, Request, Response, signature};
use serin_rollout::HookOutcome;
use tokio::time::sleep;

use crate::{Targets, Told, Tried, Webhook};

/// Longest wait that a receiver can ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);
/// What is read of an answer.
const BODY_MAX: usize = 64 * 1024;
/// By which a receiver tells a repetition.
const KEY_HEADER: &str = "idempotency-key";

pub(super) async fn perform(
    targets: &Targets,
    webhook: &Webhook,
    told: &Told,
    timeout: Duration,
    attempts: u32,
) -> Tried {
    let schedule = Schedule { first: Duration::from_secs(1), longest: Duration::from_secs(30), attempts };
    let mut failed = 0;
    loop {
        let answer = match request(webhook, told, timeout) {
            Ok(request) => {
                targets.client.send(request).await.map_err(|error| (error.to_string(), passes(&error)))
            }
            Err(words) => Err((words, false)),
        };
        let (output, waits) = match answer {
            Ok(response) if response.is_success() => {
                let output = words(&response);
                return Tried { outcome: HookOutcome::Succeeded, attempts: failed + 1, output };
            }
            Ok(response) => (words(&response), is_passing(response.status).then(|| asked_to_wait(&response))),
            Err((words, passes)) => (words, passes.then_some(None)),
        };
        failed += 1;
        let wait = waits.and_then(|asked| Some((schedule.wait(failed, draw(&told.key, failed))?, asked)));
        let Some((wait, asked)) = wait else {
            return Tried { outcome: HookOutcome::Failed, attempts: failed, output };
        };
        sleep(asked.map_or(wait, |asked| asked.max(wait))).await;
    }
}

fn request(webhook: &Webhook, told: &Told, timeout: Duration) -> Result<Request, String> {
    let body = serde_json::to_vec(told).map_err(|error| error.to_string())?;
    let mut request = Request::post_json(webhook.url.clone(), body.clone(), timeout);
    request.body_max = BODY_MAX;
    let value = |text: &str| HeaderValue::from_str(text).map_err(|error| error.to_string());
    request.headers.insert(HeaderName::from_static(KEY_HEADER), value(&told.key)?);
    if let Some(key) = &webhook.key {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let signed = value(&key.sign(at, &body))?;
        request.headers.insert(HeaderName::from_static(signature::HEADER), signed);
    }
    Ok(request)
}

/// Whether the same may succeed later.
const fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..)
}

const fn passes(error: &CallError) -> bool {
    !matches!(error, CallError::Blocked(_))
}

fn asked_to_wait(response: &Response) -> Option<Duration> {
    let seconds = response.headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

fn words(response: &Response) -> String {
    let body = String::from_utf8_lossy(&response.body);
    format!("{} {}", response.status, body.trim())
}

/// Spreads the attempts of many hooks, alike whenever it is asked.
fn draw(key: &str, failed: u32) -> u32 {
    let mix = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(16_777_619);
    key.bytes().chain(failed.to_be_bytes()).fold(2_166_136_261, mix)
}
