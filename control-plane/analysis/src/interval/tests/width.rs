//! How wide the intervals are beside those for one look, and how many requests a conclusion takes.

use super::*;
use crate::effect;
use crate::increment::ByArm;
use crate::noise::Noise;

const ALPHA: f64 = 0.05;

/// Width of the interval of two equal error rates over that of the interval for one look, both at 95 %.
fn relative(requests: u64, share: f64) -> f64 {
    let failed = (requests as f64 * share) as u64;
    let Interval { low, high, .. } = error_rate((requests, failed), (requests, failed), ALPHA, 1.0);
    let by_arm = |count| ByArm { baseline: count, canary: count };
    let one_look = effect::difference(&by_arm(failed), &by_arm(requests), 1.0).unwrap();
    (high - low) / (one_look.high - one_look.low)
}

/// The numbers that the module tells.
#[test]
fn an_interval_of_error_rates_is_about_twice_as_wide_as_one_for_one_look() {
    let expected = [
        (0.001, [1.71, 1.99, 2.10, 2.15, 2.42]),
        (0.01, [1.99, 2.10, 2.15, 2.20, 2.48]),
        (0.2, [2.08, 2.19, 2.22, 2.27, 2.52]),
    ];
    for (share, expected) in expected {
        for (requests, expected) in
            [1_000, 10_000, 100_000, 1_000_000, 1_000_000_000_000].into_iter().zip(expected)
        {
            let relative = relative(requests, share);
            assert!((relative - expected).abs() < 0.01, "{relative} at {requests} requests, {share}");
        }
    }
}

#[test]
fn arms_without_failures_are_alike_but_for_six_in_all_their_requests() {
    for requests in [1_000, 1_000_000, 1_000_000_000_000] {
        let interval = error_rate((requests, 0), (requests, 0), ALPHA, 1.0);
        let most = 6.0 / requests as f64;
        assert!(interval.high <= most && -interval.low <= most, "{interval:?}");
    }
}

/// Requests of each arm until the interval excludes "no difference", looked at every 100: the median of the runs.
fn requests_until_worse(control: f64, arm: f64) -> u64 {
    const RUNS: u64 = 41;
    let until = |seed: u64| {
        let mut noise = Noise::new(seed);
        let mut failed = (0, 0);
        for requests in (100_u64..).step_by(100) {
            let mut draw = |share: f64| (0..100).filter(|_| noise.uniform() < share).count() as u64;
            failed = (failed.0 + draw(control), failed.1 + draw(arm));
            if error_rate((requests, failed.0), (requests, failed.1), ALPHA, 1.0).low > 0.0 {
                return requests;
            }
        }
        0
    };
    let mut all: Vec<u64> = (0..RUNS).map(until).collect();
    all.sort_unstable();
    all[all.len() / 2]
}

/// Requests that a test of one look at 95 % needs for a power of 80 % (Fleiss, Levin and Paik 2003, section 4.2).
fn requests_of_one_look(control: f64, arm: f64) -> f64 {
    const POWER: f64 = 0.841_621_233_572_914_3;
    (effect::Z + POWER).powi(2) * (control * (1.0 - control) + arm * (1.0 - arm)) / (arm - control).powi(2)
}

#[test]
fn a_harm_is_concluded_from_at_most_three_times_the_requests_of_a_planned_test() {
    for (control, arm) in [(0.001, 0.004), (0.01, 0.02), (0.2, 0.25)] {
        let (until, planned) = (requests_until_worse(control, arm), requests_of_one_look(control, arm));
        assert!((0.5..3.0).contains(&(until as f64 / planned)), "{control} to {arm}: {until} of {planned}");
    }
}

fn latencies(requests: u64, factor: f64, seed: u64) -> ArmTotals {
    let mut noise = Noise::new(seed);
    let mut latency = LatencyHistogram::new();
    (0..requests).for_each(|_| latency.record((50_000.0 * factor * (0.6 * noise.normal()).exp()) as u64));
    let mut totals = ArmTotals::default();
    totals.add_counts(requests, 0, &latency);
    totals
}

#[test]
fn a_slow_arm_is_named_from_a_thousand_requests_on_and_its_tail_from_ten_thousand() {
    let conclusions = |requests| {
        let (control, arm) = (latencies(requests, 1.0, 1), latencies(requests, 1.3, 2));
        let compared = compare(&control, &arm, ALPHA, Overdispersion::NONE);
        [compared.p50, compared.p90, compared.p99].map(|part| part.unwrap().conclusion)
    };
    use Conclusion::{Undecided, Worse};
    assert_eq!(conclusions(100), [Undecided; 3]);
    assert_eq!(conclusions(1_500), [Worse, Worse, Undecided]);
    assert_eq!(conclusions(20_000), [Worse; 3]);
}

#[test]
fn until_a_rank_bounds_a_quantile_its_end_is_that_of_all_latencies() {
    let (control, arm) = (latencies(100, 1.0, 1), latencies(100, 1.0, 2));
    let interval = compare(&control, &arm, ALPHA, Overdispersion::NONE).p99.unwrap().interval;
    assert!(interval.low > 0.0 && interval.low < 1e-3 && interval.high > 1e3, "{interval:?}");
}
