use serin_analysis::chart::{Broken, RuleSet};
use serin_analysis::{Arm, ComponentIndex, ControlChart, Engine, RawEngineConfig, Signal};

use super::world::{Behaviour, GOOD, START, World, alarmed, never};

const MINUTE_S: u64 = 60;

fn charts(engine: &Engine, component: usize) -> Vec<ControlChart> {
    engine.charts(ComponentIndex(component)).cloned().collect()
}

fn both(behaviour: Behaviour) -> impl Fn(usize, Arm) -> Behaviour {
    move |_, _| behaviour
}

#[test]
fn charts_begin_once_something_is_usual_and_stay_quiet_while_it_stays_so() {
    let mut signals = 0;
    for seed in 0..4 {
        let mut world = World::new(seed, 2, 20.0, 0.1);
        let mut engine = world.engine();
        for minute in 0..90 {
            world.run(&mut engine, START + minute * MINUTE_S, MINUTE_S, &both(GOOD), &never);
            let shown = charts(&engine, 0);
            assert_eq!(shown.len(), if minute < 20 { 0 } else { 4 }, "minute {minute}: {shown:?}");
            signals += shown.iter().filter(|chart| chart.since.is_some()).count();
        }
    }
    assert_eq!(signals, 0, "of 1,120 values");
}

#[test]
fn what_strikes_both_arms_is_charted_on_both_and_undoes_nothing() {
    let slow = Behaviour { latency_factor: 1.3, ..GOOD };
    let failing = Behaviour { error_rate: 0.02, ..GOOD };
    for (seed, behaviour, struck) in [(0, slow, Signal::Latency), (1, failing, Signal::ErrorRate)] {
        let mut world = World::new(seed, 2, 100.0, 0.3);
        let mut engine = world.engine();
        assert!(world.run(&mut engine, START, 40 * MINUTE_S, &both(GOOD), &alarmed).is_none());
        let worse_from = START + 40 * MINUTE_S;
        assert!(world.run(&mut engine, worse_from, 6 * MINUTE_S, &both(behaviour), &alarmed).is_none());
        let shown = charts(&engine, 1);
        for chart in &shown {
            let is_struck = chart.signal == struck;
            assert_eq!(chart.since.is_some(), is_struck, "{}", chart.sentence());
            assert_eq!(chart.broken.is_empty(), !is_struck);
            assert!(
                !is_struck || chart.since >= Some(worse_from) && chart.ewma > chart.ewma_upper_limit,
                "{chart:?}"
            );
            assert!(chart.lower_limit <= chart.usual && chart.usual <= chart.upper_limit, "{chart:?}");
        }
    }
}

#[test]
fn run_rules_are_watched_where_they_are_asked_for() {
    let slower = Behaviour { latency_factor: 1.04, ..GOOD };
    let broken = |chart_rules| {
        let mut world = World::new(3, 1, 200.0, 0.1);
        let mut engine = world.engine_with(RawEngineConfig { chart_rules, ..RawEngineConfig::default() });
        world.run(&mut engine, START, 30 * MINUTE_S, &both(GOOD), &never);
        let mut broken = Vec::new();
        for minute in 30..45 {
            world.run(&mut engine, START + minute * MINUTE_S, MINUTE_S, &both(slower), &never);
            let shown = charts(&engine, 0).into_iter().filter(|chart| chart.signal == Signal::Latency);
            broken.extend(shown.flat_map(|chart| chart.broken));
        }
        broken
    };
    let is_rule = |broken: &Broken| matches!(broken, Broken::Rule(_));
    assert!(!broken(RuleSet::None).iter().any(is_rule));
    for rules in [RuleSet::WesternElectric, RuleSet::Nelson] {
        let broken = broken(rules);
        let watched = |broken: &Broken| match broken {
            Broken::Rule(rule) => rules.rules().contains(rule),
            Broken::Ewma | Broken::Cusum => true,
        };
        assert!(broken.iter().any(is_rule) && broken.iter().all(watched), "{rules:?}: {broken:?}");
    }
}

#[test]
fn an_arm_that_gets_no_requests_is_charted_no_more() {
    let mut world = World::new(4, 1, 50.0, 0.2);
    let mut engine = world.engine();
    world.run(&mut engine, START, 30 * MINUTE_S, &both(GOOD), &never);
    assert_eq!(charts(&engine, 0).len(), 4);
    world.weight = 0.0;
    world.run(&mut engine, START + 30 * MINUTE_S, 16 * MINUTE_S, &both(GOOD), &never);
    let arms: Vec<_> = charts(&engine, 0).into_iter().map(|chart| chart.arm).collect();
    assert_eq!(arms, [Arm::Baseline; 2]);
}

#[test]
fn charts_go_on_where_they_were_stored() {
    let mut world = World::new(5, 1, 50.0, 0.2);
    let mut engine = world.engine();
    world.run(&mut engine, START, 25 * MINUTE_S, &both(GOOD), &never);
    let mut restored: Engine = serde_json::from_str(&serde_json::to_string(&engine).unwrap()).unwrap();
    let mut same = world.clone();
    let slow = both(Behaviour { latency_factor: 1.5, ..GOOD });
    world.run(&mut engine, START + 25 * MINUTE_S, 5 * MINUTE_S, &slow, &never);
    same.run(&mut restored, START + 25 * MINUTE_S, 5 * MINUTE_S, &slow, &never);
    assert_eq!(charts(&engine, 0), charts(&restored, 0));
    assert!(charts(&engine, 0).iter().any(|chart| chart.since.is_some()));
}
