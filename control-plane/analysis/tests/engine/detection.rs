use serin_analysis::{
    Alarm, Arm, Assessment, Category, ComponentIndex, Outcomes, RawEngineConfig, Signal, Verdict,
};

use super::world::{Behaviour, GOOD, START, World, alarmed, component_alarm, median, name, never};

/// Seconds from the fault's start to the alarm, with the alarm, for each seed. The fault strikes after `quiet_s`.
fn delays(
    seeds: u64,
    world: &dyn Fn(u64) -> World,
    quiet_s: u64,
    fault: &dyn Fn(usize, Arm) -> Behaviour,
) -> Vec<(u64, Option<Alarm>)> {
    let delay = |seed| {
        let mut world = world(seed);
        let mut engine = world.engine();
        let early = world.run(&mut engine, START, quiet_s, &|_, _| GOOD, &alarmed);
        assert_eq!(early, None, "seed {seed}: alarm before the fault");
        let onset = START + quiet_s;
        let alarm = world.run(&mut engine, onset, 600, fault, &alarmed);
        alarm.map_or((u64::MAX, None), |assessment| (assessment.at_second - onset, assessment.alarm))
    };
    (0..seeds).map(delay).collect()
}

fn broken(component: usize, fault: Behaviour) -> impl Fn(usize, Arm) -> Behaviour {
    move |of, arm| if of == component && arm == Arm::Canary { fault } else { GOOD }
}

fn check(found: &[(u64, Option<Alarm>)], expected: Option<Alarm>, median_s: u64) {
    let seconds = median(found.iter().map(|(delay, _)| *delay).collect());
    let wrong: Vec<_> = found.iter().filter(|(_, alarm)| *alarm != expected).collect();
    assert!(wrong.len() * 20 <= found.len(), "not {expected:?}: {wrong:?}");
    assert!(seconds <= median_s, "median delay {seconds} s: {found:?}");
}

#[test]
fn errors_of_one_component_are_found_there_within_seconds() {
    let fault = broken(3, Behaviour { error_rate: 0.3, ..GOOD });
    let world = |seed| World::new(seed, 10, 100.0, 0.1);
    check(&delays(20, &world, 0, &fault), component_alarm(3), 6);
    check(&delays(20, &world, 120, &fault), component_alarm(3), 9);
}

#[test]
fn a_component_twice_as_slow_is_found_there() {
    let fault = broken(7, Behaviour { latency_factor: 2.0, ..GOOD });
    check(&delays(20, &|seed| World::new(seed, 10, 100.0, 0.1), 60, &fault), component_alarm(7), 30);
}

#[test]
fn errors_everywhere_are_the_versions() {
    let fault = |_, arm| if arm == Arm::Canary { Behaviour { error_rate: 0.05, ..GOOD } } else { GOOD };
    check(&delays(20, &|seed| World::new(seed, 10, 100.0, 0.1), 60, &fault), Some(Alarm::Version), 8);
}

#[test]
fn a_small_rise_of_errors_everywhere_is_found_in_thin_components_too() {
    let fault = |_, arm| if arm == Arm::Canary { Behaviour { error_rate: 0.05, ..GOOD } } else { GOOD };
    check(&delays(20, &|seed| World::new(seed, 100, 3.0, 0.2), 60, &fault), Some(Alarm::Version), 20);
}

#[test]
fn two_broken_components_are_both_named() {
    let fault = |of, arm| {
        if arm == Arm::Canary && (of == 2 || of == 5) { Behaviour { error_rate: 0.4, ..GOOD } } else { GOOD }
    };
    for seed in 0..10 {
        let mut world = World::new(seed, 10, 100.0, 0.1);
        let mut engine = world.engine();
        world.run(&mut engine, START, 60, &fault, &never);
        let assessment = engine.advance(START + 61);
        assert_eq!(assessment.alarm, Some(Alarm::Components(vec![name(2), name(5)])), "seed {seed}");
    }
}

/// Requests that never finish have no latency and no outcome: only their age betrays them.
#[test]
fn a_component_that_hangs_is_found_before_anything_times_out() {
    let fault = broken(1, Behaviour { hang_rate: 0.5, ..GOOD });
    check(&delays(10, &|seed| World::new(seed, 10, 100.0, 0.1), 60, &fault), component_alarm(1), 20);
}

/// Timeouts of 10 s are known only when their second is long closed.
#[test]
fn failures_that_arrive_late_are_booked_on_the_stratum_that_they_started_in() {
    let mut world = World::new(1, 2, 100.0, 0.2);
    let mut engine = world.engine();
    let hangs = |of, arm| {
        let hang_rate = if of == 0 && arm == Arm::Canary { 0.05 } else { 0.0005 };
        Behaviour { hang_rate, ..GOOD }
    };
    let mut open = Vec::new();
    for second in START..START + 60 {
        for increment in world.second(second, &hangs) {
            engine.merge(&increment);
            let hanging = increment.started - increment.outcomes.finished();
            let outcomes = Outcomes { timeout: hanging, ..Outcomes::default() };
            open.push(serin_analysis::Increment { started: 0, outcomes, latency: None, ..increment });
        }
        for late in open.iter().filter(|late| late.start_second + 10 == second) {
            engine.merge(late);
        }
        engine.source_progress(1, second + 1, second + 1);
        engine.advance(second + 1);
    }
    let assessment = engine.advance(START + 61);
    assert!(assessment.late_requests > 0);
    let reason = &assessment.components[0].1.reasons[0];
    assert_eq!(reason.signal, Signal::ErrorRate);
    assert!(reason.log_evidence > reason.log_threshold, "{reason:?}");
    assert!(assessment.components[1].1.reasons[0].log_evidence < 3.0, "{assessment:?}");
}

/// The requests of the first seconds all time out at about the same time, which carries the version over its threshold as
/// soon as the component, whose own is higher. What chance adds elsewhere meanwhile does not make it the version's fault.
#[test]
fn a_component_whose_requests_time_out_is_named_although_the_version_crosses_first() {
    const TIMEOUT_S: u64 = 5;
    let hangs = broken(1, Behaviour { hang_rate: 0.3, ..GOOD });
    for (components, rps, weight, seed) in
        (0..40).flat_map(|seed| [(4, 32.0, 0.25, seed), (10, 4.0, 0.2, seed)])
    {
        let mut world = World::new(50_000 + seed, components, rps, weight);
        let mut engine = world.engine();
        let mut late = Vec::new();
        let alarm = (START..START + 300).find_map(|second| {
            let quiet = second < START + 20;
            let behaviour = |of, arm| if quiet { GOOD } else { hangs(of, arm) };
            for increment in world.second(second, &behaviour) {
                engine.merge(&increment);
                let timeout = increment.started - increment.outcomes.finished();
                let outcomes = Outcomes { timeout, ..Outcomes::default() };
                late.push(serin_analysis::Increment { started: 0, outcomes, latency: None, ..increment });
            }
            late.extract_if(.., |late| late.start_second + TIMEOUT_S == second)
                .for_each(|late| engine.merge(&late));
            engine.source_progress(1, second + 1, second + 1);
            engine.advance(second + 1).alarm
        });
        assert_eq!(alarm, component_alarm(1), "{components} components, seed {seed}");
    }
}

/// Timeouts that both arms owe from before a change of weight must not look like a change of the error rate.
#[test]
fn a_change_of_weight_with_timeouts_on_their_way_is_no_evidence() {
    let hangs = |_, _| Behaviour { hang_rate: 0.05, ..GOOD };
    for seed in 0..20 {
        let mut world = World::new(seed, 2, 200.0, 0.5);
        let mut engine = world.engine();
        let mut open = Vec::new();
        for second in START..START + 120 {
            world.weight = if second < START + 60 { 0.5 } else { 0.02 };
            for increment in world.second(second, &hangs) {
                engine.merge(&increment);
                let timeout = increment.started - increment.outcomes.finished();
                let outcomes = Outcomes { timeout, ..Outcomes::default() };
                open.push(serin_analysis::Increment { started: 0, outcomes, latency: None, ..increment });
            }
            for late in open.iter().filter(|late| late.start_second + 15 == second) {
                engine.merge(late);
            }
            engine.source_progress(1, second + 1, second + 1);
            assert_eq!(engine.advance(second + 1).alarm, None, "seed {seed}, second {}", second - START);
        }
    }
}

#[test]
fn a_component_taken_out_leaves_the_rest_under_watch() {
    let fault = broken(3, Behaviour { error_rate: 0.3, ..GOOD });
    let mut world = World::new(5, 10, 100.0, 0.1);
    let mut engine = world.engine();
    let alarm = world.run(&mut engine, START, 60, &fault, &alarmed).unwrap();
    assert_eq!(alarm.alarm, component_alarm(3));
    let mut second = alarm.at_second;
    engine.set_component_active(ComponentIndex(3), false);
    assert_eq!(engine.advance(alarm.at_second).alarm, None);
    assert_eq!(world.run(&mut engine, second, 60, &fault, &alarmed), None, "the rest is good");
    second += 60;
    let second_fault = broken(8, Behaviour { error_rate: 0.3, ..GOOD });
    let alarm = world.run(&mut engine, second, 60, &second_fault, &alarmed).unwrap();
    assert_eq!(alarm.alarm, component_alarm(8));
    assert!(alarm.at_second - second <= 20, "{} s", alarm.at_second - second);
}

#[test]
fn the_failures_of_a_component_taken_out_do_not_keep_the_rest_from_being_healthy() {
    let fault = broken(3, Behaviour { error_rate: 0.3, ..GOOD });
    let mut world = World::new(5, 10, 1_000.0, 0.25);
    let mut engine = world.engine();
    world.run(&mut engine, START, 60, &fault, &never);
    engine.set_component_active(ComponentIndex(3), false);
    let healthy = |assessment: &Assessment| assessment.version.verdict == Verdict::Healthy;
    assert!(world.run(&mut engine, START + 60, 45, &|_, _| GOOD, &healthy).is_some());
}

#[test]
fn a_reason_shows_the_errors_since_the_harm_began() {
    let fault = broken(0, Behaviour { error_rate: 0.3, ..GOOD });
    let mut world = World::new(9, 10, 100.0, 0.1);
    let mut engine = world.engine();
    world.run(&mut engine, START, 120, &|_, _| GOOD, &never);
    let alarm = world.run(&mut engine, START + 120, 60, &fault, &alarmed).unwrap();
    let assessment = &alarm.components[0].1;
    assert_eq!(assessment.verdict, Verdict::Regressed);
    let reason = &assessment.reasons[0];
    assert!(reason.canary > 0.15 && reason.baseline < 0.01, "{}", reason.sentence());
    assert!(reason.canary_requests < 200, "{}", reason.sentence());
    let effect = reason.effect.unwrap();
    assert!(effect.low > 0.0 && effect.low < 0.3 && effect.high > 0.3, "{effect:?}");
    assert_eq!(reason.categories[0].category, Category::ServerError);
    assert!(reason.sentence().contains("; server errors "), "{}", reason.sentence());
    assert!(
        assessment.risk > 40.0 && alarm.components[1].1.risk < 5.0,
        "{} {}",
        assessment.risk,
        alarm.components[1].1.risk
    );
    assert_eq!(alarm.components[1].1.verdict, Verdict::Inconclusive);
}

#[test]
fn a_config_without_overdispersion_decides_sooner() {
    let fault = broken(3, Behaviour { error_rate: 0.3, ..GOOD });
    let delay = |phi_errors| {
        let mut world = World::new(4, 10, 100.0, 0.1);
        let mut engine = world.engine_with(RawEngineConfig { phi_errors, ..RawEngineConfig::default() });
        world.run(&mut engine, START, 300, &fault, &alarmed).unwrap().at_second
    };
    assert!(delay(1.0) < delay(4.0));
}
