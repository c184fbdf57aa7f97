use std::collections::BTreeSet;

use serde_json::{Value, json};
use serin_outside::Url;

use super::*;
use crate::news::sample::{news, rollback};
use crate::{Action, CdEvents, Desk, Grouping, Incident, News, PagerDuty, Secret, Webhook};

fn url() -> Url {
    "https://target.example/secret".parse().unwrap()
}

fn context() -> Context {
    Context { public_url: Some("https://serin.example".to_owned()) }
}

fn pagerduty() -> Kind {
    Kind::PagerDuty(PagerDuty { url: url(), routing_key: Secret::new("R0UT1NG".to_owned()) })
}

fn cdevents() -> Kind {
    let (environment, source) = ("production".to_owned(), "https://serin.example".to_owned());
    Kind::CdEvents(CdEvents { url: url(), environment, source })
}

fn kinds() -> [Kind; 5] {
    [
        Kind::Slack(url()),
        pagerduty(),
        Kind::Teams(url()),
        Kind::Webhook(Webhook { url: url(), key: None }),
        cdevents(),
    ]
}

/// The one message that is told of `all`.
fn message(all: &[News], incident: Option<Action>) -> Message {
    let (mut desk, grouping) = (Desk::default(), Grouping::default());
    for one in all {
        desk.take(one, BTreeSet::from(["target".to_owned()]), &grouping, one.at);
    }
    let told = desk.due(&grouping, all.last().unwrap().at);
    let [message] = <[Message; 1]>::try_from(told).unwrap();
    let incident = incident.map(|action| Incident { key: "serin/shop-1".to_owned(), action });
    Message { incident, ..message }
}

fn regression() -> Message {
    let owners = ["payments@shop.example".to_owned()].into();
    let first = News { components: vec!["checkout".to_owned()], owners, ..rollback(1, "shop") };
    let second = News { cause: "service/shop".to_owned(), ..rollback(2, "web") };
    message(&[first, second], Some(Action::Opened))
}

fn rendered(kind: &Kind, message: &Message, part: u32) -> Value {
    serde_json::from_str(&body(kind, message, part, &context()).unwrap().text).unwrap()
}

#[test]
fn pagerduty_gets_the_fields_of_its_events_api_v2() {
    let triggered = rendered(&pagerduty(), &regression(), 0);
    let sentence = |service| format!("{service} v2: Rolled back the whole version: the canary regressed");
    assert_eq!(
        triggered,
        json!({
            "routing_key": "R0UT1NG",
            "event_action": "trigger",
            "dedup_key": "serin/shop-1",
            "client": "Serin",
            "client_url": "https://serin.example",
            "links": [{"href": "https://serin.example/", "text": "Rollouts"}],
            "payload": {
                "summary": format!("{}, and 1 more", sentence("shop")),
                "source": "shop",
                "severity": "critical",
                "timestamp": "2026-01-01T00:00:01.000Z",
                "component": "checkout",
                "group": "shop-1",
                "class": "rolled_back",
                "custom_details": {
                    "events": [sentence("shop"), sentence("web")],
                    "owners": ["payments@shop.example"],
                    "message": "serin-target-1",
                },
            },
        })
    );
    let resolved = message(&[news(1, "shop")], Some(Action::Resolved));
    assert_eq!(rendered(&pagerduty(), &resolved, 0)["event_action"], "resolve");
    assert_eq!(parts(&pagerduty(), &message(&[news(1, "shop")], None)), 0, "only incidents concern it");
}

#[test]
fn slack_shows_texts_as_they_are_and_mentions_nobody() {
    let text = "Paused: <!channel> see <https://evil.example|here> & *shout* _x_ `y`\nnext".to_owned();
    let shown = rendered(&Kind::Slack(url()), &message(&[News { text, ..news(1, "shop") }], None), 0);
    let section = shown["blocks"][1]["text"]["text"].as_str().unwrap();
    assert!(
        section
            .starts_with("• shop v2: Paused: &lt;!channel&gt; see &lt;https://evil.example|here&gt; &amp; ")
    );
    assert!(!section.contains('<') && !section.contains('>') && !section.contains('\n'), "{section}");
    assert!(section.contains("\u{200b}*shout\u{200b}*"), "{section}");
    assert_eq!(shown["blocks"][0]["text"]["type"], "plain_text");
    assert!(
        shown["blocks"][2]["elements"][0]["text"]
            .as_str()
            .unwrap()
            .starts_with("<https://serin.example/|Serin> · ")
    );
    assert!(shown["text"].as_str().unwrap().starts_with("Info: shop v2: Paused: &lt;!channel&gt;"));
}

#[test]
fn teams_gets_an_adaptive_card_without_markup() {
    let card = rendered(&Kind::Teams(url()), &regression(), 0);
    assert_eq!(card["type"], "message");
    let attachment = &card["attachments"][0];
    assert_eq!(attachment["contentType"], "application/vnd.microsoft.card.adaptive");
    let content = &attachment["content"];
    assert_eq!((&content["type"], &content["version"]), (&json!("AdaptiveCard"), &json!("1.4")));
    let blocks = content["body"].as_array().unwrap();
    assert_eq!(blocks.len(), 4, "title, two events, details");
    for block in blocks {
        assert_eq!(block["type"], "RichTextBlock");
        assert_eq!(block["inlines"][0]["type"], "TextRun");
    }
    assert_eq!(blocks[0]["inlines"][0]["color"], "attention");
    assert_eq!(content["actions"][0]["url"], "https://serin.example/");
    assert!(card.to_string().len() < 28 * 1024);
}

#[test]
fn a_webhook_gets_every_event_with_its_place_in_the_journal() {
    let body = rendered(&kinds()[3], &regression(), 0);
    assert_eq!((&body["format"], &body["key"]), (&json!(1), &json!("serin-target-1")));
    assert_eq!(body["incident"], json!({"key": "serin/shop-1", "action": "opened"}));
    assert_eq!(
        body["events"][0],
        json!({
            "sequence": 1, "at": "2026-01-01T00:00:01.000Z", "last_at": "2026-01-01T00:00:01.000Z", "count": 1,
            "severity": "critical", "rollout": "shop-1", "service": "shop", "version": "v2", "baseline": "v1",
            "kind": "rolled_back", "actor": "serin",
            "text": "Rolled back the whole version: the canary regressed",
            "components": ["checkout"], "owners": ["payments@shop.example"],
        })
    );
    assert_eq!(body["events"].as_array().unwrap().len(), 2);
}

#[test]
fn cdevents_are_cloud_events_of_the_specification() {
    let message =
        message(&[News { version: "v2/β".to_owned(), ..rollback(1, "shop") }], Some(Action::Opened));
    assert_eq!(parts(&cdevents(), &message), 2);
    let event = rendered(&cdevents(), &message, 0);
    assert_eq!(
        event,
        json!({
            "specversion": "1.0",
            "id": "serin-target-1.0",
            "source": "https://serin.example",
            "type": "dev.cdevents.service.rolledback.0.2.0",
            "subject": "shop",
            "time": "2026-01-01T00:00:01.000Z",
            "datacontenttype": "application/json",
            "data": {
                "context": {
                    "version": "0.4.1",
                    "id": "serin-target-1.0",
                    "source": "https://serin.example",
                    "type": "dev.cdevents.service.rolledback.0.2.0",
                    "timestamp": "2026-01-01T00:00:01.000Z",
                },
                "subject": {
                    "id": "shop",
                    "source": "https://serin.example",
                    "type": "service",
                    "content": {"environment": {"id": "production"}, "artifactId": "pkg:generic/shop@v1"},
                },
                "customData": {
                    "rollout": "shop-1", "severity": "critical", "components": [], "actor": "serin",
                    "text": "Rolled back the whole version: the canary regressed",
                },
                "customDataContentType": "application/json",
            },
        })
    );
    let incident = rendered(&cdevents(), &message, 1);
    assert_eq!(incident["type"], "dev.cdevents.incident.detected.0.2.0");
    assert_eq!(incident["data"]["subject"]["id"], "serin/shop-1");
    assert_eq!(incident["data"]["subject"]["content"]["artifactId"], "pkg:generic/shop@v2%2F%CE%B2");
    assert_eq!(body(&cdevents(), &message, 2, &context()), None);
    assert_eq!(
        body(&cdevents(), &message, 0, &context()).unwrap().content_type,
        "application/cloudevents+json"
    );
}

#[test]
fn each_event_of_the_journal_is_the_cdevent_that_it_means() {
    for (kind, components, incident, expected) in [
        ("created", &[][..], None, &["service.deployed shop"][..]),
        ("step_started", &[], None, &[]),
        ("promoted", &[], None, &["service.upgraded shop"]),
        (
            "promoted",
            &[],
            Some(Action::Resolved),
            &["service.upgraded shop", "incident.resolved serin/shop-1"],
        ),
        (
            "components_rolled_back",
            &["a", "b"],
            Some(Action::Opened),
            &["service.rolledback shop/a", "service.rolledback shop/b", "incident.detected serin/shop-1"],
        ),
        ("blocks_restored", &["a"], Some(Action::Continued), &["service.rolledback shop/a"]),
        ("held", &[], Some(Action::Opened), &["incident.detected serin/shop-1"]),
        ("experiment_ended", &[], None, &["service.removed shop"]),
    ] {
        let components = components.iter().map(|name| (*name).to_owned()).collect();
        let message = message(&[News { kind: kind.to_owned(), components, ..news(1, "shop") }], incident);
        let told: Vec<_> = (0..parts(&cdevents(), &message))
            .map(|part| {
                let event = rendered(&cdevents(), &message, part);
                let kind = event["type"].as_str().unwrap().trim_start_matches("dev.cdevents.");
                format!("{} {}", kind.trim_end_matches(".0.2.0"), event["subject"].as_str().unwrap())
            })
            .collect();
        assert_eq!(told, expected, "{kind}");
    }
}

#[test]
fn a_letter_says_all_and_its_subject_is_one_line() {
    let text = "Paused: a\r\nBcc: everyone@shop.example".to_owned();
    let letter = letter(&message(&[News { text, ..news(1, "shop") }], Some(Action::Opened)), &context());
    assert_eq!(letter.subject, "[Info] shop v2: Paused: a  Bcc: everyone@shop.example");
    assert_eq!(letter.thread.as_deref(), Some("serin/shop-1"));
    let letter = super::letter(&regression(), &context());
    assert_eq!(
        letter.text,
        "2026-01-01T00:00:01.000Z  shop v2: Rolled back the whole version: the canary regressed\n    \
         rollout shop-1, by serin\n\
         2026-01-01T00:00:02.000Z  web v2: Rolled back the whole version: the canary regressed\n    \
         rollout web-1, by serin\n\
         \nOwners: payments@shop.example\n\nhttps://serin.example/\n\nMessage serin-target-1\n"
    );
}

#[test]
fn the_longest_message_keeps_within_what_each_target_takes() {
    let longest = |sequence| News {
        text: "ä".repeat(500),
        cause: "one".to_owned(),
        ..news(sequence, &format!("service-{sequence}"))
    };
    let all: Vec<_> = (1..=100).map(longest).collect();
    let message = message(&all, Some(Action::Opened));
    assert_eq!(message.more, 68);
    for kind in kinds() {
        for part in 0..parts(&kind, &message) {
            let shown = rendered(&kind, &message, part);
            let most = if kind.name() == "teams" { 28 * 1024 } else { 64 * 1024 };
            assert!(shown.to_string().len() < most, "{}", kind.name());
        }
    }
    let slack = rendered(&Kind::Slack(url()), &message, 0);
    assert_eq!(slack["blocks"][1]["text"]["text"].as_str().unwrap().chars().count(), 3_000);
    assert_eq!(slack["blocks"][0]["text"]["text"].as_str().unwrap().chars().count(), 150);
    assert_eq!(
        rendered(&pagerduty(), &message, 0)["payload"]["summary"].as_str().unwrap().chars().count(),
        527
    );
    assert_eq!(super::letter(&message, &context()).subject.chars().count(), 200);
}

#[test]
fn a_test_message_opens_no_incident() {
    let test = Message::test("oncall", "serin-test-1".to_owned(), "anna", serin_rollout::UnixMillis(0));
    assert_eq!(rendered(&pagerduty(), &test, 0)["event_action"], "resolve");
    assert!(rendered(&Kind::Slack(url()), &test, 0)["text"].as_str().unwrap().contains("This is a test"));
}

#[test]
fn no_secret_is_shown() {
    for kind in kinds() {
        let shown = format!("{kind:?} {}", kind.place());
        assert!(!shown.contains("secret") && !shown.contains("R0UT1NG"), "{shown}");
    }
}
