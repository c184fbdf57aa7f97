//! The law of simulated deployments.

use super::*;
use crate::metrics::{brier, calibration_error, roc_auc};
use crate::table::{FACTS, Format, Layout, Table};

#[test]
fn the_same_seed_gives_the_same_history_and_another_one_another() {
    let text = |seed| csv(&deployments(50, seed), true);
    assert_eq!(text(3), text(3));
    assert_ne!(text(3), text(4));
}

#[test]
fn outcomes_happen_as_often_as_the_true_probability_says() {
    let drawn = deployments(20_000, 5);
    let labels: Vec<bool> = drawn.iter().map(|one| one.rolled_back).collect();
    let truth: Vec<f64> = drawn.iter().map(|one| one.probability).collect();
    let share = labels.iter().filter(|bad| **bad).count() as f64 / labels.len() as f64;
    assert!((0.08..0.30).contains(&share), "{share}");
    assert!(calibration_error(&labels, &truth, 10) < 0.01);
    let area = roc_auc(&labels, &truth).unwrap();
    assert!((0.75..0.95).contains(&area), "{area}");
    assert!(brier(&labels, &truth) < share * (1.0 - share));
}

#[test]
fn what_the_canary_shows_tells_more_than_what_is_known_before() {
    let drawn = deployments(5_000, 6);
    let labels: Vec<bool> = drawn.iter().map(|one| one.rolled_back).collect();
    let area = |name: &str| {
        let position = FACTS.iter().position(|fact| fact.name == name).unwrap();
        roc_auc(&labels, &drawn.iter().map(|one| one.facts[position]).collect::<Vec<_>>()).unwrap()
    };
    let evidence = area("canary_log_evidence");
    assert!(evidence > 0.75, "{evidence}");
    for known in ["lines_added", "entropy", "dependencies", "recent_rollbacks"] {
        assert!((0.5..evidence).contains(&area(known)), "{known}: {}", area(known));
    }
}

#[test]
fn both_forms_read_back_as_the_same_table() {
    let drawn = deployments(200, 7);
    let read = |text: &str, format| Table::read(text, format, &Layout::default()).unwrap();
    let (one, other) = (read(&csv(&drawn, true), Format::Csv), read(&json_lines(&drawn, true), Format::Json));
    assert_eq!((one.rows(), one.labels()), (200, other.labels()));
    for fact in FACTS {
        assert_eq!(
            format!("{:?}", one.column(fact.name)),
            format!("{:?}", other.column(fact.name)),
            "{}",
            fact.name
        );
    }
    assert!(one.unused().is_empty());
}

#[test]
fn times_rise_and_fewer_deployments_fall_on_weekends() {
    let drawn = deployments(3_000, 8);
    assert!(drawn.windows(2).all(|pair| pair[0].at <= pair[1].at));
    let weekday = FACTS.iter().position(|fact| fact.name == "weekday").unwrap();
    let weekend = drawn.iter().filter(|one| one.facts[weekday] > 5.0).count();
    assert!(weekend < 500, "{weekend}");
    // 2025-01-01 was a Wednesday.
    assert_eq!(drawn[0].facts[weekday], 3.0);
}
