//! The shipped rules, by Prometheus' own checker: every alert fires where it should and is silent in its twin.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use serin_e2e::servers::prometheus::promtool;
use serin_e2e::workspace::Workspace;

fn folder() -> PathBuf {
    Workspace::locate().unwrap().root().join("envoy/prometheus")
}

fn yaml(name: &str) -> Value {
    serde_saphyr::from_str(&fs::read_to_string(folder().join(name)).unwrap()).unwrap()
}

fn alerts() -> Vec<Value> {
    let rules = yaml("rules.yaml");
    let groups = rules["groups"].as_array().unwrap();
    let rules = groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone());
    rules.filter(|rule| rule["alert"].is_string()).collect()
}

fn run(arguments: &[&str]) {
    let mut command = promtool(&Workspace::locate().unwrap()).unwrap();
    let output = command.current_dir(folder()).args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

#[test]
fn promtool_accepts_the_rules_and_the_configuration() {
    run(&["check", "rules", "--lint=all", "--lint-fatal", "rules.yaml"]);
    run(&["check", "config", "prometheus.yaml"]);
}

#[test]
fn every_alert_fires_where_it_should_and_is_silent_in_its_twin() {
    run(&["test", "rules", "rules_test.yaml"]);
    let tests = yaml("rules_test.yaml");
    let tests = tests["tests"].as_array().unwrap();
    let asked: Vec<&Value> =
        tests.iter().flat_map(|test| test["promql_expr_test"].as_array().unwrap()).collect();
    for alert in alerts() {
        let name = alert["alert"].as_str().unwrap();
        let of_alert = asked
            .iter()
            .filter(|test| test["expr"].as_str().unwrap().contains(&format!("alertname=\"{name}\"")));
        let fires: Vec<bool> =
            of_alert.map(|test| !test["exp_samples"].as_array().unwrap().is_empty()).collect();
        assert!(fires.contains(&true), "no test makes {name} fire");
        assert!(fires.contains(&false), "{name} has no twin in which it is silent");
    }
}

#[test]
fn every_alert_says_how_urgent_it_is_what_to_type_next_and_where_more_is_said() {
    let root = Workspace::locate().unwrap().root().to_owned();
    let page = fs::read_to_string(root.join("docs/grafana.md")).unwrap();
    for alert in alerts() {
        let name = alert["alert"].as_str().unwrap();
        let severity = alert["labels"]["severity"].as_str().unwrap();
        assert!(["info", "warning", "critical"].contains(&severity), "{name}: {severity}");
        let said =
            |annotation: &str| alert["annotations"][annotation].as_str().unwrap_or_default().to_owned();
        assert!(!said("summary").is_empty(), "{name} has no summary");
        let commands = said("description");
        let commands: Vec<&str> = commands.split('`').skip(1).step_by(2).collect();
        let is_command = |text: &&str| ["serin ", "curl "].iter().any(|start| text.starts_with(start));
        assert!(commands.iter().any(is_command), "{name} does not say what to type");
        assert!(root.join(said("runbook")).is_file(), "{name}: {} is no page", said("runbook"));
        assert!(page.contains(&format!("`{name}`")), "docs/grafana.md does not list {name}");
    }
}
