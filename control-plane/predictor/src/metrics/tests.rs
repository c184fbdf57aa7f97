//! Figures beside scikit-learn.

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::calibration::{Calibration, Method};

#[derive(Deserialize)]
struct Case {
    name: String,
    labels: Vec<bool>,
    scores: Vec<f64>,
    threshold: f64,
    roc_auc: f64,
    average_precision: f64,
    brier: f64,
    log_loss: f64,
    roc: [Vec<f64>; 2],
    precision_recall: [Vec<f64>; 2],
    calibration: [Vec<f64>; 2],
    confusion: [u32; 4],
    well: [f64; 4],
    rolled_back: [f64; 4],
    accuracy: f64,
    macro_f1: f64,
    weighted_f1: f64,
    probe: Vec<f64>,
    isotonic: Vec<f64>,
    sigmoid: Vec<f64>,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("../../tests/fixtures/metrics.json")).unwrap()
}

#[track_caller]
fn close(name: &str, ours: f64, theirs: f64) {
    assert!((ours - theirs).abs() < 1e-9, "{name}: {ours} is not {theirs}");
}

#[track_caller]
fn close_points(name: &str, ours: &[Point], theirs: &[Vec<f64>; 2]) {
    assert_eq!(ours.len(), theirs[0].len(), "{name}");
    for (point, (x, y)) in ours.iter().zip(theirs[0].iter().zip(&theirs[1])) {
        close(name, point.x, *x);
        close(name, point.y, *y);
    }
}

#[test]
fn figures_and_curves_are_those_of_scikit_learn() {
    for case in cases() {
        let Case { name, labels, scores, .. } = &case;
        close(name, roc_auc(labels, scores).unwrap(), case.roc_auc);
        close(name, average_precision(labels, scores).unwrap(), case.average_precision);
        close(name, brier(labels, scores), case.brier);
        close(name, log_loss(labels, scores), case.log_loss);
        close_points(name, &roc_curve(labels, scores), &case.roc);
        let curve = precision_recall_curve(labels, scores);
        // Theirs ends where all are found.
        let all = curve.iter().position(|point| point.x == 1.0).unwrap();
        let theirs = case.precision_recall.clone().map(|values| values[..=all].to_vec());
        close_points(name, &curve[..=all], &theirs);
        let bins: Vec<Point> = calibration_curve(labels, scores, 10)
            .iter()
            .map(|bin| Point { x: bin.predicted, y: bin.observed })
            .collect();
        close_points(name, &bins, &case.calibration);
    }
}

#[test]
fn confusion_and_report_are_those_of_scikit_learn() {
    for case in cases() {
        let name = &case.name;
        let counts = Confusion::at(case.threshold, &case.labels, &case.scores);
        let [well, false_alarm, missed, found] = case.confusion;
        assert_eq!(
            counts,
            Confusion {
                true_positive: found,
                false_positive: false_alarm,
                false_negative: missed,
                true_negative: well
            },
            "{name}"
        );
        let report = counts.report();
        for (class, theirs) in [(report.well, case.well), (report.rolled_back, case.rolled_back)] {
            let ours = [class.precision, class.recall, class.f1, f64::from(class.support)];
            ours.into_iter().zip(theirs).for_each(|(ours, theirs)| close(name, ours, theirs));
        }
        close(name, report.accuracy, case.accuracy);
        close(name, report.macro_f1, case.macro_f1);
        close(name, report.weighted_f1, case.weighted_f1);
    }
}

#[test]
fn calibrations_are_those_of_scikit_learn() {
    for case in cases() {
        let isotonic = Calibration::fit(Method::Isotonic, &case.labels, &case.scores);
        for (at, theirs) in case.probe.iter().zip(&case.isotonic) {
            close(&case.name, isotonic.apply(*at), *theirs);
        }
        // Theirs turns a model that is wrong way round; ours then says the rate alone.
        if case.name != "wrong way round" && case.name != "all alike" {
            let sigmoid = Calibration::fit(Method::Platt, &case.labels, &case.scores);
            for (at, theirs) in case.probe.iter().zip(&case.sigmoid) {
                let ours = sigmoid.apply(*at);
                assert!((ours - theirs).abs() < 1e-4, "{}: {ours} is not {theirs} at {at}", case.name);
            }
        }
    }
}

#[test]
fn one_outcome_alone_has_no_area() {
    assert_eq!(roc_auc(&[true, true], &[0.1, 0.2]), None);
    assert_eq!(average_precision(&[false], &[0.1]), None);
    assert_eq!(roc_auc(&[], &[]), None);
    assert_eq!(Figures::of(&[], &[]).brier, 0.0);
}

#[test]
fn the_calibration_error_is_the_mean_distance_over_deployments() {
    let (labels, scores) = ([true, false, false, false, true], [0.25, 0.25, 0.25, 0.25, 0.9]);
    // Four at 0.25 of which one: no distance. One at 0.9: 0.1, a fifth of all.
    close("by hand", calibration_error(&labels, &scores, 10), 0.02);
}

proptest! {
    #[test]
    fn the_area_is_the_chance_that_a_bad_one_has_the_higher_score(
        pairs in prop::collection::vec((any::<bool>(), 0_u8..20), 2..80)
    ) {
        let labels: Vec<bool> = pairs.iter().map(|pair| pair.0).collect();
        let scores: Vec<f64> = pairs.iter().map(|pair| f64::from(pair.1) / 20.0).collect();
        let (mut right, mut all) = (0.0, 0.0);
        for (own, its) in &pairs {
            for (other, others) in &pairs {
                if *own && !*other {
                    all += 1.0;
                    right += if its > others { 1.0 } else if its == others { 0.5 } else { 0.0 };
                }
            }
        }
        match roc_auc(&labels, &scores) {
            Some(area) => prop_assert!((area - right / all).abs() < 1e-9),
            None => prop_assert_eq!(all, 0.0),
        }
    }
}
