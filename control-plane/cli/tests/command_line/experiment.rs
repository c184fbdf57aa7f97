//! Experiments, offline and against a real control plane.

use serde_json::json;

use crate::program::serin_reading;
use crate::server::Server;

const PLAN: &str = include_str!("../../../rollout/examples/experiment.yaml");

#[test]
fn the_plan_of_an_experiment_is_told_in_words_and_numbers() {
    let words = serin_reading(&["plan", "check", "-"], PLAN).exits(0).stdout;
    for expected in [
        "an experiment with shop in 3 arms; none is promoted",
        "x-serin-arm: large-buttons",
        "plain",
        "It runs for 14d; then all users return to plain.",
        "at all times with probability 95%",
        "checkout",
    ] {
        assert!(words.contains(expected), "{expected}: {words}");
    }
    let numbers = serin_reading(&["plan", "check", "-", "--json"], PLAN).exits(0).json();
    let experiment = &numbers["experiment"];
    assert_eq!(experiment["control_weight_ppm"], json!(500_000));
    assert_eq!(
        experiment["arms"][1],
        json!({"name": "one-page", "version": "v1-onepage", "weight_ppm": 200_000})
    );
    let trace = serin_reading(&["replay", "--plan", "-", "trace.jsonl"], PLAN).exits(2);
    assert!(trace.stderr.contains("an experiment, which cannot be replayed"), "{}", trace.stderr);
}

#[test]
fn an_experiment_is_created_shown_and_stopped_arm_by_arm() {
    let server = Server::start();
    let created = server.serin_reading(&["rollout", "create", "-f", "-", "--json"], PLAN).exits(0).json();
    assert_eq!((&created["canary_version"], &created["weight_ppm"]), (&json!(""), &json!(500_000)));
    assert_eq!(created["experiment"]["arms"][0]["weight_ppm"], json!(300_000));
    let status = server.serin(&["rollout", "status", "shop"]).exits(0).stdout;
    for expected in
        ["v1 → v1-large, v1-onepage", "plain", "large-buttons", "checkout", "nothing to compare yet"]
    {
        assert!(status.contains(expected), "{expected}: {status}");
    }
    let list = server.serin(&["rollout", "list"]).exits(0).stdout;
    assert!(list.contains("v1 → v1-large, v1-onepage") && list.contains("50%"), "{list}");

    let refused = server.serin(&["rollout", "promote", "shop", "--reason", "it won"]).exits(1);
    assert!(refused.stderr.contains("cannot promote in an experiment"), "{}", refused.stderr);
    server.serin(&["rollout", "rollback", "shop", "--arm", "blue", "--reason", "x"]).exits(1);
    let both = ["rollout", "rollback", "shop", "--arm", "one-page", "--component", "search", "--reason", "x"];
    server.serin(&both).exits(2);
    let stop = ["rollout", "rollback", "shop", "--arm", "one-page", "--reason", "people complain"];
    let stopped = server.serin(&stop).exits(0).stdout;
    assert!(stopped.contains("arm one-page stopped") && stopped.contains("plain 70 %"), "{stopped}");
    let status = server.serin(&["rollout", "status", "shop"]).exits(0).stdout;
    assert!(status.contains("one-page was stopped: ") && status.contains("people complain"), "{status}");
    let explained = server
        .serin(&["explain", "--host", "shop.example", "--path", "/", "-H", "x-user-id: 7", "--json"])
        .exits(0)
        .json();
    assert_eq!(explained["chances"][0]["ppm"], json!(1_000_000), "{explained}");

    server.serin(&["rollout", "rollback", "shop", "--reason", "enough"]).exits(0);
    let ended = server.serin(&["rollout", "watch", "shop"]).exits(0).stdout;
    assert!(ended.contains("ended") && ended.contains("enough"), "{ended}");
}
