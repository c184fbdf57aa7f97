//! Which outcomes count as failures: client errors and cancelled requests never do unless it is said that they do.

use serin_analysis::config::Failures;
use serin_analysis::{
    Arm, Assessment, Category, Engine, Increment, Outcomes, RawEngineConfig, UserMasks, Verdict, Veto,
};

use super::categories::into;
use super::world::{GOOD, Random, START, World, alarmed, component_alarm};

const EXTRA: [Category; 2] = [Category::ClientError, Category::Cancelled];

/// The default with client errors or cancelled requests beside it.
fn with(category: Category) -> RawEngineConfig {
    let usual = Category::ALL.into_iter().filter(|one| !EXTRA.contains(one));
    let failures = Failures::of(&usual.chain([category]).collect::<Vec<_>>());
    RawEngineConfig { failures, ..RawEngineConfig::default() }
}

/// Turns a share of an arm's answered requests into `category`. Cancelled ones have no latency, so nothing does here.
fn turn(one: &mut Increment, category: Category, share: f64, random: &mut Random) {
    let turned = (0..one.outcomes.ok).filter(|_| random.chance(share)).count() as u64;
    one.outcomes.ok -= turned;
    *into(&mut one.outcomes, category) += turned;
    one.latency = None;
}

fn advance(engine: &mut Engine, second: u64, increments: &[Increment]) -> Assessment {
    increments.iter().for_each(|increment| engine.merge(increment));
    engine.source_progress(1, second + 1, second + 1);
    engine.advance(second + 1)
}

/// Seconds until the alarm, where a share of component 0's requests turns into `category`, on the canary alone or on both.
fn found(config: RawEngineConfig, category: Category, shares: [f64; 2], seed: u64) -> Option<u64> {
    let mut world = World::new(seed, 2, 60.0, 0.2);
    let (mut engine, mut random) = (world.engine_with(config), Random::new(seed + 9));
    let seen = (START..START + 240).find_map(|second| {
        let mut increments = world.second(second, &|_, _| GOOD);
        for one in increments.iter_mut().filter(|one| one.component.0 == 0) {
            let share = if one.arm == Arm::Canary { shares[1] } else { shares[0] };
            turn(one, category, share, &mut random);
        }
        Some(advance(&mut engine, second, &increments)).filter(alarmed)
    });
    seen.map(|seen| {
        assert_eq!(seen.alarm, component_alarm(0), "{category:?}, seed {seed}");
        let text = seen.components[0].1.reasons[0].sentence();
        assert!(text.contains(&format!("; {} ", category.words())), "{text}");
        seen.at_second - START
    })
}

/// So they never trigger alone, and neither hold nor help: whatever share of whichever arm's requests it is.
#[test]
fn by_default_client_errors_and_cancelled_requests_are_judged_as_if_they_were_answered() {
    for (seed, category) in (0..24).zip(EXTRA.into_iter().cycle()) {
        let mut world = World::new(seed, 2, 60.0, 0.25);
        let (mut told, mut answered) = (world.engine(), world.engine());
        let mut random = Random::new(seed);
        let shares = [random.unit(), random.unit()].map(|share| if seed < 4 { 1.0 } else { share });
        for second in START..START + 120 {
            let mut increments = world.second(second, &|_, _| GOOD);
            increments.iter_mut().for_each(|one| one.latency = None);
            let as_answered = increments.clone();
            for one in &mut increments {
                let share = if one.arm == Arm::Canary { shares[1] } else { shares[0] };
                turn(one, category, share, &mut random);
            }
            let (told, answered) =
                (advance(&mut told, second, &increments), advance(&mut answered, second, &as_answered));
            assert_eq!(told.alarm, None, "{category:?}, seed {seed}");
            assert!(told.version.vetoes.is_empty(), "{category:?}, seed {seed}");
            assert_eq!(told, answered, "{category:?}, seed {seed}, {shares:?}");
        }
    }
}

#[test]
fn where_the_plan_names_them_they_trigger_and_are_named() {
    for category in EXTRA {
        for seed in 0..10 {
            assert_eq!(found(RawEngineConfig::default(), category, [0.02, 0.3], seed), None);
            let seconds = found(with(category), category, [0.02, 0.3], seed);
            assert!(seconds.is_some_and(|seconds| seconds <= 30), "{category:?}, seed {seed}: {seconds:?}");
        }
    }
}

#[test]
fn where_the_plan_names_them_rollouts_of_the_same_build_raise_no_alarm() {
    let runs = (0..100).zip(EXTRA.into_iter().cycle());
    let alarms: Vec<_> = runs
        .filter_map(|(seed, category)| {
            let share = [0.01, 0.05, 0.2, 0.6][seed as usize % 4];
            found(with(category), category, [share, share], 5_000 + seed).map(|at| (seed, at))
        })
        .collect();
    assert!(alarms.len() <= 1, "{alarms:?}");
}

#[test]
fn an_outcome_that_the_plan_leaves_out_is_no_failure() {
    let failures = Failures { overload: false, ..Failures::default() };
    let config = RawEngineConfig { failures, ..RawEngineConfig::default() };
    for seed in 0..5 {
        assert_eq!(found(config, Category::Overload, [0.0, 0.5], seed), None);
        assert!(found(config, Category::Timeout, [0.0, 0.5], seed).is_some());
    }
}

/// Reports tell the users of server errors and the like, not those of client errors.
#[test]
fn client_errors_are_not_put_down_to_the_users_of_other_failures() {
    let run = |config: RawEngineConfig| {
        let mut world = World::new(11, 1, 100.0, 0.2);
        let (mut engine, mut random) = (world.engine_with(config), Random::new(3));
        (START..START + 120).find_map(|second| {
            let mut increments = world.second(second, &|_, _| GOOD);
            for one in &mut increments {
                one.outcomes = Outcomes { ok: one.started, ..Outcomes::default() };
                one.users = UserMasks { seen: random.next(), failed: 0 };
                if one.arm == Arm::Canary {
                    one.outcomes.ok -= one.started / 4 + one.started / 8;
                    one.outcomes.client_error = one.started / 4;
                    one.outcomes.server_error = one.started / 8;
                    one.users.failed = u64::from(one.outcomes.server_error > 0) << 9;
                }
            }
            let seen = advance(&mut engine, second, &increments);
            let vetoed = seen.components[0].1.vetoes.contains(&Veto::FewUsers);
            (seen.components[0].1.verdict == Verdict::Regressed).then_some((vetoed, seen.alarm.is_some()))
        })
    };
    assert_eq!(run(RawEngineConfig::default()), Some((true, false)), "one user's server errors");
    assert_eq!(run(with(Category::ClientError)), Some((false, true)), "everyone's client errors beside them");
}
