//! PagerDuty's Events API v2: an incident is triggered, updated and resolved by one `dedup_key`.

use serde_json::{Value, json};
use serin_rollout::Severity;

use super::{Context, cut, is_test, lines, owners};
use crate::time::rfc3339;
use crate::{Action, Message, PagerDuty};

/// PagerDuty cuts longer summaries.
const SUMMARY_MAX: usize = 1_024;
/// PagerDuty refuses longer keys.
const KEY_MAX: usize = 255;

pub(super) fn payload(target: &PagerDuty, message: &Message, context: &Context) -> Value {
    let incident = message.incident.as_ref();
    let key = incident.map_or(message.key.as_str(), |incident| incident.key.as_str());
    let resolves = incident.is_some_and(|one| one.action == Action::Resolved);
    let is_over = resolves || message.items.iter().any(is_test);
    let mut payload = json!({
        "routing_key": target.routing_key.reveal(),
        "event_action": if is_over { "resolve" } else { "trigger" },
        "dedup_key": cut(key, KEY_MAX),
        "client": "Serin",
        "payload": details(message),
    });
    if let (Some(url), Value::Object(fields)) = (&context.public_url, &mut payload) {
        fields.insert("client_url".to_owned(), json!(url));
        fields.insert("links".to_owned(), json!([{"href": format!("{url}/"), "text": "Rollouts"}]));
    }
    payload
}

fn details(message: &Message) -> Value {
    let first = message.items.first();
    let of = |field: fn(&crate::Item) -> &str| first.map(field).unwrap_or_default();
    json!({
        "summary": cut(&message.title(), SUMMARY_MAX),
        "source": of(|item| &item.service),
        "severity": match message.severity {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        },
        "timestamp": first.map(|item| rfc3339(item.at)).unwrap_or_default(),
        "component": first.map(|item| item.components.join(", ")).unwrap_or_default(),
        "group": of(|item| &item.rollout),
        "class": of(|item| &item.kind),
        "custom_details": {
            "events": lines(message),
            "owners": owners(message),
            "message": message.key,
        },
    })
}
