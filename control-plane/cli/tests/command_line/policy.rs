//! Policies, and what a plan asks for beside the evidence, without a server.

use serde_json::json;

use crate::program::{serin, serin_reading};

const PLAN: &str = "\
service: shop
baseline: v1
canary: v2
steps:
  - {weight: 5%, bake: 20s}
  - {weight: 50%, bake: 10m}
policies:
  - health
  - {name: office, when: time.hour < 9, then: hold}
calendar:
  zone: Europe/Amsterdam
  windows:
    - {name: freeze, from: 2026-12-20T00:00, to: 2027-01-04T00:00, effect: forbid}
    - {name: sale, days: [fri], effect: {stricter: {error_rate: 0.5%}}}
rollback: {mode: gradual, stages: [50%, 20%], baseline_capacity: {requests_per_second: 500rps}}
limits: {error_ratio: 3, throughput_min: 10rps}
concurrency: {group: market-eu, max: 1}
";

#[test]
fn a_plan_tells_its_policies_windows_stages_and_turn() {
    let words = serin_reading(&["plan", "check", "-"], PLAN).exits(0).stdout;
    for expected in [
        "health, reads health",
        "office then hold, reads time.hour",
        "freeze (from 2026-12-20T00:00 to 2027-01-04T00:00): nothing begins or goes forward unless a person overrides it",
        "sale (fri): error rate at most 0.5%",
        "returns in stages, to 50%, 20% of its weight, one every 10s;",
        "the baseline gets no more than 500 requests a second,",
        "error rate at most 3 times the baseline's",
        "at least 10 requests a second",
        "It takes its turn in group market-eu, of which 1 may run at once",
    ] {
        assert!(words.contains(expected), "{expected}: {words}");
    }
    let numbers = serin_reading(&["plan", "check", "-", "--json"], PLAN).exits(0).json();
    assert_eq!(numbers["policies"][1]["then"], json!("hold"));
    assert_eq!(numbers["calendar"]["windows"][1]["error_rate_ppm"], json!(5_000));
    assert_eq!(numbers["gradual_rollback"]["stages_ppm"], json!([500_000, 200_000]));
    assert_eq!(numbers.get("detection"), None);
}

#[test]
fn a_plan_tells_how_soon_harm_is_found_at_the_traffic_that_is_told() {
    let asked = ["plan", "check", "-", "--rps", "100", "--error-rate", "0.1%"];
    let words = serin_reading(&asked, PLAN).exits(0).stdout;
    assert!(
        words.contains("Expected detection at 100 requests a second, of which 0.1% fail (simulated)"),
        "{words}"
    );
    assert!(words.contains("Warning: the step at 5% is too short to find"), "{words}");
    let numbers = serin_reading(&[&asked[..], &["--json"]].concat(), PLAN).exits(0).json();
    let expected = numbers["detection"]["expected"].as_array().unwrap();
    assert_eq!(expected.len(), 14);
    let strong = expected.iter().find(|one| one["weight_ppm"] == 500_000).unwrap();
    assert_eq!((&strong["harm"], &strong["within_step"]), (&json!("+30 points of errors"), &strong["runs"]));
    for wrong in [&["--rps", "0"][..], &["--error-rate", "1%"], &["--rps", "5", "--latency", "0s"]] {
        serin_reading(&[&["plan", "check", "-"][..], wrong].concat(), PLAN).exits(2);
    }
}

#[test]
fn a_file_of_policies_is_checked_at_its_place() {
    let file = "policies:\n  - composite\n  - {name: mine, when: 'risk > 50.0 ? \"hold\" : \"continue\"'}\n";
    let words = serin_reading(&["policy", "check", "-"], file).exits(0).stdout;
    assert_eq!(words.lines().last(), Some("mine is valid, reads risk"));
    let wrong = file.replace("risk", "rist");
    let ran = serin_reading(&["policy", "check", "-"], &wrong).exits(5);
    let expected =
        "<stdin>:3:24: policies[1].when: line 1, column 1 of the expression: there is no variable \"rist\"";
    assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    serin_reading(&["policy", "check", "-"], "service: shop\n").exits(5);
    let known = serin(&["policy", "context"]).exits(0).stdout;
    for name in ["signals.canary.error_rate", "time.weekday", "composite: "] {
        assert!(known.contains(name), "{name}: {known}");
    }
}
