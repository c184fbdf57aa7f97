//! The bench as a whole: replayable, whatever the order of reports, with rows as promised.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::process::Command;

use serin_analysis::Learned;
use serin_sim::latency::Latencies;
use serin_sim::method::Method;
use serin_sim::random::Random;
use serin_sim::run::run;
use serin_sim::scenario::by_id;
use serin_sim::serin::{Deeds, Serin};
use serin_sim::world::{UNEXPOSED_S, World};

/// What Serin does in the first two minutes of one run of `id`, with the parts of each second's reports shuffled under
/// `shuffle`.
fn deeds(id: &str, shuffle: Option<u64>) -> Deeds {
    let (scenario, latencies) = (by_id(id).unwrap(), Latencies::default());
    let mut world = World::new(scenario, &latencies, 5, 0);
    let mut serin = Serin::new(scenario, &world, &Learned::default()).unwrap();
    let mut random = shuffle.map(|seed| Random::new(seed, 0));
    for second in 0..UNEXPOSED_S + 120 {
        if second == UNEXPOSED_S {
            serin.resume(second).unwrap();
        }
        let mut happened = world.next(second, serin.weight_ppm(), true);
        if let Some(random) = &mut random {
            for place in (1..happened.deliveries.len()).rev() {
                happened.deliveries.swap(place, random.below(place as u64 + 1) as usize);
            }
        }
        serin.observe(second, happened.deliveries, &happened.struck).unwrap();
    }
    serin.deeds().clone()
}

#[test]
fn the_order_of_reports_within_a_second_does_not_change_a_decision() {
    for id in ["errors_30pct_100rps_w5", "d7_crash_w1"] {
        let done = deeds(id, None);
        assert!(done.rolled_back_at.is_some(), "{id}");
        for seed in 1..4 {
            assert_eq!(deeds(id, Some(seed)), done, "{id}");
        }
    }
}

#[test]
fn the_canary_gets_nothing_before_the_rollout_is_resumed_and_its_weight_then() {
    let (scenario, latencies) = (by_id("aa_a17_ramp").unwrap(), Latencies::default());
    let mut world = World::new(scenario, &latencies, 5, 0);
    let mut serin = Serin::new(scenario, &world, &Learned::default()).unwrap();
    let mut weights = Vec::new();
    for second in 0..UNEXPOSED_S + 1_000 {
        if second == UNEXPOSED_S {
            serin.resume(second).unwrap();
        }
        let weight = serin.weight_ppm();
        let happened = world.next(second, weight, true);
        assert_eq!(happened.arms.canary.requests > 0, weight > 0, "second {second}");
        serin.observe(second, happened.deliveries, &happened.struck).unwrap();
        if weights.last() != Some(&weight) {
            weights.push(weight);
        }
    }
    assert!(
        weights.starts_with(&[0, 10_000, 50_000]),
        "the plan's steps, each after a healthy verdict: {weights:?}"
    );
}

#[test]
fn a_seed_gives_the_same_traffic_and_the_same_decisions() {
    let latencies = Latencies::default();
    let scenario = by_id("d12_1rps_w10_errors_50pp").unwrap();
    let decided =
        |seed, index| run(scenario, &latencies, &Learned::default(), true, (seed, index)).unwrap().outcomes;
    assert_eq!(decided(1, 0), decided(1, 0));
    assert_ne!(decided(1, 0), decided(1, 1));
    assert_ne!(decided(1, 0), decided(2, 0));
    let busy = by_id("aa_a11_jitter_10pct").unwrap();
    let traffic = |by_component| {
        let mut world = World::new(busy, &latencies, 3, 4);
        (0..20).map(|second| world.next(second, 100_000, by_component).arms).collect::<Vec<_>>()
    };
    assert_eq!(traffic(true), traffic(true));
    assert_eq!(traffic(true), traffic(false));
}

#[test]
fn the_traffic_is_as_the_scenario_says() {
    let latencies = Latencies::default();
    let mut world = World::new(by_id("d3_errors_5pp_w1").unwrap(), &latencies, 1, 0);
    let (mut baseline, mut canary, mut failures, mut struck) = (0, 0, 0, 0);
    for second in UNEXPOSED_S..UNEXPOSED_S + 1_800 {
        let happened = world.next(second, 10_000, false);
        baseline += happened.arms.baseline.requests;
        canary += happened.arms.canary.requests;
        failures += happened.arms.canary.failures;
        struck += happened.struck.iter().sum::<u64>();
    }
    let (baseline, canary) = (baseline as f64, canary as f64);
    assert!((baseline / 1_800.0 / 990.0 - 1.0).abs() < 0.01, "{baseline}");
    assert!((canary / 1_800.0 / 10.0 - 1.0).abs() < 0.04, "{canary}");
    assert!((struck as f64 / canary - 0.05).abs() < 0.007, "{struck} of {canary}");
    assert!(failures > struck && (failures - struck) as f64 / canary < 0.006, "{failures} and {struck}");
}

#[test]
fn a_tiny_bench_gives_a_row_for_each_scenario_and_method() {
    let arguments = ["--json", "--runs", "2", "--scenario", "aa_a1_1rps", "--scenario", "d7_crash_w1"];
    let output = Command::new(env!("CARGO_BIN_EXE_serin-detect")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let report: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!((&report["seed"], &report["runs"]), (&1.into(), &2.into()));
    let rows = report["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2 * Method::all().len());
    for row in rows {
        for field in
            ["scenario", "method", "runs", "rollback_rate", "delay_s", "bad_requests", "localised_rate"]
        {
            assert!(row.get(field).is_some(), "{field} is missing in {row}");
        }
        let rate = row["rollback_rate"].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&rate), "{row}");
        assert_eq!(row.get("rollback_rate_95").is_some(), row["scenario"] == "aa_a1_1rps", "{row}");
    }
    let crash = rows.iter().find(|row| row["scenario"] == "d7_crash_w1" && row["method"] == "serin").unwrap();
    assert_eq!(crash["rollback_rate"], 1.0);
    assert!(crash["delay_s"]["median"].as_f64().unwrap() <= 10.0, "{crash}");
}

#[test]
fn an_unknown_scenario_is_refused_by_name() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_serin-detect")).args(["--scenario", "d99"]).output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("\"d99\"") && said.contains("d1_errors_half_pp"), "{said}");
}
