//! Our own JSON form, which `docs/notifications.md` describes. It only grows.

use serde_json::{Value, json};

use super::Context;
use crate::time::rfc3339;
use crate::{Action, Item, Message};

/// Version of the form.
const FORMAT: u32 = 1;

pub(super) fn payload(message: &Message, context: &Context) -> Value {
    let incident = message.incident.as_ref().map(|incident| {
        let action = match incident.action {
            Action::Opened => "opened",
            Action::Continued => "continued",
            Action::Resolved => "resolved",
        };
        json!({"key": incident.key, "action": action})
    });
    json!({
        "format": FORMAT,
        "key": message.key,
        "severity": message.severity.name(),
        "title": message.title(),
        "incident": incident,
        "events": message.items.iter().map(item).collect::<Vec<_>>(),
        "more": message.more,
        "link": context.public_url.as_ref().map(|url| format!("{url}/")),
    })
}

fn item(item: &Item) -> Value {
    json!({
        "sequence": item.sequence,
        "at": rfc3339(item.at),
        "last_at": rfc3339(item.last_at),
        "count": item.count,
        "severity": item.severity.name(),
        "rollout": item.rollout,
        "service": item.service,
        "version": item.version,
        "baseline": item.baseline,
        "kind": item.kind,
        "actor": item.actor,
        "text": item.text,
        "components": item.components,
        "owners": item.owners,
    })
}
