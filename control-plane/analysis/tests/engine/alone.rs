//! A canary without a baseline beside it: what it is compared with, and that the verdict says so.

use serin_analysis::config::Limits;
use serin_analysis::{
    Alarm, Arm, Assessment, BaselineUsed, Engine, Learned, RawEngineConfig, Signal, Verdict,
};

use super::world::{Behaviour, GOOD, START, World, alarmed, component_alarm, never};

const COMPONENTS: usize = 3;
const RPS: f64 = 20.0;
/// Long enough for a profile, in seconds.
const LONG: u64 = 1_500;
/// Too short for one.
const SHORT: u64 = 700;

fn all_good(_: usize, _: Arm) -> Behaviour {
    GOOD
}

fn failing_on(component: usize, error_rate: f64) -> impl Fn(usize, Arm) -> Behaviour {
    move |of, _| if of == component { Behaviour { error_rate, ..GOOD } } else { GOOD }
}

fn limited() -> RawEngineConfig {
    let limits = Limits { error_rate: 0.01, latency_p99_us: 1_000_000 };
    RawEngineConfig { limits: Some(limits), ..RawEngineConfig::default() }
}

/// An engine whose canary has all the traffic of the world that comes with it.
fn alone(seed: u64, config: RawEngineConfig, learned: &Learned) -> (World, Engine) {
    let world = World::new(seed, COMPONENTS, RPS, 1.0);
    let mut engine = world.engine_with(config);
    engine.recall(learned);
    engine.set_full_weight(true);
    (world, engine)
}

/// What a baseline that served for so long teaches.
fn of_baseline(seconds: u64) -> Learned {
    let mut world = World::new(7, COMPONENTS, RPS, 0.0);
    let mut engine = world.engine();
    world.run(&mut engine, START - seconds, seconds, &all_good, &never);
    stored(&engine.learned(false))
}

/// What the deployment of a canary teaches that had all traffic for so long and was promoted.
fn of_promotion(seconds: u64) -> Learned {
    let (mut world, mut engine) = alone(7, limited(), &Learned::default());
    assert_eq!(world.run(&mut engine, START - seconds, seconds, &all_good, &alarmed), None);
    stored(&engine.learned(true))
}

fn stored(learned: &Learned) -> Learned {
    serde_json::from_str(&serde_json::to_string(learned).unwrap()).unwrap()
}

/// What all reasons of all scopes with requests were compared with.
fn kinds(assessment: &Assessment) -> Vec<BaselineUsed> {
    let scopes = assessment.components.iter().map(|(_, scope)| scope).chain([&assessment.version]);
    let mut kinds: Vec<_> =
        scopes.flat_map(|scope| &scope.reasons).map(|reason| reason.baseline_used).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// A good canary is found healthy and a bad component is named, both by `kind`.
fn check(config: RawEngineConfig, learned: &Learned, kind: BaselineUsed, words: &str) {
    for seed in 0..4 {
        let (mut world, mut engine) = alone(seed, config, learned);
        assert_eq!(world.run(&mut engine, START, 400, &all_good, &alarmed), None, "{kind:?}, seed {seed}");
        let assessment = engine.advance(START + 400);
        assert_eq!(assessment.version.verdict, Verdict::Healthy, "{kind:?}, seed {seed}: {assessment:#?}");
        assert_eq!(kinds(&assessment), [kind], "seed {seed}");

        let (mut world, mut engine) = alone(100 + seed, config, learned);
        let found = world.run(&mut engine, START, 400, &failing_on(1, 0.3), &alarmed);
        let found = found.unwrap_or_else(|| panic!("{kind:?}, seed {seed}: not found"));
        assert_eq!(found.alarm, component_alarm(1), "{kind:?}, seed {seed}");
        assert!((START + 20..START + 180).contains(&found.at_second), "{}", found.at_second - START);
        let reasons = &found.components[1].1.reasons;
        let errors = reasons.iter().find(|reason| reason.signal == Signal::ErrorRate).unwrap();
        assert_eq!((errors.verdict, errors.baseline_used), (Verdict::Regressed, kind));
        assert_eq!(errors.baseline_requests, 0);
        assert!(errors.log_evidence >= errors.log_threshold && errors.canary_requests > 100);
        let effect = errors.effect.unwrap();
        assert!(effect.low > 0.1 && effect.high < 0.4, "{effect:?}");
        assert!(errors.sentence().contains(words), "{}", errors.sentence());
    }
}

#[test]
fn what_is_usual_comes_first() {
    check(limited(), &of_baseline(LONG), BaselineUsed::Profile, "usual at this hour");
}

#[test]
fn then_the_previous_deployment_at_the_same_age() {
    let learned = of_promotion(SHORT);
    check(limited(), &learned, BaselineUsed::PreviousDeployment, "on the previous deployment at this age");
}

#[test]
fn a_promoted_canary_becomes_what_is_usual() {
    check(limited(), &of_promotion(LONG), BaselineUsed::Profile, "usual at this hour");
}

#[test]
fn then_the_limits_of_the_plan() {
    check(limited(), &Learned::default(), BaselineUsed::Thresholds, "1.00 % allowed: worse than allowed");
}

#[test]
fn with_nothing_to_compare_with_nothing_is_undone_and_nothing_is_healthy() {
    let (mut world, mut engine) = alone(1, RawEngineConfig::default(), &Learned::default());
    assert_eq!(world.run(&mut engine, START, 300, &failing_on(0, 1.0), &alarmed), None);
    let assessment = engine.advance(START + 300);
    assert_eq!(kinds(&assessment), [BaselineUsed::Nothing]);
    for scope in assessment.components.iter().map(|(_, scope)| scope).chain([&assessment.version]) {
        assert_eq!(scope.verdict, Verdict::Inconclusive);
        let sentence = scope.reasons[0].sentence();
        assert!(sentence.contains("no profile, previous deployment or limit"), "{sentence}");
    }
}

/// A whole slow version, by its median and not by a tail that the limit would allow.
#[test]
fn a_slow_version_is_found_by_what_is_usual() {
    let (mut world, mut engine) = alone(3, limited(), &of_baseline(LONG));
    let slow = |_, _| Behaviour { latency_factor: 1.8, ..GOOD };
    let found = world.run(&mut engine, START, 600, &slow, &alarmed).unwrap();
    let latency = found.version.reasons.iter().find(|reason| reason.signal == Signal::Latency).unwrap();
    assert_eq!(latency.baseline_used, BaselineUsed::Profile);
    assert!((1.4..2.2).contains(&latency.effect.unwrap().estimate), "{latency:?}");
}

/// Beside a baseline bursts cancel; here they are usual, or too short.
#[test]
fn bursts_undo_nothing() {
    let mut world = World::new(7, COMPONENTS, RPS, 0.0);
    world.bursts = true;
    let mut engine = world.engine();
    world.run(&mut engine, START - 2 * LONG, 2 * LONG, &all_good, &never);
    let (usual, nothing) = (engine.learned(false), Learned::default());
    for (seed, learned) in (0..10).flat_map(|seed| [(seed, &usual), (seed, &nothing)]) {
        let (mut world, mut engine) = alone(seed, limited(), learned);
        world.bursts = true;
        assert_eq!(world.run(&mut engine, START, 1_200, &all_good, &alarmed), None, "seed {seed}");
    }
}

#[test]
fn one_outage_of_twenty_seconds_undoes_nothing() {
    let learned = of_baseline(LONG);
    for seed in 0..10 {
        let (mut world, mut engine) = alone(seed, limited(), &learned);
        let crash = |_, _| Behaviour { error_rate: 1.0, ..GOOD };
        for (seconds, behaviour) in
            [(120, &all_good as &dyn Fn(usize, Arm) -> Behaviour), (20, &crash), (600, &all_good)]
        {
            let from = engine.advance(0).at_second.max(START);
            assert_eq!(world.run(&mut engine, from, seconds, behaviour, &alarmed), None, "seed {seed}");
        }
    }
}

/// The worst case that is no regression: exactly at the limit, with next to no time to be sustained, for 15 minutes.
#[test]
fn at_the_limit_at_most_the_share_alpha_is_undone() {
    let config = RawEngineConfig { alpha: 0.2, phi_errors: 1.0, sustained_s: 3, ..limited() };
    let undone = (0..100).filter(|seed| {
        let (mut world, mut engine) = alone(*seed, config, &Learned::default());
        let at_limit = |_, _| Behaviour { error_rate: 0.01, ..GOOD };
        world.run(&mut engine, START, 900, &at_limit, &alarmed).is_some()
    });
    let count = undone.count();
    assert!(count <= 20, "{count}");
}

/// Only the canary has component 0; the others have a baseline.
#[test]
fn a_route_that_only_the_canary_has_is_judged_by_limits_and_the_others_by_the_baseline() {
    let run = |error_rate: f64| {
        let mut world = World::new(5, COMPONENTS, 60.0, 0.5);
        let mut engine = world.engine_with(limited());
        for second in START..START + 600 {
            for increment in world.second(second, &failing_on(0, error_rate)) {
                if increment.arm == Arm::Canary || increment.component.0 > 0 {
                    engine.merge(&increment);
                }
            }
            engine.source_progress(1, second + 1, second + 1);
            if alarmed(&engine.advance(second + 1)) {
                break;
            }
        }
        engine.advance(START + 600)
    };
    let (good, bad) = (run(0.001), run(0.3));
    assert_eq!((good.alarm, bad.alarm), (None, component_alarm(0)));
    let used = |index: usize| good.components[index].1.reasons[0].baseline_used;
    assert_eq!((used(0), used(1)), (BaselineUsed::Thresholds, BaselineUsed::Concurrent));
    assert_eq!(good.version.reasons[0].baseline_used, BaselineUsed::Concurrent);
    assert_eq!(good.version.verdict, Verdict::Healthy);
}

#[test]
fn health_is_shown_anew_when_the_baseline_goes() {
    let mut world = World::new(9, COMPONENTS, 60.0, 0.5);
    let mut engine = world.engine();
    world.run(&mut engine, START, 300, &all_good, &never);
    assert_eq!(engine.advance(START + 300).version.verdict, Verdict::Healthy);
    world.weight = 1.0;
    engine.set_full_weight(true);
    world.run(&mut engine, START + 300, 60, &all_good, &never);
    assert_eq!(
        engine.advance(START + 360).version.verdict,
        Verdict::Inconclusive,
        "there is nothing to show it by"
    );
    world.weight = 0.5;
    engine.set_full_weight(false);
    world.run(&mut engine, START + 360, 300, &all_good, &never);
    let back = engine.advance(START + 660);
    assert_eq!((back.version.verdict, kinds(&back)), (Verdict::Healthy, vec![BaselineUsed::Concurrent]));
}

#[test]
fn a_stored_engine_goes_on_where_it_was_alone() {
    let (mut world, mut engine) = alone(11, limited(), &of_baseline(LONG));
    world.run(&mut engine, START, 60, &failing_on(1, 0.2), &never);
    let mut restored: Engine = serde_json::from_str(&serde_json::to_string(&engine).unwrap()).unwrap();
    let mut same = world.clone();
    let decided = world.run(&mut engine, START + 60, 120, &failing_on(1, 0.2), &alarmed).unwrap();
    let again = same.run(&mut restored, START + 60, 120, &failing_on(1, 0.2), &alarmed).unwrap();
    assert_eq!((decided.at_second, &decided.alarm), (again.at_second, &again.alarm));
}

#[test]
fn lessons_from_before_there_were_histories_still_load() {
    let mut old = serde_json::to_value(Learned::default()).unwrap();
    assert!(old.as_object_mut().unwrap().remove("histories").is_some());
    assert_eq!(serde_json::from_value::<Learned>(old).unwrap(), Learned::default());
    let mut engine = serde_json::to_value(World::new(1, 1, 1.0, 0.5).engine()).unwrap();
    let fields = engine.as_object_mut().unwrap();
    ["at_full_weight", "presence", "alone"].iter().for_each(|name| assert!(fields.remove(*name).is_some()));
    let component = fields["components"][0].as_object_mut().unwrap();
    ["history", "deployment", "presence", "solo"]
        .iter()
        .for_each(|name| assert!(component.remove(*name).is_some()));
    assert!(serde_json::from_value::<Engine>(engine).is_ok());
}

/// Everything fails: the version is undone, or all of it by its components.
#[test]
fn a_crash_at_full_weight_is_found_within_the_sustained_time() {
    for rps in [0.3, 20.0] {
        let mut world = World::new(13, 1, rps, 1.0);
        let mut engine = world.engine_with(limited());
        engine.set_full_weight(true);
        let crash = |_, _| Behaviour { error_rate: 1.0, ..GOOD };
        let found = world.run(&mut engine, START, 300, &crash, &alarmed).unwrap();
        assert!(found.at_second - START <= 120, "{rps} rps: {} s", found.at_second - START);
        assert!(matches!(found.alarm, Some(Alarm::Version | Alarm::Components(_))));
    }
}

/// At less than full weight all components have a baseline, so reports of it are missing.
#[test]
fn a_version_whose_baseline_does_not_report_is_neither_undone_nor_healthy() {
    for error_rate in [0.0, 1.0] {
        let mut world = World::new(15, COMPONENTS, 60.0, 1.0);
        let mut engine = world.engine_with(limited());
        engine.recall(&of_baseline(LONG));
        let behaviour = |_, _| Behaviour { error_rate, ..GOOD };
        assert_eq!(world.run(&mut engine, START, 400, &behaviour, &alarmed), None);
        assert_eq!(engine.advance(START + 400).version.verdict, Verdict::Inconclusive);
    }
}
