use serde::Deserialize;
use serin_evidence::Hash;
use serin_evidence::mask::Masker;

use super::*;
use crate::evaluate::replay;
use crate::generate::{Scenario, generate};
use crate::metrics::Scores;

#[derive(Deserialize)]
struct Table {
    fits: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    rows: Vec<Vec<u16>>,
    truth: Vec<bool>,
    bias: f64,
    weights: Vec<f64>,
}

/// Expected values by `tests/fixtures/scores.py`.
#[test]
fn weights_agree_with_scikit_learn() {
    let table: Table = serde_json::from_str(include_str!("../../tests/fixtures/scores.json")).unwrap();
    assert_eq!(table.fits.len(), 2);
    for case in table.fits {
        let examples: Vec<Example> = case
            .rows
            .into_iter()
            .zip(case.truth)
            .map(|(features, is_anomalous)| Example { features, is_anomalous })
            .collect();
        let found = fit(&examples);
        assert!((found.bias - case.bias).abs() < 1e-5, "{} is not {}", found.bias, case.bias);
        for (feature, expected) in (0..).zip(case.weights) {
            let actual = found.weights.get(&feature).copied().unwrap_or_default();
            assert!((actual - expected).abs() < 1e-5, "{feature}: {actual} is not {expected}");
        }
    }
}

fn history(seed: u64, lines: u64) -> Vec<Example> {
    let scenario = Scenario { seed, lines, anomalous_per_mille: 80, ..Scenario::default() };
    replay(&generate(&scenario), Masker::new(true).unwrap()).1
}

fn trained(seed: u64) -> Model {
    Model::train(&history(seed, 4_000), Hash::of(b"history"), "2027-01-15").unwrap()
}

#[test]
fn on_generated_logs_it_finds_what_severity_alone_does_not() {
    let mut by_severity = Vec::new();
    for seed in 1..=5 {
        let scenario = Scenario { seed, lines: 4_000, anomalous_per_mille: 80, ..Scenario::default() };
        let lines = generate(&scenario);
        let learned = crate::evaluate::evaluate(&lines, Masker::new(true).unwrap()).classifier.unwrap();
        assert!(learned.average_precision >= 0.95 && learned.f1 >= 0.9, "seed {seed}: {learned:?}");
        assert!(learned.calibration_error <= 0.02, "seed {seed}: {}", learned.calibration_error);
        let told: Vec<_> = lines[2_000..]
            .iter()
            .map(|line| (prior(line.severity, line.exception.is_some()), line.anomalous.unwrap()))
            .collect();
        let severity = Scores::of(&told, 0.5);
        assert!(severity.average_precision < learned.average_precision, "seed {seed}: {severity:?}");
        by_severity.push(severity.average_precision);
    }
    assert!(
        by_severity.iter().any(|precision| *precision < 0.9),
        "severity tells everything: {by_severity:?}"
    );
}

#[test]
fn a_model_is_given_back_as_it_was_written_and_a_changed_one_is_refused() {
    let model = trained(3);
    let text = model.to_json().unwrap();
    let back = Model::from_json(&text).unwrap();
    assert_eq!(back.to_json().unwrap(), text);
    for example in history(4, 500) {
        assert_eq!(back.probability(&example.features), model.probability(&example.features));
    }
    assert_eq!(model.card().version.len(), 12);
    assert_eq!((model.card().lines, model.card().date.as_str()), (4_000, "2027-01-15"));
    let change = |from: &str, to: &str| {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        Model::from_json(&changed).unwrap_err().to_string()
    };
    assert_eq!(change("\"format\": 1", "\"format\": 2"), "format: must be 1, is 2");
    assert!(change("\"slope\": ", "\"slope\": -").contains("slope: must not be negative"));
    assert!(change("\"bias\": -", "\"bias\": -1").contains("card.version: must be"));
    assert!(change("\"weights\": {", "\"weights\": {\"16384\": 1,").contains("feature 16384"));
    assert!(change("\"format\"", "\"form\"").starts_with("line 2, column"));
}

#[test]
fn the_same_history_gives_the_same_model_and_another_one_another() {
    assert_eq!(trained(5).to_json().unwrap(), trained(5).to_json().unwrap());
    assert_ne!(trained(5).card().version, trained(6).card().version);
}

#[test]
fn a_history_that_teaches_nothing_is_refused() {
    let train = |examples: &[Example]| Model::train(examples, Hash::NONE, "2027-01-15").unwrap_err();
    assert_eq!(train(&history(1, 49)), TrainError::TooFew { found: 49 });
    let one_sided: Vec<_> =
        history(1, 100).into_iter().map(|example| Example { is_anomalous: false, ..example }).collect();
    assert_eq!(train(&one_sided), TrainError::OneSided { anomalous: 0, normal: 64 });
}

#[test]
fn calibration_makes_overconfident_scores_right_and_leaves_few_alone() {
    // Of lines with score ±4 a quarter is wrong, so the log-odds should be ±ln 3.
    let scored: Vec<_> = (0..4_000)
        .map(|line| if line % 2 == 0 { (4.0, line % 8 != 0) } else { (-4.0, line % 8 == 1) })
        .collect();
    let calibration = Calibration::of(&scored);
    assert!((calibration.probability(4.0) - 0.75).abs() < 0.005, "{calibration:?}");
    assert!((calibration.probability(-4.0) - 0.25).abs() < 0.005, "{calibration:?}");
    assert_eq!(Calibration::of(&[]), Calibration::NONE);
    let few = Calibration::of(&[(2.0, true), (-2.0, false)]);
    assert!((few.slope - 1.0).abs() < 0.3 && few.intercept.abs() < 0.1, "{few:?}");
    let against: Vec<_> =
        (0..100).map(|line| if line % 2 == 0 { (4.0, false) } else { (-4.0, true) }).collect();
    assert_eq!(Calibration::of(&against), Calibration::NONE);
}

#[test]
fn without_a_model_worse_severities_and_exceptions_are_likelier_anomalies() {
    let told: Vec<f64> = [Severity::Debug, Severity::Info, Severity::Warn, Severity::Error, Severity::Fatal]
        .into_iter()
        .flat_map(|severity| [prior(severity, false), prior(severity, true)])
        .collect();
    assert!(told.iter().all(|probability| (0.0..=1.0).contains(probability)));
    assert!(told.chunks(2).all(|pair| pair[0] < pair[1]));
    assert!(told.iter().step_by(2).is_sorted() && told.iter().skip(1).step_by(2).is_sorted());
    let with_model = trained(3);
    let tokens = ["Cart", "failed"];
    let of = |model| probability(model, tokens.into_iter(), Severity::Warn, None);
    assert_eq!(of(None), prior(Severity::Warn, false));
    assert_ne!(of(Some(&with_model)), of(None));
}

#[test]
fn features_are_sorted_below_their_number_and_tell_order_severity_and_exception() {
    let of = |text: &str, severity, exception| features(text.split(' '), severity, exception);
    let plain = of("a b c", Severity::Info, None);
    assert!(plain.is_sorted() && plain.iter().all(|feature| usize::from(*feature) < FEATURES));
    assert_eq!(plain.len(), 8);
    for other in [
        of("b a c", Severity::Info, None),
        of("a b c", Severity::Error, None),
        of("a b c", Severity::Info, Some("X")),
    ] {
        assert_ne!(plain, other);
    }
    assert_eq!(plain, of("a, b. c;", Severity::Info, None));
}
