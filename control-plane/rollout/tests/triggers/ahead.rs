//! Triggers on a gauge that look ahead: a leak is undone before its limit, and what does not leak is left alone.

use serin_rollout::Cause;
use serin_rollout::outside::{QueryAnswer, TriggerState};

use crate::world::*;

const MEMORY: &str =
    "queries: {q: {promql: 'max(m)'}}\ntriggers: {memory: {query: q, ahead: 5m, collection: 3m}}";
const PLAIN: &str = "queries: {q: {promql: 'max(m)'}}\ntriggers: {memory: {query: q, ahead: 5m}}";
const DISK: &str =
    "queries: {q: {promql: 'min(d)'}}\ntriggers: {custom: [{name: disk, query: q, below: 10, ahead: 10m}]}";
const SEEDS: [u64; 3] = [41, 42, 43];

/// Plays until something is undone or `seconds` are over; `gauge` gives the value of a second, of which there may be none, and noise.
fn play(yaml: &str, seed: u64, seconds: u64, gauge: impl Fn(f64, f64) -> Option<f64>) -> World {
    let mut world = World::new(yaml, seed);
    while world.age() < seconds && !world.is_rolled_back() {
        if world.age().is_multiple_of(15) {
            let noise = world.draws.next() + world.draws.next() - 1.0;
            if let Some(value) = gauge(world.age() as f64, noise) {
                world.query("q", QueryAnswer::Value { value });
            }
        }
        world.second(Some(USUAL), Some(Doing { requests: 10, ..USUAL }));
    }
    world
}

#[test]
fn a_leak_is_undone_before_its_limit_and_the_reason_says_when_it_would_have_been() {
    for seed in SEEDS {
        // Beyond 0.95 after 900 s.
        let world = play(PLAIN, seed, 1_500, |age, noise| Some(0.5 + 0.0005 * age + 0.005 * noise));
        let lead = 900_i64 - i64::try_from(world.age()).unwrap();
        println!("seed {seed}: undone {lead} s before the limit: {:?}", world.trial.state().cause);
        assert!((100..=360).contains(&lead), "seed {seed}: {lead} s");
        let Some(Cause::Trigger { trigger, detail, .. }) = &world.trial.state().cause else { panic!() };
        assert_eq!(trigger, "memory");
        assert!(detail.contains("limit 0.95, which it crosses in"), "{detail}");
    }
}

#[test]
fn what_runs_out_is_foreseen_as_what_fills_up_is() {
    for seed in SEEDS {
        // Below 10 after 2,000 s.
        let world = play(DISK, seed, 2_400, |age, noise| Some(50.0 - 0.02 * age + 0.3 * noise));
        let lead = 2_000_i64 - i64::try_from(world.age()).unwrap();
        println!("seed {seed}: undone {lead} s before the limit");
        assert!((200..=660).contains(&lead), "seed {seed}: {lead} s");
    }
}

#[test]
fn memory_that_only_varies_or_that_is_collected_is_left_alone() {
    let varies = |_: f64, noise: f64| Some(0.8 + 0.03 * noise);
    // Rises from 0.4 to 0.9 and is collected, every two minutes.
    let collected = |age: f64, noise: f64| Some(0.4 + 0.5 * (age % 120.0) / 120.0 + 0.01 * noise);
    for seed in SEEDS {
        for (yaml, gauge) in [(PLAIN, &varies as &dyn Fn(f64, f64) -> Option<f64>), (MEMORY, &collected)] {
            let world = play(yaml, seed, 3_000, gauge);
            assert!(!world.is_rolled_back(), "seed {seed}: {:?}", world.trial.state().cause);
            assert_eq!(world.state_of("memory"), TriggerState::Quiet, "seed {seed}");
        }
    }
}

#[test]
fn a_gauge_that_falls_silent_is_not_extrapolated() {
    let silent = |age: f64, noise: f64| (age < 480.0).then_some(0.5 + 0.0005 * age + 0.005 * noise);
    let world = play(PLAIN, SEEDS[0], 1_500, silent);
    assert!(!world.is_rolled_back(), "{:?}", world.trial.state().cause);
    assert_eq!(world.state_of("memory"), TriggerState::Inconclusive);
}
