//! What the gate says, by how much it knows.

use super::*;
use crate::model::{ForestSettings, Settings};
use crate::simulate::{csv, deployments};
use crate::table::{Format, History, Layout};
use crate::training::Training;

const THRESHOLDS: Thresholds = Thresholds { approval: 0.2, block: 0.5 };

fn document(count: usize) -> Document {
    let table = Table::read(&csv(&deployments(count, 21), false), Format::Csv, &Layout::default()).unwrap();
    let settings =
        Settings { forest: ForestSettings { trees: 60, ..ForestSettings::default() }, ..Settings::default() };
    Training { settings, ..Training::default() }.train(&History::try_from(&table).unwrap()).unwrap().0
}

fn release(text: &str) -> Table {
    Table::read(text, Format::Json, &Layout { labelled: false, ..Layout::default() }).unwrap()
}

fn harmless() -> Table {
    release(
        r#"{"service":"cart","lines_added":4,"lines_deleted":1,"files":1,"directories":1,"entropy":0,"services":1,"migrations":0,
        "dependencies":0,"config_changes":0,"tests_passed":1,"coverage_delta":0.5,"hours_since_deploy":5,"recent_rollbacks":0,"hour":10,
        "weekday":2,"staging_latency_ratio":1.0,"staging_error_rate":0.001,"staging_cpu_ratio":1.0,"staging_memory_ratio":1.0}"#,
    )
}

fn dangerous() -> Table {
    release(
        r#"{"service":"cart","lines_added":4000,"lines_deleted":900,"files":90,"directories":30,"entropy":6,"services":4,"migrations":2,
        "dependencies":4,"config_changes":3,"tests_passed":0.9,"coverage_delta":-6,"hours_since_deploy":300,"recent_rollbacks":7,
        "hour":23,"weekday":5,"staging_latency_ratio":1.9,"staging_error_rate":0.02,"staging_cpu_ratio":1.4,"staging_memory_ratio":1.4}"#,
    )
}

#[test]
fn a_harmless_release_passes_and_a_dangerous_one_is_blocked_with_reasons_and_actions() {
    let document = document(2_500);
    let answer = ask(&document, &harmless(), THRESHOLDS);
    assert_eq!((answer.decision, answer.exit_code), (Decision::Allow, 0), "{answer:?}");
    assert!(answer.probability < 0.1);
    let answer = ask(&document, &dangerous(), THRESHOLDS);
    assert_eq!((answer.decision, answer.exit_code), (Decision::Block, 20), "{answer:?}");
    assert!(answer.lower_bound > 0.5 && answer.lower_bound <= answer.probability);
    assert!(answer.reasons.iter().any(|reason| reason.contribution > 0.0 && reason.text.contains("raises")));
    let actions: Vec<&str> = answer.actions.iter().map(|one| one.action).collect();
    for action in ["smaller_first_step", "longer_bake", "off_peak_window", "smaller_change", "extra_approval"]
    {
        assert!(actions.contains(&action), "{actions:?}");
    }
}

#[test]
fn with_little_history_the_gate_only_advises_and_with_some_it_does_not_block() {
    let few = ask(&document(40), &dangerous(), THRESHOLDS);
    assert_eq!(few.decision, Decision::Allow);
    assert!(few.notes.iter().any(|note| note.contains("advises only")), "{few:?}");
    let document = document(200);
    assert_eq!(document.card().kind, crate::model::Kind::Logistic);
    let some = ask(&document, &dangerous(), Thresholds { approval: 0.2, block: 0.0 });
    assert_eq!(some.decision, Decision::NeedsApproval, "{some:?}");
    assert_eq!(some.exit_code, 10);
}

#[test]
fn what_the_model_does_not_know_is_noted() {
    let document = document(400);
    let answer = ask(&document, &release(r#"{"service":"brand-new","files":3}"#), THRESHOLDS);
    assert!(answer.notes.iter().any(|note| note.contains("service brand-new is new")), "{answer:?}");
    assert!(answer.notes.iter().any(|note| note.starts_with("the release says nothing of lines_added")));
    assert!(answer.notes.iter().all(|note| !note.contains("canary_")), "{answer:?}");
}

#[test]
fn a_release_that_the_model_knows_nothing_of_needs_an_approval() {
    let document = document(400);
    let answer = ask(&document, &release(r#"{"lines_addedd":640,"Migrations":5,"note":"x"}"#), THRESHOLDS);
    assert_eq!((answer.decision, answer.missing), (Decision::NeedsApproval, 1.0), "{answer:?}");
    assert!(
        answer.notes[0].starts_with("the release says nothing of most of what the model asks for (100 %")
    );
    assert!(
        answer.notes.contains(&"not known to the model: lines_addedd, Migrations, note".to_owned()),
        "{answer:?}"
    );
    let whole = ask(&document, &harmless(), THRESHOLDS);
    assert!(whole.missing < 0.5 && whole.decision == Decision::Allow, "{whole:?}");
}

#[test]
fn a_value_beyond_what_was_learned_from_is_told() {
    let document = document(400);
    let said = |text: &str| ask(&document, &release(text), THRESHOLDS).notes;
    let far = said(r#"{"files":1e6,"staging_cpu_ratio":1}"#);
    assert!(
        far.iter().any(|note| note.starts_with("beyond what it learned from: files 1000000 (1 to ")),
        "{far:?}"
    );
    // What calibration saw is known, too.
    let drawn = deployments(400, 21);
    for late in crate::simulate::json_lines(&drawn, false).lines().skip(320) {
        let notes = said(late);
        assert!(notes.iter().all(|note| !note.starts_with("beyond")), "{late}: {notes:?}");
    }
    let near = said(r#"{"files":3,"staging_cpu_ratio":1}"#);
    assert!(near.iter().all(|note| !note.starts_with("beyond")), "{near:?}");
}

#[test]
fn decisions_follow_the_thresholds() {
    let with = |probability, lower_bound, history, missing| {
        let contributions = crate::model::Contributions {
            scale: crate::model::Scale::Probability,
            base: 0.0,
            parts: Vec::new(),
        };
        let prediction = Prediction { probability, lower_bound, raw: probability, contributions };
        decide(&prediction, history, missing, THRESHOLDS).0
    };
    let said = |probability, lower_bound, history| with(probability, lower_bound, history, 0.5);
    assert_eq!(said(0.19, 0.1, 1_000), Decision::Allow);
    assert_eq!(said(0.2, 0.1, 1_000), Decision::NeedsApproval);
    assert_eq!(said(0.9, 0.5, 1_000), Decision::NeedsApproval);
    assert_eq!(said(0.9, 0.51, 1_000), Decision::Block);
    assert_eq!(said(0.9, 0.51, 201), Decision::Block);
    assert_eq!(said(0.9, 0.51, 200), Decision::NeedsApproval);
    assert_eq!(said(0.9, 0.51, 50), Decision::NeedsApproval);
    assert_eq!(said(0.9, 0.51, 49), Decision::Allow);
    assert_eq!(with(0.1, 0.0, 1_000, 0.51), Decision::NeedsApproval, "most is missing");
    assert_eq!(with(0.9, 0.51, 1_000, 0.51), Decision::Block);
    assert_eq!(with(0.1, 0.0, 49, 0.51), Decision::Allow);
}
