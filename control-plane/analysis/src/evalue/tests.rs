use proptest::prelude::*;

use super::*;

const HARM: [f64; 8] = [1.3, 1.7, 2.5, 4.0, 7.0, 15.0, 40.0, 150.0];

fn counts(k_a: u64, k_b: u64, n_a: u64, n_b: u64) -> Counts {
    Counts {
        events: ByArm { baseline: k_a as f64, canary: k_b as f64 },
        exposures: ByArm { baseline: n_a as f64, canary: n_b as f64 },
    }
}

#[test]
fn golden_vectors_of_the_formula() {
    let check = |[k_a, k_b, n_a, n_b]: [u64; 4], psi, ratio, absolute, expected: f64| {
        let value = log_e(&counts(k_a, k_b, n_a, n_b), psi, Margin { ratio, absolute });
        assert!((value - expected).abs() < 1e-9, "{value} instead of {expected}");
    };
    check([9, 6, 900, 100], 4.0, 1.1, 5e-4, 3.976_230_651_4);
    check([0, 3, 990, 10], 40.0, 1.1, 5e-4, 9.861_613_530_5);
    check([2, 0, 95, 5], 2.5, 1.0, 0.0, -0.144_641_323_2);
    check([40, 9, 900, 100], 0.3, 1.25, 3e-3, -6.261_829_686_3);
}

/// Probabilities of 0 to `n` events among `n` requests with the given event probabilities.
fn count_probabilities(requests: &[f64]) -> Vec<f64> {
    let mut probabilities = vec![1.0];
    for p in requests {
        let mut next = vec![0.0; probabilities.len() + 1];
        for (events, probability) in probabilities.iter().enumerate() {
            next[events] += probability * (1.0 - p);
            next[events + 1] += probability * p;
        }
        probabilities = next;
    }
    probabilities
}

/// Exact expectation of the e-value, by enumeration of both arms' counts.
fn expectation(baseline: &[f64], canary: &[f64], psi: f64, margin: Margin) -> f64 {
    let (n_a, n_b) = (baseline.len() as u64, canary.len() as u64);
    let (a, b) = (count_probabilities(baseline), count_probabilities(canary));
    let mut sum = 0.0;
    for (k_a, p_a) in a.iter().enumerate() {
        for (k_b, p_b) in b.iter().enumerate() {
            sum += p_a * p_b * log_e(&counts(k_a as u64, k_b as u64, n_a, n_b), psi, margin).exp();
        }
    }
    sum
}

#[test]
fn no_canary_within_the_margin_is_expected_to_gain_evidence_of_harm() {
    let mut largest = 0.0_f64;
    for (n_a, n_b) in [(1, 1), (9, 1), (20, 5), (5, 20), (60, 3)] {
        for (ratio, absolute) in [(1.0, 0.0), (1.1, 5e-4), (1.5, 0.02)] {
            for p_a in [0.0, 0.001, 0.01, 0.1, 0.4, 0.6] {
                for part in [0.0, 0.5, 1.0] {
                    let p_b = f64::min(part * (ratio * p_a + absolute), 1.0);
                    for psi in HARM {
                        let margin = Margin { ratio, absolute };
                        largest = largest.max(expectation(&vec![p_a; n_a], &vec![p_b; n_b], psi, margin));
                    }
                }
            }
        }
    }
    assert!(largest <= 1.0 + 1e-9, "{largest}");
    assert!(largest > 0.999, "the bound is sharp at the margin: {largest}");
}

#[test]
fn no_canary_beyond_the_healthy_margin_is_expected_to_gain_evidence_of_health() {
    let mut largest = 0.0_f64;
    for (n_a, n_b) in [(1, 1), (9, 1), (20, 5), (5, 20), (60, 3)] {
        for (ratio, absolute) in [(1.25, 3e-3), (1.0, 0.02)] {
            for p_a in [0.0, 0.001, 0.01, 0.1, 0.4] {
                for part in [1.0, 1.5, 3.0] {
                    let p_b = f64::min(part * (ratio * p_a + absolute), 1.0);
                    for psi in [0.1, 0.3, 0.6, 0.9] {
                        let margin = Margin { ratio, absolute };
                        largest = largest.max(expectation(&vec![p_a; n_a], &vec![p_b; n_b], psi, margin));
                    }
                }
            }
        }
    }
    assert!(largest <= 1.0 + 1e-9, "{largest}");
}

#[test]
fn requests_of_unequal_risk_do_not_break_the_bound() {
    let baseline = [0.4, 0.05, 0.0, 0.3, 0.12, 0.2];
    let mean = baseline.iter().sum::<f64>() / baseline.len() as f64;
    for canary in [[3.0 * mean, 0.0, 0.0], [mean, mean, mean], [1.5 * mean, 1.2 * mean, 0.3 * mean]] {
        for psi in HARM {
            let value = expectation(&baseline, &canary, psi, Margin { ratio: 1.0, absolute: 0.0 });
            assert!(value <= 1.0 + 1e-12, "{canary:?} {psi}: {value}");
        }
    }
}

/// A request adds a factor that depends on its arm and cell alone, so the expectation is a product.
#[test]
fn monotone_ratios_never_expect_evidence_against_a_stochastically_smaller_canary() {
    let baseline = [0.5, 0.3, 0.15, 0.05];
    let canaries = [baseline, [0.8, 0.0, 0.15, 0.05], [0.5, 0.32, 0.18, 0.0], [0.6, 0.25, 0.1, 0.05]];
    for ratios in [[1.0, 1.0, 1.0, 20.0], [0.2, 0.9, 1.5, 4.0], [0.01, 0.01, 3.0, 1000.0]] {
        for canary in canaries {
            for (n_a, n_b) in [(1, 1), (5, 2), (2, 7)] {
                let value = cells_expectation(&baseline, &canary, &ratios, n_a, n_b);
                assert!(value <= 1.0 + 1e-9, "{canary:?} {ratios:?}: {value}");
            }
        }
    }
    let slower = cells_expectation(&baseline, &[0.2, 0.3, 0.3, 0.2], &[0.2, 0.9, 1.5, 4.0], 9, 3);
    assert!(slower > 1.2, "a slower canary is found: {slower}");
}

fn cells_expectation(p_a: &[f64; 4], p_b: &[f64; 4], ratios: &[f64; 4], n_a: u32, n_b: u32) -> f64 {
    let mut sum = 0.0;
    let total = 4_usize.pow(n_a + n_b);
    for outcome in 0..total {
        let (mut a, mut b, mut probability, mut rest) = ([0.0; 4], [0.0; 4], 1.0, outcome);
        for request in 0..n_a + n_b {
            let cell = rest % 4;
            rest /= 4;
            let (into, p) = if request < n_a { (&mut a, p_a) } else { (&mut b, p_b) };
            into[cell] += 1.0;
            probability *= p[cell];
        }
        sum += probability * log_e_cells(&a, &b, ratios).exp();
    }
    sum
}

#[test]
fn one_arm_alone_says_nothing() {
    for psi in HARM {
        for counts in [counts(5, 0, 100, 0), counts(0, 7, 0, 9), counts(0, 0, 0, 0)] {
            assert_eq!(log_e(&counts, psi, Margin { ratio: 1.1, absolute: 5e-4 }), 0.0);
        }
    }
    assert_eq!(log_e_cells(&[0.0, 0.0], &[4.0, 5.0], &[0.5, 2.0]), 0.0);
}

#[test]
fn sums_of_logarithms_neither_overflow_nor_lose_zero() {
    assert_eq!(log_sum([LOG_ZERO, LOG_ZERO].into_iter()), LOG_ZERO);
    assert_eq!(log_add(LOG_ZERO, -3.0), -3.0);
    assert!((log_add(5000.0, 5000.0) - 5000.0 - 2.0_f64.ln()).abs() < 1e-9);
    assert!((log_sum([0.5_f64.ln(), 0.25_f64.ln()].into_iter()) - 0.75_f64.ln()).abs() < 1e-15);
}

proptest! {
    #[test]
    fn evidence_is_a_number_for_any_counts(
        (n_a, n_b) in (0..1_000_000_000_000_000_u64, 0..1_000_000_000_000_000_u64),
        (k_a, k_b) in (0..1_000_000_000_000_000_u64, 0..1_000_000_000_000_000_u64),
        psi in 0.01..1000.0_f64,
        ratio in 1.0..100.0_f64,
        absolute in 0.0..0.5_f64,
    ) {
        let value = log_e(&counts(k_a, k_b, n_a, n_b), psi, Margin { ratio, absolute });
        prop_assert!(value.is_finite(), "{value}");
    }

    #[test]
    fn one_more_canary_failure_never_lowers_the_evidence_of_harm(
        (n_a, n_b) in (1..100_000_u64, 1..100_000_u64),
        (k_a, k_b) in (0..1_000_u64, 0..1_000_u64),
        psi in 1.01..150.0_f64,
    ) {
        let margin = Margin { ratio: 1.1, absolute: 5e-4 };
        let before = log_e(&counts(k_a, k_b, n_a, n_b), psi, margin);
        prop_assert!(log_e(&counts(k_a, k_b + 1, n_a, n_b), psi, margin) >= before);
        prop_assert!(log_e(&counts(k_a + 1, k_b, n_a, n_b), psi, margin) <= before);
    }
}
