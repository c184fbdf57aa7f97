use std::collections::BTreeSet;

use serin_evidence::mask::Masker;

use super::*;
use crate::evaluate::evaluate;

#[test]
fn the_same_seed_gives_the_same_lines_and_another_one_others() {
    let of = |seed| generate(&Scenario { seed, ..Scenario::default() });
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
}

#[test]
fn a_generated_log_has_what_was_asked_for() {
    let scenario = Scenario { seed: 4, lines: 20_000, events: 300, anomalous_per_mille: 100, begin: 50 };
    let lines = generate(&scenario);
    assert_eq!(lines.len(), 20_000);
    assert_eq!((lines[0].second, lines[19_999].second), (50, 249));
    let events: BTreeSet<_> = lines.iter().map(|line| line.event.clone()).collect();
    assert!((250..=300).contains(&events.len()), "{}", events.len());
    let anomalous = lines.iter().filter(|line| line.anomalous == Some(true)).count();
    assert!((1_300..=2_700).contains(&anomalous), "{anomalous}");
    assert_eq!(generate(&Scenario { events: 0, ..scenario }).len(), 20_000);
}

#[test]
fn its_templates_are_found() {
    for seed in 1..=10 {
        let lines = generate(&Scenario { seed, lines: 4_000, events: 120, ..Scenario::default() });
        let accuracy = evaluate(&lines, Masker::new(true).unwrap()).grouping_accuracy.unwrap();
        assert!(accuracy >= 0.95, "seed {seed}: {accuracy}");
    }
}
