use super::*;
use crate::failures::FailureCounts;
use crate::ledger::{ClosedStrata, ClosedStratum};

#[derive(Deserialize)]
struct Case {
    strata: Vec<Given>,
    expected: [f64; Category::ALL.len()],
}

#[derive(Deserialize)]
struct Given {
    exposures: [u64; 2],
    failed: [[u64; Category::ALL.len()]; 2],
    late: Vec<Late>,
}

#[derive(Deserialize)]
struct Late {
    of: u64,
    failed: [[u64; Category::ALL.len()]; 2],
}

fn arm(started: u64, failed: [u64; Category::ALL.len()]) -> ArmStratum {
    let categories = FailureCounts::of(failed);
    ArmStratum { started, failed: categories.total(), categories, ..ArmStratum::default() }
}

fn evidence(categories: &Categories) -> [f64; Category::ALL.len()] {
    Category::ALL.map(|category| categories.log_evidence(category))
}

/// Expected values by `tests/fixtures/categories.py`.
#[test]
fn evidence_by_category_agrees_with_scipy() {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../../tests/fixtures/categories.json")).unwrap();
    let phi = Phi { errors: 3.0, firsts: 1.2, latency: 4.0 };
    for (index, case) in cases.iter().enumerate() {
        let (mut categories, mut closed) = (Categories::default(), ClosedStrata::default());
        for (second, given) in (0..).zip(&case.strata) {
            for late in &given.late {
                let [baseline, canary] = late.failed.map(FailureCounts::of);
                closed.fail(late.of, crate::Arm::Baseline, &baseline);
                closed.fail(late.of, crate::Arm::Canary, &canary);
            }
            let [baseline, canary] = given.exposures;
            let arms =
                ByArm { baseline: arm(baseline, given.failed[0]), canary: arm(canary, given.failed[1]) };
            let late = closed.take_late();
            let exposures = ByArm { baseline, canary };
            closed.push(ClosedStratum::new(second, second, exposures, &arms.canary.categories), |_| true);
            categories.update(&ByCategory::of(&arms, &late, false, &RawEngineConfig::default()).scaled(phi));
        }
        for (actual, expected) in evidence(&categories).into_iter().zip(case.expected) {
            let expected = expected.max(0.0);
            assert!((actual - expected).abs() < 1e-4, "case {index}: {actual} instead of {expected}");
        }
    }
}

#[test]
fn what_components_say_adds_up_whichever_saw_a_category() {
    let config = RawEngineConfig::default();
    let of = |canary: [u64; Category::ALL.len()]| {
        let arms = ByArm { baseline: arm(90, [0; Category::ALL.len()]), canary: arm(10, canary) };
        ByCategory::of(&arms, &[], false, &config)
    };
    let (errors, timeouts, none) =
        (of([2, 0, 0, 0, 0, 0, 0]), of([0, 3, 0, 0, 0, 0, 0]), of([0; Category::ALL.len()]));
    let mut sum = errors.clone();
    sum.add(&timeouts);
    sum.add(&none);
    for (at, own) in [(0, &errors), (1, &timeouts), (2, &none)] {
        for (bet, actual) in sum.bets_of(at).iter().enumerate() {
            let expected = own.bets_of(at)[bet] + 2.0 * none.none[bet];
            assert!((actual - expected).abs() < 1e-12, "category {at}, bet {bet}: {actual}, not {expected}");
        }
    }
}

#[test]
fn one_category_alone_has_the_evidence_of_all_failures() {
    let (config, phi) = (RawEngineConfig::default(), RawEngineConfig::default().phi());
    let arms = ByArm { baseline: arm(90, [0, 2, 0, 0, 0, 0, 0]), canary: arm(10, [0, 4, 0, 0, 0, 0, 0]) };
    let all = Evidence::of(&arms, &[], None, &config).scaled(phi);
    let of = ByCategory::of(&arms, &[], false, &config).scaled(phi);
    for (expected, actual) in all.harm.iter().zip(of.bets_of(1)) {
        assert!((expected - actual).abs() < 1e-12, "{actual} instead of {expected}");
    }
}
