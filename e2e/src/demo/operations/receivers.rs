//! Who is told: a mail server, a pipeline that hooks call, a webhook, and the on-call tool's endpoint.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use serde_json::{Value, json};
use serin_outside::signature::{HEADER, Key};

use super::orders::{DATABASE, Orders};
use crate::servers::certificate::Certificate;
use crate::servers::postgres::USER;
use crate::servers::receiver::{Received, Receiver};
use crate::servers::smtp::{LOGIN, Offer, Smtp};
use crate::workspace::Workspace;

/// What the receivers share with the control plane.
const SECRET: &str = "a-secret-of-the-pipeline";
/// Key of the on-call tool's integration.
const ROUTING_KEY: &str = "0123456789abcdef0123456789abcdef";
/// How old a signature may be.
const TOLERANCE: Duration = Duration::from_secs(300);
/// Between two looks at the letters.
const LOOK: Duration = Duration::from_millis(50);

/// All of them, running.
#[derive(Debug)]
pub(super) struct Receivers {
    mail: Smtp,
    pipeline: Receiver,
    webhook: Receiver,
    on_call: Receiver,
    key: Key,
    certificate: Certificate,
}

impl Receivers {
    pub(super) async fn open(workspace: &Workspace, folder: &Path) -> Result<Self> {
        let certificate = Certificate::localhost(folder, "mail")?;
        let secrets = [("secret", SECRET), ("routing-key", ROUTING_KEY), ("password", LOGIN.1)];
        for (name, secret) in secrets {
            std::fs::write(folder.join(name), secret)?;
        }
        Ok(Self {
            mail: Smtp::start(workspace, folder, Offer::Starttls, &certificate).await?,
            pipeline: Receiver::start().await?,
            webhook: Receiver::start().await?,
            on_call: Receiver::start().await?,
            key: Key::new(SECRET.as_bytes())?,
            certificate,
        })
    }

    /// The control plane's configuration of all that lies outside of it.
    pub(super) fn configuration(&self, folder: &Path, orders: &Orders) -> Value {
        let secret = folder.join("secret");
        json!({
            "outside": {"permit": ["127.0.0.0/8"]},
            "targets": {
                "databases": {DATABASE: {
                    "host": "127.0.0.1", "port": orders.port(), "user": USER, "dbname": DATABASE, "tls": false,
                }},
                "webhooks": {"pipeline": {"url": self.pipeline.url("/hooks"), "secret_file": secret}},
            },
            "notifications": {
                "targets": {
                    "release-channel": {"webhook": {"url": self.webhook.url("/serin"), "secret_file": secret}},
                    "on-call": {"pagerduty": {
                        "url": self.on_call.url("/v2/enqueue"), "routing_key_file": folder.join("routing-key"),
                    }},
                    "mail": {"email": {
                        "host": "localhost", "port": self.mail.address().port(), "from": "serin@shop.example",
                        "to": ["releases@shop.example"], "username": LOGIN.0,
                        "password_file": folder.join("password"), "ca": self.certificate.certificate,
                    }},
                },
                "routes": [
                    {"to": ["release-channel"], "continue": true},
                    {"severity": "critical", "to": ["on-call", "mail"]},
                ],
                "group": {"wait": "1s", "interval": "1m"},
            },
        })
    }

    /// When the webhook was told, with a signature of ours, that `rollout` was rolled back.
    pub(super) async fn webhook(&self, rollout: &str, within: Duration) -> Option<SystemTime> {
        let tells = |one: &Received| {
            let body = one.json();
            let events = body.get("events").and_then(Value::as_array);
            let is_it =
                |event: &Value| text(event, "/kind") == "rolled_back" && text(event, "/rollout") == rollout;
            self.is_signed(one) && events.into_iter().flatten().any(is_it)
        };
        first(&self.webhook, within, tells).await
    }

    /// When the on-call tool was told to open an incident about `service`, with a key that it can be resolved by.
    pub(super) async fn page(&self, service: &str, within: Duration) -> Option<SystemTime> {
        let pages = |one: &Received| {
            let event = one.json();
            text(&event, "/event_action") == "trigger"
                && text(&event, "/routing_key") == ROUTING_KEY
                && !text(&event, "/dedup_key").is_empty()
                && text(&event, "/payload/severity") == "critical"
                && text(&event, "/payload/source") == service
        };
        first(&self.on_call, within, pages).await
    }

    /// When a letter about the rollback of `service` was there.
    pub(super) async fn letter(&self, service: &str, within: Duration) -> Result<Option<SystemTime>> {
        let end = Instant::now() + within;
        let subject = format!("Subject: [Critical] {service} ");
        loop {
            let letters = self.mail.letters()?;
            let tells = |letter: &String| {
                letter.lines().any(|line| line.starts_with(&subject)) && letter.contains("Rolled back")
            };
            if letters.iter().any(tells) {
                return Ok(Some(SystemTime::now()));
            }
            if Instant::now() > end {
                return Ok(None);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Names of the hooks that called, in order, each key once. Those without a signature of ours are left out.
    pub(super) fn hooks(&self) -> Vec<String> {
        let mut keys = Vec::new();
        let mut names = Vec::new();
        for one in self.pipeline.received().iter().filter(|one| self.is_signed(one)) {
            let Some(key) = one.header("idempotency-key").map(str::to_owned) else { continue };
            if !keys.contains(&key) {
                keys.push(key);
                names.push(text(&one.json(), "/hook").to_owned());
            }
        }
        names
    }

    fn is_signed(&self, one: &Received) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        one.header(HEADER).is_some_and(|value| self.key.verify(value, &one.body, now, TOLERANCE).is_ok())
    }
}

/// When the first request that fits came.
async fn first(
    receiver: &Receiver,
    within: Duration,
    wanted: impl Fn(&Received) -> bool,
) -> Option<SystemTime> {
    let received = receiver.until(within, |all| all.iter().any(&wanted)).await.ok()?;
    let at = received.iter().find(|one| wanted(one)).map(|one| one.at)?;
    SystemTime::now().checked_sub(at.elapsed())
}

/// A text by its JSON pointer; empty where there is none.
fn text<'a>(document: &'a Value, pointer: &str) -> &'a str {
    document.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
