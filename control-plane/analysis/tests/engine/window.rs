//! What is demanded of the evidence outside of rollback windows.

use serin_analysis::{Arm, RawEngineConfig};

use super::world::{Behaviour, GOOD, START, World, alarmed, component_alarm, median};

const SEEDS: u64 = 20;

fn fault(component: usize, arm: Arm) -> Behaviour {
    if component == 1 && arm == Arm::Canary { Behaviour { error_rate: 0.04, ..GOOD } } else { GOOD }
}

/// Seconds from the fault to the alarm, and the odds that were reached by then, as a logarithm.
fn alarm(seed: u64, times: f64) -> (u64, f64) {
    let mut world = World::new(seed, 3, 50.0, 0.2);
    let mut engine = world.engine_with(RawEngineConfig::default());
    engine.set_odds_factor(times);
    let assessment = world.run(&mut engine, START, 600, &fault, &alarmed).unwrap();
    assert_eq!(assessment.alarm, component_alarm(1), "seed {seed}");
    let reasons = assessment.components.iter().flat_map(|(_, component)| &component.reasons);
    let threshold = reasons.map(|reason| reason.log_threshold).next().unwrap();
    (assessment.at_second - START, threshold)
}

#[test]
fn outside_of_a_window_more_evidence_is_demanded_and_an_alarm_takes_longer() {
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    for seed in 0..SEEDS {
        let (soon, threshold) = alarm(seed, 1.0);
        let (late, more) = alarm(seed, 100.0);
        assert!((more - threshold - 100.0_f64.ln()).abs() < 1e-9, "{threshold} and {more}");
        assert!(late >= soon, "seed {seed}: {late} s after {soon} s");
        inside.push(soon);
        outside.push(late);
    }
    assert!(median(outside.clone()) > median(inside.clone()), "{inside:?} and {outside:?}");
}

#[test]
fn a_window_that_opens_acts_on_evidence_that_was_not_enough_before() {
    let mut world = World::new(3, 3, 50.0, 0.2);
    let mut engine = world.engine_with(RawEngineConfig::default());
    engine.set_odds_factor(1e9);
    assert_eq!(world.run(&mut engine, START, 20, &fault, &alarmed), None);
    engine.set_odds_factor(1.0);
    assert_eq!(engine.advance(START + 20).alarm, component_alarm(1));
}

#[test]
fn a_factor_that_is_none_demands_what_the_error_bound_does() {
    let usual = alarm(5, 1.0);
    for times in [f64::NAN, f64::NEG_INFINITY, 0.0, 0.5] {
        assert_eq!(alarm(5, times), usual, "{times}");
    }
}
