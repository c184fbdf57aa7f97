//! `serin notifications`, with a target that cannot be reached.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::online::PLAN;
use crate::server::Server;

/// Port 9 of loopback, where nothing listens.
const TARGETS: &str = "\
outside: {permit: [127.0.0.1/32], timeout: 2s}
notifications:
  targets: {hook: {webhook: {url: 'http://127.0.0.1:9/'}}, events: {cdevents: {url: 'http://10.0.0.1/'}}}
  routes: [{to: [hook]}]
  group: {wait: 0s}
  limits: {attempts: 1}
";

#[test]
fn without_targets_nobody_is_told_and_the_answer_says_so() {
    let server = Server::start();
    let ran = server.serin(&["notifications"]).exits(0);
    assert_eq!(ran.stdout, "Nobody is told: the server's configuration names no notifications.targets.\n");
    let json = server.serin(&["notifications", "list", "--json"]).exits(0).json();
    assert_eq!(json, json!({"targets": [], "pending": [], "dead": [], "delivered": []}));
    let error = server.serin(&["notifications", "test", "hook", "--json"]).exits(3).error();
    assert!(error["message"].as_str().unwrap().contains("there is no target named \"hook\""), "{error}");
}

#[test]
fn what_was_given_up_is_listed_with_its_reason_and_can_be_sent_again() {
    let server = Server::with(TARGETS);
    server.serin_reading(&["rollout", "create", "-f", "-"], PLAN).exits(0);
    let end = Instant::now() + Duration::from_secs(20);
    let id = loop {
        let json = server.serin(&["notifications", "--json"]).exits(0).json();
        if let Some(id) = json["dead"][0]["id"].as_u64() {
            break id.to_string();
        }
        assert!(Instant::now() < end, "{json}");
        std::thread::sleep(Duration::from_millis(50));
    };
    let text = server.serin(&["notifications"]).exits(0).stdout;
    assert!(text.contains("Given up:") && text.contains("shop v2: Created; warming up"), "{text}");
    let hook = text.lines().find(|line| line.starts_with("hook ")).unwrap();
    assert!(
        hook.contains("webhook") && hook.contains("failing") && hook.contains("http://127.0.0.1:9"),
        "{hook}"
    );
    let events = text.lines().find(|line| line.starts_with("events ")).unwrap();
    assert!(events.contains("cdevents") && events.contains("well"), "{events}");
    let again = server.serin(&["notifications", "retry", &id]).exits(0).stdout;
    assert_eq!(again, "1 message is sent again.\n");
    server.serin(&["notifications", "retry", "nobody"]).exits(3);
    let failed = server.serin(&["notifications", "test", "hook"]).exits(1);
    assert!(failed.stderr.contains("hook did not take the message: cannot connect"), "{failed:?}");
}
