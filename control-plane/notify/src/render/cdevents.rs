//! CDEvents 0.4 in CloudEvents 1.0, structured mode. One request carries one event.
//!
//! | event of the journal | CDEvent |
//! |---|---|
//! | created | `service.deployed`: the canary runs beside the baseline |
//! | promoted | `service.upgraded` |
//! | rolled back | `service.rolledback` of the service |
//! | components rolled back, blocks restored | `service.rolledback` of each, as `SERVICE/COMPONENT` |
//! | experiment ended | `service.removed` |
//! | critical | `incident.detected`, once while it goes on |
//! | what ends an incident | `incident.resolved` |

use serde_json::{Value, json};

use crate::time::rfc3339;
use crate::{Action, CdEvents, Item, Message};

/// Version of the specification.
const SPECIFICATION: &str = "0.4.1";
/// Version of the form of each of these events.
const FORM: &str = "0.2.0";

pub(super) fn events(target: &CdEvents, message: &Message) -> Vec<Value> {
    let mut all: Vec<Event> = message.items.iter().flat_map(of_service).collect();
    if let (Some(incident), Some(item)) = (&message.incident, message.items.first()) {
        let predicate = match incident.action {
            Action::Opened => Some("detected"),
            Action::Continued => None,
            Action::Resolved => Some("resolved"),
        };
        let id = incident.key.clone();
        all.extend(predicate.map(|predicate| Event { subject: "incident", predicate, id, item }));
    }
    all.into_iter().enumerate().map(|(part, event)| event.in_cloud_event(target, message, part)).collect()
}

struct Event<'a> {
    subject: &'static str,
    predicate: &'static str,
    id: String,
    item: &'a Item,
}

fn of_service(item: &Item) -> Vec<Event<'_>> {
    let one = |predicate, id: String| Event { subject: "service", predicate, id, item };
    match item.kind.as_str() {
        "created" => vec![one("deployed", item.service.clone())],
        "promoted" => vec![one("upgraded", item.service.clone())],
        "rolled_back" => vec![one("rolledback", item.service.clone())],
        "components_rolled_back" | "blocks_restored" => {
            let parts = item.components.iter();
            parts.map(|name| one("rolledback", format!("{}/{name}", item.service))).collect()
        }
        "experiment_ended" => vec![one("removed", item.service.clone())],
        _ => Vec::new(),
    }
}

impl Event<'_> {
    fn in_cloud_event(&self, target: &CdEvents, message: &Message, part: usize) -> Value {
        let Self { subject, predicate, id, item } = self;
        let key = format!("{}.{part}", message.key);
        let kind = format!("dev.cdevents.{subject}.{predicate}.{FORM}");
        let at = rfc3339(item.at);
        json!({
            "specversion": "1.0",
            "id": key,
            "source": target.source,
            "type": kind,
            "subject": id,
            "time": at,
            "datacontenttype": "application/json",
            "data": {
                "context": {
                    "version": SPECIFICATION,
                    "id": key,
                    "source": target.source,
                    "type": kind,
                    "timestamp": at,
                },
                "subject": {
                    "id": id,
                    "source": target.source,
                    "type": subject,
                    "content": self.content(target),
                },
                "customData": {
                    "rollout": item.rollout,
                    "severity": item.severity.name(),
                    "text": item.text,
                    "components": item.components,
                    "actor": item.actor,
                },
                "customDataContentType": "application/json",
            },
        })
    }

    fn content(&self, target: &CdEvents) -> Value {
        let item = self.item;
        let environment = json!({"id": target.environment});
        let version = if self.predicate == "rolledback" { &item.baseline } else { &item.version };
        let artifact = format!("pkg:generic/{}@{}", encoded(&item.service), encoded(version));
        match (self.subject, self.predicate) {
            ("incident", _) => json!({
                "description": item.text,
                "environment": environment,
                "service": {"id": item.service},
                "artifactId": artifact,
            }),
            (_, "removed") => json!({"environment": environment}),
            _ => json!({"environment": environment, "artifactId": artifact}),
        }
    }
}

/// As package URLs ask for it.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b".-_~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
        encoded
    })
}
