use super::*;
use crate::evalue::{Counts, Margin, log_e};
use crate::stratum::Evidence;

fn presence(seconds: u64, baseline: u64, canary: u64) -> Presence {
    let mut presence = Presence::default();
    (0..seconds).for_each(|_| presence.see(ByArm { baseline, canary }));
    presence
}

#[test]
fn a_canary_is_alone_when_the_baseline_has_next_to_no_traffic() {
    assert!(presence(30, 0, 10).is_alone(false));
    assert!(!presence(30, 0, 1).is_alone(false), "that may be chance");
    assert!(!presence(29, 0, 1_000).is_alone(false));
    assert!(presence(5, 0, 1).is_alone(true), "at full weight it is expected");
    assert!(presence(30, 1, 1_000).is_alone(false), "a stray request is no baseline");
    assert!(!presence(30, 10, 1_000).is_alone(true), "that is one");
    assert!(!presence(30, 10, 0).is_alone(true) && !presence(30, 0, 0).is_alone(true));
}

fn reference(error_rate: f64) -> Reference {
    Reference::of_limits(Limits { error_rate, latency_p99_us: 1_000_000 })
}

/// The ratio of rates beside so many requests is the likelihood ratio of one rate against a bound:
/// `k ln psi - n limit (psi - 1)`.
#[test]
fn beside_a_reference_a_rate_is_tested_against_its_bound() {
    for (requests, failed, limit, psi) in
        [(100, 3, 0.01, 4.0_f64), (1, 1, 0.001, 150.0), (5_000, 40, 0.01, 0.6)]
    {
        let canary = ArmStratum { started: requests, failed, ..ArmStratum::default() };
        let beside = reference(limit).beside(&canary);
        let counts = Counts {
            events: ByArm { baseline: beside.failed as f64, canary: failed as f64 },
            exposures: ByArm { baseline: beside.started as f64, canary: requests as f64 },
        };
        let expected = failed as f64 * psi.ln() - requests as f64 * limit * (psi - 1.0);
        let actual = log_e(&counts, psi, Margin { ratio: 1.0, absolute: 0.0 });
        assert!((actual - expected).abs() < 1e-4 * expected.abs(), "{actual} instead of {expected}");
    }
}

/// Expectation over all numbers of slow requests, of which as many as allowed are slow.
#[test]
fn evidence_against_a_limit_is_fair_at_the_limit() {
    let reference = reference(0.01);
    let config = reference.config(&RawEngineConfig::default(), false);
    for requests in [1_u64, 20, 300] {
        let mut expected = [0.0; crate::stratum::BETS];
        let mut log_probability = requests as f64 * (1.0 - SLOW).ln();
        for slow in 0..=requests {
            let mut canary = ArmStratum { started: requests, ..ArmStratum::default() };
            canary.cells[0] = requests - slow;
            canary.cells[CELLS - 1] = slow;
            let arms = ByArm { baseline: reference.beside(&canary), canary };
            let evidence = Evidence::of(&arms, &[], Some(reference.cells.archetypes()), &config);
            for (sum, log_e) in expected.iter_mut().zip(evidence.harm) {
                *sum += (log_probability + log_e).exp();
            }
            log_probability += ((requests - slow) as f64 / (slow + 1) as f64 * SLOW / (1.0 - SLOW)).ln();
        }
        for expected in &expected[crate::stratum::ERROR_BETS..] {
            assert!((0.9..=1.0 + 2e-5).contains(expected), "{requests}: {expected}");
        }
    }
}

#[test]
fn limits_have_no_margin_but_in_the_warm_up() {
    let of = |warm| reference(0.02).config(&RawEngineConfig::default(), warm).margins;
    assert_eq!((of(false).error_ratio, of(false).error_absolute), (1.0, 0.0));
    assert!(of(true).error_ratio > 1.0 && of(true).error_absolute > 0.0);
}

#[test]
fn the_weakest_kind_is_told_of_several() {
    let part = |kind, failing| Beside { kind, failing, p99_us: 1_000.0 };
    let parts = [
        (part(BaselineUsed::Profile, 0.01), 300),
        (part(BaselineUsed::Thresholds, 0.05), 100),
        (part(BaselineUsed::Profile, 0.01), 0),
    ];
    let mean = Beside::mean(parts.into_iter().filter(|(_, requests)| *requests > 0));
    assert_eq!(mean.kind, BaselineUsed::Thresholds);
    assert!((mean.failing - 0.02).abs() < 1e-12 && (mean.p99_us - 1_000.0).abs() < 1e-9);
    assert_eq!(Beside::mean(std::iter::empty()).kind, BaselineUsed::Nothing);
}
