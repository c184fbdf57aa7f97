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

#[test]
fn the_exit_code_says_that_one_was_not_returned_and_the_table_which() {
    let server = Server::start();
    for service in ["shop", "stock"] {
        let plan = format!("service: {service}\nhosts: [{service}.example]\nbaseline: v1\ncanary: v2\n");
        server.serin_reading(&["rollout", "create", "-f", "-"], &plan).exits(0);
    }
    let store = rusqlite::Connection::open(server.data().join("serin.db")).unwrap();
    store.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    let trigger = "CREATE TRIGGER refused BEFORE INSERT ON journal WHEN NEW.rollout_id LIKE 'stock-%' \
                   BEGIN SELECT raise(ABORT, 'the disk says no'); END";
    store.execute_batch(trigger).unwrap();
    let told = server.serin(&["rollback", "--all", "--reason", "drill"]).exits(1);
    let line = |service: &str| told.stdout.lines().find(|line| line.starts_with(service)).unwrap();
    assert!(line("shop").contains("returned") && !line("shop").contains("failed"), "{}", told.stdout);
    assert!(
        line("stock").contains("failed") && line("stock").contains("the disk says no"),
        "{}",
        told.stdout
    );
    assert!(told.stderr.contains("1 of 2 rollouts could not be returned"), "{}", told.stderr);
    let json = server.serin(&["rollback", "--all", "--reason", "drill", "--json"]).exits(1);
    assert_eq!(json.json()["rollouts"][0]["outcome"], json!("already"), "{}", json.stdout);
    assert_eq!(json.json()["rollouts"][1]["outcome"], json!("failed"), "{}", json.stdout);
    store.execute_batch("DROP TRIGGER refused").unwrap();
    let json = server.serin(&["rollback", "--all", "--reason", "drill", "--json"]).exits(0).json();
    assert_eq!(json["rollouts"][1]["outcome"], json!("returned"), "{json}");
    let json = server.serin(&["rollback", "--all", "--reason", "drill", "--json"]).exits(0).json();
    assert_eq!(json["rollouts"][1]["outcome"], json!("already"), "{json}");
}
