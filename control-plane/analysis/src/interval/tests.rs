use super::*;
use crate::histogram::LatencyHistogram;

fn totals(requests: u64, failed: u64) -> ArmTotals {
    let mut totals = ArmTotals::default();
    totals.add_counts(requests, failed, &LatencyHistogram::new());
    totals
}

#[test]
fn without_requests_there_is_nothing_to_compare() {
    let none = ArmTotals::default();
    let some = totals(100, 1);
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
        let (control, arm) = (totals(control.0, control.1), totals(arm.0, arm.1));
        let compared = compare(&control, &arm, 0.05, Overdispersion::NONE).error_rate.unwrap();
        assert_eq!(compared.conclusion, conclusion, "{compared:?}");
    }
}
