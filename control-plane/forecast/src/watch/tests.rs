use proptest::prelude::*;

use super::*;
use crate::generated::Remembering;
use serin_random::Random;

/// A gauge of mean 500 and noise of sd 10, with a limit at 800.
struct Gauge {
    random: Random,
    noise: Remembering,
    rise_per_minute: f64,
    collection: u64,
}

impl Gauge {
    fn new(seed: u64, memory: f64, rise_per_minute: f64) -> Self {
        let noise = Remembering::new(memory, 10.0);
        Self { random: Random::seeded(seed), noise, rise_per_minute, collection: 0 }
    }

    fn at(&mut self, second: u64, since: u64) -> f64 {
        let rise = self.rise_per_minute * second.saturating_sub(since) as f64 / 60.0;
        let garbage = match self.collection {
            0 => 0.0,
            period => 200.0 * (second % period) as f64 / period as f64,
        };
        500.0 + rise + garbage + self.noise.next(&mut self.random)
    }
}

const LIMIT: f64 = 800.0;
const STEP_S: u64 = 10;

/// The second at which the watch fires, and why.
fn fires(mut gauge: Gauge, settings: WatchSettings, since: u64, until: u64) -> Option<(u64, Cause)> {
    let mut watch = Watch::new(settings);
    (0..until).step_by(STEP_S as usize).find_map(|second| {
        watch.observe(second, gauge.at(second, since));
        Some((second, watch.look(Exposure::default())?.fires?))
    })
}

fn settings() -> WatchSettings {
    WatchSettings { limit: LIMIT, ..WatchSettings::default() }
}

#[test]
fn a_gauge_without_a_trend_fires_in_at_most_one_of_a_hundred() {
    const HOURS_2: u64 = 7200;
    for (memory, limit) in [(0.0, 540.0), (0.6, 550.0), (0.9, 560.0)] {
        let settings = WatchSettings { limit, ..settings() };
        let fired = (0..100)
            .filter(|seed| fires(Gauge::new(*seed, memory, 0.0), settings, 0, HOURS_2).is_some())
            .count();
        assert!(fired <= 1, "{fired} of 100 at a memory of {memory}");
    }
}

#[test]
fn a_leak_fires_before_the_limit_is_crossed_also_when_it_begins_late() {
    for (since, rise, least) in [(0, 10.0, 200), (1800, 10.0, 180), (1800, 30.0, 100), (0, 3.0, 150)] {
        let crossing = since + (60.0 * 300.0 / rise) as u64;
        let mut leads: Vec<i64> = (0..50)
            .map(|seed| {
                let (at, cause) = fires(Gauge::new(seed, 0.6, rise), settings(), since, crossing).unwrap();
                assert_eq!(cause, Cause::Leak);
                crossing as i64 - at as i64
            })
            .collect();
        leads.sort_unstable();
        assert!(leads[2] >= least && leads[25] <= 420, "{leads:?} at {rise} a minute since {since}");
    }
}

#[test]
fn a_saw_tooth_fires_only_when_its_floor_rises() {
    let saw_tooth = |seed, rise, until| {
        let gauge = Gauge { collection: 240, ..Gauge::new(seed, 0.0, rise) };
        fires(gauge, WatchSettings { collection_s: 240, ..settings() }, 0, until)
    };
    let fired = (0..100).filter(|seed| saw_tooth(*seed, 0.0, 7200).is_some()).count();
    assert!(fired <= 1, "{fired} of 100");
    // What remains after a collection crosses the limit after an hour, and the lowest value of a collection later.
    let found = (0..50).filter(|seed| saw_tooth(*seed, 5.0, 3600 + 240).is_some()).count();
    assert!(found >= 48, "{found} of 50");
}

#[test]
fn growing_exposure_is_foreseen_as_a_cause_of_its_own() {
    let mut watch = Watch::new(settings());
    let mut gauge = Gauge::new(1, 0.0, 0.0);
    let mut look = |watch: &mut Watch, second, growth, share| {
        watch.observe(second, gauge.at(second, 0));
        watch.look(Exposure { growth, share })
    };
    let mut last = None;
    for second in (0..600).step_by(10) {
        last = look(&mut watch, second, 1.2, 1.0);
    }
    let calm = last.unwrap();
    assert!(calm.fires.is_none() && calm.probability < 0.01, "{calm:?}");
    for second in (600..660).step_by(10) {
        last = look(&mut watch, second, 2.0, 1.0);
    }
    let grown = last.unwrap();
    assert_eq!(grown.fires, Some(Cause::Exposure));
    // 500 grows to 800 after three fifths of the horizon.
    let median = grown.time.median_s.unwrap();
    assert!((150..=210).contains(&median), "{grown:?}");
    assert!(grown.time.earliest_s.unwrap() <= median && median <= grown.time.latest_s.unwrap());
    let fixed = look(&mut watch, 660, 2.0, 0.3).unwrap();
    assert!(fixed.probability < 0.05 && fixed.fires.is_none(), "{fixed:?}");
}

#[test]
fn the_time_to_the_limit_holds_what_then_happens() {
    let (mut held, mut errors) = (0, Vec::new());
    for seed in 0..100 {
        let mut gauge = Gauge::new(seed, 0.0, 10.0);
        let mut watch = Watch::new(settings());
        (0..=1200).step_by(10).for_each(|second| watch.observe(second, gauge.at(second, 0)));
        let outlook = watch.look(Exposure::default()).unwrap();
        assert!((outlook.slope_per_s - 10.0 / 60.0).abs() < 0.03, "{outlook:?}");
        // The last closed step is that of second 1190, and the level crosses at 1800.
        let time = outlook.time;
        held += u32::from((time.earliest_s.unwrap()..=time.latest_s.unwrap()).contains(&610));
        errors.push(time.median_s.unwrap() as i64 - 610);
    }
    assert!(held >= 85, "{held} of 100");
    let mean = errors.iter().sum::<i64>() / 100;
    assert!(mean.abs() <= 40, "{mean} s beside the crossing on average");
}

#[test]
fn late_and_missing_values_and_looks_without_news_change_nothing() {
    let mut watch = Watch::new(settings());
    let mut gauge = Gauge::new(3, 0.0, 30.0);
    assert_eq!(watch.look(Exposure::default()), None);
    (0..400).step_by(10).for_each(|second| watch.observe(second, gauge.at(second, 0)));
    let first = watch.look(Exposure::default());
    assert!(first.is_some());
    (0..10).for_each(|_| assert_eq!(watch.look(Exposure::default()), first));
    let before = watch.clone();
    watch.observe(100, 1e9);
    watch.observe(395, f64::NAN);
    assert_eq!(watch, before);
}

proptest! {
    #[test]
    fn no_numbers_make_it_panic_or_grow_and_its_state_can_be_stored(
        points in prop::collection::vec((0..40_000_u64, prop_oneof![
            -1e3..1e3_f64, prop::num::f64::ANY, Just(f64::NAN), Just(f64::INFINITY), Just(7.0)]), 0..120),
        limit in prop_oneof![-1e3..1e3_f64, prop::num::f64::ANY],
        (collection_s, horizon_s, step_s) in (0..9_000_u64, 0..9_000_u64, 0..60_u64),
        (growth, share) in (prop::num::f64::ANY, prop::num::f64::ANY),
        sorted in any::<bool>(),
    ) {
        let mut points = points;
        if sorted {
            points.sort_by_key(|(second, _)| *second);
        }
        let settings = WatchSettings { limit, collection_s, horizon_s, step_s, ..WatchSettings::default() };
        let mut watch = Watch::new(settings);
        for (second, value) in points {
            watch.observe(second, value);
            if let Some(outlook) = watch.look(Exposure { growth, share }) {
                prop_assert!((0.0..=1.0).contains(&outlook.probability));
                prop_assert!(outlook.slope_sd_per_s >= 0.0);
            }
            prop_assert!(watch.floors.len() <= WINDOW);
        }
        if limit.is_finite() {
            let stored = serde_json::to_string(&watch).unwrap();
            let mut again: Watch = serde_json::from_str(&stored).unwrap();
            let exposure = Exposure::default();
            prop_assert_eq!(again.look(exposure).is_some(), watch.look(exposure).is_some());
        }
    }
}
