//! A webhook: a POST that whoever gets it can authenticate, and tell from its repetitions.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serin_outside::header::{HeaderName, HeaderValue};
use serin_outside::{CallError, Request, Response, signature};

use crate::attempts::{Failure, asked_to_wait, attempts, is_passing};
use crate::{Targets, Told, Tried, Webhook};

/// What is read of an answer.
const BODY_MAX: usize = 64 * 1024;
/// By which a receiver tells a repetition.
const KEY_HEADER: &str = "idempotency-key";

pub(super) async fn perform(
    targets: &Targets,
    webhook: &Webhook,
    told: &Told,
    timeout: Duration,
    tries: u32,
) -> Tried {
    attempts(&told.key, tries, || once(targets, webhook, told, timeout)).await
}

async fn once(
    targets: &Targets,
    webhook: &Webhook,
    told: &Told,
    timeout: Duration,
) -> Result<String, Failure> {
    let request = request(webhook, told, timeout).map_err(|words| Failure { words, passing: None })?;
    let response = targets.client.send(request).await.map_err(|error| Failure {
        words: error.to_string(),
        passing: (!matches!(error, CallError::Blocked(_))).then_some(None),
    })?;
    if response.is_success() {
        return Ok(words(&response));
    }
    let passing = is_passing(response.status).then(|| asked_to_wait(&response.headers));
    Err(Failure { words: words(&response), passing })
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

fn words(response: &Response) -> String {
    let body = String::from_utf8_lossy(&response.body);
    format!("{} {}", response.status, body.trim())
}
