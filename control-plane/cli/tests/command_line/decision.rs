//! `serin decision`.

use crate::online::PLAN;
use crate::server::Server;

#[test]
fn a_decision_is_listed_and_marked_and_the_newest_mark_holds() {
    let server = Server::start();
    assert_eq!(server.serin(&["decision", "list"]).exits(0).stdout, "Nothing was decided yet.\n");
    server.serin_reading(&["rollout", "create", "-f", "-"], PLAN).exits(0);
    server.serin(&["rollout", "rollback", "shop", "--reason", "it looks bad"]).exits(0);
    let json = server.serin(&["decision", "list", "shop", "--json"]).exits(0).json();
    let decision = &json["decisions"][0];
    assert_eq!((&decision["kind"], &decision["mark"]), (&"rolled_back".into(), &serde_json::Value::Null));
    let id = decision["id"].as_str().unwrap();
    let said =
        server.serin(&["decision", "mark", id, "--right", "--reason", "at first sight"]).exits(0).stdout;
    assert_eq!(said, format!("{id} is marked: it was right.\n"));
    server.serin(&["decision", "mark", id, "--false-alarm", "--reason", "a load test"]).exits(0);
    let text = server.serin(&["decision", "list"]).exits(0).stdout;
    assert!(text.contains(id) && text.contains("false alarm") && text.contains("it looks bad"), "{text}");
    let unknown =
        server.serin(&["decision", "mark", "none.1", "--right", "--reason", "x", "--json"]).exits(3).error();
    assert!(unknown["message"].as_str().unwrap().contains("none.1"), "{unknown}");
    server.serin(&["decision", "mark", id, "--reason", "neither"]).exits(2);
}
