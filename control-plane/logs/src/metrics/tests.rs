use proptest::prelude::*;

use super::*;

#[derive(Deserialize)]
struct Table {
    scores: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    told: Vec<f64>,
    truth: Vec<bool>,
    precision: f64,
    recall: f64,
    f1: f64,
    best_f1: f64,
    average_precision: f64,
    brier: f64,
    calibration_error: f64,
}

/// Expected values by `tests/fixtures/scores.py`.
#[test]
fn scores_agree_with_scikit_learn() {
    let table: Table = serde_json::from_str(include_str!("../../tests/fixtures/scores.json")).unwrap();
    assert_eq!(table.scores.len(), 3);
    for case in table.scores {
        let told: Vec<_> = case.told.into_iter().zip(case.truth).collect();
        let scores = Scores::of(&told, 0.5);
        for (name, actual, expected) in [
            ("precision", scores.precision, case.precision),
            ("recall", scores.recall, case.recall),
            ("f1", scores.f1, case.f1),
            ("best f1", scores.best_f1, case.best_f1),
            ("average precision", scores.average_precision, case.average_precision),
            ("brier", scores.brier, case.brier),
            ("calibration error", scores.calibration_error, case.calibration_error),
        ] {
            assert!((actual - expected).abs() < 1e-12, "{name}: {actual} is not {expected}");
        }
        assert_eq!(scores.reliability.iter().map(|bin| bin.lines).sum::<u64>(), told.len() as u64);
    }
}

#[test]
fn a_group_is_right_when_it_holds_exactly_one_event() {
    for (found, truth, expected) in [
        (vec![1, 1, 2, 2], vec!["a", "a", "b", "b"], 1.0),
        (vec![1, 1, 2, 3], vec!["a", "a", "b", "b"], 0.5),
        (vec![1, 1, 1, 2], vec!["a", "a", "b", "c"], 0.25),
        (vec![1, 1, 1, 1], vec!["a", "a", "b", "b"], 0.0),
        (vec![], vec![], 0.0),
    ] {
        assert_eq!(grouping_accuracy(&found, &truth), expected, "{found:?} {truth:?}");
    }
}

#[test]
fn scores_of_nothing_and_of_one_label_are_numbers() {
    let scores = Scores::of(&[], 0.5);
    assert_eq!(scores, Scores::default());
    let scores = Scores::of(&[(0.9, false), (f64::NAN, false)], 0.5);
    assert_eq!((scores.precision, scores.recall, scores.f1, scores.average_precision), (0.0, 0.0, 0.0, 0.0));
}

/// By the definition, group by group.
fn by_sets(found: &[u8], truth: &[u8]) -> f64 {
    let lines_of =
        |all: &[u8], value: u8| -> Vec<usize> { (0..all.len()).filter(|line| all[*line] == value).collect() };
    let right =
        (0..found.len()).filter(|line| lines_of(found, found[*line]) == lines_of(truth, truth[*line]));
    right.count() as f64 / found.len() as f64
}

proptest! {
    #[test]
    fn grouping_accuracy_is_what_its_definition_says(pairs in prop::collection::vec((0..5_u8, 0..5_u8), 1..40)) {
        let (found, truth): (Vec<u8>, Vec<u8>) = pairs.into_iter().unzip();
        prop_assert_eq!(grouping_accuracy(&found, &truth), by_sets(&found, &truth));
        prop_assert_eq!(grouping_accuracy(&truth, &found), by_sets(&truth, &found));
    }
}
