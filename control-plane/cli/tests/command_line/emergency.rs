//! `serin rollback --all`.

use serde_json::json;

use crate::server::Server;

const PLAN: &str = include_str!("../../../rollout/examples/quick.yaml");

#[test]
fn an_emergency_is_one_command_and_tells_what_became_of_each_rollout() {
    let server = Server::start();
    let nothing = server.serin(&["rollback", "--all", "--reason", "drill"]).exits(0).stdout;
    assert!(nothing.contains("There is no rollout"), "{nothing}");
    server.serin_reading(&["rollout", "create", "-f", "-"], PLAN).exits(0);
    server.serin(&["rollback", "--reason", "drill"]).exits(2);
    server.serin(&["rollback", "--all"]).exits(2);
    server.serin(&["rollback", "--all", "--match", "nothing-*", "--reason", "drill"]).exits(3);
    let told = server.serin(&["rollback", "--all", "--reason", "drill"]).exits(0).stdout;
    assert!(told.contains("returned") && told.contains("all users returned to the baseline"), "{told}");
    let again = server.serin(&["rollback", "--all", "--reason", "drill", "--json"]).exits(0).json();
    assert_eq!(again["rollouts"][0]["outcome"], json!("already"), "{again}");
    let events = server.serin(&["events"]).exits(0).stdout;
    assert!(events.contains("Rolled back the whole version: drill"), "{events}");
}
