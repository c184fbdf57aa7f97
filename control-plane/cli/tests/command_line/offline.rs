//! What needs no server.

use std::process::Stdio;

use serde_json::json;

use crate::program::{command, finish, serin, serin_reading};

const PLAN: &str = "\
service: shop
baseline: v1
canary: v2
warm_up: 1m
promotion: 5m
steps:
  - {weight: 5%, bake: 2m}
  - {weight: 50%, bake: 10m}
components:
  - name: orders
    matches: [{path: {template: '/orders/{id}'}}]
";

#[test]
fn a_valid_plan_is_told_in_words_and_numbers() {
    let words = serin_reading(&["plan", "check", "-"], PLAN).exits(0);
    for expected in
        ["shop goes from v1 to v2", "5% for at least 2m", "50% for at least 10m", "at least 18m", "orders"]
    {
        assert!(words.stdout.contains(expected), "{expected}: {}", words.stdout);
    }
    let numbers = serin_reading(&["plan", "check", "-", "--json"], PLAN).exits(0).json();
    assert_eq!(numbers["shortest_total_ms"], json!(18 * 60_000));
    assert_eq!(numbers["steps"][1], json!({"weight_ppm": 500_000, "bake_ms": 600_000}));
    assert_eq!(numbers["components"][0]["granularity"], json!("medium"));
}

#[test]
fn a_plan_says_what_logs_users_and_earlier_rollouts_have_a_say_in() {
    let silent = serin_reading(&["plan", "check", "-"], PLAN).exits(0).stdout;
    assert!(!silent.contains("Beside requests"), "{silent}");
    let more = "logs: {}\nbehaviour: {conversion: 4%, novelty: 20m}\nlearned: {version: t-1}\nprediction: {rollback: 35%}\n";
    let plan = format!("{PLAN}\n{more}");
    let words = serin_reading(&["plan", "check", "-"], &plan).exits(0).stdout;
    for expected in
        ["4% fewer conversions", "load times 20% longer", "first 20m", "logs: lines", "(t-1)", "of 35%"]
    {
        assert!(words.contains(expected), "{expected}: {words}");
    }
    let numbers = serin_reading(&["plan", "check", "-", "--json"], &plan).exits(0).json();
    assert_eq!(numbers["behaviour"]["conversion_ppm"], json!(40_000));
    assert_eq!(numbers["logs"], json!({"weight_ppm": 300_000}));
    assert_eq!(numbers["prediction"]["rollback_ppm"], json!(350_000));
}

#[test]
fn every_fault_of_a_plan_is_shown_at_its_place() {
    let faulty = PLAN.replace("bake: 10m", "bake: soon").replace("canary: v2", "canary: v1");
    let words = serin_reading(&["plan", "check", "-"], &faulty).exits(5);
    assert_eq!(words.stdout, "");
    assert!(words.stderr.contains("<stdin>:3:9: canary: "), "{}", words.stderr);
    assert!(words.stderr.contains("<stdin>:8:25: steps[1].bake: "), "{}", words.stderr);
    let lines: Vec<&str> = words.stderr.lines().collect();
    let content = lines.iter().position(|line| line.contains("bake: soon")).unwrap();
    assert_eq!(lines[content + 1].find('^'), lines[content].find("soon"), "{}", words.stderr);

    let error = serin_reading(&["--json", "plan", "check", "-"], &faulty).exits(5).error();
    assert_eq!((&error["kind"], &error["exit_code"]), (&json!("plan_invalid"), &json!(5)));
    assert_eq!(error["problems"][1]["line"], json!(8));
    assert_eq!(error["problems"][1]["field"], json!("steps[1].bake"));
}

#[test]
fn any_text_as_a_plan_ends_with_exit_code_5() {
    let terminal = "service: \"\u{1b}[2J\"\n\u{9b}31m: [\n";
    for text in
        ["", "[]", "service: [", "\t", "- - - -", "&a [*a]", "{", "service: shop\nservice: shop", terminal]
    {
        let ran = serin_reading(&["plan", "check", "-"], text).exits(5);
        assert!(!ran.stderr.chars().any(|c| c.is_control() && c != '\n'), "{text:?}: {:?}", ran.stderr);
    }
}

#[test]
fn a_file_that_is_missing_or_too_long_is_a_usage_error() {
    let missing = serin(&["plan", "check", "no-such-plan.yaml"]).exits(2);
    assert!(missing.stderr.contains("no-such-plan.yaml"), "{}", missing.stderr);
    let long = serin_reading(&["plan", "check", "-"], &"#".repeat(1024 * 1024 + 1)).exits(2);
    assert!(long.stderr.contains("exceeds 1048576 bytes"), "{}", long.stderr);
}

#[test]
fn explain_tells_the_arm_and_why() {
    let assignment = json!({
        "version": 1, "generation": 3,
        "services": [{
            "name": "shop", "hosts": ["shop.example"], "salt": "000102030405060708090a0b0c0d0e0f",
            "split": [{"arm": "canary", "weight_ppm": 100_000}],
            "rules": [{"when": {"cookie": {"name": "beta", "exact": "yes"}}, "arm": "canary"}],
            "components": [{"name": "orders", "matches": [{"methods": ["POST"], "path": {"prefix": "/orders"}}]}]
        }]
    })
    .to_string();
    let explain = ["explain", "--assignment", "-", "--path", "/orders/7?x=1", "--host"];
    let ask_at =
        |host, more: &[&str]| serin_reading(&[&explain[..], &[host], more].concat(), &assignment).exits(0);
    let ask = |more: &[&str]| ask_at("shop.example:443", more);

    let ruled = ask(&["--method", "post", "--cookie", "beta=yes", "--json"]).json();
    assert_eq!((&ruled["arm"], &ruled["component"]), (&json!("canary"), &json!("orders")));
    assert_eq!((&ruled["why"], &ruled["rule"]["number"]), (&json!("rule"), &json!(1)));
    let drawn = ask(&["--json", "-H", "x-other: 1"]).json();
    assert_eq!((&drawn["arm"], &drawn["component"]), (&json!(null), &json!("unmatched")));
    assert_eq!(drawn["chances"][1], json!({"arm": "canary", "ppm": 100_000}));
    let words = ask(&["--method", "POST", "-H", "Cookie: beta=yes"]);
    assert!(words.stdout.contains("rule 1 (cookie beta is \"yes\")"), "{}", words.stdout);
    let elsewhere = ask_at("other.example", &["--json"]);
    assert_eq!(elsewhere.json()["why"], json!("no_service"));
}

#[test]
fn an_assignment_that_the_filter_would_refuse_is_refused_by_name() {
    let bad = r#"{"version":1,"generation":1,"services":[{"name":"a b","salt":"00"}]}"#;
    let ran = serin_reading(&["explain", "--assignment", "-", "--path", "/"], bad).exits(2);
    assert!(ran.stderr.contains("services[0].name"), "{}", ran.stderr);
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = serin(&["completions", shell]).exits(0).stdout;
        for word in ["rollout", "set-weight", "explain", "token-file"] {
            assert!(script.contains(word), "{shell} misses {word}");
        }
    }
}

#[test]
fn a_wrong_command_line_ends_with_exit_code_2() {
    for arguments in [
        &[][..],
        &["rollout"],
        &["rollout", "status"],
        &["rollout", "set-weight", "shop", "25", "--reason", "x"],
        &["rollout", "set-weight", "shop", "101%", "--reason", "x"],
        &["rollout", "set-weight", "shop", "25%"],
        &["rollout", "promote", "shop", "--reason", " "],
        &["rollout", "create"],
        &["rollout", "create", "-f", "-", "--within", "1m"],
        &["rollout", "list", "--limit", "0"],
        &["nodes", "--timeout", "0s"],
        &["nodes", "--timeout", "5"],
        &["nodes", "--server", "ftp://127.0.0.1"],
        &["nodes", "--server", "127.0.0.1:7441"],
        &["nodes", "--token-file", "no-such-file"],
        &["nodes", "--actor", "serin"],
        &["explain", "--path", "orders"],
        &["explain", "--path", "/", "-H", "no colon"],
        &["plan", "check"],
    ] {
        let ran = serin(arguments).exits(2);
        assert_eq!(ran.stdout, "", "{arguments:?}");
        assert!(!ran.stderr.is_empty(), "{arguments:?}");
        let error = serin(&[arguments, &["--json"]].concat()).exits(2).error();
        assert_eq!(error["kind"], json!("usage"), "{arguments:?}");
    }
}

#[test]
fn help_names_the_exit_codes() {
    let help = serin(&["--help"]).exits(0).stdout;
    for code in ["0  done", "4  the server was not reached", "6  a rollout"] {
        assert!(help.contains(code), "{help}");
    }
    assert!(serin(&["--version"]).exits(0).stdout.starts_with("serin "));
}

#[test]
fn a_token_is_not_sent_in_clear_to_another_machine() {
    let mut command = command(&["nodes", "--server", "http://192.0.2.1:7441"]);
    command.env("SERIN_TOKEN", "0123456789abcdef-secret");
    let ran = finish(command.spawn().unwrap()).exits(2);
    assert!(ran.stderr.contains("unencrypted") && !ran.stderr.contains("secret"), "{}", ran.stderr);
}

#[test]
fn a_reader_that_goes_away_ends_the_program_quietly() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ran =
        finish(command(&["completions", "bash"]).stdout(Stdio::from(writer)).spawn().unwrap()).exits(141);
    assert_eq!(ran.stderr, "");
}

#[test]
fn the_manual_is_written_and_a_reader_of_manuals_finds_no_fault_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().display().to_string();
    let written = serin(&["man", "--out", &out, "--json"]).exits(0).json();
    let pages = written["pages"].as_array().unwrap();
    assert!(
        pages.contains(&json!("serin.1")) && pages.contains(&json!("serin-rollout-watch.1")),
        "{written}"
    );
    let watch = std::fs::read_to_string(folder.path().join("serin-rollout-watch.1")).unwrap();
    assert!(watch.contains("plain") && watch.contains("within"), "{watch}");
    let first = std::fs::read_to_string(folder.path().join("serin.1")).unwrap();
    assert_eq!(serin(&["man"]).exits(0).stdout, first);
    assert!(first.contains("Exit codes"), "{first}");
    for page in pages {
        let file = folder.path().join(page.as_str().unwrap());
        let Ok(read) =
            std::process::Command::new("man").args(["--warnings=w", "-l", "-Tutf8"]).arg(&file).output()
        else {
            // A machine without a reader of manuals has the pages alone.
            return;
        };
        let said = String::from_utf8_lossy(&read.stderr);
        assert!(read.status.success() && said.trim().is_empty(), "{page}: {said}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_says_what_to_do() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let below = file.path().join("pages").display().to_string();
    let refused = serin(&["man", "--out", &below]).exits(1);
    assert!(refused.stderr.contains("next: give --out a folder"), "{refused:?}");
}
