//! What a model and the deployments that it is asked about do not know of each other, in words.

use crate::document::Document;
use crate::report::{date, number};
use crate::table::{Column, Stage, Table, fact};

/// Names, words or values that are told one by one.
const TOLD: usize = 30;

/// What is to be known about answers for a table: facts that lack, columns and words that are new, values beyond what was learned from.
/// `what` the table is: a release, or a table.
#[must_use]
pub fn notes(document: &Document, table: &Table, what: &str) -> Vec<String> {
    let encoder = document.predictor().encoder();
    let lacking: Vec<String> =
        encoder.names().filter(|name| says_nothing(table, name)).map(str::to_owned).collect();
    let unknown = unknown(document, table);
    let beyond = beyond(document, table);
    let mut notes = Vec::new();
    for (said, names) in [
        (format!("the {what} says nothing of "), lacking),
        ("not known to the model: ".to_owned(), unknown),
        ("beyond what it learned from: ".to_owned(), beyond),
    ] {
        if !names.is_empty() {
            notes.push(said + &few(&names));
        }
    }
    let new = encoder.unknown(table);
    let words = new.iter().take(TOLD);
    notes.extend(
        words.map(|(column, word)| format!("{column} {word} is new to the model: it counts as usual")),
    );
    if new.len() > TOLD {
        notes.push(format!("{} more words are new to the model", new.len() - TOLD));
    }
    notes
}

/// How much of what the model asks for the first deployment says nothing of, as a part of 1: by what the model needs, or by the number of
/// features where that is not known.
#[must_use]
pub fn missing(document: &Document, table: &Table) -> f64 {
    let needs = |name: &str| {
        document.card().importances.iter().find(|one| one.feature == name).map_or(0.0, |one| one.usage)
    };
    let names = || document.predictor().encoder().names();
    let share = |weight: &dyn Fn(&str) -> f64| {
        let all: f64 = names().map(weight).sum();
        let without: f64 = names().filter(|name| is_missing(table, name, 0)).map(weight).sum();
        (all > 0.0).then(|| without / all)
    };
    share(&needs).or_else(|| share(&|_| 1.0)).unwrap_or(0.0)
}

/// Why what a model says of a table is no test of it: it learned from some of it. `None`: it did not.
#[must_use]
pub fn familiar(document: &Document, table: &Table) -> Option<String> {
    let data = &document.card().data;
    if table.sha256() == data.sha256 {
        return Some(
            "the model learned from this very table: how right it is here is no test of it".to_owned(),
        );
    }
    let known = table.times().iter().zip(table.labels()).filter(|(_, label)| label.is_some());
    let early = known.clone().filter(|(time, _)| time.is_some_and(|time| time <= data.to)).count();
    (early > 0).then(|| {
        format!(
            "{early} of {} deployments are of the time that the model learned from, up to {}: they are no test of it",
            known.count(),
            date(data.to)
        )
    })
}

fn is_missing(table: &Table, name: &str, row: usize) -> bool {
    match table.column(name) {
        None => true,
        Some(Column::Measure(values)) => values.get(row).is_none_or(|value| value.is_nan()),
        Some(Column::Category(words)) => words.get(row).is_none_or(Option::is_none),
    }
}

fn says_nothing(table: &Table, name: &str) -> bool {
    (0..table.rows()).all(|row| is_missing(table, name, row))
}

/// Columns that the model did not learn from. That it knows nothing of the canary's is as it should be where it is asked before.
fn unknown(document: &Document, table: &Table) -> Vec<String> {
    let predictor = document.predictor();
    let is_later = |name: &str| {
        predictor.stage() == Stage::Before && fact(name).is_some_and(|fact| fact.stage == Stage::Canary)
    };
    let names = table.columns().map(|(name, _)| name).chain(table.unused().iter().map(String::as_str));
    let unknown = names.filter(|name| !predictor.features().any(|own| own == *name) && !is_later(name));
    unknown.map(str::to_owned).collect()
}

/// Measures with values outside of those that the model learned from.
fn beyond(document: &Document, table: &Table) -> Vec<String> {
    let predictor = document.predictor();
    let names = predictor.features().enumerate();
    names
        .filter_map(|(position, name)| {
            let (least, most) = predictor.reference.range(position)?;
            let Some(Column::Measure(values)) = table.column(name) else { return None };
            let outside = values.iter().filter(|value| **value < least || **value > most);
            let (first, count) = (outside.clone().next()?, outside.count());
            let learned = format!("{} to {}", number(least), number(most));
            Some(match count {
                1 => format!("{name} {} ({learned})", number(*first)),
                _ => format!("{name} in {count} deployments ({learned})"),
            })
        })
        .collect()
}

fn few(names: &[String]) -> String {
    let told = names.iter().take(TOLD).cloned().collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(TOLD) {
        Some(more @ 1..) => format!("{told} and {more} more"),
        Some(0) | None => told,
    }
}
