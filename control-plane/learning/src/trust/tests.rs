use proptest::prelude::*;

use super::*;
use crate::outcome::{Decided, Truth};
use crate::sample::{outcome, person, told};
use serin_analysis::streams::Kind;

/// An outcome of a service that `by` calls a false alarm.
fn alarm(number: u64, service: u8, by: Teller) -> Outcome {
    let undone = outcome(number, Decided::RolledBack, Kind::SlowLoad, 0.2);
    told(Outcome { service: format!("s{service}"), ..undone }, Truth::Harmless, by)
}

fn total(outcomes: &[Outcome], weights: &[f64], of: impl Fn(&Outcome) -> bool) -> f64 {
    outcomes.iter().zip(weights).filter(|(outcome, _)| of(outcome)).map(|(_, weight)| weight).sum()
}

#[test]
fn one_person_alone_counts_nothing() {
    let alone: Vec<Outcome> =
        (0..50).map(|number| alarm(number, number as u8 % 5, person("mallory"))).collect();
    assert_eq!(weights(&alone), [0.0; 50]);
}

#[test]
fn beside_what_is_measured_one_person_counts_no_more_than_that() {
    let mut alarms: Vec<Outcome> =
        (0..50).map(|number| alarm(number, number as u8 % 5, person("mallory"))).collect();
    alarms.extend((50..55).map(|number| alarm(number, number as u8 % 5, Teller::Verification)));
    let weights = weights(&alarms);
    let of = |by: &Teller| total(&alarms, &weights, |outcome| outcome.label.as_ref().unwrap().by == *by);
    assert!((of(&person("mallory")) - 5.0).abs() < 1e-6, "{}", of(&person("mallory")));
    assert!((of(&Teller::Verification) - 5.0).abs() < 1e-6);
}

#[test]
fn what_nobody_said_counts_little_and_what_nobody_knows_nothing() {
    let promoted = |number| outcome(number, Decided::Promoted, Kind::SlowLoad, 0.1);
    let outcomes = [promoted(0), told(promoted(1), Truth::Harmless, Teller::Default)];
    assert_eq!(weights(&outcomes), [0.0, OF_DEFAULT]);
}

#[test]
fn where_voices_agree_in_number_nothing_is_taken() {
    let alarms: Vec<Outcome> = (0..60)
        .map(|number| alarm(number, number as u8 % 6, person(["a", "b", "c", "d"][number as usize % 4])))
        .collect();
    assert!(weights(&alarms).iter().all(|weight| (*weight - 1.0).abs() < 1e-9));
}

proptest! {
    #[test]
    fn nobody_and_no_service_has_more_than_its_part(
        voices in prop::collection::vec((0..8_u8, 0..9_u8), 1..120),
    ) {
        // Of the ninth name: a verification.
        let teller = |by: u8| if by == 8 { Teller::Verification } else { person(&format!("p{by}")) };
        let alarms: Vec<Outcome> = voices
            .iter()
            .enumerate()
            .map(|(number, (service, by))| alarm(number as u64, *service, teller(*by)))
            .collect();
        let weights = weights(&alarms);
        let all: f64 = weights.iter().sum();
        prop_assert!(weights.iter().all(|weight| (0.0..=1.0).contains(weight)));
        let distinct = |of: &dyn Fn(&(u8, u8)) -> u8| {
            voices.iter().map(of).collect::<std::collections::BTreeSet<u8>>().len() as f64
        };
        let persons = PERSON_MOST.max(1.0 / distinct(&|(_, by)| *by));
        let services = SERVICE_MOST.max(1.0 / distinct(&|(service, _)| *service));
        for name in 0..8 {
            let said = total(&alarms, &weights, |outcome| outcome.label.as_ref().unwrap().by == teller(name));
            prop_assert!(said <= persons * all + 1e-9, "p{}: {} of {}", name, said, all);
            let of = total(&alarms, &weights, |outcome| outcome.service == format!("s{name}"));
            prop_assert!(of <= services * alarms.len() as f64 + 1e-9, "s{}: {}", name, of);
        }
    }
}
