use serin_analysis::risk::{Action, Prediction};
use serin_analysis::{Arm, Assessment, RawEngineConfig, Signal, Verdict};

use super::world::{Behaviour, GOOD, START, World, component_alarm};

/// Runs `seconds` of a canary that is `factor(seconds since the start)` times as slow on the components that `of` names,
/// until `stop`; gives the seconds since the start, and what was said then.
fn run(
    (world, config): (&mut World, RawEngineConfig),
    seconds: u64,
    slower: &dyn Fn(usize, u64) -> f64,
    stop: &dyn Fn(&Assessment) -> bool,
) -> Option<(u64, Assessment)> {
    let mut engine = world.engine_with(config);
    (0..seconds / 10).find_map(|step| {
        let at = step * 10;
        let behaviour = |component, arm| match arm {
            Arm::Canary => Behaviour { latency_factor: slower(component, at), ..GOOD },
            Arm::Baseline => GOOD,
        };
        let seen = world.run(&mut engine, START + at, 10, &behaviour, stop)?;
        Some((seen.at_second - START, seen))
    })
}

fn leak(percent_a_minute: f64) -> impl Fn(usize, u64) -> f64 {
    move |_, at| 1.0 + percent_a_minute / 100.0 * at as f64 / 60.0
}

/// Wide margins: what is forecast cannot be proved before it is there.
fn tolerant() -> RawEngineConfig {
    let mut config = RawEngineConfig::default();
    config.margins.latency_ratio = 0.5;
    config
}

fn predicted(assessment: &Assessment) -> bool {
    assessment.version.trend.is_some_and(|trend| trend.prediction != Prediction::Quiet)
}

#[test]
fn a_leak_is_predicted_minutes_before_it_is_too_much() {
    // The limit of 30 % is reached after 15 min.
    let limit_s = 900;
    for seed in 0..5 {
        let mut world = World::new(seed, 5, 200.0, 0.1);
        let (at, seen) =
            run((&mut world, tolerant()), limit_s, &leak(2.0), &predicted).expect("never predicted");
        let trend = seen.version.trend.unwrap();
        assert!((180..=420).contains(&(limit_s - at)), "seed {seed}: {at} s: {}", trend.sentence());
        assert!(trend.signal == Signal::Latency && trend.now.estimate < trend.limit, "{trend:?}");
        assert!(trend.earliest_s <= trend.median_s && trend.median_s.is_some(), "{trend:?}");
        assert!(seen.version.verdict != Verdict::Healthy && seen.version.action >= Action::Hold);
    }
}

#[test]
fn steady_canaries_are_not_predicted_to_get_worse() {
    for seed in 0..4 {
        for factor in [1.0, 1.08] {
            let mut world = World::new(seed, 5, 200.0, 0.1);
            world.bursts = true;
            let config = RawEngineConfig::default();
            let seen = run((&mut world, config), 1_200, &|_, _| factor, &|at| {
                let scopes = at.components.iter().map(|(_, scope)| scope).chain([&at.version]);
                scopes.filter_map(|scope| scope.trend).any(|trend| trend.prediction != Prediction::Quiet)
            });
            assert!(seen.is_none(), "seed {seed}: {seen:?}");
        }
    }
}

#[test]
fn a_prediction_holds_and_undoes_only_where_the_plan_lets_it() {
    let leaking = |component, at| if component == 2 { leak(4.0)(component, at) } else { 1.0 };
    let alarm = |rollback| {
        let mut world = World::new(11, 5, 200.0, 0.1);
        let mut config = tolerant();
        config.forecast.rollback = rollback;
        run((&mut world, config), 1_800, &leaking, &|at| at.alarm.is_some()).expect("no alarm")
    };
    let ((held, proved), (early, unproved)) = (alarm(false), alarm(true));
    assert!(early < held, "{early} s, {held} s");
    assert_eq!((unproved.alarm, proved.alarm), (component_alarm(2), component_alarm(2)));
    let component = |of: &[(String, serin_analysis::ScopeAssessment)]| of[2].1.clone();
    let (unproved, proved) = (component(&unproved.components), component(&proved.components));
    assert_eq!((unproved.action, proved.action), (Action::Rollback, Action::Rollback));
    assert!(unproved.reasons.iter().all(|reason| reason.verdict != Verdict::Regressed), "{unproved:?}");
    assert!(proved.reasons.iter().any(|reason| reason.verdict == Verdict::Regressed), "{proved:?}");
}
