//! Labelled logs, and lines that are sent.

use std::fmt::Write;

use serde_json::{Value, json};
use serin_logs::classify::Model;
use serin_logs::generate::{Scenario, generate};

use crate::program::{serin, serin_reading};
use crate::server::Server;

/// With so many faults that both halves have some.
fn scenario(seed: u64) -> Scenario {
    Scenario { seed, anomalous_per_mille: 150, ..Scenario::default() }
}

/// A generated log as a table of Loghub.
fn table(seed: u64) -> String {
    let mut table = "LineId,Label,Level,Content,EventId\n".to_owned();
    for (number, line) in (1..).zip(generate(&scenario(seed))) {
        let label = if line.anomalous == Some(true) { "FAULT" } else { "-" };
        let (level, body, event) = (line.severity.name(), line.body, line.event.unwrap());
        writeln!(table, "{number},{label},{level},\"{body}\",{event}").unwrap();
    }
    table
}

#[test]
fn a_folder_of_labelled_logs_is_measured_beside_what_is_published() {
    let folder = tempfile::tempdir().unwrap();
    for (system, seed) in [("BGL", 1), ("Own", 2)] {
        let place = folder.path().join(system);
        std::fs::create_dir(&place).unwrap();
        std::fs::write(place.join(format!("{system}_2k.log_structured.csv")), table(seed)).unwrap();
    }
    let path = folder.path().to_str().unwrap();
    let told = serin(&["logs", "evaluate", path, "--json"]).exits(0).json();
    let systems = told["systems"].as_array().unwrap();
    assert_eq!(systems.len(), 2);
    assert_eq!(
        (&systems[0]["system"], &systems[0]["published_grouping_accuracy"]),
        (&json!("BGL"), &json!(0.963))
    );
    assert_eq!((&systems[1]["system"], systems[1].get("published_grouping_accuracy")), (&json!("Own"), None));
    assert!(told["grouping_accuracy"].as_f64().unwrap() >= 0.95, "{told}");
    assert!(systems[0]["classifier"]["average_precision"].as_f64().unwrap() >= 0.9, "{told}");
    let words = serin(&["logs", "evaluate", path]).exits(0).stdout;
    assert!(words.contains("BGL") && words.contains("published for Drain"), "{words}");
    let nothing = tempfile::tempdir().unwrap();
    let refused = serin(&["logs", "evaluate", nothing.path().to_str().unwrap()]).exits(2);
    assert!(refused.stderr.contains("holds no table that ends in _structured.csv"), "{refused:?}");
}

#[test]
fn a_model_is_trained_from_a_table_or_from_lines_of_json() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(place("own.csv"), table(3)).unwrap();
    let lines = generate(&scenario(3));
    let lines: Vec<String> = lines.iter().map(|line| serde_json::to_string(line).unwrap()).collect();
    std::fs::write(place("own.jsonl"), lines.join("\n")).unwrap();
    for source in ["own.csv", "own.jsonl"] {
        let arguments =
            ["logs", "train", "--labelled", &place(source), "--output", &place("model.json"), "--json"];
        let told = serin(&arguments).exits(0).json();
        let model = Model::from_json(&std::fs::read_to_string(place("model.json")).unwrap()).unwrap();
        assert_eq!(told["card"]["version"], json!(model.card().version));
        assert_eq!(told["card"]["lines"], json!(2_000));
    }
    std::fs::write(place("few.jsonl"), "{\"body\":\"a\",\"anomalous\":true}\n").unwrap();
    let few =
        serin(&["logs", "train", "--labelled", &place("few.jsonl"), "--output", &place("none")]).exits(2);
    assert!(few.stderr.contains("has 1 labelled lines, at least 50 are needed"), "{few:?}");
    std::fs::write(place("wrong.jsonl"), "{\"body\":\"a\"}\n{\"text\":1}\n").unwrap();
    let wrong =
        serin(&["logs", "train", "--labelled", &place("wrong.jsonl"), "--output", &place("none")]).exits(2);
    assert!(wrong.stderr.contains("line 2, column 7"), "{wrong:?}");
}

#[test]
fn lines_are_sent_to_the_control_plane_and_what_nobody_takes_is_counted() {
    let server = Server::start();
    let to = format!("http://{}", server.addresses().otlp.unwrap());
    let ship = |to: &str, input: &str| {
        let who = ["--service", "shop", "--arm", "canary"];
        let arguments =
            [&["logs", "ship", "--json", "--to", to, "--deadline", "1s"], who.as_slice()].concat();
        serin_reading(&arguments, input)
    };
    let told = ship(&to, "ERROR cart 1 failed\n\n\tat shop.Cart\nWARN slow\n").exits(0).json();
    let expected = json!({
        "read": 3, "sent": 2, "rejected": 0, "given_up": 0, "shed": 0, "requests": 1, "retries": 0,
    });
    assert_eq!(told, expected);
    let many: String = (0..3_000).map(|number| format!("INFO order {number} stored\n")).collect();
    let told: Value = ship(&to, &many).exits(0).json();
    assert_eq!((&told["sent"], &told["read"]), (&json!(3_000), &json!(3_000)), "{told}");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = ship(&format!("http://{closed}"), "INFO lost\n").exits(4).error();
    assert!(
        error["message"].as_str().unwrap().starts_with("nothing was sent to http://127.0.0.1:"),
        "{error}"
    );
    serin(&["logs", "ship", "--service", "shop", "--to", &to]).exits(2);
    serin(&["logs", "ship", "--service", "shop", "--to", &to, "--arm", "canary", "--version", "v2"]).exits(2);
    serin(&["logs", "ship", "--follow", "--service", "shop", "--to", &to, "--version", "v2"]).exits(2);
}
