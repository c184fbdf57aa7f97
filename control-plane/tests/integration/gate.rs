//! Whether a release may go out, asked over HTTP as a webhook of a pipeline does.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};
use serin_control_plane::Config;
use serin_learning::shelf::{Model as Shelved, Operation, Shelf, Stored};
use serin_predictor::simulate::{csv, deployments};
use serin_predictor::table::{Format, History, Layout, Table};
use serin_predictor::training::Training;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::*;

/// Learns from a simulated history.
fn train(file: &Path, count: usize) -> String {
    let text = csv(&deployments(count, 5), false);
    let table = Table::read(&text, Format::Csv, &Layout::default()).unwrap();
    let history = History::try_from(&table).unwrap();
    let (document, _) = Training::default().train(&history).unwrap();
    std::fs::write(file, document.to_json()).unwrap();
    document.version().to_owned()
}

async fn ask(address: SocketAddr, query: &str, body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "POST /api/gate{query} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_else(|_| Value::from(body)))
}

const GREAT: &str = r#"{"service": "cart", "lines_added": 9000, "files": 200, "entropy": 7, "migrations": 3, "dependencies": 3,
    "tests_passed": 0.9, "weekday": 5, "hour": 17, "staging_latency_ratio": 1.9}"#;

#[tokio::test]
async fn a_webhook_is_told_to_go_on_to_ask_or_to_stop() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model.json");
    let version = train(&model, 400);
    let server = Server::configured(
        tempfile::tempdir().unwrap(),
        &format!("gate: {{model: '{}'}}\n", model.display()),
    )
    .await;
    let address = server.addresses().http;
    let small = r#"{"service": "cart", "lines_added": 3, "lines_deleted": 1, "files": 1, "directories": 1, "entropy": 0,
        "migrations": 0, "config_changes": 0, "tests_passed": 1, "recent_rollbacks": 0, "hour": 10, "weekday": 2,
        "staging_latency_ratio": 1, "staging_error_rate": 0.001, "staging_cpu_ratio": 1, "staging_memory_ratio": 1}"#;
    let (status, answer) = ask(address, "", small).await;
    assert_eq!(
        (status, &answer["decision"], &answer["model"]),
        (200, &json!("allow"), &json!(version)),
        "{answer}"
    );
    let (status, answer) = ask(address, "?block=1", GREAT).await;
    assert_eq!((status, &answer["decision"]), (200, &json!("needs_approval")), "{answer}");
    let (status, answer) = ask(address, "?block=0.01", GREAT).await;
    assert_eq!((status, &answer["decision"]), (409, &json!("block")), "{answer}");

    for (query, body, said) in [
        ("", "{\"files\": 1", "the release: line 1"),
        ("", "{\"files\": \"many\"}", "files: is not a number"),
        ("", "{\"tests_passed\": 50}", "tests_passed: is no part of 1"),
        ("", "{\"files\": 1, \"files\": 2}", "the column files is there twice"),
        ("", "{\"files\": 1}\n{\"files\": 2}", "must be one JSON object, not 2"),
        ("?block=2", small, "block: must be from 0 to 1"),
        ("?colour=red", small, "colour"),
    ] {
        let (status, answer) = ask(address, query, body).await;
        assert_eq!(status, 400, "{answer}");
        assert!(answer.to_string().contains(said), "{said}: {answer}");
    }
    let (status, _) = ask(address, "", &" ".repeat(70_000)).await;
    assert_eq!(status, 413);

    // A new model is asked once it is there; a broken one is not.
    let next = train(&model, 500);
    assert_eq!(ask(address, "", small).await.1["model"], json!(next));
    std::fs::write(&model, "{}").unwrap();
    assert_eq!(ask(address, "", small).await.1["model"], json!(next));
}

#[tokio::test]
async fn the_predictor_in_force_in_a_folder_of_learning_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model.json");
    let adopt = |count| {
        let version = train(&model, count);
        let bytes = std::fs::read(&model).unwrap();
        let index = folder.path().join(Shelved::Predictor.index_file());
        let shelf = std::fs::read_to_string(&index).ok();
        let shelf = shelf.map_or_else(
            || Shelf::new(Shelved::Predictor),
            |text| Shelf::read(&text, Shelved::Predictor).unwrap(),
        );
        let stored = Stored { version: &version, card: Value::Null, bytes: &bytes };
        for operation in shelf.adopt(stored, 0).unwrap().operations {
            let Operation::Write { file, bytes } = operation else { panic!("{operation:?}") };
            std::fs::write(folder.path().join(file), bytes).unwrap();
        }
        version
    };
    let yaml = format!("gate: {{model: '{}'}}\n", folder.path().display());
    let none = Config::parse(&yaml, false).unwrap_err().to_string();
    assert!(none.ends_with("no predictor is in force in this folder"), "{none}");
    let first = adopt(60);
    let server = Server::configured(tempfile::tempdir().unwrap(), &yaml).await;
    let address = server.addresses().http;
    assert_eq!(ask(address, "", GREAT).await.1["model"], json!(first));
    let second = adopt(80);
    assert_eq!(ask(address, "", GREAT).await.1["model"], json!(second));
}

#[tokio::test]
async fn without_a_model_nobody_is_told_to_go_on() {
    let server = Server::new().await;
    let (status, answer) = ask(server.addresses().http, "", GREAT).await;
    assert_eq!(status, 404);
    assert!(answer["error"].as_str().unwrap().contains("gate.model"), "{answer}");
    for (yaml, said) in [
        ("gate: {model: /nowhere/model.json}", "gate.model: /nowhere/model.json"),
        ("gate: {approval: 0.5}", "gate.approval: needs gate.model"),
        ("gate: {model: m, block: 1.5}", "gate.block: must be from 0 to 1"),
    ] {
        let error = Config::parse(yaml, false).unwrap_err().to_string();
        assert!(error.starts_with(said), "{error}");
    }
}
