//! What is said of a decision afterwards, by whom and when.

use super::law::{PERSONS, SERVICES};
use crate::outcome::{Decided, Label, Outcome, Teller, Truth};
use serin_random::Random;

const DAY_S: u64 = 86_400;
/// Days after which silence of what was promoted counts as agreement.
const SILENCE_DAYS: u64 = 14;
/// How often a person marks what was undone.
const MARKED: f64 = 0.6;
/// How often verification tells of what was undone that nobody marked.
const VERIFIED: f64 = 0.3;
/// How often a fault that was promoted is noticed.
const NOTICED: f64 = 0.7;
/// How often a person is wrong.
const WRONG: f64 = 0.03;

/// The outcome with what is said of it. Silence of what was promoted becomes the default. A `poisoner` calls whatever was undone of
/// their services a false alarm, and hides what was missed.
pub(super) fn marked(
    mut outcome: Outcome,
    truth: Truth,
    poisoner: Option<&str>,
    random: &mut Random,
) -> Outcome {
    // Drawn in one order whatever is decided.
    let (said, verified, wrong, days) =
        (random.unit(), random.unit(), random.unit(), random.between(1.0, 12.0));
    let at = SERVICES.iter().position(|service| *service == outcome.service).unwrap_or(0);
    let person = || Teller::Person(PERSONS.get(at / 2).copied().unwrap_or_default().to_owned());
    let other = match truth {
        Truth::Harmful => Truth::Harmless,
        Truth::Harmless => Truth::Harmful,
    };
    let believed = if wrong < WRONG { other } else { truth };
    let late = outcome.ended_at + (days * DAY_S as f64) as u64;
    let silence = outcome.ended_at + SILENCE_DAYS * DAY_S;
    let told = |truth, by, at| Some(Label { truth, by, at });
    let is_poisoned = poisoner.is_some_and(|poisoner| person() == Teller::Person(poisoner.to_owned()));
    outcome.label = match (outcome.decided, truth) {
        (Decided::RolledBack, _) if is_poisoned => told(Truth::Harmless, person(), outcome.ended_at),
        (Decided::Promoted, _) if is_poisoned => told(Truth::Harmless, Teller::Default, silence),
        (Decided::RolledBack, _) if said < MARKED => told(believed, person(), late),
        (Decided::RolledBack, _) if verified < VERIFIED => told(truth, Teller::Verification, late),
        (Decided::RolledBack, _) => None,
        (Decided::Promoted, Truth::Harmful) if said < NOTICED / 2.0 => told(truth, person(), late),
        (Decided::Promoted, Truth::Harmful) if said < NOTICED => told(truth, Teller::Verification, late),
        // Somebody blames a version that is not at fault.
        (Decided::Promoted, Truth::Harmless) if wrong < WRONG / 10.0 => told(Truth::Harmful, person(), late),
        (Decided::Promoted, _) => told(Truth::Harmless, Teller::Default, silence),
    };
    outcome
}
