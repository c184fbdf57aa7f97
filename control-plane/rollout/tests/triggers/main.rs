//! Every trigger through the whole loop, on a clock that the test moves: counts and answers in, decisions out.
//!
//! Each trigger has a case that it must fire in, the same without the harm, in which it must stay silent, and the same without
//! data, in which it must hold and undo nothing. The seeds are printed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that fails panics"
)]

mod ahead;
mod world;

use serin_analysis::Arm;
use serin_rollout::outside::{CheckAnswer, HealthState, QueryAnswer, TriggerState};
use serin_rollout::{Cause, Event, Fact, HoldReason};

use world::*;

/// A trigger and the harm that it is for.
struct Case {
    trigger: &'static str,
    yaml: &'static str,
    canary: Doing,
    /// What its query gives, harmed and not.
    value: Option<(f64, f64)>,
    /// Seconds after the beginning of the harm within which it fires.
    fires: (u64, u64),
    /// Another alarm may be quicker.
    rivals: bool,
}

const CASES: [Case; 9] = [
    Case {
        trigger: "error_ratio",
        yaml: "triggers: {error_ratio: {}}",
        canary: Doing { failing: 0.03, ..USUAL },
        value: None,
        fires: (300, 380),
        rivals: false,
    },
    Case {
        trigger: "latency_ratio",
        yaml: "triggers: {latency_ratio: {above: 1.3}}",
        canary: Doing { latency_us: 34_000.0, ..USUAL },
        value: None,
        fires: (300, 380),
        rivals: false,
    },
    Case {
        trigger: "success_rate",
        yaml: "triggers: {success_rate: {}}",
        canary: Doing { failing: 0.09, ..USUAL },
        value: None,
        fires: (180, 230),
        rivals: false,
    },
    Case {
        trigger: "throughput_ratio",
        yaml: "triggers: {throughput_ratio: {}}\nautomatic_rollback: false",
        canary: Doing { requests: 4, ..USUAL },
        value: None,
        fires: (600, 740),
        rivals: true,
    },
    Case {
        trigger: "circuit_breaker",
        yaml: "triggers: {circuit_breaker: {}}",
        canary: Doing { refused: 0.02, ..USUAL },
        value: None,
        fires: (20, 120),
        rivals: false,
    },
    Case {
        trigger: "security_events",
        yaml: "queries: {q: {webhook: true}}\ntriggers: {security_events: {query: q}}",
        canary: USUAL,
        value: Some((1.0, 0.0)),
        fires: (0, 20),
        rivals: false,
    },
    Case {
        trigger: "data_integrity",
        yaml: "queries: {q: {promql: 'sum(x)', prometheus: main}}\ntriggers: {data_integrity: {query: q}}",
        canary: USUAL,
        value: Some((2.0, 0.0)),
        fires: (0, 20),
        rivals: false,
    },
    Case {
        trigger: "memory",
        yaml: "queries: {q: {promql: 'max(m)'}}\ntriggers: {memory: {query: q}}",
        canary: USUAL,
        value: Some((0.97, 0.80)),
        fires: (300, 320),
        rivals: false,
    },
    Case {
        trigger: "depth",
        yaml: "queries: {q: {alert: {name: Deep}}}\ntriggers: {custom: [{name: depth, query: q, above: 0, for: 2m}]}",
        canary: USUAL,
        value: Some((1.0, 0.0)),
        fires: (120, 140),
        rivals: false,
    },
];

/// Two minutes as usual, and then `canary` and `value`, until something is decided or 20 minutes are over.
fn play(case: &Case, canary: Doing, value: Option<f64>, seed: u64) -> (World, Option<u64>) {
    let mut world = World::new(case.yaml, seed);
    let mut fired = None;
    while world.age() < 1_320 && !world.is_rolled_back() {
        let harmed = world.age() >= 120;
        if let (Some((_, usual)), true) = (case.value, world.age().is_multiple_of(15)) {
            let value = value.filter(|_| harmed).unwrap_or(usual);
            world.query("q", QueryAnswer::Value { value });
        }
        let usual = Doing { requests: 10, ..USUAL };
        let canary = Doing { requests: canary.requests / 4, ..canary };
        world.second(Some(USUAL), Some(if harmed { canary } else { usual }));
        if fired.is_none() && world.state_of(case.trigger) == TriggerState::Fired {
            fired = Some(world.age() - 120);
        }
    }
    (world, fired)
}

#[test]
fn every_trigger_fires_after_its_time_and_is_the_cause() {
    for (case, seed) in CASES.iter().flat_map(|case| [11, 12, 13].map(|seed| (case, seed))) {
        let (world, fired) = play(case, case.canary, case.value.map(|(harmed, _)| harmed), seed);
        let name = case.trigger;
        println!("{name}, seed {seed}: fired after {fired:?} s, {:?}", world.trial.state().cause);
        let fired = fired.unwrap_or_else(|| panic!("{name}, seed {seed}: never fired"));
        assert!((case.fires.0..=case.fires.1).contains(&fired), "{name}, seed {seed}: after {fired} s");
        if !case.rivals {
            let Some(Cause::Trigger { trigger, detail, .. }) = &world.trial.state().cause else {
                panic!("{name}, seed {seed}: {:?}", world.trial.state().cause)
            };
            assert_eq!((trigger.as_str(), detail.is_empty()), (name, false));
            let last = world.events.last().unwrap();
            let Fact::RolledBack { evidence: Some(evidence), .. } = &last.fact else { panic!("{last:?}") };
            assert_eq!(evidence.outside.triggers[0].state, TriggerState::Fired, "the evidence holds it");
        }
    }
}

#[test]
fn no_trigger_fires_in_its_twin_without_the_harm() {
    for (case, seed) in CASES.iter().flat_map(|case| [21, 22, 23].map(|seed| (case, seed))) {
        let (world, fired) = play(case, USUAL, None, seed);
        println!("{}, seed {seed}: {:?}", case.trigger, world.trial.judgement().outside.triggers[0].text);
        assert_eq!((fired, world.is_rolled_back()), (None, false), "{}, seed {seed}", case.trigger);
        assert!(world.state_of(case.trigger).allows(), "{}, seed {seed}", case.trigger);
    }
}

#[test]
fn every_trigger_that_is_fed_no_data_holds_and_undoes_nothing() {
    for case in &CASES {
        let mut world = World::new(case.yaml, 31);
        for _ in 0..1_000 {
            // A query has traffic beside it, and no value; what is counted has nothing at all.
            let traffic = case.value.is_some();
            world.second(traffic.then_some(USUAL), traffic.then_some(Doing { requests: 10, ..USUAL }));
            assert_eq!(world.state_of(case.trigger), TriggerState::Inconclusive, "{}", case.trigger);
        }
        let name = case.trigger;
        assert!(!world.is_rolled_back(), "{name}");
        let held = world.held().unwrap_or_else(|| panic!("{name} does not hold"));
        if let HoldReason::Unanswered { of, .. } = held {
            assert_eq!(*of, format!("trigger {name}"));
        } else {
            assert_eq!((held, case.value.is_none()), (&HoldReason::MissingData, true), "{name}");
        }
        let missing = |event: &&Event| matches!(event.fact, Fact::EvidenceMissing { .. });
        let told = world.events.iter().filter(missing).count();
        assert_eq!(
            told,
            usize::from(case.value.is_some()),
            "{name}: silence is told once, after alert_after"
        );
    }
}

#[test]
fn a_query_that_fails_holds_after_its_value_is_stale_and_goes_on_when_it_answers() {
    let mut world = World::new("queries: {q: {promql: x}}\ntriggers: {security_events: {query: q}}", 1);
    let canary = Doing { requests: 10, ..USUAL };
    for _ in 0..900 {
        if world.age().is_multiple_of(15) {
            let fails = (100..500).contains(&world.age());
            let reason = "503 from http://prometheus".to_owned();
            let answer =
                if fails { QueryAnswer::Nothing { reason } } else { QueryAnswer::Value { value: 0.0 } };
            world.query("q", answer);
        }
        world.second(Some(USUAL), Some(canary));
        let silent = (140..500).contains(&world.age());
        if silent {
            assert_eq!(world.state_of("security_events"), TriggerState::Inconclusive, "{}", world.age());
            let text = &world.trial.judgement().outside.triggers[0].text;
            assert!(text.contains("503 from"), "{text}");
        }
    }
    assert_eq!(world.state_of("security_events"), TriggerState::Quiet);
    assert_eq!(world.held(), None);
    let kinds: Vec<_> = world.events.iter().map(|event| event.fact.kind()).collect();
    assert_eq!(kinds, ["step_started", "held", "evidence_missing", "evidence_returned", "hold_lifted"]);
}

#[test]
fn a_burst_is_no_state_and_a_fault_of_both_versions_is_not_the_canarys() {
    // Half of the time is bad, and then it is over.
    let mut world = World::new("triggers: {error_ratio: {}}", 41);
    for _ in 0..900 {
        let bad = (300..450).contains(&world.age());
        let failing = if bad { 0.05 } else { 0.01 };
        world.second(Some(USUAL), Some(Doing { requests: 10, failing, ..USUAL }));
        assert_ne!(world.state_of("error_ratio"), TriggerState::Fired);
    }
    let yaml = "triggers: {success_rate: {for: 1m}, circuit_breaker: {within: 1m}}";
    let mut world = World::new(yaml, 42);
    for _ in 0..300 {
        let both = Doing { failing: 0.08, refused: 0.05, ..USUAL };
        world.second(Some(both), Some(Doing { requests: 20, ..both }));
    }
    assert!(!world.is_rolled_back());
    assert_eq!(world.state_of("success_rate"), TriggerState::Shared);
    assert_eq!(world.state_of("circuit_breaker"), TriggerState::Shared);
    assert!(matches!(world.held(), Some(HoldReason::BothAlike { .. } | HoldReason::Vetoed { .. })));
}

#[test]
fn a_trigger_does_what_its_action_says() {
    let yaml = |action: &str| {
        format!(
            "queries: {{q: {{webhook: true}}}}\n\
             triggers: {{security_events: {{query: q, component: cart, action: {action}}}}}"
        )
    };
    let canary = Doing { requests: 10, ..USUAL };
    let play = |yaml: &str| {
        let mut world = World::new(yaml, 51);
        for _ in 0..60 {
            if world.age().is_multiple_of(10) {
                let value = if (20..40).contains(&world.age()) { 1.0 } else { 0.0 };
                world.query("q", QueryAnswer::Value { value });
            }
            world.second(Some(USUAL), Some(canary));
        }
        world
    };
    let kinds = |world: &World| world.events.iter().map(|event| event.fact.kind()).collect::<Vec<_>>();
    let rolled_back = play(&yaml("rollback"));
    assert_eq!(kinds(&rolled_back), ["step_started", "components_rolled_back"]);
    assert!(rolled_back.trial.state().pinned.contains_key("cart"));
    let held = ["step_started", "held", "hold_lifted"];
    assert_eq!(kinds(&play(&yaml("hold"))), held);
    assert_eq!(kinds(&play(&format!("{}\nautomatic_rollback: false", yaml("rollback")))), held);
    assert_eq!(kinds(&play(&yaml("notify"))), ["step_started", "trigger_fired", "trigger_cleared"]);
}

const HEALTH: &str = "
health:
  interval: 5s
  alert_after: 60s
  checks:
    - {name: ping, component: cart, canary: {tcp: {address: 'cart:80'}}, baseline: {tcp: {address: 'old:80'}}}
";

#[test]
fn three_failures_in_a_row_undo_the_component_unless_the_baseline_fails_too() {
    let failed = || CheckAnswer::Failed { reason: "connection refused".to_owned() };
    let passed = || CheckAnswer::Passed { latency_ms: 3 };
    for (both, answers) in [(false, 2), (false, 3), (true, 3)] {
        let mut world = World::new(HEALTH, 61);
        let canary = Doing { requests: 10, ..USUAL };
        for _ in 0..40 {
            if world.age().is_multiple_of(5) {
                let bad = (20..20 + 5 * answers).contains(&world.age());
                world.check(Arm::Baseline, if bad && both { failed() } else { passed() });
                world.check(Arm::Canary, if bad { failed() } else { passed() });
            }
            world.second(Some(USUAL), Some(canary));
            if world.age() == 36 && both {
                assert_eq!(world.health(), HealthState::Shared);
                assert!(matches!(world.held(), Some(HoldReason::BothAlike { .. })), "{:?}", world.held());
            }
        }
        let pin = world.trial.state().pinned.get("cart");
        let undone = pin.map(|pin| pin.cause.to_string());
        let expected = "cart is unhealthy by the check ping: connection refused";
        let expected = (answers == 3 && !both).then(|| expected.to_owned());
        assert_eq!(undone, expected, "{both} {answers}");
    }
}

#[test]
fn a_check_that_cannot_be_asked_holds_is_told_and_undoes_nothing() {
    let mut world = World::new(HEALTH, 71);
    let canary = Doing { requests: 10, ..USUAL };
    for _ in 0..120 {
        if world.age().is_multiple_of(5) {
            let reason = "10.1.2.3 is not permitted".to_owned();
            world.check(Arm::Canary, CheckAnswer::NotAsked { reason });
        }
        world.second(Some(USUAL), Some(canary));
    }
    assert_eq!((world.health(), world.is_rolled_back()), (HealthState::Unknown, false));
    assert!(matches!(world.held(), Some(HoldReason::Unanswered { .. })), "{:?}", world.held());
    let kinds: Vec<_> = world.events.iter().map(|event| event.fact.kind()).collect();
    assert_eq!(kinds, ["step_started", "held", "evidence_missing"]);
    for _ in 0..30 {
        if world.age().is_multiple_of(5) {
            world.check(Arm::Canary, CheckAnswer::Passed { latency_ms: 2 });
        }
        world.second(Some(USUAL), Some(canary));
    }
    assert_eq!((world.health(), world.held()), (HealthState::Healthy, None));
    assert!(world.trial.judgement().outside.health[0].confidence > 0.5);
}

/// How often triggers fire where both versions are alike, with all five of what is counted on: measured for the documentation.
#[test]
fn triggers_on_counts_stay_silent_on_alike_versions_at_thin_and_at_busy_traffic() {
    let yaml = "triggers: {error_ratio: {}, latency_ratio: {}, success_rate: {}, throughput_ratio: {}, circuit_breaker: {}}";
    let mut fired = 0;
    for (requests, failing) in [(2, 0.01), (8, 0.001), (8, 0.03), (80, 0.002)] {
        for seed in 0..10 {
            let mut world = World::new(yaml, 1_000 + seed);
            let both = Doing { requests, failing, refused: 0.0002, ..USUAL };
            for second in 0_u64..900 {
                let canary = requests / 4 + u64::from(second % 4 < requests % 4);
                world.second(Some(both), Some(Doing { requests: canary, ..both }));
            }
            let outside = &world.trial.judgement().outside;
            let any = outside.triggers.iter().any(|one| one.state == TriggerState::Fired);
            fired += u64::from(any || world.is_rolled_back());
            if any || world.is_rolled_back() {
                println!("{requests} requests, {failing}, seed {seed}: {:?}", world.trial.state().cause);
            }
        }
    }
    println!("fired in {fired} of 40 rollouts of 15 minutes, seeds 1000 to 1009");
    assert_eq!(fired, 0);
}
