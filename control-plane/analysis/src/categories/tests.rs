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

fn of(arms: &ByArm<ArmStratum>, late: &[LateFailures]) -> ByCategory {
    let config = RawEngineConfig::default();
    ByCategory::of(&Evidence::of(arms, late, None, &config), arms, late, false, &config)
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
            categories.update(&of(&arms, &late).scaled(phi));
        }
        for (actual, expected) in evidence(&categories).into_iter().zip(case.expected) {
            let expected = expected.max(0.0);
            assert!((actual - expected).abs() < 1e-4, "case {index}: {actual} instead of {expected}");
        }
    }
}

#[test]
fn what_components_say_adds_up_whichever_saw_a_category() {
    let say = |canary: [u64; Category::ALL.len()]| {
        let arms = ByArm { baseline: arm(90, [0; Category::ALL.len()]), canary: arm(10, canary) };
        of(&arms, &[])
    };
    let (errors, timeouts, none) =
        (say([2, 0, 0, 0, 0, 0, 0]), say([0, 3, 0, 0, 0, 0, 0]), say([0; Category::ALL.len()]));
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
