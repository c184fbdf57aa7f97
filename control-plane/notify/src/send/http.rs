//! Sending by HTTP.

use std::time::Duration;

use serin_outside::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use serin_outside::{HttpClient, Request, Url, signature};

use super::Parcel;
use crate::delivery::Outcome;
use crate::render::{self, Context};
use crate::{CdEvents, Kind, PagerDuty, Webhook};

/// Header by which a receiver knows a message that it has already.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// So much of an answer is read; nothing in it is needed.
const ANSWER_MAX: usize = 64 * 1024;

pub(super) async fn send(
    client: &HttpClient,
    kind: &Kind,
    parcel: &Parcel,
    context: &Context,
    timeout: Duration,
    now_s: u64,
) -> Outcome {
    let Some(url) = url(kind) else { return refused("the target is not reached by HTTP") };
    let Some(body) = render::body(kind, &parcel.message, parcel.part, context) else {
        return refused("the message has no such part");
    };
    let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(body.content_type))]);
    if let Ok(key) = HeaderValue::from_str(&parcel.key()) {
        headers.insert(IDEMPOTENCY_KEY, key);
    }
    if let Kind::Webhook(Webhook { key: Some(key), .. }) = kind
        && let Ok(signed) = HeaderValue::from_str(&key.sign(now_s, body.text.as_bytes()))
    {
        headers.insert(HeaderName::from_static(signature::HEADER), signed);
    }
    let mut request = Request::post_json(url.clone(), body.text, timeout);
    request.headers = headers;
    request.body_max = ANSWER_MAX;
    match client.send(request).await {
        Ok(answer) => {
            let retry_after = answer.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            Outcome::of_status(answer.status, retry_after)
        }
        Err(error) => Outcome::Failed { why: error.to_string(), after: None },
    }
}

fn refused(why: &str) -> Outcome {
    Outcome::Refused { why: why.to_owned() }
}

fn url(kind: &Kind) -> Option<&Url> {
    match kind {
        Kind::Slack(url) | Kind::Teams(url) => Some(url),
        Kind::PagerDuty(PagerDuty { url, .. })
        | Kind::Webhook(Webhook { url, .. })
        | Kind::CdEvents(CdEvents { url, .. }) => Some(url),
        Kind::Mail(_) => None,
    }
}

impl Parcel {
    /// The same whenever it is sent.
    #[must_use]
    pub fn key(&self) -> String {
        match self.part {
            0 => self.message.key.clone(),
            part => format!("{}.{part}", self.message.key),
        }
    }
}
