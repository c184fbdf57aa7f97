//! The rollback predictor and the gate, as people and pipelines run them.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::online::PLAN;
use crate::program::{serin, serin_reading};
use crate::server::Server;

/// A folder with a history, and a small model of it.
pub(crate) struct Trained(TempDir);

impl Trained {
    pub(crate) fn new(count: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let drawn = serin(&["simulate", "deployments", "--count", count, "--seed", "5"]).exits(0).stdout;
        std::fs::write(folder.path().join("history.csv"), drawn).unwrap();
        let trained = Self(folder);
        let (table, model, report) =
            (trained.path("history.csv"), trained.path("model.json"), trained.path("report.html"));
        let told =
            serin(&["--json", "predict", "train", &table, "-o", &model, "--trees", "40", "--html", &report])
                .exits(0)
                .json();
        assert_eq!(told["card"]["data"]["rows"].to_string(), count);
        trained
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        std::fs::write(self.0.path().join(name), text).unwrap();
        self.path(name)
    }
}

/// A table in Parquet.
pub(crate) fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../predictor/tests/fixtures/parquet");
    folder.join(format!("{name}.parquet")).display().to_string()
}

const DANGEROUS: &str = r#"{
  "service": "cart", "lines_added": 4000, "lines_deleted": 900, "files": 90, "directories": 30, "entropy": 6,
  "services": 4, "migrations": 2, "dependencies": 4, "config_changes": 3, "tests_passed": 0.9, "coverage_delta": -6,
  "hours_since_deploy": 300, "recent_rollbacks": 7, "hour": 23, "weekday": 5, "staging_latency_ratio": 1.9,
  "staging_error_rate": 0.02, "staging_cpu_ratio": 1.4, "staging_memory_ratio": 1.4
}"#;
pub(crate) const HARMLESS: &str = r#"{"service": "cart", "lines_added": 4, "lines_deleted": 1, "files": 1, "directories": 1, "entropy": 0,
  "services": 1, "migrations": 0, "dependencies": 0, "config_changes": 0, "tests_passed": 1, "coverage_delta": 0.5,
  "hours_since_deploy": 5, "recent_rollbacks": 0, "hour": 10, "weekday": 2, "staging_latency_ratio": 1.0,
  "staging_error_rate": 0.001, "staging_cpu_ratio": 1.0, "staging_memory_ratio": 1.0}"#;

#[test]
fn the_gate_tells_pipelines_by_its_exit_code_and_people_by_reasons_and_actions() {
    let trained = Trained::new("1500");
    let model = trained.path("model.json");
    let release = |name, text| trained.file(name, text);
    let (harmless, dangerous) = (release("harmless.json", HARMLESS), release("dangerous.json", DANGEROUS));
    let allowed = serin(&["gate", "--release", &harmless, "--model", &model]).exits(0);
    assert!(allowed.stdout.starts_with("decision   allow\n"), "{allowed:?}");
    let asked = serin(&["gate", "--release", &dangerous, "--model", &model, "--block", "1"]).exits(10);
    assert!(asked.stdout.starts_with("decision   needs approval\n"), "{asked:?}");
    assert!(asked.stderr.contains("next: let a person agree"), "{asked:?}");
    let blocked =
        serin(&["gate", "--release", &dangerous, "--model", &model, "--block", "0.3", "--json"]).exits(20);
    let answer = blocked.json();
    assert_eq!((&answer["decision"], &answer["exit_code"]), (&json!("block"), &json!(20)));
    assert!(answer["lower_bound"].as_f64() <= answer["probability"].as_f64(), "{answer}");
    let actions: Vec<&str> =
        answer["actions"].as_array().unwrap().iter().filter_map(|one| one["action"].as_str()).collect();
    assert!(actions.contains(&"smaller_first_step") && actions.contains(&"longer_bake"), "{actions:?}");
    assert!(!answer["reasons"].as_array().unwrap().is_empty());
    assert_eq!(blocked.error()["exit_code"], 20);
    let piped = serin_reading(&["gate", "--release", "-", "--model", &model], HARMLESS).exits(0);
    assert_eq!(piped.stdout, allowed.stdout);
    // The plan begins smaller and is looked at longer, whatever the gate says.
    let plan =
        release("plan.yaml", "service: shop\nbaseline: v1\ncanary: v2\nsteps: [{weight: 10%, bake: 10m}]\n");
    let shaped = trained.path("shaped.yaml");
    let asks = ["gate", "--release", &dangerous, "--model", &model, "--plan", &plan, "--plan-out", &shaped];
    serin(&[&asks[..], &["--block", "1"]].concat()).exits(10);
    let steps = |plan: &str| serin(&["--json", "plan", "check", plan]).exits(0).json()["steps"][0].clone();
    let (before, after) = (steps(&plan), steps(&shaped));
    assert_eq!(before["weight_ppm"], 100_000);
    assert!(after["weight_ppm"].as_u64().unwrap() < 70_000, "{after}");
    serin(&["gate", "--release", &dangerous, "--model", &model, "--plan", &shaped, "--plan-out", &plan])
        .exits(2);
    serin(&["gate", "--release", &dangerous, "--model", &model, "--plan", &plan]).exits(2);
}

#[test]
fn the_gate_judges_one_release_and_refuses_several() {
    let trained = Trained::new("60");
    let model = trained.path("model.json");
    for (name, text) in [
        ("two.csv", "service,files\ncart,1\nsearch,90\n"),
        ("two.jsonl", "{\"service\": \"cart\"}\n{\"service\": \"search\"}\n"),
        ("two.json", "{\"service\": \"cart\"} {\"service\": \"search\"}"),
    ] {
        let refused = serin(&["gate", "--release", &trained.file(name, text), "--model", &model]).exits(2);
        assert!(refused.stderr.contains("must be one release, not 2"), "{refused:?}");
    }
}

#[test]
fn what_model_and_table_do_not_know_of_each_other_is_told() {
    let trained = Trained::new("400");
    let (table, model) = (trained.path("history.csv"), trained.path("model.json"));
    let unknown = trained.file("unknown.json", r#"{"lines_addedd": 640, "Migrations": 5}"#);
    let asked = serin(&["gate", "--release", &unknown, "--model", &model]).exits(10);
    for said in
        ["the release says nothing of most of what", "not known to the model: lines_addedd, Migrations"]
    {
        assert!(asked.stdout.contains(said), "{said}: {asked:?}");
    }
    assert!(asked.stderr.contains("error: the release says nothing of most"), "{asked:?}");
    let rows = trained.file("rows.csv", "service,files,filez,note\nbrand-new,3,1,a\ncart,1000000,1,b\n");
    let scored = serin(&["predict", "score", &rows, "--model", &model]).exits(0).stdout;
    for said in [
        "not known to the model: filez, note",
        "beyond what it learned from: files 1000000 (",
        "service brand-new is new",
    ] {
        assert!(scored.contains(said), "{said}: {scored}");
    }
    let same = serin(&["predict", "evaluate", &table, "--model", &model]).exits(0).stdout;
    assert!(same.contains("the model learned from this very table"), "{same}");
    let whole = std::fs::read_to_string(&table).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let late = trained.file(
        "late.csv",
        &(lines[..1].iter().chain(&lines[391..]).map(|line| format!("{line}\n")).collect::<String>()),
    );
    let some = serin(&["--json", "predict", "evaluate", &late, "--model", &model]).exits(0).json();
    assert!(some["notes"][0].as_str().unwrap().starts_with("10 of 10 deployments are of the time"), "{some}");
}

#[test]
fn a_table_in_parquet_is_scored_as_the_same_one_in_csv() {
    let trained = Trained::new("300");
    let model = trained.path("model.json");
    let csv =
        trained.file("same.csv", "files,entropy,migrations,service\n3,1.5,1,cart\n,,0,\n250,,,search\n");
    let score = |table: &str| {
        let scored = serin(&["--json", "predict", "score", table, "--model", &model]).exits(0).json();
        scored["predictions"].clone()
    };
    assert_eq!(score(&fixture("pandas")), score(&csv));
    assert_eq!(score(&fixture("polars")), score(&csv));
}

#[test]
fn the_journal_becomes_a_history_with_what_the_gate_measured() {
    let (trained, server) = (Trained::new("300"), Server::start());
    let (model, plan, shaped) =
        (trained.path("model.json"), trained.file("shop.yaml", PLAN), trained.path("shaped.yaml"));
    let release =
        trained.file("release.json", r#"{"service": "shop", "files": 24, "entropy": 3.5, "migrations": 1}"#);
    let gate = ["gate", "--release", &release, "--model", &model, "--plan", &plan, "--plan-out", &shaped];
    // It says little, so that a person must agree; the plan is written all the same.
    serin(&[&gate[..], &["--approval", "1", "--block", "1"]].concat()).exits(10);
    server.serin(&["rollout", "create", "--file", &shaped]).exits(0);
    assert_eq!(server.serin(&["predict", "history"]).exits(0).stdout, "", "it goes on");
    server.serin(&["rollout", "rollback", "shop", "--reason", "it looks bad"]).exits(0);
    let row = || {
        let lines = server.serin(&["predict", "history", "shop"]).exits(0).stdout;
        serde_json::from_str::<serde_json::Value>(&lines).unwrap()
    };
    let told = row();
    assert_eq!((told["service"].as_str(), told["rolled_back"].as_bool()), (Some("shop"), Some(true)));
    let measure = |name: &str| told[name].as_f64();
    assert_eq!(["files", "entropy", "migrations"].map(measure), [Some(24.0), Some(3.5), Some(1.0)]);
    assert_eq!((measure("recent_rollbacks"), measure("hours_since_deploy")), (Some(0.0), None));
    let listed = server.serin(&["decision", "list", "shop", "--json"]).exits(0).json();
    let id = listed["decisions"][0]["id"].as_str().unwrap();
    server.serin(&["decision", "mark", id, "--false-alarm", "--reason", "a load test"]).exits(0);
    assert_eq!(row()["rolled_back"].as_bool(), Some(false), "a false alarm was not the release's fault");
    let history = trained.path("journal.jsonl");
    server.serin(&["predict", "history", "--out", &history]).exits(0);
    let refused = serin(&["predict", "train", &history, "-o", &trained.path("next.json")]).exits(2);
    assert!(refused.stderr.contains("all 1 deployments went well"), "{}", refused.stderr);
}

#[test]
fn the_page_shows_what_the_gate_says() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/predict.md");
    let page = std::fs::read_to_string(page).unwrap();
    let between = |from: &str| page.split_once(from).unwrap().1.split("```").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let drawn = serin(&["simulate", "deployments", "--count", "2400", "--seed", "11"]).exits(0).stdout;
    std::fs::write(path("history.csv"), drawn).unwrap();
    std::fs::write(path("release.json"), between("```json\n")).unwrap();
    serin(&["predict", "train", &path("history.csv"), "-o", &path("model.json")]).exits(0);
    let said = serin(&["gate", "--release", &path("release.json"), "--model", &path("model.json")]).exits(20);
    assert_eq!(between("$ serin gate --release release.json --model model.json\n"), said.stdout);
}

#[test]
fn a_model_is_judged_explained_and_asked_about_a_table() {
    let trained = Trained::new("600");
    let (table, model) = (trained.path("history.csv"), trained.path("model.json"));
    let judged = serin(&["predict", "evaluate", &table, "--model", &model, "--json"]).exits(0).json();
    let counts = &judged["confusion"];
    let all: u64 = ["true_positive", "false_positive", "false_negative", "true_negative"]
        .iter()
        .map(|name| counts[name].as_u64().unwrap())
        .sum();
    assert_eq!(all, 600);
    assert!(judged["figures"]["roc_auc"].as_f64().unwrap() > 0.8, "{}", judged["figures"]);
    assert!(judged["drift"]["statement"].is_string());

    let training = serin(&["predict", "evaluate", &table, "--trees", "40", "--json"]).exits(0).json();
    assert_eq!(training["evaluation"]["folds"].as_array().unwrap().len(), 5);
    assert_eq!(training["summary"]["rows"], 600);

    let explained =
        serin(&["predict", "explain", "--model", &model, &table, "--row", "7", "--json"]).exits(0).json();
    let parts = explained["contributions"].as_array().unwrap();
    let sum: f64 = parts.iter().map(|part| part["contribution"].as_f64().unwrap()).sum();
    let total = explained["base"].as_f64().unwrap() + sum;
    let raw = explained["raw"].as_f64().unwrap();
    let said = if explained["scale"] == "probability" { total } else { 1.0 / (1.0 + (-total).exp()) };
    assert!((said - raw).abs() < 1e-6, "{explained}");
    let beyond = serin(&["predict", "explain", "--model", &model, &table, "--row", "601"]).exits(2);
    assert!(beyond.stderr.contains("has 600 deployments"), "{beyond:?}");

    let scored = serin(&["predict", "score", &table, "--model", &model, "--json"]).exits(0).json();
    let probabilities: Vec<f64> = scored["predictions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["probability"].as_f64().unwrap())
        .collect();
    assert_eq!(probabilities.len(), 600);
    assert_eq!(Some(probabilities[6]), explained["probability"].as_f64());
    let people = serin(&["predict", "explain", "--model", &model, &table]).exits(0).stdout;
    let adds: Vec<f64> = people
        .lines()
        .skip_while(|line| !line.starts_with("FEATURE"))
        .skip(1)
        .map(|line| line.split_whitespace().next_back().unwrap().parse().unwrap())
        .collect();
    assert!(people.contains(" others together") && adds.len() == 16, "{people}");
    let first = serin(&["predict", "explain", "--model", &model, &table, "--json"]).exits(0).json();
    let whole: f64 = first["contributions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| part["contribution"].as_f64().unwrap())
        .sum();
    assert!((adds.iter().sum::<f64>() - whole).abs() < 0.001, "{people}");
    let words = serin(&["predict", "evaluate", &table, "--trees", "40"]).exits(0).stdout;
    assert!(words.contains("10 of 12 shown"), "{words}");
    for people in [
        serin(&["predict", "evaluate", &table, "--model", &model]),
        serin(&["predict", "explain", "--model", &model]),
        serin(&["predict", "score", &table, "--model", &model]),
    ] {
        assert!(people.exits(0).stdout.lines().count() > 10);
    }
}

#[test]
fn the_same_history_gives_the_same_model_and_a_report_that_needs_nothing_else() {
    let (one, other) = (Trained::new("400"), Trained::new("400"));
    let bytes = |trained: &Trained, name: &str| std::fs::read(trained.path(name)).unwrap();
    assert_eq!(bytes(&one, "model.json"), bytes(&other, "model.json"));
    assert_eq!(bytes(&one, "report.html"), bytes(&other, "report.html"));
    let report = String::from_utf8(bytes(&one, "report.html")).unwrap();
    assert!(report.starts_with("<!DOCTYPE html>") && report.matches("<svg").count() == 5);
    assert!(!report.contains("<script") && !report.contains("src="), "{report}");
}

#[test]
fn simulated_deployments_repeat_by_seed_in_both_forms() {
    let drawn = |seed: &str, form: &str| {
        let arguments =
            ["simulate", "deployments", "--count", "30", "--seed", seed, "--format", form, "--truth"];
        serin(&arguments).exits(0).stdout
    };
    assert_eq!(drawn("3", "csv"), drawn("3", "csv"));
    assert_ne!(drawn("3", "csv"), drawn("4", "csv"));
    assert_eq!((drawn("3", "csv").lines().count(), drawn("3", "jsonl").lines().count()), (31, 30));
    let first: Value = serde_json::from_str(drawn("3", "jsonl").lines().next().unwrap()).unwrap();
    assert!(first["true_probability"].is_number() && first["rolled_back"].is_boolean(), "{first}");
    let arguments = ["--json", "simulate", "deployments", "--count", "30", "--seed", "3", "--truth"];
    assert_eq!(serin(&arguments).exits(0).stdout, drawn("3", "jsonl"));
}

#[test]
fn a_public_table_of_defects_is_learned_from_by_the_names_of_its_columns() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::from("commit_id,author_date,la,ld,nf,fix,bug\n");
    for row in 0..200_u32 {
        let (la, bug) = (row * 37 % 101, row * 37 % 101 > 60 && row % 3 != 0);
        text.push_str(&format!(
            "c{row},{},{la},{},{},False,{bug}\n",
            1_500_000_000 + row * 3_600,
            la / 3,
            1 + row % 4
        ));
    }
    let table = folder.path().join("jit.csv");
    std::fs::write(&table, text).unwrap();
    let table = table.display().to_string();
    let arguments = [
        "predict",
        "evaluate",
        &table,
        "--label",
        "bug",
        "--time",
        "author_date",
        "--ignore",
        "fix",
        "--json",
    ];
    let judged = serin(&arguments).exits(0).json();
    assert_eq!(judged["summary"]["unused"], json!(["commit_id"]));
    assert!(judged["figures"]["roc_auc"].as_f64().unwrap() > 0.8, "{}", judged["figures"]);
}
