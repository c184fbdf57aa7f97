//! `serin train …`.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::program::serin;
use crate::server::Server;

const TRAIN: &str = "
kind: train
name: sale
members:
- {service: stock, plan: stock.yaml, region: eu}
- {service: shop, plan: shop.yaml, after: [{service: stock, step: 1}]}
gates: [{before: shop, when: approval}]
rollback: dependents
";

/// A folder with the train and its plans.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("train-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for service in ["stock", "shop"] {
        let plan = format!(
            "service: {service}\nhosts: [{service}.example]\nbaseline: v1\ncanary: v2\n\
             steps: [{{weight: 10%, bake: 10m}}]\n"
        );
        std::fs::write(folder.join(format!("{service}.yaml")), plan).unwrap();
    }
    std::fs::write(folder.join("train.yaml"), TRAIN).unwrap();
    folder
}

#[test]
fn a_train_is_checked_with_its_plans_and_told_in_words() {
    let folder = folder("check");
    let file = folder.join("train.yaml").display().to_string();
    let words = serin(&["train", "check", &file]).exits(0).stdout;
    for expected in [
        "sale: 2 rollouts go out as one release.",
        "stock (eu) begins at once",
        "shop begins once stock reached step 1 and a person approves",
        "those that come after it",
    ] {
        assert!(words.contains(expected), "{expected}: {words}");
    }
    let numbers = serin(&["train", "check", &file, "--json"]).exits(0).json();
    assert_eq!(numbers["members"][1]["after"], json!(["stock reached step 1"]));
    std::fs::write(folder.join("shop.yaml"), "service: shop\nbaseline: v1\ncanary: v2\nwarm_up: soon\n")
        .unwrap();
    let wrong = serin(&["train", "check", &file]).exits(5).stderr;
    assert!(
        wrong.contains("train.yaml:6:25: members[1].plan: shop.yaml, line 4, column 10: warm_up"),
        "{wrong}"
    );
    std::fs::remove_file(folder.join("stock.yaml")).unwrap();
    let missing = serin(&["train", "check", &file]).exits(2).stderr;
    assert!(missing.contains("train.yaml names a plan that cannot be used: "), "{missing}");
    assert!(
        missing.contains("stock.yaml: cannot be read") && missing.contains("beside the train"),
        "{missing}"
    );
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_train_is_created_approved_shown_and_rolled_back() {
    let (server, folder) = (Server::start(), folder("create"));
    let none = server.serin(&["train", "list"]).exits(0).stdout;
    assert!(none.contains("No train yet"), "{none}");
    let file = folder.join("train.yaml").display().to_string();
    let created = server.serin(&["train", "create", "-f", &file, "--json"]).exits(0).json();
    assert_eq!((&created["phase"], &created["members"][1]["begun"]), (&json!("running"), &json!(false)));
    server.serin(&["train", "create", "-f", &file]).exits(1);
    let status = server.serin(&["train", "status", "sale"]).exits(0).stdout;
    assert!(status.contains("stock reached step 1") && status.contains("closed"), "{status}");
    let unknown = server.serin(&["train", "status", "autumn"]).exits(3).stderr;
    assert!(unknown.contains("`serin train list`"), "{unknown}");
    let approve = ["train", "approve", "sale", "--before", "shop", "--reason", "ready"];
    let approved = server.serin(&approve).exits(0).stdout;
    assert!(approved.contains("open") && approved.contains(": ready"), "{approved}");
    server.serin(&["train", "rollback", "sale"]).exits(2);
    server.serin(&["train", "rollback", "sale", "--reason", "wrong prices"]).exits(0);
    let id = created["id"].as_str().unwrap().to_owned();
    let events = server.serin(&["events", &id]).exits(0).stdout;
    assert!(events.contains("return to the baseline, in this order: wrong prices"), "{events}");
    std::fs::remove_dir_all(folder).unwrap();
}
