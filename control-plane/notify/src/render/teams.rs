//! An adaptive card for a workflow of Microsoft Teams ("Post to a channel when a webhook request is received").
//!
//! Texts stand in runs, which know no markup, so that nothing in them is a link or a mention.

use serde_json::{Value, json};
use serin_rollout::Severity;

use super::{Context, cut, label, lines, owners};
use crate::{Action, Message};

/// Longest line, in characters: Teams refuses cards above 28 KB, however many lines there are.
const LINE_MAX: usize = 200;

pub(super) fn payload(message: &Message, context: &Context) -> Value {
    let resolved = message.incident.as_ref().is_some_and(|one| one.action == Action::Resolved);
    let color = match message.severity {
        _ if resolved => "good",
        Severity::Critical => "attention",
        Severity::Warning => "warning",
        Severity::Info => "default",
    };
    let run = |text: &str, style: Value| {
        let mut run = json!({"type": "TextRun", "text": text});
        if let (Value::Object(run), Value::Object(style)) = (&mut run, style) {
            run.extend(style);
        }
        json!({"type": "RichTextBlock", "inlines": [run]})
    };
    let title = format!("{}: {}", label(message), message.title());
    let mut body =
        vec![run(&cut(&title, LINE_MAX), json!({"size": "medium", "weight": "bolder", "color": color}))];
    body.extend(lines(message).iter().map(|line| run(&cut(line, LINE_MAX), json!({}))));
    let mut details = owners(message).into_iter().map(|owner| format!("owner {owner}")).collect::<Vec<_>>();
    details.push(message.key.clone());
    body.push(run(&cut(&details.join(" · "), LINE_MAX), json!({"size": "small", "isSubtle": true})));
    let actions = context
        .public_url
        .as_ref()
        .map(|url| json!({"type": "Action.OpenUrl", "title": "Rollouts", "url": format!("{url}/")}));
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": body,
                "actions": actions.into_iter().collect::<Vec<_>>(),
            },
        }],
    })
}
