//! Training in the order of time.

use super::*;
use crate::model::ForestSettings;
use crate::simulate::{csv, deployments};
use crate::table::{Format, Layout, Table};

fn history(text: &str) -> History {
    History::try_from(&Table::read(text, Format::Csv, &Layout::default()).unwrap()).unwrap()
}

fn training() -> Training {
    let settings =
        Settings { forest: ForestSettings { trees: 60, ..ForestSettings::default() }, ..Settings::default() };
    Training { settings, ..Training::default() }
}

#[test]
fn the_model_depends_on_how_much_history_there_is() {
    let chosen = |count| {
        let evaluation = training().evaluate(&history(&csv(&deployments(count, 4), false)));
        (evaluation.chosen, evaluation.contenders.iter().map(|one| one.kind).collect::<Vec<_>>())
    };
    assert_eq!(chosen(120), (Kind::Logistic, vec![]));
    assert_eq!(chosen(600).1, [Kind::Forest, Kind::Logistic]);
    assert_eq!(chosen(2_100).1, [Kind::Forest, Kind::Boosting, Kind::Logistic]);
}

#[test]
fn nested_folds_judge_what_came_after_and_come_near_to_the_truth() {
    let drawn = deployments(2_400, 9);
    let evaluation = training().evaluate(&history(&csv(&drawn, false)));
    assert!(evaluation.folds.windows(2).all(|pair| pair[0].learned < pair[1].learned));
    assert_eq!(evaluation.predictions.len(), 2_000);
    let figures = evaluation.figures.unwrap();
    let late = &drawn[400..];
    let labels: Vec<bool> = late.iter().map(|one| one.rolled_back).collect();
    assert_eq!(labels, evaluation.predictions.iter().map(|one| one.1).collect::<Vec<_>>());
    let truth = Figures::of(&labels, &late.iter().map(|one| one.probability).collect::<Vec<_>>());
    // Staging tells of a fault what the truth beforehand does not know, so that a model may come near to it or pass it.
    assert!(figures.roc_auc > truth.roc_auc.map(|area| area - 0.05), "{figures:?} {truth:?}");
    assert!(figures.calibration_error < 0.06, "{figures:?}");
}

#[test]
fn what_happens_later_changes_no_earlier_judgement() {
    let text = csv(&deployments(900, 5), false);
    let whole = training().evaluate(&history(&text));
    // The last fold with outcomes turned round: earlier folds stay, to the last bit.
    let lines: Vec<&str> = text.lines().collect();
    let turned: Vec<String> = lines
        .iter()
        .enumerate()
        .map(|(row, line)| match (row > 800, line.rsplit_once(',')) {
            (true, Some((rest, label))) => format!("{rest},{}", if label == "1" { 0 } else { 1 }),
            _ => (*line).to_owned(),
        })
        .collect();
    let other = training().evaluate(&history(&(turned.join("\n") + "\n")));
    assert_eq!(whole.folds[..4], other.folds[..4]);
    assert_ne!(whole.folds[4], other.folds[4]);
}

#[test]
fn what_is_measured_on_the_canary_is_used_only_where_it_is_asked_for() {
    let text = csv(&deployments(500, 6), false);
    let of = |stage| Training { stage, ..training() }.train(&history(&text)).unwrap().0;
    let (before, canary) = (of(Stage::Before), of(Stage::Canary));
    assert!(before.card().features.iter().all(|name| !name.starts_with("canary_")));
    assert!(canary.card().features.iter().any(|name| name == "canary_log_evidence"));
    let area = |document: &Document| document.card().evaluation.figures.unwrap().roc_auc.unwrap();
    assert!(area(&canary) > area(&before), "{} {}", area(&canary), area(&before));
    assert_eq!(before.version().len(), 12);
    assert_ne!(before.version(), canary.version());
}

#[test]
fn importance_names_what_matters() {
    let text = csv(&deployments(2_400, 9), false);
    let (document, _) = Training { kind: Some(Kind::Logistic), ..training() }.train(&history(&text)).unwrap();
    let importances = &document.card().importances;
    assert!(importances.windows(2).all(|pair| pair[0].loss >= pair[1].loss));
    let place = |name: &str| importances.iter().position(|one| one.feature == name).unwrap();
    assert!(place("lines_added") < place("weekday"), "{importances:?}");
    let lines = &importances[place("lines_added")];
    assert!(lines.with.iter().any(|other| other == "files" || other == "lines_deleted"), "{lines:?}");
}

#[test]
fn too_little_or_one_sided_history_is_refused_in_words() {
    let few = history(&csv(&deployments(15, 1), false).replacen(",0\n", ",1\n", 1));
    assert_eq!(training().train(&few).unwrap_err(), TrainingError::Few { rows: 15 });
    let mut text = String::from("at,files,rolled_back\n");
    (0..40).for_each(|row| text.push_str(&format!("{},{row},{}\n", 100_000 + row, u8::from(row == 39))));
    let said = training().train(&history(&text)).unwrap_err().to_string();
    assert!(said.starts_with("the first 32 deployments all went well"), "{said}");
    let text = text.replace("files", "canary_p99_ratio");
    let text = text.replacen(",0\n", ",1\n", 1);
    assert_eq!(training().train(&history(&text)).unwrap_err(), TrainingError::NoFeature);
}

#[test]
fn deployments_of_one_instant_are_never_learned_from_to_predict_each_other() {
    // Days with fifty deployments each: every fold ends with a day.
    let text = csv(&deployments(600, 4), false);
    let in_days: Vec<String> = text
        .lines()
        .enumerate()
        .map(|(row, line)| match (row.checked_sub(1), line.split_once(',')) {
            (Some(row), Some((_, rest))) => format!("{},{rest}", 1_700_000_000 + row / 50 * 86_400),
            _ => line.to_owned(),
        })
        .collect();
    let logistic = Training { kind: Some(Kind::Logistic), ..training() };
    let evaluation = logistic.evaluate(&history(&(in_days.join("\n") + "\n")));
    assert_eq!(evaluation.folds.len(), 5);
    assert!(evaluation.folds.iter().all(|fold| fold.learned % 50 == 0), "{:?}", evaluation.folds);
    let at_once: Vec<String> = in_days
        .iter()
        .enumerate()
        .map(|(row, line)| match (row, line.split_once(',')) {
            (1.., Some((_, rest))) => format!("1700000000,{rest}"),
            _ => line.clone(),
        })
        .collect();
    let refused = logistic.train(&history(&(at_once.join("\n") + "\n"))).unwrap_err();
    assert_eq!(refused, TrainingError::OneInstant { rows: 600 });
}

#[test]
fn a_shift_is_found_and_the_same_law_is_not_one() {
    let table = |count, seed| {
        Table::read(&csv(&deployments(count, seed), false), Format::Csv, &Layout::default()).unwrap()
    };
    let known = table(2_000, 12);
    let logistic = Training { kind: Some(Kind::Logistic), ..training() };
    let (document, _) = logistic.train(&History::try_from(&known).unwrap()).unwrap();
    let later = known.picked(&(1_600..2_000).collect::<Vec<_>>());
    let drift = document.predictor().drift(&later);
    assert!(drift.fits == Some(true) && drift.statement.starts_with("the model fits"), "{}", drift.statement);
    let few = document.predictor().drift(&later.picked(&(0..29).collect::<Vec<_>>()));
    assert!(few.fits.is_none() && few.statement.starts_with("29 are too few"), "{}", few.statement);
    let mut shifted = later.clone();
    for (name, column) in &mut shifted.columns {
        if let (true, crate::table::Column::Measure(values)) = (name == "files", column) {
            values.iter_mut().for_each(|value| *value *= 3.0);
        }
    }
    let drift = document.predictor().drift(&shifted);
    assert!(drift.fits == Some(false) && drift.features[0].feature == "files", "{}", drift.statement);
    assert!(drift.statement.contains("files no longer look"), "{}", drift.statement);
    let mut worse = later;
    worse.labels.iter_mut().take(150).for_each(|label| *label = Some(true));
    let drift = document.predictor().drift(&worse);
    assert!(drift.statement.contains("were rolled back where"), "{}", drift.statement);
}
