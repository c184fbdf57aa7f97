//! Sends requests: each within its deadline, repeated while that may help.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serin_outside::retry::Schedule;
use serin_outside::{AddressPolicy, CallError, HttpClient, Identity, Request, Response, Roots, Url, header};
use tokio::time::Instant;

use crate::arguments::{Connection, Ship};
use crate::failure::Failure;
use crate::input;

/// Where OTLP takes logs by HTTP.
const PATH: &str = "/v1/logs";
/// Bytes of an answer.
const ANSWER_BYTES: usize = 64 * 1024;
/// Longest description of a failure, in characters.
const WORDS_MAX: usize = 300;
/// When a request is repeated, until its deadline.
const SCHEDULE: Schedule =
    Schedule { first: Duration::from_millis(200), longest: Duration::from_secs(5), attempts: u32::MAX };

/// Sends requests to one address.
pub(super) struct Delivery {
    client: HttpClient,
    url: Url,
    authorization: Option<header::HeaderValue>,
    attempt: Duration,
    deadline: Duration,
}

/// What became of a request.
pub(super) struct Sent {
    pub(super) outcome: Outcome,
    pub(super) retries: u64,
}

/// How a request ended.
pub(super) enum Outcome {
    /// It was taken, but for so many records.
    Taken { rejected: u64, words: Option<String> },
    /// It cannot be taken, but others may.
    Refused(String),
    /// Nobody may send so.
    Denied(String),
    /// It was not taken in time.
    GivenUp(String),
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Answer {
    partial_success: Option<PartialSuccess>,
    message: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PartialSuccess {
    /// A number of 64 bits, which OTLP writes as text.
    rejected_log_records: serde_json::Value,
    error_message: String,
}

impl Delivery {
    pub(super) fn new(connection: &Connection, ship: &Ship) -> Result<Self, Failure> {
        let url = address(&ship.to)?;
        let token = connection.token()?;
        if token.is_some() && !url.is_https() && !connection.insecure && !url.is_local() {
            return Err(Failure::usage("a token would be sent unencrypted to another machine")
                .advise("use an https:// address in --to, or say --insecure if the network is trusted"));
        }
        let authorization = token.map(|token| header::HeaderValue::try_from(format!("Bearer {token}")));
        let authorization = authorization
            .transpose()
            .map_err(|_| Failure::usage("the token holds what no header may hold"))?;
        let (client, attempt) = (client(connection)?, connection.timeout.min(ship.deadline));
        Ok(Self { client, url, authorization, attempt, deadline: ship.deadline })
    }

    /// Sends a request in OTLP's JSON encoding.
    pub(super) async fn send(&self, body: String) -> Sent {
        let (end, body) = (Instant::now() + self.deadline, body.into_bytes());
        let mut retries = 0;
        loop {
            let attempt = self.attempt.min(end.saturating_duration_since(Instant::now()));
            let mut request = Request::post_json(self.url.clone(), body.clone(), attempt);
            request.body_max = ANSWER_BYTES;
            if let Some(value) = &self.authorization {
                request.headers.insert(header::AUTHORIZATION, value.clone());
            }
            let (words, asked) = match outcome(self.client.send(request).await) {
                Ok(outcome) => return Sent { outcome, retries },
                Err(again) => again,
            };
            let failed = u32::try_from(retries).unwrap_or(u32::MAX).saturating_add(1);
            let wait = SCHEDULE.wait(failed, draw()).unwrap_or(SCHEDULE.longest);
            let next = Instant::now() + asked.map_or(wait, |asked| asked.max(wait));
            if next >= end {
                return Sent { outcome: Outcome::GivenUp(words), retries };
            }
            tokio::time::sleep_until(next).await;
            retries += 1;
        }
    }
}

/// With the path of OTLP where the address has none.
fn address(to: &str) -> Result<Url, Failure> {
    let after = to.split_once("://").map_or("", |(_, after)| after);
    let has_path = after.split_once('/').is_some_and(|(_, path)| !path.is_empty());
    let whole = if has_path { to.to_owned() } else { format!("{}{PATH}", to.trim_end_matches('/')) };
    whole.parse().map_err(|error| {
        Failure::usage(format!("--to: {error}")).advise("write it like http://127.0.0.1:4317")
    })
}

/// A person names the address, so any may be called.
fn client(connection: &Connection) -> Result<HttpClient, Failure> {
    let everywhere = ["0.0.0.0/0", "::/0"].iter().filter_map(|network| network.parse().ok()).collect();
    let policy = AddressPolicy::new(everywhere);
    let unusable =
        |error: &dyn std::fmt::Display| Failure::usage(format!("the certificates cannot be used: {error}"));
    let roots = match &connection.ca {
        Some(path) => Roots::only(&input::small_file(path)?).map_err(|error| unusable(&error))?,
        None => Roots::system(),
    };
    let client = match (&connection.cert, &connection.key) {
        (Some(cert), Some(key)) => {
            let identity = Identity::new(&input::small_file(cert)?, &input::small_file(key)?);
            HttpClient::showing(policy, &roots, &identity.map_err(|error| unusable(&error))?)
        }
        (None, None) => HttpClient::new(policy, &roots),
        (Some(_), None) | (None, Some(_)) => {
            return Err(Failure::usage("--cert and --key belong together"));
        }
    };
    client.map_err(|error| unusable(&error))
}

/// How it ended, or why it should be tried again and when at the earliest.
fn outcome(answer: Result<Response, CallError>) -> Result<Outcome, (String, Option<Duration>)> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error @ CallError::Blocked(_)) => return Ok(Outcome::Refused(error.to_string())),
        Err(error) => return Err((error.to_string(), None)),
    };
    let told: Answer = serde_json::from_slice(&answer.body).unwrap_or_default();
    if answer.is_success() {
        let partial = told.partial_success.unwrap_or_default();
        let number = &partial.rejected_log_records;
        let rejected = number.as_u64().or_else(|| number.as_str()?.parse().ok()).unwrap_or_default();
        let words = Some(partial.error_message).filter(|words| !words.is_empty()).map(|words| short(&words));
        return Ok(Outcome::Taken { rejected, words });
    }
    let words = short(&format!("status {}: {}", answer.status, told.message));
    match answer.status {
        408 | 429 | 500 | 502 | 503 | 504 => {
            let after = answer.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
            let after = after.and_then(|seconds| seconds.trim().parse().ok()).map(Duration::from_secs);
            Err((words, after))
        }
        401 | 403 => Ok(Outcome::Denied(words)),
        _ => Ok(Outcome::Refused(words)),
    }
}

fn short(words: &str) -> String {
    words.chars().take(WORDS_MAX).collect::<String>().trim_end_matches([' ', ':']).to_owned()
}

/// Spreads what failed together. Nothing depends on it, so the clock will do.
fn draw() -> u32 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().subsec_nanos().wrapping_mul(0x9e37_79b9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_path_gets_that_of_otlp() {
        for (to, expected) in [
            ("http://127.0.0.1:4317", "http://127.0.0.1:4317/v1/logs"),
            ("http://127.0.0.1:4317/", "http://127.0.0.1:4317/v1/logs"),
            ("https://logs.example.com/otlp/v1/logs", "https://logs.example.com/otlp/v1/logs"),
        ] {
            assert_eq!(address(to).unwrap().as_str(), expected, "{to}");
        }
        assert!(address("127.0.0.1:4317").is_err());
    }
}
