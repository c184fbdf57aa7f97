//! How often an interval ever misses the truth, when it is looked at after every second.

use super::*;
use crate::effect;
use crate::increment::ByArm;
use crate::noise::Noise;

const RUNS: u64 = 100;
const SECONDS: u64 = 600;
const PER_SECOND: u64 = 100;
const ALPHA: f64 = 0.2;

/// Requests of a second that fail, of [`PER_SECOND`].
fn failures(noise: &mut Noise, share: f64) -> u64 {
    (0..PER_SECOND).filter(|_| noise.uniform() < share).count() as u64
}

/// Runs of which an interval ever misses the difference of the mean probabilities so far: of anytime-valid ones, and of
/// those for one look at 95 %.
fn missing(seed: u64, probability: impl Fn(u64) -> (f64, f64)) -> (u64, u64) {
    let mut noise = Noise::new(seed);
    let (mut missed, mut missed_by_one_look) = (0, 0);
    for _ in 0..RUNS {
        let (mut control, mut arm, mut sum) = ((0, 0), (0, 0), 0.0);
        let (mut is_missed, mut is_missed_by_one_look) = (false, false);
        for second in 1..=SECONDS {
            let (of_control, of_arm) = probability(second);
            control = (control.0 + PER_SECOND, control.1 + failures(&mut noise, of_control));
            arm = (arm.0 + PER_SECOND, arm.1 + failures(&mut noise, of_arm));
            sum += of_arm - of_control;
            let truth = sum / second as f64;
            let misses = |low: f64, high: f64| !(low..=high).contains(&truth);
            let Interval { low, high, .. } = error_rate(control, arm, ALPHA, 1.0);
            is_missed |= misses(low, high);
            let failed = ByArm { baseline: control.1, canary: arm.1 };
            let one_look = effect::difference(&failed, &ByArm { baseline: control.0, canary: arm.0 }, 1.0);
            is_missed_by_one_look |= one_look.is_some_and(|effect| misses(effect.low, effect.high));
        }
        missed += u64::from(is_missed);
        missed_by_one_look += u64::from(is_missed_by_one_look);
    }
    (missed, missed_by_one_look)
}

/// Most of [`RUNS`] that may miss: half of what the bound allows on average. Intervals that hold at all times miss more rarely than
/// they promise, so that more would be a fault.
fn most() -> u64 {
    (RUNS as f64 * ALPHA / 2.0) as u64
}

fn check(seed: u64, probability: impl Fn(u64) -> (f64, f64)) {
    let (missed, missed_by_one_look) = missing(seed, probability);
    assert!(missed <= most(), "seed {seed}: {missed} of {RUNS}");
    // The runs can tell: intervals for one look at 95 % miss in far more than 5 % of them.
    assert!(missed_by_one_look > RUNS / 10, "seed {seed}: {missed_by_one_look} of {RUNS}");
}

#[test]
fn looks_at_every_second_seldom_miss_a_rare_failure() {
    check(1, |_| (0.001, 0.001));
}

#[test]
fn looks_at_every_second_seldom_miss_a_usual_failure() {
    check(2, |_| (0.01, 0.012));
}

#[test]
fn looks_at_every_second_seldom_miss_a_frequent_failure() {
    check(3, |_| (0.2, 0.2));
}

#[test]
fn looks_at_every_second_seldom_miss_while_both_arms_have_incidents() {
    check(4, |second| if second % 100 < 10 { (0.3, 0.35) } else { (0.002, 0.002) });
}

#[test]
fn looks_at_every_second_seldom_miss_the_ratio_of_quantiles() {
    let mut noise = Noise::new(5);
    let (factor, sigma) = (1.2, 0.6);
    let mut missed = [0_u64; 3];
    for _ in 0..RUNS {
        let (mut control, mut arm) = <(ArmTotals, ArmTotals)>::default();
        let mut is_missed = [false; 3];
        for _ in 0..100 {
            for (totals, factor) in [(&mut control, 1.0), (&mut arm, factor)] {
                let mut latency = LatencyHistogram::new();
                (0..50).for_each(|_| {
                    latency.record((50_000.0 * factor * (sigma * noise.normal()).exp()) as u64)
                });
                totals.add_counts(50, 0, &latency);
            }
            let Comparison { p50, p90, p99, .. } = compare(&control, &arm, ALPHA, Overdispersion::NONE);
            for (is_missed, part) in is_missed.iter_mut().zip([p50, p90, p99]) {
                let Interval { low, high, .. } = part.unwrap().interval;
                *is_missed |= !(low..=high).contains(&factor);
            }
        }
        missed.iter_mut().zip(is_missed).for_each(|(missed, is_missed)| *missed += u64::from(is_missed));
    }
    assert!(missed.iter().all(|missed| *missed <= most()), "{missed:?}");
}
