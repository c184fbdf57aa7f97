//! What finished rollouts teach, as people and schedules run it. None of it needs a server.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::online::PLAN;
use crate::program::{serin, serin_reading};
use crate::server::Server;

/// A folder with the outcomes of a simulated year.
struct Simulated(TempDir);

impl Simulated {
    fn new() -> Self {
        let simulated = Self(tempfile::tempdir().unwrap());
        let outcomes = simulated.path("outcomes.jsonl");
        let year =
            serin(&["--json", "learn", "simulate", "--seed", "1", "--outcomes", &outcomes]).exits(0).json();
        let sum = |path: &str| -> u64 {
            let months = year["months"].as_array().unwrap().iter();
            let held_out = months.filter(|month| !month["in_force"].is_null());
            held_out.map(|month| month.pointer(path).unwrap().as_u64().unwrap()).sum()
        };
        assert!(sum("/learned/false_rollbacks") < sum("/fixed/false_rollbacks"));
        assert!(sum("/learned/missed") <= sum("/fixed/missed"));
        simulated
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn retrain(&self, at: &str, code: i32) -> Value {
        let (outcomes, folder) = (self.path("outcomes.jsonl"), self.path("learned"));
        serin(&["--json", "learn", "retrain", "--outcomes", &outcomes, "--folder", &folder, "--at", at])
            .exits(code)
            .json()
    }

    fn in_force(&self) -> Value {
        let folder = self.path("learned");
        serin(&["--json", "learn", "versions", "--folder", &folder]).exits(0).json()[0]["in_force"].clone()
    }
}

/// 2026-09-28, the end of the ninth month, and the end of the year.
const AUTUMN: &str = "1790553600";
const END: &str = "1798329600";

#[test]
fn what_is_learned_is_kept_in_versions_and_the_old_one_is_restored_by_one_command() {
    let simulated = Simulated::new();
    let folder = simulated.path("learned");
    assert_eq!(simulated.in_force(), Value::Null);
    let first = simulated.retrain(AUTUMN, 0);
    assert_eq!((&first["adopted"], &simulated.in_force()), (&Value::Bool(true), &first["version"]));
    let card = &first["card"];
    assert!(card["candidate"]["false_rollbacks"].as_f64() < card["replaced"]["false_rollbacks"].as_f64());
    assert!(card["candidate"]["missed"].as_f64() <= card["replaced"]["missed"].as_f64());

    // The same again is not better than itself.
    let again = simulated.retrain(AUTUMN, 10);
    assert_eq!(again["reasons"][0], "nothing becomes better on later outcomes");
    assert_eq!((&again["version"], &simulated.in_force()), (&first["version"], &first["version"]));
    let said = serin(&[
        "learn",
        "retrain",
        "--outcomes",
        &simulated.path("outcomes.jsonl"),
        "--folder",
        &folder,
        "--at",
        AUTUMN,
    ]);
    let said = said.exits(10);
    assert!(said.stdout.starts_with("decision   refused\n"), "{said:?}");
    assert!(said.stderr.contains("next: what is in force stays"), "{said:?}");

    let shown = serin(&["learn", "restore", "--folder", &folder]).exits(0);
    assert!(shown.stdout.contains("in force   defaults"), "{shown:?}");
    assert_eq!(simulated.in_force(), Value::Null);
    let version = first["version"].as_str().unwrap();
    serin(&["learn", "restore", version, "--folder", &folder]).exits(0);
    assert_eq!(simulated.in_force(), first["version"]);
    serin(&["learn", "restore", "defaults", "--folder", &folder]).exits(0);
    let table = serin(&["learn", "versions", "--folder", &folder]).exits(0);
    assert!(
        table.stdout.contains(version) && table.stdout.contains("Of tuning the defaults are in force."),
        "{table:?}"
    );
    let nothing = serin(&["learn", "restore", "--folder", &folder]).exits(2);
    assert!(nothing.stderr.contains("no version of tuning is in force"), "{nothing:?}");

    // A document that was changed is not put in force, and a stop while writing leaves the last good state.
    fs::write(Path::new(&folder).join("tuning.shelf.new"), "{\"half\":").unwrap();
    fs::write(Path::new(&folder).join(format!("tuning-{version}.json")), "{}").unwrap();
    let changed = serin(&["learn", "restore", version, "--folder", &folder]).exits(2);
    assert!(changed.stderr.contains("was changed or damaged"), "{changed:?}");
    assert_eq!(simulated.in_force(), Value::Null);
    let relearned = simulated.retrain(END, 0);
    assert_eq!(simulated.in_force(), relearned["version"]);
}

#[test]
fn too_little_data_is_refused_and_a_broken_line_names_itself() {
    let folder = tempfile::tempdir().unwrap();
    let learned = folder.path().display().to_string();
    let arguments = ["--json", "learn", "retrain", "--outcomes", "-", "--folder", &learned];
    let few = serin_reading(&arguments, "").exits(10);
    assert_eq!(few.json()["reasons"][0], "too few earlier outcomes: 0 of 40");
    let broken = serin_reading(&arguments, "\n{\"rollout\": 3}\n").exits(2).error();
    assert_eq!(broken.pointer("/problems/0/line").unwrap(), 2, "{broken}");
    assert_eq!(broken.pointer("/problems/0/field").unwrap(), "rollout", "{broken}");
}

#[test]
fn a_predictor_has_versions_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let learned = path("learned");
    let adopt = |seed: &str| {
        let drawn = serin(&["simulate", "deployments", "--count", "400", "--seed", seed]).exits(0).stdout;
        fs::write(path("history.csv"), drawn).unwrap();
        let (table, model) = (path("history.csv"), path("model.json"));
        serin(&["predict", "train", &table, "-o", &model, "--kind", "logistic"]).exits(0);
        let adopted = ["--json", "learn", "adopt", &model, "--model", "predictor", "--folder", &learned];
        serin(&adopted).exits(0).json()["in_force"].clone()
    };
    let (first, second) = (adopt("1"), adopt("2"));
    assert_ne!(first, second);
    let restored = ["--json", "learn", "restore", "--model", "predictor", "--folder", &learned];
    assert_eq!(serin(&restored).exits(0).json()["in_force"], first);
    let logs =
        serin(&["learn", "adopt", &path("model.json"), "--model", "logs", "--folder", &learned]).exits(2);
    assert!(logs.stderr.contains("serin logs train"), "{logs:?}");
}

#[test]
fn a_predictor_replaces_another_only_if_it_is_better_on_later_deployments() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let drawn = serin(&["simulate", "deployments", "--count", "2400", "--seed", "11"]).exits(0).stdout;
    let rows: Vec<&str> = drawn.lines().collect();
    let table = |name: &str, from: usize, to: usize| {
        let text: Vec<&str> = rows[..1].iter().chain(&rows[1 + from..=to]).copied().collect();
        fs::write(path(name), text.join("\n") + "\n").unwrap();
        path(name)
    };
    let train = |name: &str, table: &str| {
        serin(&["predict", "train", table, "-o", &path(name), "--kind", "logistic"]).exits(0);
        path(name)
    };
    let (small, large) = (
        train("small.json", &table("small.csv", 0, 150)),
        train("large.json", &table("large.csv", 0, 1_600)),
    );
    let (later, learned) = (table("later.csv", 1_600, 2_400), path("learned"));
    let adopt_by = |model: &str, later: &str| {
        let adopted = ["--json", "learn", "adopt", model, "--model", "predictor", "--later", later];
        serin(&[&adopted[..], &["--folder", &learned]].concat())
    };
    let adopt = |model: &str, code: i32| adopt_by(model, &later).exits(code).json();
    // Where nothing is in force the later deployments are looked at all the same.
    adopt_by(&small, &path("nowhere.csv")).exits(2);
    fs::write(path("files.csv"), "at,files\n1767225600,3\n").unwrap();
    let lacks = adopt_by(&small, &path("files.csv")).exits(2);
    assert!(lacks.stderr.contains("has no column rolled_back"), "{lacks:?}");
    let few = adopt_by(&small, &table("few.csv", 1_600, 1_620)).exits(10).json();
    assert_eq!((&few["in_force"], &few["current"]), (&Value::Null, &Value::Null));
    assert!(few["reasons"][0].as_str().unwrap().starts_with("too few later cases: 20 of 30"), "{few}");
    let first = adopt(&small, 0)["in_force"].clone();
    let second = adopt(&large, 0)["in_force"].clone();
    assert_ne!(first, second);
    let worse = adopt(&small, 10);
    assert_eq!((&worse["adopted"], &worse["in_force"]), (&Value::Bool(false), &second));
    assert!(worse["reasons"].to_string().contains("Brier score on later data"), "{worse}");
    assert!(worse["candidate"]["cases"].as_u64() > Some(700), "{worse}");
}

#[test]
fn a_predictor_of_other_columns_is_judged_by_them_and_the_folder_is_asked_for_the_one_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let drawn = serin(&["simulate", "deployments", "--count", "600", "--seed", "5"]).exits(0).stdout;
    let drawn = drawn.replacen("at,service", "began,team", 1).replacen("rolled_back", "bug", 1);
    let rows: Vec<&str> = drawn.lines().collect();
    fs::write(path("early.csv"), rows[..401].join("\n") + "\n").unwrap();
    fs::write(path("later.csv"), [&rows[..1], &rows[401..]].concat().join("\n") + "\n").unwrap();
    let (model, learned, later) = (path("model.json"), path("learned"), path("later.csv"));
    let columns = ["--label", "bug", "--time", "began", "--category", "team"];
    let train = ["predict", "train", &path("early.csv"), "-o", &model, "--kind", "logistic"];
    serin(&[&train[..], &columns].concat()).exits(0);

    fs::write(path("release.json"), r#"{"team": "cart", "files": 3}"#).unwrap();
    let gate =
        ["--json", "gate", "--release", &path("release.json"), "--approval", "1", "--block", "1", "--model"];
    fs::create_dir(&learned).unwrap();
    let none = serin(&[&gate[..], &[&learned]].concat()).exits(2).error();
    assert!(none["message"].as_str().unwrap().ends_with("no predictor is in force in this folder"), "{none}");
    let adopt =
        ["--json", "learn", "adopt", &model, "--model", "predictor", "--later", &later, "--folder", &learned];
    let adopted = serin(&adopt).exits(0).json();
    let by_folder = serin(&[&gate[..], &[&learned]].concat()).exits(10).json();
    assert_eq!(by_folder["model"], adopted["in_force"]);
    assert_eq!(
        by_folder["probability"],
        serin(&[&gate[..], &[&model]].concat()).exits(10).json()["probability"]
    );
    assert!(!by_folder["notes"].to_string().contains("team"), "the category is known: {by_folder}");
    for asked in
        [&["predict", "score", &later][..], &["predict", "evaluate", &later], &["predict", "explain", &later]]
    {
        serin(&[asked, &["--model", &learned]].concat()).exits(0);
    }
    serin(&["learn", "restore", "--model", "predictor", "--folder", &learned]).exits(0);
    serin(&[&gate[..], &[&learned]].concat()).exits(2);
}

#[test]
fn a_plan_is_given_what_is_in_force_and_stays_as_it_was_where_nothing_is() {
    let simulated = Simulated::new();
    let folder = simulated.path("learned");
    let plan = simulated.path("plan.yaml");
    let text = "# Of the shop.\nservice: shop\nbaseline: v1\ncanary: v2\nlogs: {}\nbehaviour: {}\n";
    fs::write(&plan, text).unwrap();
    let before = serin(&["learn", "plan", &plan, "--folder", &folder]).exits(0);
    assert_eq!(before.stdout, text);
    let version = simulated.retrain(AUTUMN, 0)["version"].as_str().unwrap().to_owned();
    let with = serin(&["learn", "plan", &plan, "--folder", &folder]).exits(0).stdout;
    assert!(with.starts_with(text) && with.contains(&version), "{with}");
    assert!(with.contains("\"confidences\":{") && with.contains("\"log_template\":[[0.0,"), "{with}");
    fs::write(&plan, &with).unwrap();
    serin(&["plan", "check", &plan]).exits(0);
    let again = serin(&["learn", "plan", &plan, "--folder", &folder]).exits(2);
    assert!(again.stderr.contains("has `learned` already"), "{}", again.stderr);
    // JSON is YAML, too.
    let json = r#"{"service": "shop", "baseline": "v1", "canary": "v2", "logs": {}}"#;
    let with = serin_reading(&["learn", "plan", "-", "--folder", &folder], json).exits(0).stdout;
    assert_eq!(serde_json::from_str::<Value>(&with).unwrap()["learned"]["version"], version.as_str());
}

#[test]
fn outcomes_of_a_server_say_what_people_say_and_are_what_retrain_reads() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let plan = format!("{PLAN}\nlogs: {{}}\n");
    server.serin_reading(&["rollout", "create", "-f", "-"], &plan).exits(0);
    // Both sources are judged before a person acts.
    let end = Instant::now() + Duration::from_secs(20);
    while server.serin(&["rollout", "status", "shop", "--json"]).exits(0).json()["sources"] == json!([]) {
        assert!(Instant::now() < end, "nothing is judged");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(server.serin(&["learn", "outcomes"]).exits(0).stdout, "", "it goes on");
    server.serin(&["rollout", "rollback", "shop", "--reason", "it looks bad", "--actor", "anna"]).exits(0);
    let outcome = || {
        let lines = server.serin(&["learn", "outcomes", "shop"]).exits(0).stdout;
        serde_json::from_str::<Value>(&lines).unwrap()
    };
    let told = outcome();
    assert_eq!((&told["decided"], &told["label"]["truth"]), (&json!("rolled_back"), &json!("harmful")));
    assert_eq!(told["label"]["by"], json!({"person": "anna"}));
    assert!((told["sources"]["logs"]["weight"].as_f64().unwrap() - 3.0 / 7.0).abs() < 1e-6, "{told}");
    let listed = server.serin(&["decision", "list", "shop", "--json"]).exits(0).json();
    let id = listed["decisions"][0]["id"].as_str().unwrap();
    server
        .serin(&["decision", "mark", id, "--false-alarm", "--reason", "a load test", "--actor", "bob"])
        .exits(0);
    let told = outcome();
    assert_eq!(told["label"]["truth"], json!("harmless"));
    assert_eq!(told["label"]["by"], json!({"person": "bob"}));
    let file = folder.path().join("outcomes.jsonl").display().to_string();
    server.serin(&["learn", "outcomes", "--out", &file]).exits(0);
    let learned = folder.path().join("learned").display().to_string();
    let refused = serin(&["learn", "retrain", "--outcomes", &file, "--folder", &learned]).exits(10);
    assert!(refused.stdout.contains("40"), "one is too few: {}", refused.stdout);
}

/// Runs the script of a schedule with a `serin` that has `outcomes` and a history by itself, and is the real one for all else.
fn retrain_by_schedule(folder: &Path, server: &str) -> (i32, String) {
    let serin = format!(
        "#!/bin/sh\ncase \"$1 $2\" in\n'learn outcomes') [ ! -f given/outcomes.jsonl ] || exec cp given/outcomes.jsonl \"$4\" ;;\n\
         'predict history') [ ! -f \"given/history.$3\" ] || exec cp \"given/history.$3\" \"$6\" ;;\nesac\nexec {} \"$@\"\n",
        env!("CARGO_BIN_EXE_serin")
    );
    let program = folder.join("serin");
    fs::write(&program, serin).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../integrations/learn/retrain.sh");
    let mut command = Command::new("sh");
    command.arg(script).arg("learned").current_dir(folder).env("SERIN_SERVER", server);
    let ran = command.env("PATH", format!("{}:/usr/bin:/bin", folder.display())).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    (ran.status.code().unwrap(), said)
}

#[test]
fn the_script_of_a_schedule_puts_in_force_what_is_better_and_ends_well_where_nothing_is() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let (code, said) = retrain_by_schedule(folder.path(), &server.url());
    assert_eq!(code, 0, "nothing has ended yet: {said}");
    let learned = folder.path().join("learned").display().to_string();
    let in_force = || {
        let shelves = serin(&["--json", "learn", "versions", "--folder", &learned]).exits(0).json();
        shelves.as_array().unwrap().iter().map(|shelf| shelf["in_force"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(in_force(), [Value::Null, Value::Null, Value::Null]);

    let given = |name: &str| folder.path().join("given").join(name).display().to_string();
    fs::create_dir(folder.path().join("given")).unwrap();
    serin(&["learn", "simulate", "--seed", "1", "--outcomes", &given("outcomes.jsonl")]).exits(0);
    let history = serin(&["simulate", "deployments", "--count", "400", "--seed", "5"]).exits(0).stdout;
    let rows: Vec<&str> = history.lines().collect();
    fs::write(given("history.--before"), rows[..301].join("\n") + "\n").unwrap();
    // A quiet month: nothing went out, or nothing was rolled back.
    let quiet = rows[301..].iter().filter(|row| row.ends_with(",0")).take(50);
    for since in [String::new(), rows[..1].iter().chain(quiet).map(|row| format!("{row}\n")).collect()] {
        fs::write(given("history.--since"), since).unwrap();
        let (code, said) = retrain_by_schedule(folder.path(), &server.url());
        assert_eq!((code, in_force()[1].clone()), (0, Value::Null), "{said}");
        assert!(said.contains("too few later cases") && !said.contains("learned from"), "{said}");
    }
    let since: Vec<&str> = rows[..1].iter().chain(&rows[301..]).copied().collect();
    fs::write(given("history.--since"), since.join("\n") + "\n").unwrap();
    let (code, said) = retrain_by_schedule(folder.path(), &server.url());
    assert_eq!(code, 0, "{said}");
    let first = in_force();
    assert!(first[0].is_string() && first[1].is_string(), "{first:?}: {said}");
    let (code, said) = retrain_by_schedule(folder.path(), &server.url());
    assert_eq!((code, in_force()), (0, first), "the same again is not better: {said}");

    let (code, said) = retrain_by_schedule(&folder.path().join("given"), "http://127.0.0.1:1");
    assert!(code != 0, "a server that is not there is a failure: {said}");
}
