//! A good canary that looks bad is not undone, and a bad one still is.

use serin_analysis::{Arm, Assessment, Engine, Scope, Verdict, Veto};

use super::world::{Behaviour, GOOD, START, World, alarmed, never};

fn of_canary(canary: Behaviour) -> impl Fn(usize, Arm) -> Behaviour {
    move |_, arm| if arm == Arm::Canary { canary } else { GOOD }
}

/// Seconds of `world` under `behaviour` from `from` on, until an alarm.
fn alarm(
    world: &mut World,
    engine: &mut Engine,
    from: u64,
    seconds: u64,
    canary: Behaviour,
) -> Option<Assessment> {
    world.run(engine, from, seconds, &of_canary(canary), &alarmed)
}

#[test]
fn a_cold_start_is_no_regression_and_is_not_healthy_either() {
    for seed in 0..20 {
        let mut world = World::new(seed, 3, 100.0, 0.2);
        let mut engine = world.engine();
        engine.exclude_until(START + 60);
        for second in START..START + 180 {
            let cold = (-((second - START) as f64) / 30.0).exp();
            let canary = Behaviour {
                latency_factor: 1.0 + 0.4 * cold,
                error_rate: GOOD.error_rate + 0.03 * cold,
                ..GOOD
            };
            let warm = Behaviour { error_rate: GOOD.error_rate, latency_factor: 1.0 + 0.05 * cold, ..GOOD };
            let canary = if second < START + 60 { canary } else { warm };
            let assessment = world.run(&mut engine, second, 1, &of_canary(canary), &|_| true).unwrap();
            assert_eq!(assessment.alarm, None, "seed {seed}, second {}", second - START);
            assert_eq!(assessment.warming_up, second + 1 < START + 60);
            assert!(!assessment.warming_up || assessment.version.verdict == Verdict::Inconclusive);
        }
        assert!(engine.summary(Scope::Version).canary.requests > 1_000, "the warm-up is shown");
    }
}

#[test]
fn a_crash_is_found_while_the_canary_warms_up() {
    let faults = [Behaviour { error_rate: 1.0, ..GOOD }, Behaviour { error_rate: 0.5, ..GOOD }];
    for (fault, seed) in faults.into_iter().flat_map(|fault| (0..10).map(move |seed| (fault, seed))) {
        let mut world = World::new(seed, 3, 100.0, 0.2);
        let mut engine = world.engine();
        engine.exclude_until(START + 60);
        let at = alarm(&mut world, &mut engine, START, 60, fault).unwrap().at_second - START;
        assert!(at <= 6, "seed {seed}: {at} s");
    }
}

#[test]
fn a_hang_is_found_while_the_canary_warms_up() {
    let mut world = World::new(3, 3, 100.0, 0.2);
    let mut engine = world.engine();
    engine.exclude_until(START + 120);
    assert_eq!(world.run(&mut engine, START, 30, &|_, _| GOOD, &alarmed), None);
    assert!(alarm(&mut world, &mut engine, START + 30, 90, Behaviour { hang_rate: 0.9, ..GOOD }).is_some());
}

#[test]
fn a_shared_fault_holds_both_versions_and_undoes_neither() {
    for seed in 0..10 {
        let mut world = World::new(seed, 3, 100.0, 0.2);
        let mut engine = world.engine();
        assert_eq!(world.run(&mut engine, START, 180, &|_, _| GOOD, &alarmed), None);
        let broken = |_, arm| {
            let error_rate = if arm == Arm::Canary { 0.26 } else { 0.2 };
            Behaviour { error_rate, ..GOOD }
        };
        let held = world.run(&mut engine, START + 180, 120, &broken, &|at| {
            assert_eq!(at.alarm, None, "seed {seed}");
            at.version.vetoes.contains(&Veto::BothArmsWorse)
        });
        let held = held.unwrap();
        assert!(held.at_second - START - 180 <= 60, "seed {seed}");
        assert_ne!(held.version.verdict, Verdict::Healthy);
        let recovered = world.run(&mut engine, START + 300, 240, &|_, _| GOOD, &|at| {
            assert_eq!(
                at.alarm, None,
                "seed {seed}: what was seen during the incident must not be acted on later"
            );
            false
        });
        assert_eq!(recovered, None);
        let crash = Behaviour { error_rate: 0.5, ..GOOD };
        let found = alarm(&mut world, &mut engine, START + 540, 60, crash).unwrap();
        assert!(found.at_second - START - 540 <= 10, "{}", found.at_second - START - 540);
    }
}

#[test]
fn a_crash_during_a_shared_fault_is_undone() {
    let mut world = World::new(4, 3, 100.0, 0.2);
    let mut engine = world.engine();
    world.run(&mut engine, START, 180, &|_, _| GOOD, &never);
    let broken = |_, arm| Behaviour { error_rate: if arm == Arm::Canary { 0.9 } else { 0.05 }, ..GOOD };
    let found = world.run(&mut engine, START + 180, 30, &broken, &alarmed).unwrap();
    assert!(found.at_second - START - 180 <= 8);
}

#[test]
fn failures_that_follow_their_users_to_the_canary_are_not_its_own() {
    for seed in 0..10 {
        let mut world = World::new(seed, 3, 100.0, 0.02);
        let mut engine = world.engine();
        let before = |_, arm| if arm == Arm::Canary { GOOD } else { Behaviour { error_rate: 0.011, ..GOOD } };
        assert_eq!(world.run(&mut engine, START, 180, &before, &alarmed), None, "seed {seed}");
        engine.step_started(START + 180);
        world.weight = 0.2;
        let moved = |_, arm| {
            let error_rate = if arm == Arm::Canary { 0.051 } else { 0.001 };
            Behaviour { error_rate, ..GOOD }
        };
        let vetoed = world.run(&mut engine, START + 180, 60, &moved, &|at| {
            assert_eq!(at.alarm, None, "seed {seed}");
            at.version.vetoes.contains(&Veto::OlderThanExposure)
                || at.components.iter().any(|(_, scope)| scope.vetoes.contains(&Veto::OlderThanExposure))
        });
        assert!(vetoed.is_some(), "seed {seed}");
    }
}

#[test]
fn a_gap_in_the_data_delays_an_alarm_and_does_not_prevent_it() {
    let mut world = World::new(1, 3, 100.0, 0.2);
    let mut engine = world.engine();
    world.run(&mut engine, START, 60, &|_, _| GOOD, &never);
    let crash = Behaviour { error_rate: 1.0, ..GOOD };
    let found = alarm(&mut world, &mut engine, START + 80, 60, crash).unwrap().at_second - START - 80;
    assert!((10..=14).contains(&found), "{found}");
}

#[test]
fn thin_canaries_are_never_undone_for_chance_and_are_for_a_crash() {
    for (rps, weight, median_requests) in [(2.0, 0.05, 8.0), (1.0, 0.5, 26.0), (10.0, 0.1, 10.0)] {
        for seed in 0..40 {
            let mut world = World::new(seed, 1, rps, weight);
            let mut engine = world.engine();
            let behaviour = |_, _| Behaviour { error_rate: 0.02, ..GOOD };
            assert_eq!(world.run(&mut engine, START, 900, &behaviour, &alarmed), None, "seed {seed}");
        }
        let mut requests: Vec<f64> = (0..20)
            .map(|seed| {
                let mut world = World::new(100 + seed, 1, rps, weight);
                let mut engine = world.engine();
                world.run(&mut engine, START, 120, &|_, _| GOOD, &never);
                let crash = Behaviour { error_rate: 1.0, ..GOOD };
                let found = alarm(&mut world, &mut engine, START + 120, 900, crash);
                found.map_or(f64::INFINITY, |at| (at.at_second - START - 120) as f64 * rps * weight)
            })
            .collect();
        requests.sort_unstable_by(f64::total_cmp);
        assert!(requests[10] <= median_requests, "{rps} rps: {requests:?}");
    }
}
