use proptest::prelude::*;
use serin_analysis::config::Limits;
use serin_analysis::{
    Arm, ComponentIndex, ComponentSpec, Engine, EngineConfig, HostSample, Increment, LatencyHistogram,
    Outcomes, RawEngineConfig, Scope, UserMasks, Verdict,
};

use super::world::{Behaviour, GOOD, START, World};

fn engine(components: usize) -> Engine {
    let specs: Vec<_> = (0..components).map(|index| ComponentSpec::new(index.to_string())).collect();
    Engine::new(EngineConfig::default(), &specs).unwrap()
}

fn small_increment() -> impl Strategy<Value = Increment> {
    let counts = (0..20_u64, 0..10_u64, 0..5_u64, 0..3_u64);
    let latencies = prop::collection::vec(0..2_000_000_u64, 0..20);
    let users =
        (any::<u64>(), any::<u64>()).prop_map(|(seen, failed)| UserMasks { seen, failed: failed & seen });
    (0..3_usize, START..START + 6, any::<bool>(), 0..4_u64, counts, latencies, users).prop_map(
        |(component, start_second, canary, source, (open, ok, server_error, timeout), latencies, users)| {
            let outcomes = Outcomes { ok, server_error, timeout, ..Outcomes::default() };
            let mut latency = LatencyHistogram::new();
            latencies.into_iter().for_each(|us| latency.record(us));
            Increment {
                component: ComponentIndex(component),
                start_second,
                arm: if canary { Arm::Canary } else { Arm::Baseline },
                source,
                started: open + outcomes.finished(),
                outcomes,
                latency: Some(latency),
                users,
            }
        },
    )
}

/// The sample of one host that goes with `increment`.
fn sample(increment: &Increment) -> HostSample {
    HostSample {
        component: increment.component,
        start_second: increment.start_second,
        arm: increment.arm,
        host: increment.started % 7,
        one_in: (increment.source % 4) as u32,
        requests: increment.outcomes.finished(),
        failed: increment.outcomes.server_error,
        latency: increment.latency.clone(),
    }
}

fn any_increment() -> impl Strategy<Value = Increment> {
    let huge = prop_oneof![0..100_u64, 0..1_000_000_000_000_000_u64, Just(u64::MAX)];
    let counts = prop::collection::vec(huge.clone(), 9);
    let second = prop_oneof![START - 200..START + 300, Just(0), Just(u64::MAX)];
    (0..5_usize, second, any::<bool>(), any::<u64>(), counts, any::<u64>(), huge).prop_map(
        |(component, start_second, canary, source, counts, us, of_us)| {
            let mut latency = LatencyHistogram::new();
            latency.record_n(us, of_us);
            Increment {
                component: ComponentIndex(component),
                start_second,
                arm: if canary { Arm::Canary } else { Arm::Baseline },
                source,
                started: counts[0],
                outcomes: Outcomes {
                    ok: counts[1],
                    client_error: counts[2],
                    server_error: counts[3],
                    timeout: counts[4],
                    connect_failure: counts[5],
                    reset: counts[6],
                    overload: counts[7],
                    cancelled: counts[8],
                },
                latency: Some(latency),
                users: UserMasks { seen: counts[0], failed: us },
            }
        },
    )
}

proptest! {
    #[test]
    fn the_order_of_merging_does_not_change_a_bit(
        increments in prop::collection::vec(small_increment(), 1..60),
        order in any::<u64>(),
    ) {
        let mut shuffled = increments.clone();
        let mut random = super::world::Random::new(order);
        for at in (1..shuffled.len()).rev() {
            shuffled.swap(at, (random.next() % (at as u64 + 1)) as usize);
        }
        let judge = |increments: &[Increment]| {
            let mut engine = engine(3);
            engine.advance(START);
            engine.set_weight(START, Some(100_000));
            for increment in increments {
                engine.merge(increment);
                engine.merge_host(&sample(increment));
            }
            let assessments: Vec<_> = (START..START + 140).map(|now| engine.advance(now)).collect();
            (serde_json::to_string(&assessments).unwrap(), serde_json::to_string(&engine).unwrap())
        };
        prop_assert_eq!(judge(&increments), judge(&shuffled));
    }

    #[test]
    fn any_increments_give_numbers_and_no_panic(
        increments in prop::collection::vec(any_increment(), 1..40),
        times in prop::collection::vec(prop_oneof![START..START + 300, Just(0), Just(u64::MAX)], 1..12),
        full_weight_at in 0..20_usize,
        error_rate in 0.0..=1.0_f64,
    ) {
        let limits = Some(Limits { error_rate, latency_p99_us: 250_000 });
        let config = RawEngineConfig { limits, ..RawEngineConfig::default() };
        let mut engine = World::new(0, 3, 1.0, 0.5).engine_with(config);
        for (at, now) in times.iter().enumerate() {
            engine.set_full_weight(at >= full_weight_at);
            for increment in increments.iter().skip(at).step_by(times.len()) {
                engine.merge(increment);
                engine.merge_host(&sample(increment));
                engine.set_weight(increment.start_second, Some(increment.started as u32));
                engine.source_progress(increment.source, increment.start_second, *now);
            }
            let assessment = engine.advance(*now);
            let scopes = assessment.components.iter().map(|(_, scope)| scope).chain([&assessment.version]);
            for reason in scopes.flat_map(|scope| &scope.reasons) {
                let effect = reason.effect.map_or([0.0; 3], |effect| [effect.estimate, effect.low, effect.high]);
                let values = [reason.log_evidence, reason.log_evidence_healthy, reason.baseline, reason.canary];
                let values = values.into_iter().chain(effect).chain([reason.overdispersion, reason.log_threshold]);
                prop_assert!(values.clone().all(|value| value.is_finite()), "{:?}", reason);
            }
        }
        let mut next = World::new(0, 3, 1.0, 0.5).engine_with(config);
        next.recall(&engine.learned(true));
        prop_assert!(next.advance(START).alarm.is_none());
    }
}

#[test]
fn advancing_twice_in_a_second_says_the_same() {
    let mut world = World::new(1, 3, 50.0, 0.2);
    let mut engine = world.engine();
    for second in START..START + 30 {
        world.second(second, &|_, _| GOOD).iter().for_each(|increment| engine.merge(increment));
        let first = engine.advance(second);
        let before = engine.clone();
        assert_eq!(engine.advance(second), first);
        assert_eq!(engine.advance(second - 5), first, "time does not run backwards");
        assert_eq!(engine, before);
    }
}

#[test]
fn the_state_survives_serialisation() {
    let mut world = World::new(1, 3, 50.0, 0.2);
    let mut engine = world.engine();
    world.run(&mut engine, START, 40, &|_, _| GOOD, &|_| false);
    let mut restored: Engine = serde_json::from_str(&serde_json::to_string(&engine).unwrap()).unwrap();
    for increment in world.second(START + 40, &|_, _| GOOD) {
        engine.merge(&increment);
        restored.merge(&increment);
    }
    let (original, restored) = (engine.advance(START + 50), restored.advance(START + 50));
    assert_eq!(original.alarm, restored.alarm);
    for (original, restored) in original.version.reasons.iter().zip(&restored.version.reasons) {
        assert!((original.log_evidence - restored.log_evidence).abs() < 1e-9);
        assert_eq!(original.canary_requests, restored.canary_requests);
    }
}

fn ok(second: u64, arm: Arm, source: u64, started: u64, finished: u64) -> Increment {
    let mut latency = LatencyHistogram::new();
    latency.record_n(10_000, finished);
    let outcomes = Outcomes { ok: finished, ..Outcomes::default() };
    let component = ComponentIndex(0);
    Increment {
        component,
        start_second: second,
        arm,
        source,
        started,
        outcomes,
        latency: Some(latency),
        users: UserMasks::default(),
    }
}

fn requests(engine: &Engine) -> u64 {
    let summary = engine.summary(Scope::Version);
    summary.baseline.requests + summary.canary.requests
}

#[test]
fn a_second_closes_when_all_living_sources_are_past_it_else_at_the_watermark() {
    let mut engine = engine(1);
    engine.advance(START);
    engine.merge(&ok(START, Arm::Canary, 1, 7, 7));
    engine.source_progress(1, START + 1, START + 1);
    engine.source_progress(2, START, START + 1);
    engine.advance(START + 1);
    assert_eq!(requests(&engine), 0, "source 2 may still report");
    engine.source_progress(2, START + 1, START + 1);
    engine.advance(START + 1);
    assert_eq!(requests(&engine), 7, "closed early");
    engine.merge(&ok(START + 1, Arm::Canary, 1, 5, 5));
    engine.advance(START + 4);
    assert_eq!(requests(&engine), 7, "the watermark has not passed");
    engine.advance(START + 5);
    assert_eq!(requests(&engine), 12, "closed at the watermark");
}

#[test]
fn open_requests_keep_a_second_open_until_they_have_an_age() {
    let mut engine = engine(1);
    engine.advance(START);
    engine.merge(&ok(START, Arm::Canary, 1, 7, 6));
    engine.source_progress(1, START + 1, START + 1);
    engine.advance(START + 1);
    assert_eq!(requests(&engine), 0);
    engine.source_progress(1, START + 2, START + 2);
    engine.advance(START + 2);
    assert_eq!(requests(&engine), 7);
}

#[test]
fn a_source_that_fell_silent_is_not_waited_for() {
    let mut engine = engine(1);
    engine.advance(START);
    engine.source_progress(2, START, START);
    engine.merge(&ok(START + 6, Arm::Canary, 1, 7, 7));
    engine.source_progress(1, START + 7, START + 7);
    engine.advance(START + 7);
    assert_eq!(requests(&engine), 7);
}

#[test]
fn what_comes_late_is_counted_and_what_comes_too_late_is_dropped() {
    let mut engine = engine(1);
    engine.merge(&ok(START, Arm::Canary, 1, 7, 6));
    engine.advance(START + 10);
    engine.merge(&ok(START, Arm::Canary, 1, 0, 1));
    let assessment = engine.advance(START + 11);
    assert_eq!((assessment.late_requests, assessment.dropped_requests), (1, 0));
    engine.advance(START + 121);
    engine.merge(&ok(START, Arm::Canary, 1, 3, 3));
    engine.merge(&ok(START + 1_000, Arm::Canary, 1, 2, 2));
    engine.merge(&Increment { component: ComponentIndex(9), ..ok(START + 120, Arm::Canary, 1, 1, 1) });
    let assessment = engine.advance(START + 122);
    assert_eq!((assessment.late_requests, assessment.dropped_requests), (1, 6));
}

#[test]
fn cancelled_requests_and_client_errors_are_no_failures() {
    let mut engine = engine(1);
    for second in START..START + 60 {
        engine.merge(&ok(second, Arm::Baseline, 1, 100, 100));
        let outcomes = Outcomes { client_error: 30, cancelled: 30, ok: 40, ..Outcomes::default() };
        engine.merge(&Increment { outcomes, ..ok(second, Arm::Canary, 1, 100, 70) });
        let assessment = engine.advance(second);
        assert_ne!(assessment.version.verdict, Verdict::Regressed);
    }
    assert_eq!(engine.summary(Scope::Component(ComponentIndex(0))).canary.errors, 0);
}

#[test]
fn the_summary_covers_the_last_minute() {
    let mut world = World::new(3, 2, 100.0, 0.5);
    let mut engine = world.engine();
    let failing = |of, _| Behaviour { error_rate: if of == 0 { 0.5 } else { 0.0 }, ..GOOD };
    world.run(&mut engine, START, 100, &failing, &|_| false);
    let version = engine.summary(Scope::Version);
    let component = engine.summary(Scope::Component(ComponentIndex(0)));
    assert!((5_200..6_500).contains(&version.baseline.requests), "{version:?}");
    assert!((2_650..3_350).contains(&component.canary.requests), "{component:?}");
    let error_rate = component.canary.errors as f64 / component.canary.requests as f64;
    assert!((0.45..0.55).contains(&error_rate), "{component:?}");
    let (p50, p99) = (version.canary.p50_us.unwrap(), version.canary.p99_us.unwrap());
    assert!((47_000..53_000).contains(&p50) && (180_000..230_000).contains(&p99), "{version:?}");
}
