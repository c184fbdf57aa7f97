//! Properties of the models. How right they are is held beside scikit-learn in `tests/comparison.rs`.

use proptest::prelude::*;

use super::*;
use serin_random::Random;

/// Two features that matter, one that does not, one with missing values.
fn drawn(rows: usize, seed: u64) -> (Matrix, Vec<bool>) {
    let mut random = Random::new(seed, 3);
    let mut columns = vec![Vec::new(); 4];
    let mut labels = Vec::new();
    for _ in 0..rows {
        let (a, b, noise) = (random.normal(), random.normal(), random.normal());
        let log_odds = -1.0 + 1.5 * a + if b > 0.5 { 1.5 } else { 0.0 };
        labels.push(random.chance(sigmoid(log_odds)));
        let gap = if random.chance(0.2) { f64::NAN } else { a + random.normal() };
        for (column, value) in columns.iter_mut().zip([a, b, noise, gap]) {
            column.push(value);
        }
    }
    (Matrix::of_columns(&columns), labels)
}

fn small() -> Settings {
    Settings { forest: ForestSettings { trees: 40, ..ForestSettings::default() }, ..Settings::default() }
}

#[test]
fn the_same_seed_gives_the_same_bits_and_another_one_another_forest() {
    let (rows, labels) = drawn(300, 1);
    for kind in Kind::ALL {
        let (one, other) = (small().learn(kind, &rows, &labels), small().learn(kind, &rows, &labels));
        let bits =
            |model: &Model| -> Vec<u64> { model.probabilities(&rows).iter().map(|p| p.to_bits()).collect() };
        assert_eq!(bits(&one), bits(&other), "{kind:?}");
    }
    let mut other = small();
    other.forest.seed = 2;
    assert_ne!(
        small().learn(Kind::Forest, &rows, &labels).probabilities(&rows),
        other.learn(Kind::Forest, &rows, &labels).probabilities(&rows)
    );
}

#[test]
fn contributions_add_up_to_the_prediction() {
    let (rows, labels) = drawn(400, 2);
    for kind in Kind::ALL {
        let model = small().learn(kind, &rows, &labels);
        for row in rows.rows().chain([&[f64::NAN; 4][..], &[9.0, -9.0, 0.0, f64::NAN]]) {
            let said = model.contributions(row);
            let total = match said.scale {
                Scale::Probability => said.total(),
                Scale::LogOdds => sigmoid(said.total()),
            };
            assert!((total - model.probability(row)).abs() < 1e-6, "{kind:?}: {said:?}");
        }
    }
}

#[test]
fn a_feature_that_matters_is_used_more_than_noise() {
    let (rows, labels) = drawn(1_500, 3);
    for kind in Kind::ALL {
        let usage = small().learn(kind, &rows, &labels).usage(4);
        assert!((usage.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(usage[0] > 2.0 * usage[2], "{kind:?}: {usage:?}");
    }
}

#[test]
fn what_a_forest_says_of_rows_that_trees_did_not_see_is_as_right_as_on_new_rows() {
    let (rows, labels) = drawn(800, 4);
    let (later, outcomes) = drawn(2_000, 5);
    let Model::Forest(forest) = Settings::default().learn(Kind::Forest, &rows, &labels) else { panic!() };
    let outside = forest.out_of_bag_roc_auc(&labels).unwrap();
    assert_eq!(forest.out_of_bag().len(), 800);
    let said: Vec<f64> = later.rows().map(|row| forest.probability(row)).collect();
    let new = crate::metrics::roc_auc(&outcomes, &said).unwrap();
    assert!((outside - new).abs() < 0.03, "{outside} and {new}");
    let inside: Vec<f64> = rows.rows().map(|row| forest.probability(row)).collect();
    assert!(crate::metrics::roc_auc(&labels, &inside).unwrap() > outside + 0.05);
}

#[test]
fn missing_values_are_learned_from() {
    // Whether the value is missing is all that there is to know.
    let mut random = Random::new(6, 0);
    let labels: Vec<bool> = (0..400).map(|_| random.chance(0.4)).collect();
    let values = labels.iter().map(|bad| if *bad { f64::NAN } else { random.normal() }).collect();
    let rows = Matrix::of_columns(&[values]);
    for kind in [Kind::Forest, Kind::Boosting] {
        let model = small().learn(kind, &rows, &labels);
        let (missing, there) = (model.probability(&[f64::NAN]), model.probability(&[0.3]));
        assert!(missing > 0.9 && there < 0.1, "{kind:?}: {missing}, {there}");
    }
}

#[test]
fn balance_raises_what_is_said_of_the_rarer_outcome() {
    let (rows, labels) = drawn(900, 7);
    let (later, _) = drawn(900, 8);
    for kind in Kind::ALL {
        let mean = |settings: Settings| {
            let said = settings.learn(kind, &rows, &labels).probabilities(&later);
            said.iter().sum::<f64>() / said.len() as f64
        };
        let rate = labels.iter().filter(|bad| **bad).count() as f64 / 900.0;
        assert!((mean(small()) - rate).abs() < 0.04, "{kind:?}: {} and {rate}", mean(small()));
        let balanced = mean(Settings { balance: true, ..small() });
        assert!(balanced > mean(small()) + 0.015, "{kind:?}: {balanced}");
    }
}

#[test]
fn a_constant_table_gives_the_rate() {
    let rows = Matrix::of_columns(&[vec![1.0; 40], vec![f64::NAN; 40]]);
    let labels: Vec<bool> = (0..40).map(|row| row % 4 == 0).collect();
    for kind in Kind::ALL {
        let p = small().learn(kind, &rows, &labels).probability(rows.row(0));
        assert!((p - 0.25).abs() < 0.03, "{kind:?}: {p}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn any_rows_give_probabilities_and_a_model_that_can_be_checked(
        values in prop::collection::vec((any::<bool>(), -5_i8..5, prop::option::of(any::<f32>())), 8..60)
    ) {
        let labels: Vec<bool> = values.iter().map(|one| one.0).collect();
        let wild = values.iter().map(|one| one.2.filter(|value| value.is_finite()).map_or(f64::NAN, f64::from));
        let rows = Matrix::of_columns(&[values.iter().map(|one| f64::from(one.1)).collect(), wild.collect()]);
        prop_assume!(labels.iter().any(|bad| *bad) && labels.iter().any(|bad| !*bad));
        let settings = Settings { forest: ForestSettings { trees: 5, ..ForestSettings::default() }, ..small() };
        for kind in Kind::ALL {
            let model = settings.learn(kind, &rows, &labels);
            prop_assert_eq!(model.check(2), Ok(()));
            for p in model.probabilities(&rows) {
                prop_assert!((0.0..=1.0).contains(&p), "{:?} says {}", kind, p);
            }
        }
    }
}
