use proptest::prelude::*;

use super::*;
use crate::noise::Noise;

#[derive(serde::Deserialize)]
struct Oracle {
    distances: Vec<f64>,
    ewma: Vec<f64>,
    ewma_limits: Vec<f64>,
    cusum: Vec<(f64, f64)>,
    wild: Vec<f64>,
    median: f64,
    spread: f64,
    ewma_run_length: f64,
    ewma_run_length_shifted: f64,
    cusum_run_length: f64,
    cusum_run_length_shifted: f64,
    three_sigma_run_length: f64,
}

fn oracle() -> Oracle {
    serde_json::from_str(include_str!("../../tests/fixtures/charts.json")).unwrap()
}

fn near(value: f64, expected: f64, relative: f64) {
    assert!((value - expected).abs() <= relative * expected.abs(), "{value} instead of {expected}");
}

const WEEK_S: u64 = 7 * 24 * 3_600;
/// A Monday, midnight UTC.
const MONDAY: u64 = 1_785_715_200;

#[test]
fn charts_agree_with_scipy() {
    let oracle = oracle();
    let (mut ewma, mut cusum) = (Ewma::default(), Cusum::default());
    let settings = EwmaSettings { weight: 0.2, limit: 2.5 };
    for (at, distance) in oracle.distances.iter().enumerate() {
        let signal = ewma.observe(*distance, settings);
        cusum.observe(*distance, CusumSettings { allowance: 0.5, limit: 1e9 });
        near(ewma.value(), oracle.ewma[at], 1e-9);
        near(ewma.limit(settings), oracle.ewma_limits[at], 1e-9);
        assert_eq!(signal == Some(Side::High), oracle.ewma[at] > oracle.ewma_limits[at]);
        let (high, low) = cusum.sums();
        assert!((high - oracle.cusum[at].0).abs() < 1e-9 && (low - oracle.cusum[at].1).abs() < 1e-9);
    }
}

#[test]
fn centre_and_spread_are_scipys_and_wild_values_do_not_carry_them_away() {
    let oracle = oracle();
    let reference = Reference::of(&oracle.wild).unwrap();
    near(reference.centre, oracle.median, 1e-12);
    near(reference.spread, oracle.spread, 1e-12);
    assert!((240.0..260.0).contains(&reference.centre) && reference.spread < 20.0);
}

/// Mean number of values of `shift` until `signals` does.
fn run_length<C>(runs: u64, shift: f64, new: impl Fn() -> C, signals: impl Fn(&mut C, f64) -> bool) -> f64 {
    let mut noise = Noise::new(17);
    let mut sum = 0;
    for _ in 0..runs {
        let mut chart = new();
        sum += (1..100_000).find(|_| signals(&mut chart, noise.normal() + shift)).unwrap();
    }
    sum as f64 / runs as f64
}

#[test]
fn run_lengths_are_those_of_the_charts_markov_chains() {
    let oracle = oracle();
    let ewma = |shift, runs| {
        let settings = EwmaSettings { weight: 0.2, limit: 2.962 };
        run_length(runs, shift, Ewma::default, |chart, value| chart.observe(value, settings).is_some())
    };
    let cusum = |shift, runs| {
        let settings = CusumSettings { allowance: 0.5, limit: 5.0 };
        run_length(runs, shift, Cusum::default, |chart, value| chart.observe(value, settings).is_some())
    };
    near(ewma(0.0, 2_000), oracle.ewma_run_length, 0.08);
    near(ewma(1.0, 4_000), oracle.ewma_run_length_shifted, 0.05);
    near(cusum(0.0, 2_000), oracle.cusum_run_length, 0.08);
    near(cusum(1.0, 4_000), oracle.cusum_run_length_shifted, 0.05);
}

#[test]
fn run_rules_raise_as_many_false_signals_as_published() {
    let rules = |rules: &'static [Rule]| {
        run_length(2_000, 0.0, RunRules::default, |chart, value| !chart.observe(value, rules).is_empty())
    };
    near(rules(&[Rule::OneBeyondThree]), oracle().three_sigma_run_length, 0.08);
    near(rules(&Rule::WESTERN_ELECTRIC), 91.75, 0.08);
}

#[test]
fn each_run_rule_sees_its_shape_at_its_last_value_and_no_other() {
    let check = |rule: Rule, values: &[f64]| {
        let mut recent = RunRules::default();
        let (last, before) = values.split_last().unwrap();
        before
            .iter()
            .for_each(|value| assert_eq!(recent.observe(*value, &[rule]), [], "{rule:?} at {value}"));
        assert_eq!(recent.observe(*last, &[rule]), [rule], "{rule:?}");
    };
    check(Rule::OneBeyondThree, &[2.9, -2.9, -3.1]);
    check(Rule::TwoOfThreeBeyondTwo, &[2.1, -2.1, 2.1]);
    check(Rule::FourOfFiveBeyondOne, &[-1.1, -1.1, 1.5, -1.1, -1.1]);
    check(Rule::EightOnOneSide, &[-0.1, 0.1, 0.2, 0.1, 0.2, 0.1, 0.2, 0.1, 0.2]);
    check(Rule::NineOnOneSide, &[0.1, -0.1, -0.2, -0.1, -0.2, -0.1, -0.2, -0.1, -0.2, -0.3]);
    check(Rule::SixMonotone, &[0.0, -0.5, -0.4, -0.3, -0.2, -0.1, 0.5]);
    let zigzag: Vec<f64> = (0..14).map(|at| if at % 2 == 0 { 0.3 } else { -0.3 }).collect();
    check(Rule::FourteenAlternating, &zigzag);
    let hugging: Vec<f64> = std::iter::once(1.2).chain((0..15).map(|at| 0.05 * f64::from(at))).collect();
    check(Rule::FifteenWithinOne, &hugging);
    check(Rule::EightBeyondOne, &[0.5, 1.5, -1.5, 1.5, -1.5, 1.5, -1.5, 1.5, -1.5]);
}

#[test]
fn hours_of_the_week_begin_on_monday() {
    assert_eq!(HourOfWeek::of(0).index(), 3 * 24);
    assert_eq!(HourOfWeek::of(MONDAY).index(), 0);
    assert_eq!(HourOfWeek::of(MONDAY + WEEK_S - 1).index(), 167);
    assert!(HourOfWeek::of(u64::MAX).index() < 168);
}

/// Chance adds nothing to a value.
fn certain(_centre: f64) -> f64 {
    0.0
}

/// Twice as much by day as by night, each minute.
fn daily(second: u64, noise: &mut Noise) -> f64 {
    let by_day = (8..20).contains(&(second / 3_600 % 24));
    if by_day { 200.0 + 5.0 * noise.normal() } else { 100.0 + 5.0 * noise.normal() }
}

fn learnt(weeks: u64) -> Profile {
    let (mut profile, mut noise) = (Profile::default(), Noise::new(23));
    for minute in 0..weeks * WEEK_S / 60 {
        let second = MONDAY + 60 * minute;
        profile.observe(second, daily(second, &mut noise), certain);
    }
    profile
}

#[test]
fn the_usual_value_follows_the_hour_of_the_week() {
    let profile = learnt(2);
    let at = |hour: u64| profile.usual(MONDAY + 2 * WEEK_S + 3_600 * hour).unwrap();
    near(at(12).centre, 200.0, 0.02);
    near(at(3).centre, 100.0, 0.02);
    near(at(3).spread, 5.0, 0.25);
}

#[test]
fn a_night_value_by_day_signals_though_it_is_usual_at_night() {
    let profile = learnt(2);
    let start = MONDAY + 2 * WEEK_S;
    let reading = |hour: u64| {
        let second = start + 3_600 * hour;
        Chart::default().observe(100.0, profile.usual(second).unwrap(), RuleSet::Nelson).unwrap()
    };
    assert!(reading(3).broken().next().is_none(), "{:?}", reading(3));
    assert_eq!(reading(12).rules, [Rule::OneBeyondThree]);
    assert_eq!(reading(12).ewma_signal, Some(Side::Low));
}

#[test]
fn an_incident_does_not_become_usual() {
    let mut profile = learnt(3);
    let noon = MONDAY + 3 * WEEK_S + 12 * 3_600;
    let before = profile.usual(noon).unwrap().centre;
    (0..10).for_each(|minute| profile.observe(noon + 60 * minute, 1e7, certain));
    let after = profile.usual(noon).unwrap().centre;
    assert!(after < before * 1.05, "{before} became {after}");
}

#[test]
fn what_was_usual_months_ago_is_forgotten() {
    let mut profile = Profile::default();
    let mut noise = Noise::new(29);
    for minute in 0..WEEK_S / 60 {
        profile.observe(MONDAY + 60 * minute, 100.0 + noise.normal(), certain);
    }
    assert!(profile.usual(MONDAY).is_some());
    let later = MONDAY + 40 * WEEK_S;
    for minute in 0..60 {
        profile.observe(later + 60 * minute, 300.0 + noise.normal(), certain);
    }
    near(profile.usual(later).unwrap().centre, 300.0, 0.02);
}

#[test]
fn what_signals_is_written_by_its_name_and_read_again() {
    let rules = Rule::NELSON.into_iter().chain(Rule::WESTERN_ELECTRIC).map(Broken::Rule);
    for broken in rules.chain([Broken::Ewma, Broken::Cusum]) {
        let json = serde_json::to_string(&broken).unwrap();
        assert_eq!(json, format!("{:?}", broken.name()));
        assert_eq!(serde_json::from_str::<Broken>(&json).unwrap(), broken);
    }
    assert!(serde_json::from_str::<Broken>("\"eight\"").is_err());
}

#[test]
fn an_incident_among_the_first_values_of_an_hour_does_not_become_usual() {
    for (first, day) in [(0, 0), (40, 0), (45, 0), (52, 0), (0, 1), (30, 1)] {
        let (mut profile, mut noise) = (Profile::default(), Noise::new(31));
        let hour = MONDAY + day * 24 * 3_600;
        if day > 0 {
            (0..60).for_each(|minute| {
                profile.observe(MONDAY + 60 * minute, 100.0 + noise.normal(), certain);
            });
        }
        for minute in first..60 {
            let struck = (first + 2..first + 7).contains(&minute);
            let value = if struck { 1e4 } else { 50.0 + noise.normal() };
            profile.observe(hour + 60 * minute, value, certain);
        }
        for minute in 60..120 {
            profile.observe(hour + 60 * minute, 50.0 + noise.normal(), certain);
        }
        let usual = profile.usual(hour).unwrap();
        assert!((usual.centre - 50.0).abs() < 5.0 && usual.spread < 10.0, "from {first}: {usual:?}");
    }
}

#[test]
fn a_series_of_zeros_takes_in_no_more_of_an_incident_than_chance_may_bring() {
    let mut profile = Profile::default();
    let observe = |profile: &mut Profile, minute: u64, value| {
        profile.observe(MONDAY + 60 * minute, value, |share: f64| (share.max(0.0) + 1e-6).sqrt() / 10.0);
    };
    (0..20).for_each(|minute| observe(&mut profile, minute, if minute == 7 { 0.5 } else { 0.0 }));
    assert!(profile.usual(MONDAY).unwrap().centre < 1e-4, "{:?}", profile.usual(MONDAY));
    (20..25).for_each(|minute| observe(&mut profile, minute, 0.5));
    assert!(profile.usual(MONDAY).unwrap().centre < 5e-3, "{:?}", profile.usual(MONDAY));
}

#[test]
fn something_is_usual_after_twenty_values_whenever_they_begin() {
    for first in [0, 15, 41, 50, 59] {
        let (mut profile, mut noise) = (Profile::default(), Noise::new(37));
        for minute in first..first + 20 {
            let second = MONDAY + 60 * minute;
            assert_eq!(profile.usual(second), None, "from {first} on at {minute}");
            profile.observe(second, 50.0 + noise.normal(), certain);
        }
        near(profile.usual(MONDAY + 60 * (first + 20)).unwrap().centre, 50.0, 0.02);
    }
}

#[test]
fn a_shift_of_a_series_that_is_known_signals_soon_and_nothing_before_it() {
    let (mut chart, mut profile) = (Chart::default(), Profile::default());
    let mut noise = Noise::new(37);
    (0..60).for_each(|minute| profile.observe(MONDAY + 60 * minute, 50.0 + noise.normal(), certain));
    let usual = profile.usual(MONDAY).unwrap();
    let mut signals =
        |value: f64| chart.observe(value, usual, RuleSet::None).unwrap().broken().next().is_some();
    assert_eq!((0..200).filter(|_| signals(50.0 + noise.normal())).count(), 0);
    let seen = (1..60).find(|_| signals(53.0 + noise.normal()));
    assert!(seen.is_some_and(|values| values < 15), "{seen:?}");
}

#[test]
fn a_constant_series_does_not_signal_at_rounding() {
    let mut chart = Chart::default();
    let usual = Reference::of(&[0.3; 20]).unwrap();
    let mut values = (0..500).map(|at| if at % 2 == 0 { 0.3 } else { 0.1 + 0.2 });
    assert!(
        values.all(|value| chart.observe(value, usual, RuleSet::None).unwrap().broken().next().is_none())
    );
}

fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![
        3 => -5.0..5.0_f64,
        1 => any::<f64>(),
        1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::MAX), Just(f64::MIN)],
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_values_are_charted_as_numbers(
        values in prop::collection::vec((any::<u64>(), any_value()), 1..300),
        weight in any_value(),
        limit in any_value(),
        allowance in any_value(),
        by_chance in any_value(),
    ) {
        let (mut ewma, mut cusum) = (Ewma::default(), Cusum::default());
        let mut chart = Chart::default();
        let mut profile = Profile::default();
        for (second, value) in values {
            ewma.observe(value, EwmaSettings { weight, limit });
            cusum.observe(value, CusumSettings { allowance, limit });
            let (high, low) = cusum.sums();
            prop_assert!(ewma.value().is_finite() && high.is_finite() && low.is_finite());
            profile.observe(second, value, |_| by_chance);
            let Some(usual) = profile.usual(second) else { continue };
            if let Some(reading) = chart.observe(value, usual, RuleSet::Nelson) {
                prop_assert!(reading.distance.is_finite() && reading.ewma.is_finite());
            }
        }
    }
}
