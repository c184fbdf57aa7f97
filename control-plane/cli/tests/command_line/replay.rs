//! `serin replay` on the golden traces.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::program::{Ran, serin, serin_reading};

/// The plan of docs/replay.md in a file of its own: tests run side by side, in one process or in many.
struct PlanFile(tempfile::NamedTempFile);

impl PlanFile {
    fn new() -> Self {
        let page = std::fs::read_to_string(root().join("docs/replay.md")).unwrap();
        let (_, block) = page.split_once("```yaml\n").unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), block.split("```").next().unwrap()).unwrap();
        Self(file)
    }

    fn path(&self) -> &str {
        self.0.path().to_str().unwrap()
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn trace(name: &str) -> String {
    root().join(format!("control-plane/trace/tests/replay/{name}.jsonl.gz")).display().to_string()
}

fn lines(ran: &Ran) -> Vec<Value> {
    ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_last_line_is_the_decision_and_the_others_are_the_timeline() {
    let plan = PlanFile::new();
    let ran = serin(&["replay", "--plan", plan.path(), &trace("bad_route"), "--json"]).exits(0);
    let lines = lines(&ran);
    let (decision, timeline) = lines.split_last().unwrap();
    assert_eq!(decision["decision"], json!("rollback"));
    assert_eq!((&decision["level"], &decision["components"]), (&json!("medium"), &json!(["checkout"])));
    assert!(decision["reasons"][1]["text"].as_str().unwrap().starts_with("error rate"), "{decision}");
    let found = timeline.iter().find(|entry| entry["verdict"] == json!("regressed")).unwrap();
    assert_eq!((&found["component"], &found["t"]), (&json!("checkout"), &decision["t"]));
    assert!(timeline.windows(2).all(|pair| pair[0]["t"].as_u64() <= pair[1]["t"].as_u64()), "{timeline:?}");
}

#[test]
fn people_get_a_timeline_in_words_and_a_table() {
    let plan = PlanFile::new();
    let ran = serin(&["replay", "--plan", plan.path(), &trace("bad_route")]).exits(0);
    let page = std::fs::read_to_string(root().join("docs/replay.md")).unwrap();
    let (_, shown) = page.split_once("```\n$ serin replay").unwrap();
    let (_, shown) = shown.split("```").next().unwrap().split_once('\n').unwrap();
    assert_eq!(shown, ran.stdout, "docs/replay.md shows something else");
}

#[test]
fn exit_codes_tell_decisions_apart_when_asked_to() {
    let plan = PlanFile::new();
    serin(&["replay", "--exit-code", "--plan", plan.path(), &trace("crash")]).exits(6);
    serin(&["replay", "--exit-code", "--plan", plan.path(), &trace("low_traffic")]).exits(7);
    serin(&["replay", "--plan", plan.path(), &trace("crash")]).exits(0);
}

#[test]
fn other_tools_judge_the_same_trace() {
    let plan = PlanFile::new();
    let judged = |judge: &str| {
        let ran =
            serin(&["replay", "--plan", plan.path(), &trace("crash"), "--json", "--judge", judge]).exits(0);
        lines(&ran).pop().unwrap()
    };
    let (serin, flagger) = (judged("serin"), judged("flagger"));
    assert_eq!(flagger["decision"], json!("rollback"));
    assert!(flagger["t"].as_u64() > serin["t"].as_u64(), "{flagger} {serin}");
}

#[test]
fn an_unknown_judge_is_refused_with_the_known_ones() {
    let error = serin(&["replay", "--plan", "p", "t", "--judge", "oracle"]).exits(2).stderr;
    assert!(error.contains("flagger-docs") && error.contains("kayenta"), "{error}");
}

#[test]
fn a_broken_line_is_named_with_column_field_and_rule() {
    let plan = PlanFile::new();
    let good = r#"{"t":1800000000,"component":"cart","arm":"canary","outcomes":{"ok":1}}"#;
    let broken = format!("{good}\n{}\n", good.replace("\"ok\":1", "\"ok\":-1"));
    let ran = serin_reading(&["replay", "--plan", plan.path(), "-"], &broken).exits(2);
    assert!(ran.stderr.contains("<stdin>:2:68: outcomes.ok: must not be negative"), "{}", ran.stderr);
    let ran = serin_reading(&["--json", "replay", "--plan", plan.path(), "-"], &broken).exits(2);
    let problem = &ran.error()["problems"][0];
    assert_eq!((&problem["line"], &problem["field"]), (&json!(2), &json!("outcomes.ok")));
    serin(&["replay", "--plan", "-", "-"]).exits(2);
}

#[test]
fn an_empty_trace_holds() {
    let plan = PlanFile::new();
    let ran = serin_reading(&["replay", "--plan", plan.path(), "-", "--json"], "").exits(0);
    assert_eq!(ran.json()["decision"], json!("hold"));
}

/// What policies of a file would have said, and what would have followed.
#[test]
fn policies_in_the_place_of_the_plans_are_told_where_their_answers_change() {
    let (plan, policies) = (PlanFile::new(), tempfile::NamedTempFile::new().unwrap());
    let text = "policies:\n  - {name: strict, when: 'signals.canary.errors > 3', then: rollback}\n  - {name: lazy, when: '\"promote\"'}\n";
    std::fs::write(policies.path(), text).unwrap();
    let path = policies.path().to_str().unwrap();
    let ran =
        serin(&["replay", "--plan", plan.path(), "--policy", path, &trace("bad_route"), "--json"]).exits(0);
    let lines = lines(&ran);
    let said = |name: &str| -> Vec<&Value> {
        lines.iter().filter(|entry| entry["policy"] == json!(name)).map(|entry| &entry["says"]).collect()
    };
    let strict = said("strict");
    assert_eq!(strict.last(), Some(&&json!("rollback")), "{strict:?}");
    assert!(strict.contains(&&json!("continue")), "{strict:?}");
    assert_eq!(said("lazy"), [&json!("promote")]);
    let decision = lines.last().unwrap();
    assert_eq!((&decision["decision"], &decision["level"]), (&json!("rollback"), &json!("coarse")));
    let words =
        serin(&["replay", "--plan", plan.path(), "--policy", path, &trace("bad_route")]).exits(0).stdout;
    assert!(words.contains("policy strict: rollback: signals.canary.errors = "), "{words}");
}
