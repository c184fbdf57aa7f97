//! The whole loop, request by request: what must hold whatever networks lose and whoever dies.
#![cfg(feature = "fleet")]
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::process::Command;

use serin_analysis::{Arm, Learned};
use serin_rollout::{Event, Fact, HoldReason, Phase};
use serin_sim::fleet::setup::{Setup, Trouble};
use serin_sim::fleet::{Fleet, Reckoning};
use serin_sim::latency::Latencies;
use serin_sim::scenario::{Effect, Fault, Popularity, Scenario, by_id};

/// Second in which the canary gets its first requests.
const EXPOSED: u64 = 10;
/// Seconds in which a good version is promoted, with time to spare.
const LONG: u64 = 900;
/// Seconds after the last request in which everything is told: a call's deadline, the waiting after it, and more.
const AFTER: u64 = 30;

/// Five routes of a service at 500 requests a second, by a plan of two steps.
const PLAN: &str = "
service: shop
baseline: v1
canary: v2
identity: {user: [{header: x-user-id}]}
components:
- {name: route-1, matches: [{path: {exact: /route-1}}]}
- {name: route-2, matches: [{path: {exact: /route-2}}]}
- {name: route-3, matches: [{path: {exact: /route-3}}]}
- {name: route-4, matches: [{path: {exact: /route-4}}]}
- {name: route-5, matches: [{path: {exact: /route-5}}]}
warm_up: 5s
steps: [{weight: 20%, bake: 20s}, {weight: 50%, bake: 20s}]
promotion: 20s
";

fn good() -> Scenario {
    let mut scenario = by_id("aa_a3_100rps").unwrap().clone();
    scenario.popularity = Popularity::Even(5);
    scenario.rps = 500.0;
    scenario.weights = vec![(0, 200_000)];
    scenario
}

/// From second `from` after the exposure on, 30 % of the canary's requests on route 4 fail.
fn bad(from: u64) -> Scenario {
    let fault = Fault { routes: Some(vec![3]), both_arms: false, from, effect: Effect::Errors(0.3) };
    Scenario { faults: vec![fault], ..good() }
}

/// 5 % of the messages lost, repeated and late each, two Envoys that restart, one that is cut off, and a control plane
/// that crashes.
fn trouble() -> Setup {
    let restart = |envoy, down_s| Trouble::EnvoyRestarts { envoy, down_s };
    let troubles = vec![
        (14, restart(1, 2)),
        (21, Trouble::ControlPlaneCrashes { down_s: 2 }),
        (26, Trouble::CutOff { envoy: Some(2), for_s: 8 }),
        (37, restart(0, 3)),
        (55, restart(2, 1)),
        (70, Trouble::ControlPlaneCrashes { down_s: 4 }),
    ];
    Setup { troubles, ..Setup::calm().losing(0.05) }
}

fn begin<'a>(scenario: &'a Scenario, latencies: &'a Latencies, setup: Setup, seed: u64) -> Fleet<'a> {
    let mut fleet = Fleet::new(scenario, latencies, setup, PLAN, &Learned::default(), (seed, 0)).unwrap();
    fleet.log();
    fleet.run_until(EXPOSED).unwrap();
    fleet.resume().unwrap();
    fleet
}

/// Goes on until `end` or the end of the rollout.
fn go_on(fleet: &mut Fleet<'_>, from: u64, end: u64) -> u64 {
    let mut second = from;
    while second < end && !fleet.is_over() {
        second += 1;
        fleet.run_until(second).unwrap();
    }
    second
}

/// Lets everything be told from `second` on, and compares.
fn reckon(fleet: &mut Fleet<'_>, second: u64) -> Reckoning {
    fleet.quieten();
    fleet.run_until(second + AFTER).unwrap();
    fleet.reckon().unwrap()
}

fn is_rollback(event: &Event) -> bool {
    matches!(
        event.fact,
        Fact::RolledBack { .. } | Fact::BlocksRestored { .. } | Fact::ComponentsRolledBack { .. }
    )
}

fn is_progress(event: &Event) -> bool {
    matches!(event.fact, Fact::StepStarted { .. } | Fact::Completing { .. } | Fact::Promoted { .. })
}

#[test]
fn a_good_version_is_promoted_through_losses_restarts_and_crashes_and_every_request_counts_once() {
    let (scenario, latencies) = (good(), Latencies::default());
    for seed in 1..=4 {
        let mut fleet = begin(&scenario, &latencies, trouble(), seed);
        let end = go_on(&mut fleet, EXPOSED, LONG);
        let events = fleet.events().unwrap();
        assert!(!events.iter().any(is_rollback), "seed {seed}: rolled back");
        let phase = fleet.state().unwrap().phase;
        assert_eq!(phase, Phase::Promoted, "seed {seed} after {end} s: {:?}", fleet.judgement());
        let Reckoning { served, died, untold, counted, told } = reckon(&mut fleet, end);
        assert_eq!(counted, told, "seed {seed}");
        assert_eq!(untold.started(), 0, "seed {seed}: living VMs tell everything");
        assert_eq!(told.started() + died.started(), served.started(), "seed {seed}");
        let failures = fleet.failures();
        assert!(died.started() > 0 && failures.envoys_died == 3 && failures.crashes == 2, "{failures:?}");
        assert!(failures.messages_lost > 50 && failures.messages_repeated > 50, "seed {seed}: {failures:?}");
    }
}

#[test]
fn a_route_that_fails_is_returned_alone_within_seconds_through_losses_restarts_and_crashes() {
    const ONSET: u64 = 20;
    let (scenario, latencies) = (bad(ONSET), Latencies::default());
    let mut delays_ms = Vec::new();
    for seed in 1..=5 {
        let mut fleet = begin(&scenario, &latencies, trouble(), seed);
        fleet.run_until(EXPOSED + ONSET + 25).unwrap();
        let events = fleet.events().unwrap();
        let undone: Vec<_> = events.iter().filter(|event| is_rollback(event)).collect();
        let [only] = undone.as_slice() else { panic!("seed {seed}: {undone:?}") };
        let Fact::ComponentsRolledBack { components, .. } = &only.fact else {
            panic!("seed {seed}: {only:?}")
        };
        assert_eq!(components, &["route-4"], "seed {seed}");
        delays_ms.push(only.at.0 - events[0].at.0 - (EXPOSED + ONSET) * 1_000);
        let generations: Vec<_> = (0..3).flat_map(|envoy| fleet.generations(envoy)).collect();
        let newest = generations.iter().max().unwrap();
        assert!(generations.iter().all(|generation| generation == newest), "seed {seed}: {generations:?}");
        let obeyed = fleet.decisions().iter().filter(|one| one.generation == *newest);
        assert!(obeyed.clone().any(|one| one.arm == Arm::Canary));
        assert!(!obeyed.clone().any(|one| one.arm == Arm::Canary && one.component == 3), "seed {seed}");
    }
    delays_ms.sort_unstable();
    // A call whose answer never comes is given up after five seconds, so some wait for the second try.
    assert!(delays_ms[2] <= 8_000 && delays_ms[4] <= 15_000, "by seed, sorted: {delays_ms:?} ms");
}

#[test]
fn a_seed_gives_the_same_facts_bit_for_bit_and_another_one_others() {
    let (scenario, latencies) = (bad(5), Latencies::default());
    let facts = |seed| -> Vec<String> {
        let mut fleet = begin(&scenario, &latencies, trouble(), seed);
        fleet.run_until(50).unwrap();
        fleet.facts().unwrap()
    };
    let first = facts(7);
    assert!(first.len() > 2, "{first:?}");
    assert_eq!(first, facts(7));
    assert_ne!(first, facts(8));
}

#[test]
fn what_the_engine_sees_in_a_minute_is_what_was_served_in_it() {
    let (scenario, latencies) = (good(), Latencies::default());
    for seed in 1..=3 {
        let setup = Setup::calm().losing(0.1);
        let mut fleet = begin(&scenario, &latencies, setup, seed);
        fleet.run_until(25).unwrap();
        let Reckoning { served, counted, .. } = reckon(&mut fleet, 25);
        assert_eq!(served, counted, "seed {seed}");
        let [baseline, canary] =
            [0, 1].map(|arm| served.0.iter().map(|component| component[arm].started).sum::<u64>());
        assert!(baseline > 8_000 && canary > 800, "seed {seed}: {baseline} and {canary}");
        assert_eq!(fleet.seen_by_the_engine(), Some([baseline, canary]), "seed {seed}");
    }
}

#[test]
fn a_fleet_that_reports_nothing_is_neither_promoted_nor_rolled_back() {
    let (scenario, latencies) = (good(), Latencies::default());
    let (from, for_s) = (EXPOSED + 15, 90);
    for seed in 1..=3 {
        let troubles = vec![(from, Trouble::CutOff { envoy: None, for_s })];
        let mut fleet = begin(&scenario, &latencies, Setup { troubles, ..Setup::calm() }, seed);
        fleet.run_until(from + for_s).unwrap();
        let events = fleet.events().unwrap();
        let second = |event: &Event| (event.at.0 - events[0].at.0) / 1_000;
        // What was reported before may still speak for a while.
        let blind: Vec<_> = events.iter().filter(|event| second(event) > from + 15).collect();
        assert!(
            !blind.iter().any(|event| is_progress(event) || is_rollback(event)),
            "seed {seed}: {blind:?}"
        );
        let held = |event: &Event| matches!(&event.fact, Fact::Held { reason: HoldReason::MissingData, .. });
        assert!(events.iter().any(held), "seed {seed}: {events:?}");
        let end = go_on(&mut fleet, from + for_s, LONG);
        assert_eq!(fleet.state().unwrap().phase, Phase::Promoted, "seed {seed}: once it reports again");
        let Reckoning { served, counted, .. } = reckon(&mut fleet, end);
        assert_eq!(counted, served, "seed {seed}");
    }
}

#[test]
fn a_user_gets_the_same_version_from_every_envoy_and_never_goes_back_while_the_weight_rises() {
    let (scenario, latencies) = (good(), Latencies::default());
    let mut fleet = begin(&scenario, &latencies, trouble(), 11);
    go_on(&mut fleet, EXPOSED, LONG);
    assert_eq!(fleet.state().unwrap().phase, Phase::Promoted);
    let mut arms: BTreeMap<u64, BTreeMap<u64, (Arm, usize)>> = BTreeMap::new();
    let mut by_several = 0;
    // An Envoy that has just started sends everyone to the baseline.
    for one in fleet.decisions().iter().filter(|one| one.generation > 0) {
        let Some(user) = one.user else { continue };
        let of_user = arms.entry(user).or_default();
        let (arm, envoy) = of_user.entry(one.generation).or_insert((one.arm, one.envoy));
        assert_eq!(*arm, one.arm, "user {user} at generation {}", one.generation);
        by_several += u32::from(*envoy != one.envoy);
    }
    assert!(by_several > 1_000, "{by_several} requests of users that another Envoy served before");
    let mut raised = 0;
    for (user, of_user) in &arms {
        let arms: Vec<_> = of_user.values().map(|(arm, _)| *arm).collect();
        assert!(arms.is_sorted(), "user {user}: {of_user:?}");
        raised += u32::from(arms.first() != arms.last());
    }
    assert!(raised > 1_000, "{raised} users came to the canary");
}

#[test]
fn an_envoy_that_is_cut_off_keeps_its_assignment_until_it_is_reached_again() {
    let (scenario, latencies) = (bad(0), Latencies::default());
    let (from, for_s) = (EXPOSED + 2, 60);
    for seed in 1..=3 {
        let troubles = vec![(from, Trouble::CutOff { envoy: Some(0), for_s })];
        let mut fleet = begin(&scenario, &latencies, Setup { troubles, ..Setup::calm() }, seed);
        fleet.run_until(from).unwrap();
        let before = fleet.generations(0);
        fleet.run_until(from + for_s).unwrap();
        assert_eq!(fleet.generations(0), before, "seed {seed}");
        let others: Vec<_> = [1, 2].into_iter().flat_map(|envoy| fleet.generations(envoy)).collect();
        assert!(others.iter().all(|generation| *generation > before[0]), "seed {seed}: {others:?}");
        let since = |at: u64, envoy| {
            let decisions = fleet.decisions().iter();
            decisions.filter(move |one| one.envoy == envoy && one.at_ms >= at * 1_000 && one.component == 3)
        };
        assert!(since(from, 0).all(|one| one.generation == before[0]), "seed {seed}");
        let late = from + for_s - 5;
        assert!(since(late, 0).any(|one| one.arm == Arm::Canary), "seed {seed}: it knows no rollback");
        assert!(since(late, 1).count() > 100 && since(late, 1).all(|one| one.arm == Arm::Baseline));
        fleet.run_until(from + for_s + 3).unwrap();
        assert_eq!(fleet.generations(0), fleet.generations(1), "seed {seed}");
    }
}

#[test]
fn a_tiny_bench_gives_a_row_as_counts_and_two_by_request() {
    let arguments = ["--fleet", "--json", "--runs", "1", "--scenario", "d7_crash_w1"];
    let output = Command::new(env!("CARGO_BIN_EXE_serin-detect")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = report["rows"].as_array().unwrap();
    let methods: Vec<_> = rows.iter().map(|row| row["method"].as_str().unwrap()).collect();
    assert_eq!(methods, ["counts", "requests", "with-losses"]);
    for row in rows {
        assert_eq!(row["rollback_rate"], 1.0, "{row}");
        assert!(row["delay_s"]["median"].as_f64().unwrap() <= 20.0, "{row}");
        assert!(row["bad_requests"]["median"].as_f64().unwrap() > 0.0, "{row}");
    }
}
