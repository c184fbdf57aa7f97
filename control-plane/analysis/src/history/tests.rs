use proptest::prelude::*;

use super::*;
use crate::noise::Noise;

const START: u64 = 1_785_715_200;

fn latencies(us: u64) -> LatencyHistogram {
    let mut latencies = LatencyHistogram::new();
    latencies.record_n(us, 2 * LEAST_LATENCIES);
    latencies
}

/// A minute of `requests` of which `failed` failed, at the median `us`.
fn minute(minute: u64, requests: u64, failed: u64, us: u64) -> FullMinute {
    let mut filling = Minute::default();
    let start = START + 60 * minute;
    assert_eq!(filling.add(start, requests, failed, || Some(us)), None);
    filling.add(start + 59, 0, 0, || Some(us)).unwrap()
}

/// `minutes` of `requests` a minute of which the share `failing` fails.
fn learned(minutes: u64, requests: u64, failing: f64, noise: &mut Noise) -> History {
    let mut history = History { latencies: latencies(50_000), ..History::default() };
    for at in 0..minutes {
        let mean = requests as f64 * failing;
        let failed = (mean + mean.sqrt() * noise.normal()).round().max(0.0) as u64;
        history.see(minute(at, requests, failed, 50_000));
    }
    history
}

#[test]
fn what_is_usual_is_known_after_twenty_minutes() {
    let mut noise = Noise::new(1);
    assert_eq!(learned(19, 6_000, 0.001, &mut noise).usual(START), None);
    let usual = learned(40, 6_000, 0.001, &mut noise).usual(START + 2_400).unwrap();
    assert!((usual.failing - 0.001).abs() < 0.0003, "{usual:?}");
    assert!((0.001..0.0025).contains(&usual.failing_limit), "{usual:?}");
    assert!((usual.slow_down - 1.0).abs() < 0.02 && usual.slow_down_limit < 1.05, "{usual:?}");
}

/// A share that was measured too low must not make a good canary look bad.
#[test]
fn the_limit_is_rarely_below_the_truth_however_thin_the_traffic() {
    for (requests, failing) in [(30, 0.001), (30, 0.02), (600, 0.001), (60_000, 0.001)] {
        let below = (0..200).filter(|seed| {
            let history = learned(25, requests, failing, &mut Noise::new(*seed));
            history.usual(START + 1_500).unwrap().failing_limit < failing
        });
        assert!(below.count() <= 2, "{requests} a minute, {failing}");
    }
}

#[test]
fn minutes_that_differ_more_than_chance_widen_the_limit() {
    let mut history = History { latencies: latencies(50_000), ..History::default() };
    for at in 0..60 {
        let failed = if at % 4 == 0 { 300 } else { 60 };
        history.see(minute(at, 60_000, failed, 50_000 + 1_000 * (at % 5)));
    }
    let usual = history.usual(START + 3_600).unwrap();
    assert!(usual.failing_limit > 0.0035, "{usual:?}");
    assert!(usual.slow_down_limit > 1.05, "{usual:?}");
}

#[test]
fn an_incident_does_not_become_usual() {
    let mut noise = Noise::new(3);
    let mut history = learned(50, 6_000, 0.001, &mut noise);
    let before = history.usual(START + 3_000).unwrap().failing_limit;
    (50..55).for_each(|at| history.see(minute(at, 6_000, 3_000, 50_000)));
    let after = history.usual(START + 3_300).unwrap().failing_limit;
    assert!(after < before + 0.002, "{before} became {after}");
}

#[test]
fn a_deployment_is_known_by_its_age() {
    let mut history = History { latencies: latencies(50_000), ..History::default() };
    for second in 0..1_000 {
        let (failed, us) = if second < 60 { (4, 200_000) } else { (0, 50_000) };
        history.deployment.see(START + second, 100, failed, || Some(us));
    }
    let young = history.at_age(30).unwrap();
    assert!((young.failing - 0.04).abs() < 1e-9 && young.slow_down > 3.9, "{young:?}");
    let older = history.at_age(500).unwrap();
    assert!(older.failing < 1e-9 && (older.slow_down - 1.0).abs() < 0.02, "{older:?}");
    assert!(older.failing_limit > 0.0 && older.slow_down_limit > 1.09);
    assert_eq!(history.at_age(10_000), None, "it never became so old");
    assert_eq!(history.deployment.slot(START), 0);
    assert!(slot_of(u64::MAX) < SLOTS);
}

#[test]
fn what_was_stored_before_a_field_existed_still_loads() {
    assert_eq!(serde_json::from_str::<History>("{}").unwrap(), History::default());
    let history = learned(30, 6_000, 0.001, &mut Noise::new(5));
    let json = serde_json::to_string(&history).unwrap();
    assert!(json.len() < 2_000, "{} bytes", json.len());
    let restored: History = serde_json::from_str(&json).unwrap();
    let limit = |history: &History| history.usual(START + 1_800).unwrap().failing_limit;
    assert!((limit(&restored) / limit(&history) - 1.0).abs() < 1e-9);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_seconds_give_numbers_or_nothing(
        seconds in prop::collection::vec((any::<u64>(), any::<u64>(), any::<u64>(), any::<Option<u64>>()), 1..200),
        near in prop::collection::vec((0..5_000_u64, 0..1_000_u64, any::<u64>(), any::<Option<u64>>()), 1..200),
    ) {
        let mut history = History { latencies: latencies(1), ..History::default() };
        let mut minute = Minute::default();
        for (second, requests, failed, median_us) in seconds.into_iter().chain(near) {
            if let Some(full) = minute.add(second, requests, failed, || median_us) {
                history.see(full);
            }
            history.deployment.see(second, requests, failed, || median_us);
            for usual in [history.usual(second), history.at_age(second)].into_iter().flatten() {
                prop_assert!((0.0..=1.0).contains(&usual.failing) && (0.0..=1.0).contains(&usual.failing_limit));
                prop_assert!(usual.failing <= usual.failing_limit);
                prop_assert!(usual.slow_down > 0.0 && usual.slow_down <= usual.slow_down_limit);
            }
        }
        prop_assert!(history.deployment.slots.len() <= SLOTS);
    }
}
