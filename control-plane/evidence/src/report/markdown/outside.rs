//! What triggers, queries and health checks said when it was decided.

use std::fmt::Write as _;

use serin_rollout::outside::{HealthReading, HealthState, Outside, QueryReading, TriggerReading};

use super::super::facts::Facts;
use super::super::words::{at, lasting, percent, plain};

/// Of each kind, those that are shown.
const SHOWN_MAX: usize = 20;

pub(super) fn section(facts: &Facts, text: &mut String) {
    let Some(Outside { triggers, queries, health }) = &facts.outside else { return };
    text.push_str("\n### What was seen from outside\n\n");
    let (speaking, quiet): (Vec<_>, Vec<_>) = triggers.iter().partition(|one| !one.state.allows());
    let (ill, healthy): (Vec<_>, Vec<_>) = health.iter().partition(|one| one.state != HealthState::Healthy);
    let lines = [
        (speaking.into_iter().map(trigger).collect::<Vec<_>>(), "triggers"),
        (ill.into_iter().map(check).collect(), "health checks"),
        (queries.iter().map(query).collect(), "queries"),
    ];
    for (lines, kind) in lines {
        lines.iter().take(SHOWN_MAX).for_each(|line| text.push_str(line));
        if let Some(more @ 1..) = lines.len().checked_sub(SHOWN_MAX) {
            let _written = writeln!(text, "- {more} more {kind}.");
        }
    }
    if !quiet.is_empty() || !healthy.is_empty() {
        let _written = writeln!(
            text,
            "- Quiet: {} of {} triggers; healthy: {} of {} health checks.",
            quiet.len(),
            triggers.len(),
            healthy.len(),
            health.len()
        );
    }
}

fn of(component: Option<&String>) -> String {
    component.map(|name| format!(" of {}", plain(name))).unwrap_or_default()
}

fn trigger(one: &TriggerReading) -> String {
    let TriggerReading { name, state, since, component, text, .. } = one;
    let (name, of) = (plain(name), of(component.as_ref()));
    format!("- Trigger {name}{of}: {} since {}: {}.\n", state.name(), at(*since), plain(text))
}

fn check(one: &HealthReading) -> String {
    let HealthReading { check, component, state, confidence, since, text, .. } = one;
    let (name, of, confidence) = (plain(check), of(component.as_ref()), percent(*confidence));
    format!(
        "- Health check {name}{of}: {} since {}, by {confidence} of the last answers: {}.\n",
        state.name(),
        at(*since),
        plain(text)
    )
}

fn query(one: &QueryReading) -> String {
    let QueryReading { name, value, age_s, error, .. } = one;
    let age = age_s.map_or_else(
        || "it never had a value".to_owned(),
        |age| format!("its last value was {} old", lasting(age.saturating_mul(1_000))),
    );
    let value = value.map_or_else(|| "no value".to_owned(), |value| format!("{value}"));
    let error = error.as_ref().map(|error| format!(", and asked again it said: {}", plain(error)));
    format!("- Query {}: {value}; {age}{}.\n", plain(name), error.unwrap_or_default())
}
