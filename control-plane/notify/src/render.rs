//! A message in the form of its target. Texts come from plans, people and exceptions, so each form takes away what they could
//! mean there: mentions, links, markup, line breaks in headers.

mod cdevents;
mod mail;
mod pagerduty;
mod slack;
mod teams;
mod webhook;

use serin_rollout::Severity;

use crate::{Kind, Message};

pub use mail::{Letter, letter};

/// What a form needs besides the message.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Context {
    /// Where people see rollouts, without a slash at its end. `None`: messages have no links.
    pub public_url: Option<String>,
}

/// The body of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Body {
    /// Its media type.
    pub content_type: &'static str,
    /// JSON.
    pub text: String,
}

/// How many deliveries a message is at this target. 0: it does not concern the target.
#[must_use]
pub fn parts(kind: &Kind, message: &Message) -> u32 {
    match kind {
        Kind::PagerDuty(_) => u32::from(message.incident.is_some() || message.items.iter().any(is_test)),
        Kind::CdEvents(target) => u32::try_from(cdevents::events(target, message).len()).unwrap_or(u32::MAX),
        Kind::Slack(_) | Kind::Mail(_) | Kind::Teams(_) | Kind::Webhook(_) => 1,
    }
}

/// The body of part number `part`, from 0. `None`: there is none, or the target is written to by mail.
#[must_use]
pub fn body(kind: &Kind, message: &Message, part: u32, context: &Context) -> Option<Body> {
    let json = |value: serde_json::Value| Body { content_type: "application/json", text: value.to_string() };
    match kind {
        Kind::Slack(_) => Some(json(slack::payload(message, context))),
        Kind::PagerDuty(target) => Some(json(pagerduty::payload(target, message, context))),
        Kind::Teams(_) => Some(json(teams::payload(message, context))),
        Kind::Webhook(_) => Some(json(webhook::payload(message, context))),
        Kind::CdEvents(target) => {
            let event = cdevents::events(target, message).into_iter().nth(usize::try_from(part).ok()?)?;
            Some(Body { content_type: "application/cloudevents+json", text: event.to_string() })
        }
        Kind::Mail(_) => None,
    }
}

fn is_test(item: &crate::Item) -> bool {
    item.kind == "test"
}

/// For people: what a message is, before its title.
fn label(message: &Message) -> &'static str {
    use crate::{Action, Incident};
    match (&message.incident, message.severity) {
        (Some(Incident { action: Action::Resolved, .. }), _) => "Resolved",
        (_, Severity::Critical) => "Critical",
        (_, Severity::Warning) => "Warning",
        (_, Severity::Info) => "Info",
    }
}

/// At most so many characters, with a mark where something is cut off.
fn cut(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        None => text.to_owned(),
        Some(_) => text.chars().take(characters.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// The lines under a title: each item, and what is left out.
fn lines(message: &Message) -> Vec<String> {
    let mut lines: Vec<String> = message.items.iter().map(crate::Item::sentence).collect();
    if message.more > 0 {
        lines.push(format!("… and {} more", message.more));
    }
    lines
}

/// Owners of all that a message names, sorted and once each.
fn owners(message: &Message) -> Vec<&str> {
    let all = message.items.iter().flat_map(|item| &item.owners).map(String::as_str);
    all.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests;
