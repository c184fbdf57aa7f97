use serin_analysis::{Arm, Verdict};

use super::world::{Behaviour, GOOD, START, World, alarmed, median};

fn healthy(assessment: &serin_analysis::Assessment) -> bool {
    assessment.version.verdict == Verdict::Healthy
}

#[test]
fn rollouts_of_the_same_build_raise_no_alarm() {
    let alarms: Vec<_> = (0..200)
        .filter_map(|seed| {
            let (rps, weight) = [(10.0, 0.5), (40.0, 0.1), (4.0, 0.25), (20.0, 0.2)][seed as usize % 4];
            let mut world = World::new(1_000 + seed, 4, rps, weight);
            world.bursts = seed % 2 == 0;
            let mut engine = world.engine();
            world.run(&mut engine, START, 600, &|_, _| GOOD, &alarmed).map(|at| (seed, at.at_second - START))
        })
        .collect();
    assert!(alarms.len() <= 1, "{alarms:?}");
}

#[test]
fn a_canary_worse_within_the_margin_raises_no_alarm() {
    let slower = Behaviour { latency_factor: 1.08, error_rate: 0.0014, ..GOOD };
    for seed in 0..20 {
        let mut world = World::new(2_000 + seed, 4, 40.0, 0.25);
        let mut engine = world.engine();
        let of = |_, arm| if arm == Arm::Canary { slower } else { GOOD };
        assert_eq!(world.run(&mut engine, START, 300, &of, &alarmed), None, "seed {seed}");
    }
}

/// 1,000 requests a second, a tenth of them to the canary: 13,000 canary requests for p99 at phi 4.
#[test]
fn a_good_canary_becomes_healthy_within_three_minutes() {
    let delays = (0..5).map(|seed| {
        let mut world = World::new(3_000 + seed, 10, 100.0, 0.1);
        let mut engine = world.engine();
        let healthy = world.run(&mut engine, START, 600, &|_, _| GOOD, &healthy);
        healthy.map_or(u64::MAX, |assessment| assessment.at_second - START)
    });
    let delays: Vec<_> = delays.collect();
    assert!(median(delays.clone()) <= 180, "{delays:?}");
    assert!(delays.iter().all(|delay| *delay >= 20), "too soon to know p99: {delays:?}");
}

#[test]
fn a_canary_at_the_healthy_margin_is_not_called_healthy() {
    let margin = Behaviour { error_rate: 0.001 * 1.25 + 0.003, ..GOOD };
    for seed in 0..10 {
        let mut world = World::new(4_000 + seed, 4, 50.0, 0.2);
        let mut engine = world.engine();
        let of = |_, arm| if arm == Arm::Canary { margin } else { GOOD };
        assert_eq!(world.run(&mut engine, START, 300, &of, &healthy), None, "seed {seed}");
    }
}

#[test]
fn thin_traffic_is_inconclusive_and_says_how_much_is_missing() {
    let mut world = World::new(6, 1, 1.0, 0.5);
    let mut engine = world.engine();
    assert_eq!(
        world.run(&mut engine, START, 300, &|_, _| GOOD, &|at| at.version.verdict != Verdict::Inconclusive),
        None
    );
    let assessment = engine.advance(START + 301);
    let needed = assessment.version.reasons[0].canary_requests_needed.unwrap();
    assert!((500..20_000).contains(&needed), "{needed}: {}", assessment.version.reasons[0].sentence());
}

#[test]
fn before_the_first_request_the_odds_are_even() {
    let world = World::new(7, 2, 10.0, 0.5);
    for silent in 0..3 {
        let assessment = world.engine().advance(START + silent);
        let scopes = assessment.components.iter().map(|(_, scope)| scope).chain([&assessment.version]);
        for reason in scopes.flat_map(|scope| &scope.reasons) {
            assert_eq!((reason.log_evidence, reason.verdict), (0.0, Verdict::Inconclusive), "{reason:?}");
        }
    }
}

#[test]
fn without_data_nothing_stays_healthy_and_nothing_is_rolled_back() {
    let mut world = World::new(3_000, 10, 100.0, 0.1);
    let mut engine = world.engine();
    let at = world.run(&mut engine, START, 600, &|_, _| GOOD, &healthy).unwrap().at_second;
    for silent in 1..200 {
        let assessment = engine.advance(at + silent);
        let age = assessment.data_age_s.unwrap();
        assert_eq!(age, silent);
        assert_eq!(assessment.alarm, None);
        assert_eq!(assessment.version.verdict == Verdict::Healthy, age <= 15, "{age} s");
    }
}

#[test]
fn a_pause_of_a_few_seconds_rolls_nothing_back_before_hosts_were_measured() {
    let slow = |index: usize, arm: Arm| match (index, arm) {
        (0, Arm::Canary) => Behaviour { latency_factor: 8.0, ..GOOD },
        _ => GOOD,
    };
    for seed in 0..10 {
        let mut world = World::new(seed, 2, 500.0, 0.1);
        let mut engine = world.engine();
        assert!(world.run(&mut engine, START, 30, &|_, _| GOOD, &alarmed).is_none(), "seed {seed}");
        let paused =
            world.run(&mut engine, START + 30, 5, &slow, &alarmed).map(|seen| seen.at_second - START);
        assert_eq!(paused, None, "seed {seed}");
        assert!(world.run(&mut engine, START + 35, 65, &|_, _| GOOD, &alarmed).is_none(), "seed {seed}");
        let found = world.run(&mut engine, START + 100, 20, &slow, &alarmed).map(|seen| seen.at_second);
        assert!(found.is_some_and(|second| second <= START + 115), "seed {seed}: {found:?}");
    }
}
