//! Slack's incoming webhooks: blocks, and a text for what shows no blocks.

use serde_json::{Value, json};

use super::{Context, cut, label, lines, owners};
use crate::Message;

/// Slack refuses longer texts of a section.
const SECTION_MAX: usize = 3_000;
/// Slack refuses longer headers.
const HEADER_MAX: usize = 150;

pub(super) fn payload(message: &Message, context: &Context) -> Value {
    let title = format!("{}: {}", label(message), message.title());
    let text: Vec<String> = lines(message).iter().map(|line| format!("• {}", escaped(line))).collect();
    let mut details = Vec::new();
    if let Some(url) = &context.public_url {
        details.push(format!("<{url}/|Serin>"));
    }
    details.extend(owners(message).into_iter().map(|owner| format!("owner {}", escaped(owner))));
    details.push(escaped(&message.key));
    json!({
        "text": cut(&escaped(&title), SECTION_MAX),
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": cut(&title, HEADER_MAX), "emoji": false}},
            {"type": "section", "text": {"type": "mrkdwn", "text": cut(&text.join("\n"), SECTION_MAX)}},
            {"type": "context", "elements": [
                {"type": "mrkdwn", "text": cut(&details.join(" · "), SECTION_MAX), "verbatim": true},
            ]},
        ],
        "unfurl_links": false,
        "unfurl_media": false,
    })
}

/// Slack's three control characters; without them nobody is mentioned and nothing is linked. Markup characters get a
/// zero-width space before them, so that they are shown as they are.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '*' | '_' | '~' | '`' => escaped.extend(['\u{200b}', letter]),
            control if control.is_control() => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}
