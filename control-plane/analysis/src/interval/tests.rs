use proptest::prelude::*;
use serde::Deserialize;

use super::bets::{Bets, least};
use super::*;
use crate::config::Failures;
use crate::histogram::LatencyHistogram;
use crate::increment::{Arm, ComponentIndex, Increment, Outcomes};
use crate::users::UserMasks;

mod coverage;
mod width;

fn totals((requests, failed): (u64, u64)) -> ArmTotals {
    let mut totals = ArmTotals::default();
    totals.add_counts(requests, failed, &LatencyHistogram::new());
    totals
}

/// Of error rates, arms as (requests, failed).
fn error_rate(control: (u64, u64), arm: (u64, u64), alpha: f64, phi: f64) -> Interval {
    let overdispersion = Overdispersion { errors: phi, latency: 1.0 };
    compare(&totals(control), &totals(arm), alpha, overdispersion).error_rate.unwrap().interval
}

/// Values of general optimisers of scipy: tests/fixtures/intervals.py.
#[derive(Deserialize)]
struct Oracle {
    differences: Vec<OfDifference>,
    ranks: Vec<OfRank>,
}

#[derive(Debug, Deserialize)]
struct OfDifference {
    control: (u64, u64),
    arm: (u64, u64),
    alpha: f64,
    phi: f64,
    ends: (f64, f64),
}

#[derive(Debug, Deserialize)]
struct OfRank {
    requests: u64,
    quantile: f64,
    alpha: f64,
    phi: f64,
    least: f64,
}

fn oracle() -> Oracle {
    serde_json::from_str(include_str!("../../tests/fixtures/intervals.json")).unwrap()
}

#[test]
fn ends_of_differences_agree_with_scipy() {
    let differences = oracle().differences;
    assert!(!differences.is_empty());
    for case in differences {
        let Interval { low, high, .. } = error_rate(case.control, case.arm, case.alpha, case.phi);
        let width = case.ends.1 - case.ends.0;
        // Weak bets in one term never narrow, and widen only beside an arm that is many times as large.
        let is_lopsided = case.control.0.max(case.arm.0) > 10_000 * case.control.0.min(case.arm.0);
        let most = if is_lopsided { 0.15 } else { 1e-3 };
        let wider = ((case.ends.0 - low) / width, (high - case.ends.1) / width);
        let is_close = |wider: f64| (-1e-6..most).contains(&wider);
        assert!(is_close(wider.0) && is_close(wider.1), "{low} to {high} instead of {case:?}");
    }
}

#[test]
fn ranks_of_quantiles_agree_with_scipy() {
    let ranks = oracle().ranks;
    assert!(!ranks.is_empty());
    for case in ranks {
        let of = case.requests as f64 / case.phi;
        let least = least(&Mixture::new(), of, case.quantile, (1.0 / case.alpha).ln()) * case.phi;
        assert!((least - case.least).abs() < 1e-6 * (1.0 + case.least), "{least} instead of {case:?}");
    }
}

/// Probability of each number of events when request `i` has one with probability `shares[i]`, by enumeration.
fn probabilities(shares: &[f64]) -> Vec<f64> {
    let mut chances = vec![1.0];
    for share in shares {
        chances.push(0.0);
        for events in (0..chances.len()).rev() {
            let one_more = if events > 0 { chances[events - 1] } else { 0.0 };
            chances[events] = chances[events] * (1.0 - share) + one_more * share;
        }
    }
    chances
}

proptest! {
    #[test]
    fn a_bet_on_the_mean_gains_nothing_whatever_the_probabilities_are(shares in prop::collection::vec(0.0..=1.0_f64, 1..60), scale in 0.001..=1.0_f64) {
        let shares: Vec<f64> = shares.iter().map(|share| share * scale).collect();
        let of = shares.len() as f64;
        let mean = shares.iter().sum::<f64>() / of;
        let mixture = Mixture::new();
        let e = |events: f64| Bets::new(&mixture, events, of).log_e(mean).log.exp();
        let expected: f64 = probabilities(&shares).iter().enumerate().map(|(events, chance)| chance * e(events as f64)).sum();
        prop_assert!(expected <= 1.0 + 1e-9, "{expected}");
    }

    #[test]
    fn every_number_is_finite_and_the_interval_holds_the_estimate(
        control in any::<(u64, u64)>(),
        arm in any::<(u64, u64)>(),
        bits in any::<[u32; 4]>(),
        alpha in any::<f64>(),
        phi in any::<f64>(),
        us in any::<[u64; 4]>(),
    ) {
        let (control, arm) = (spread(control, bits[0], bits[1], &us[..2]), spread(arm, bits[2], bits[3], &us[1..]));
        let compared = compare(&control, &arm, alpha, Overdispersion { errors: phi, latency: phi });
        let is_rate_told = compared.error_rate.is_some();
        prop_assert_eq!(is_rate_told, control.requests() > 0 && arm.requests() > 0);
        for Difference { control, arm, interval, .. } in parts(&compared) {
            let Interval { estimate, low, high } = interval;
            prop_assert!([control, arm, estimate, low, high].iter().all(|number| number.is_finite()), "{:?}", compared);
            prop_assert!(low <= estimate && estimate <= high, "{:?}", compared);
        }
        if let Some(Difference { interval, .. }) = compared.error_rate {
            prop_assert!(-1.0 <= interval.low && interval.high <= 1.0, "{:?}", interval);
        }
        let json = serde_json::to_string(&compared).unwrap();
        prop_assert!(serde_json::from_str::<Comparison>(&json).is_ok(), "{}", json);
    }

    #[test]
    fn exchanging_the_arms_turns_the_interval_around(control in arms(), arm in arms(), alpha in 0.001..0.5_f64) {
        let (one, other) = (error_rate(control, arm, alpha, 1.0), error_rate(arm, control, alpha, 1.0));
        prop_assert_eq!((one.low, one.high), (-other.high, -other.low));
    }

    #[test]
    fn counting_successes_for_failures_turns_the_interval_around(control in arms(), arm in arms()) {
        let successes = |(requests, failed): (u64, u64)| (requests, requests - failed);
        let (one, other) = (error_rate(control, arm, 0.05, 1.0), error_rate(successes(control), successes(arm), 0.05, 1.0));
        let slack = 1e-6 * (one.high - one.low);
        prop_assert!((one.low + other.high).abs() <= slack && (one.high + other.low).abs() <= slack, "{:?} {:?}", one, other);
    }

    #[test]
    fn less_certainty_asked_for_and_more_requests_narrow_the_interval(control in arms(), arm in arms(), alpha in 0.001..0.2_f64) {
        let width = |control, arm, alpha, phi| { let interval = error_rate(control, arm, alpha, phi); interval.high - interval.low };
        let one = width(control, arm, alpha, 1.0);
        prop_assert!(width(control, arm, 2.0 * alpha, 1.0) <= one);
        prop_assert!(width(control, arm, alpha, 2.0) >= one);
        let fourfold = |(requests, failed): (u64, u64)| (4 * requests, 4 * failed);
        prop_assert!(width(fourfold(control), fourfold(arm), alpha, 1.0) <= one);
    }

    #[test]
    fn totals_are_the_same_in_any_order(counts in prop::collection::vec((0..1_000_u64, 0..100_u64, 0..9_000_000_u64), 0..20)) {
        let increments: Vec<_> = counts.iter().map(|counts| increment(*counts)).collect();
        let (mut forward, mut merged) = <(ArmTotals, ArmTotals)>::default();
        increments.iter().for_each(|increment| forward.add(increment, &Failures::default()));
        for increment in increments.iter().rev() {
            let mut one = ArmTotals::default();
            one.add(increment, &Failures::default());
            merged.merge(&one);
        }
        prop_assert_eq!(&forward, &merged);
        let json = serde_json::to_string(&forward).unwrap();
        prop_assert_eq!(serde_json::from_str::<ArmTotals>(&json).unwrap(), forward);
    }
}

fn arms() -> impl Strategy<Value = (u64, u64)> {
    (0..30_u32, 0.0..=1.0_f64, 0..3_i32).prop_map(|(octave, share, tenths)| {
        let requests = 1_u64 << octave;
        (requests, (requests as f64 * share * 0.1_f64.powi(tenths)) as u64)
    })
}

/// Counts of any size up to those given, with latencies.
fn spread((requests, failed): (u64, u64), requests_bits: u32, failed_bits: u32, us: &[u64]) -> ArmTotals {
    let mut latency = LatencyHistogram::new();
    us.iter().for_each(|value| latency.record_n(value >> (failed_bits % 60), *value >> (requests_bits % 64)));
    let mut totals = ArmTotals::default();
    totals.add_counts(requests >> (requests_bits % 65).min(63), failed >> (failed_bits % 64), &latency);
    totals
}

fn parts(compared: &Comparison) -> impl Iterator<Item = Difference> {
    [compared.error_rate, compared.p50, compared.p90, compared.p99].into_iter().flatten()
}

fn increment((requests, failed, us): (u64, u64, u64)) -> Increment {
    let mut latency = LatencyHistogram::new();
    latency.record_n(us, requests);
    Increment {
        component: ComponentIndex(0),
        start_second: 0,
        arm: Arm::Canary,
        source: 1,
        started: requests + failed,
        outcomes: Outcomes { ok: requests, timeout: failed, ..Outcomes::default() },
        latency: Some(latency),
        users: UserMasks::default(),
    }
}

#[test]
fn totals_count_the_outcomes_that_are_failures() {
    let mut totals = ArmTotals::default();
    assert_eq!((totals.error_rate(), totals.p99_us()), (None, None));
    totals.add(&increment((90, 10, 5_000)), &Failures::default());
    assert_eq!((totals.requests(), totals.failed(), totals.error_rate()), (100, 10, Some(0.1)));
    assert_eq!([totals.p50_us(), totals.p90_us(), totals.p99_us()], [Some(5_023); 3]);
    totals.add(&increment((0, 10, 0)), &Failures { timeout: false, ..Failures::default() });
    assert_eq!((totals.requests(), totals.failed()), (110, 10));
    let empty: ArmTotals = serde_json::from_str("{}").unwrap();
    assert_eq!(empty, ArmTotals::default());
}

#[test]
fn without_requests_there_is_nothing_to_compare() {
    let (none, some) = (ArmTotals::default(), totals((100, 1)));
    for (control, arm) in [(&none, &some), (&some, &none), (&none, &none)] {
        assert_eq!(compare(control, arm, 0.05, Overdispersion::NONE), Comparison::default());
    }
}

#[test]
fn a_large_difference_is_found_and_named_by_its_side() {
    for (control, arm, conclusion) in [
        ((10_000, 100), (10_000, 300), Conclusion::Worse),
        ((10_000, 300), (10_000, 100), Conclusion::Better),
        ((10_000, 100), (10_000, 110), Conclusion::Undecided),
    ] {
        let compared =
            compare(&totals(control), &totals(arm), 0.05, Overdispersion::NONE).error_rate.unwrap();
        assert_eq!(compared.conclusion, conclusion, "{compared:?}");
        assert_eq!(serde_json::to_value(conclusion).unwrap(), conclusion.name());
    }
}

#[test]
fn the_overdispersion_is_the_configured_one_until_hosts_have_shown_another() {
    let config = EngineConfig::default();
    let raw = config.raw();
    let configured = Overdispersion { errors: raw.phi_errors, latency: raw.phi_latency };
    assert_eq!(Overdispersion::from(&config), configured);
    assert_eq!(Overdispersion::measured(&Dispersion::default(), &config), configured);
}
