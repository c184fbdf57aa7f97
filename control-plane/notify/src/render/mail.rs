//! A letter in plain text.

use super::{Context, cut, label, lines, owners};
use crate::Message;
use crate::time::rfc3339;

/// Longest subject, in characters.
const SUBJECT_MAX: usize = 200;

/// What a letter says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Letter {
    /// Subject, without line breaks.
    pub subject: String,
    /// Text, its lines ended by a line feed.
    pub text: String,
    /// The same for all letters of an incident, so that they are shown together. `None`: it stands alone.
    pub thread: Option<String>,
}

/// The letter of a message.
#[must_use]
pub fn letter(message: &Message, context: &Context) -> Letter {
    let subject = format!("[{}] {}", label(message), message.title());
    let subject: String =
        subject.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let mut text = String::new();
    for (item, line) in message.items.iter().zip(lines(message)) {
        text.push_str(&format!("{}  {line}\n", rfc3339(item.at)));
        text.push_str(&format!("    rollout {}, by {}\n", item.rollout, item.actor));
    }
    if message.more > 0 {
        text.push_str(&format!("… and {} more\n", message.more));
    }
    let owners = owners(message);
    if !owners.is_empty() {
        text.push_str(&format!("\nOwners: {}\n", owners.join(", ")));
    }
    if let Some(url) = &context.public_url {
        text.push_str(&format!("\n{url}/\n"));
    }
    text.push_str(&format!("\nMessage {}\n", message.key));
    let thread = message.incident.as_ref().map(|incident| incident.key.clone());
    Letter { subject: cut(&subject, SUBJECT_MAX), text, thread }
}
