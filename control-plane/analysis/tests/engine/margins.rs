//! Margins that are tightened for the time being.

use serin_analysis::config::Margins;
use serin_analysis::{Arm, Assessment, RawEngineConfig, Verdict};

use super::world::{Behaviour, GOOD, START, World, alarmed, never};

const SEEDS: u64 = 12;
const PLANNED: Margins = Margins { error_ratio: 1.5, error_absolute: 0.02, latency_ratio: 0.3 };
const TIGHT: Margins = Margins { error_ratio: 1.1, error_absolute: 0.0005, latency_ratio: 0.05 };

fn config() -> RawEngineConfig {
    RawEngineConfig { margins: PLANNED, ..RawEngineConfig::default() }
}

/// What the engine says at each second of a canary like this, with margins no wider than `most`.
fn said(seed: u64, of: Behaviour, most: Option<Margins>, seconds: u64) -> Vec<Assessment> {
    let mut world = World::new(seed, 2, 40.0, 0.3);
    let mut engine = world.engine_with(config());
    engine.set_widest_margins(most);
    let behaviour = |_: usize, arm: Arm| if arm == Arm::Canary { of } else { GOOD };
    let each = |second: u64| {
        world.second(second, &behaviour).iter().for_each(|increment| engine.merge(increment));
        engine.source_progress(1, second + 1, second + 1);
        engine.advance(second + 1)
    };
    (START..START + seconds).map(each).collect()
}

/// How strict a verdict is.
const fn strictness(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Healthy => 0,
        Verdict::Inconclusive => 1,
        Verdict::Regressed => 2,
    }
}

/// Of traffic from good to far beyond both margins, for the seeds named: the verdict of every second.
#[test]
fn tightened_margins_make_a_verdict_stricter_and_never_looser() {
    let behaviours = [
        GOOD,
        Behaviour { error_rate: 0.012, ..GOOD },
        Behaviour { error_rate: 0.05, ..GOOD },
        Behaviour { error_rate: 0.3, ..GOOD },
        Behaviour { latency_factor: 1.2, ..GOOD },
        Behaviour { latency_factor: 2.0, ..GOOD },
    ];
    let mut stricter = 0_usize;
    for (kind, of) in behaviours.into_iter().enumerate() {
        for seed in 0..SEEDS {
            let (planned, tight) = (said(seed, of, None, 150), said(seed, of, Some(TIGHT), 150));
            for (second, (planned, tight)) in planned.iter().zip(&tight).enumerate() {
                let of = |assessment: &Assessment| strictness(assessment.version.verdict);
                assert!(of(tight) >= of(planned), "behaviour {kind}, seed {seed}, second {second}");
                assert!(
                    alarmed(tight) || !alarmed(planned),
                    "behaviour {kind}, seed {seed}, second {second}: an alarm came later"
                );
                stricter += usize::from(of(tight) > of(planned));
            }
        }
    }
    assert!(stricter > 200, "{stricter} seconds were judged more strictly");
}

#[test]
fn a_canary_between_both_margins_is_undone_while_they_are_tight_and_not_before_or_after() {
    for of in [Behaviour { error_rate: 0.012, ..GOOD }, Behaviour { latency_factor: 1.2, ..GOOD }] {
        for seed in 0..SEEDS {
            let mut world = World::new(seed, 2, 60.0, 0.3);
            let mut engine = world.engine_with(config());
            let behaviour = |_: usize, arm: Arm| if arm == Arm::Canary { of } else { GOOD };
            let before = world.run(&mut engine, START, 120, &behaviour, &alarmed);
            assert_eq!(before, None, "seed {seed}: within the plan's margins");
            engine.set_widest_margins(Some(TIGHT));
            let within = world.run(&mut engine, START + 120, 400, &behaviour, &alarmed);
            assert!(within.is_some(), "seed {seed}: beyond the tight ones");

            let mut engine = world.engine_with(config());
            engine.set_widest_margins(Some(TIGHT));
            let good = |_: usize, _: Arm| GOOD;
            world.run(&mut engine, START, 60, &good, &never);
            engine.set_widest_margins(None);
            let after = world.run(&mut engine, START + 60, 200, &behaviour, &alarmed);
            assert_eq!(after, None, "seed {seed}: the plan's margins are back");
        }
    }
}

#[test]
fn margins_wider_than_the_configured_ones_change_nothing() {
    let wide = Margins { error_ratio: 9.0, error_absolute: 0.4, latency_ratio: 5.0 };
    let of = Behaviour { error_rate: 0.05, ..GOOD };
    assert_eq!(said(3, of, Some(wide), 60), said(3, of, None, 60));
}
