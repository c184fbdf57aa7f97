//! How much an outcome counts: by who says what is true, and never so much that one voice decides.
//!
//! Outcomes are put into classes by what was decided and what is true, since false alarms are learned from few outcomes while most
//! are quiet promotions: a bound over all of them would bound nothing. Within a class one service has at most [`SERVICE_MOST`] of
//! the weight, and of what is left then one person at most [`PERSON_MOST`]; where there are fewer voices than that, they count alike. A class in which one
//! person alone speaks counts nothing. What was measured and what nobody said are not bounded by person: nobody can write them.

use std::collections::BTreeMap;

use crate::outcome::{Outcome, Teller};

/// Part of a class that one person may have where there are voices enough.
pub const PERSON_MOST: f64 = 1.0 / 3.0;
/// Part of a class that one service may have where there are services enough.
pub const SERVICE_MOST: f64 = 0.25;
/// What counts that nobody said, beside 1 for a person and a verification.
pub const OF_DEFAULT: f64 = 0.2;
/// The weight of each outcome that has a label, 0 of others, in their order.
#[must_use]
pub fn weights(outcomes: &[Outcome]) -> Vec<f64> {
    let mut weights = vec![0.0; outcomes.len()];
    let mut classes: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (at, outcome) in outcomes.iter().enumerate() {
        if let Some(label) = &outcome.label {
            classes.entry((outcome.decided, label.truth)).or_default().push(at);
        }
    }
    for members in classes.into_values() {
        let voices: Vec<Voice<'_>> =
            members.iter().filter_map(|at| outcomes.get(*at).map(Voice::of)).collect();
        for (at, weight) in members.into_iter().zip(in_class(&voices)) {
            if let Some(own) = weights.get_mut(at) {
                *own = weight;
            }
        }
    }
    weights
}

/// Who speaks of what.
struct Voice<'a> {
    service: &'a str,
    person: Option<&'a str>,
    trust: f64,
}

impl<'a> Voice<'a> {
    fn of(outcome: &'a Outcome) -> Self {
        let (person, trust) = match outcome.label.as_ref().map(|label| &label.by) {
            Some(Teller::Person(person)) => (Some(person.as_str()), 1.0),
            Some(Teller::Verification) => (None, 1.0),
            Some(Teller::Default) => (None, OF_DEFAULT),
            None => (None, 0.0),
        };
        Self { service: &outcome.service, person, trust }
    }
}

fn in_class(voices: &[Voice<'_>]) -> Vec<f64> {
    let mut weights: Vec<f64> = voices.iter().map(|voice| voice.trust).collect();
    bound(voices, &mut weights, |voice| Some(voice.service), SERVICE_MOST, 1);
    bound(voices, &mut weights, |voice| voice.person, PERSON_MOST, 2);
    weights
}

/// Scales down what groups have beyond their part. Fewer voices than `least` count nothing.
fn bound<'a>(
    voices: &[Voice<'a>],
    weights: &mut [f64],
    group: impl Fn(&Voice<'a>) -> Option<&'a str>,
    most: f64,
    least: usize,
) {
    let (mut totals, mut free): (BTreeMap<&str, f64>, f64) = (BTreeMap::new(), 0.0);
    for (voice, weight) in voices.iter().zip(weights.iter()) {
        match group(voice) {
            Some(name) => *totals.entry(name).or_default() += weight,
            None => free += weight,
        }
    }
    let count = totals.len() + usize::from(free > 0.0);
    if totals.is_empty() {
        return;
    }
    let level = if count < least { 0.0 } else { level(&totals, free, most.max(1.0 / count as f64)) };
    for (voice, weight) in voices.iter().zip(weights.iter_mut()) {
        let total = group(voice).and_then(|name| totals.get(name)).copied().unwrap_or_default();
        if group(voice).is_some() && total > level {
            *weight *= level / total;
        }
    }
}

/// The total `t` with `t = most (free + Σ min(total, t))`: what a group may have.
fn level(totals: &BTreeMap<&str, f64>, free: f64, most: f64) -> f64 {
    let mut falling: Vec<f64> = totals.values().copied().collect();
    falling.sort_by(|one, other| other.total_cmp(one));
    let mut rest: f64 = free + falling.iter().sum::<f64>();
    let mut level = most * rest;
    for (capped, total) in falling.iter().enumerate() {
        if *total <= level * (1.0 + 1e-12) {
            break;
        }
        rest -= total;
        let left = 1.0 - most * (capped + 1) as f64;
        // All groups are alike then: each has what the least has.
        level =
            if left > 1e-9 { most * rest.max(0.0) / left } else { falling.last().copied().unwrap_or(0.0) };
    }
    level
}

#[cfg(test)]
mod tests;
