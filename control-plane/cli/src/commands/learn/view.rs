//! What is shown of learning.

use serde::Serialize;
use serin_analysis::risk::BySource;
use serin_analysis::streams::Kind;
use serin_learning::contest::Scores;
use serin_learning::document::{Card, Document};
use serin_learning::retrain::Refusal;
use serin_learning::shelf::{Model, Shelf, Version};
use serin_learning::simulate::{self, Month, SHOWN_DIGITS, Totals, Year};
use serin_learning::tuning::Tuning;

use crate::failure::{self, Failure};
use crate::output::{Sheet, utc};

/// A value as JSON.
pub(super) fn json(value: &impl Serialize) -> Result<serde_json::Value, Failure> {
    serde_json::to_value(value).map_err(|error| {
        Failure::new(failure::Kind::Output, format!("the card cannot be written as JSON: {error}"))
    })
}

fn short(version: Option<&str>) -> String {
    version.map_or_else(|| "defaults".to_owned(), |version| version.chars().take(SHOWN_DIGITS).collect())
}

/// A year, month by month.
pub(super) fn year(year: &Year) -> Sheet {
    let mut sheet = Sheet::default();
    sheet.line(&format!("A year of {} rollouts a month, seed {}.", simulate::ROLLOUTS, year.seed));
    sheet.blank();
    let row = |month: &Month| {
        let retrained = match &month.retrained {
            simulate::Retrained::Adopted { version } => format!("adopted {}", short(Some(version))),
            simulate::Retrained::Refused { reasons } => {
                format!("refused: {}", reasons.first().map_or("", String::as_str))
            }
        };
        [
            month.number.to_string(),
            short(month.in_force.as_deref()),
            month.harmless.to_string(),
            month.fixed.false_rollbacks.to_string(),
            month.learned.false_rollbacks.to_string(),
            month.harmful.to_string(),
            month.fixed.missed.to_string(),
            month.learned.missed.to_string(),
            retrained,
        ]
    };
    let header =
        ["MONTH", "IN FORCE", "HARMLESS", "UNDONE", "LEARNED", "HARMFUL", "MISSED", "LEARNED", "AT ITS END"];
    sheet.table(header, year.months.iter().map(row));
    sheet.blank();
    let (harmless, harmful, fixed, learned) = year.totals();
    sheet.line(
        "Months with a learned version in force; each was judged by one that had seen earlier months only:",
    );
    for (name, wrong, all, of) in [
        ("false rollbacks", [fixed, learned].map(|totals| totals.false_rollbacks), harmless, "harmless"),
        ("missed faults", [fixed, learned].map(|totals| totals.missed), harmful, "harmful"),
    ] {
        let part = |wrong: u32| 100.0 * f64::from(wrong) / f64::from(all.max(1));
        let [fixed, learned] = wrong;
        sheet.line(&format!(
            "{name}: {fixed} of {all} {of} ({:.1} %) by default, {learned} ({:.1} %) with what was learned",
            part(fixed),
            part(learned),
        ));
    }
    sheet
}

/// One year in a line.
#[derive(Serialize)]
pub(super) struct Row {
    seed: u64,
    /// In months with a learned version in force.
    harmless: u32,
    harmful: u32,
    fixed: Totals,
    learned: Totals,
}

impl Row {
    pub(super) fn of(year: &Year) -> Self {
        let (harmless, harmful, fixed, learned) = year.totals();
        Self { seed: year.seed, harmless, harmful, fixed, learned }
    }
}

/// Several years.
pub(super) fn years(rows: &[Row]) -> Sheet {
    let mut sheet = Sheet::default();
    let cells = |name: String, of: &[&Row]| {
        let sum = |each: fn(&Row) -> u32| of.iter().map(|row| each(row)).sum::<u32>().to_string();
        [
            name,
            sum(|row| row.harmless),
            sum(|row| row.fixed.false_rollbacks),
            sum(|row| row.learned.false_rollbacks),
            sum(|row| row.harmful),
            sum(|row| row.fixed.missed),
            sum(|row| row.learned.missed),
        ]
    };
    let all: Vec<&Row> = rows.iter().collect();
    let lines = rows.iter().map(|row| cells(row.seed.to_string(), &[row]));
    let header = ["SEED", "HARMLESS", "UNDONE", "LEARNED", "HARMFUL", "MISSED", "LEARNED"];
    sheet.table(header, lines.chain([cells("all".to_owned(), &all)]));
    sheet
}

/// What retraining came to.
#[derive(Serialize)]
pub(super) struct Retrained {
    adopted: bool,
    /// What is in force then. `None`: the defaults.
    version: Option<String>,
    /// What was in force before.
    before: Option<String>,
    reasons: Vec<String>,
    /// How right both were. `None`: too little data.
    card: Option<Card>,
    tuning: Option<serde_json::Value>,
}

impl Retrained {
    pub(super) fn adopted(document: &Document, before: Option<&str>) -> Result<Self, Failure> {
        let written: serde_json::Value = serde_json::from_str(&document.to_json()).map_err(|error| {
            Failure::new(failure::Kind::Output, format!("the tuning cannot be shown: {error}"))
        })?;
        Ok(Self {
            adopted: true,
            version: Some(document.version().to_owned()),
            before: before.map(str::to_owned),
            reasons: Vec::new(),
            card: Some(document.card().clone()),
            tuning: written.get("tuning").cloned(),
        })
    }

    pub(super) fn refused(reasons: &[Refusal], card: Option<&Card>, before: Option<&str>) -> Self {
        Self {
            adopted: false,
            version: before.map(str::to_owned),
            before: before.map(str::to_owned),
            reasons: reasons.iter().map(ToString::to_string).collect(),
            card: card.cloned(),
            tuning: None,
        }
    }
}

pub(super) fn retrained(answer: &Retrained, tuning: Option<&Tuning>) -> Sheet {
    let mut sheet = Sheet::default();
    sheet.field("decision", if answer.adopted { "adopted" } else { "refused" });
    sheet.field("in force", answer.version.as_deref().unwrap_or("defaults"));
    sheet.field("before", answer.before.as_deref().unwrap_or("defaults"));
    for reason in &answer.reasons {
        sheet.field("because", reason);
    }
    if let Some(card) = &answer.card {
        for (name, value) in self::card(card) {
            sheet.field(name, &value);
        }
    }
    if let Some(tuning) = tuning {
        learned(&mut sheet, tuning);
    }
    sheet
}

fn card(card: &Card) -> [(&'static str, String); 5] {
    let span = |data: &serin_learning::document::Data| {
        format!("{} outcomes from {} to {}", data.outcomes, utc(data.from), utc(data.to))
    };
    let (before, then) = (&card.replaced, &card.candidate);
    let percent = |rate: f64| 100.0 * rate;
    [
        ("learned", span(&card.data)),
        ("judged on", span(&card.later)),
        (
            "undone",
            format!(
                "{:.1} % of harmless versions, as they count, before, {:.1} % with the candidate",
                percent(before.false_rollback_rate()),
                percent(then.false_rollback_rate())
            ),
        ),
        (
            "missed",
            format!(
                "{:.1} % of harmful versions, as they count, before, {:.1} % with the candidate",
                percent(before.missed_rate()),
                percent(then.missed_rate())
            ),
        ),
        (
            "confidence",
            format!("Brier score {:.3} before, {:.3} with the candidate", before.brier, then.brier),
        ),
    ]
}

/// What differs from the defaults.
fn learned(sheet: &mut Sheet, tuning: &Tuning) {
    let BySource { metrics, behaviour, logs } = tuning.weights();
    sheet.field("weights", &format!("metrics {metrics:.3}, behaviour {behaviour:.3}, logs {logs:.3}"));
    for kind in Kind::ALL {
        let room = tuning.margins().room(kind);
        if room != 1.0 {
            sheet.field("room", &format!("{} {room} times the default", kind.name()));
        }
    }
}

/// A shelf as it is shown.
#[derive(Serialize)]
pub(super) struct Versions<'a> {
    model: Model,
    in_force: Option<&'a str>,
    versions: &'a [Version],
}

impl<'a> Versions<'a> {
    pub(super) fn of(shelf: &'a Shelf) -> Self {
        Self {
            model: shelf.model(),
            in_force: shelf.in_force().map(|version| version.version.as_str()),
            versions: shelf.versions(),
        }
    }
}

pub(super) fn versions(shelves: &[Versions<'_>]) -> Sheet {
    let mut sheet = Sheet::default();
    let rows = shelves.iter().flat_map(|shelf| {
        shelf.versions.iter().rev().map(|version| {
            let is_in_force = shelf.in_force == Some(version.version.as_str());
            [
                shelf.model.name().to_owned(),
                version.version.clone(),
                if is_in_force { "in force" } else { "" }.to_owned(),
                utc(version.adopted_at),
                short(version.replaced.as_deref()),
                told(shelf.model, &version.card),
            ]
        })
    });
    sheet.table(["MODEL", "VERSION", "STATE", "ADOPTED", "REPLACED", "CARD"], rows);
    for shelf in shelves.iter().filter(|shelf| shelf.in_force.is_none()) {
        sheet.line(&format!("Of {} the defaults are in force.", shelf.model.name()));
    }
    sheet
}

/// A card in few words.
fn told(model: Model, card: &serde_json::Value) -> String {
    let at = |path: &str| card.pointer(path).map(ToString::to_string).unwrap_or_default();
    match (model, serde_json::from_value::<Card>(card.clone())) {
        (Model::Tuning, Ok(card)) => format!(
            "{} outcomes to {}; undone {:.1} → {:.1}, missed {:.1} → {:.1} of {} later",
            card.data.outcomes,
            utc(card.data.to),
            card.replaced.false_rollbacks,
            card.candidate.false_rollbacks,
            card.replaced.missed,
            card.candidate.missed,
            card.later.outcomes,
        ),
        (Model::Tuning, Err(_)) => String::new(),
        (Model::Predictor, _) => format!("{} deployments, {}", at("/data/rows"), at("/kind")),
        (Model::Logs, _) => format!("{} lines, {}", at("/lines"), at("/date")),
    }
}

/// What is in force after a change.
#[derive(Serialize)]
pub(super) struct Restored {
    model: Model,
    /// `None`: the defaults.
    in_force: Option<String>,
    before: Option<String>,
}

impl Restored {
    pub(super) fn of(model: Model, before: Option<String>, shelf: &Shelf) -> Self {
        Self { model, before, in_force: shelf.in_force().map(|version| version.version.clone()) }
    }
}

pub(super) fn restored(answer: &Restored) -> Sheet {
    let mut sheet = Sheet::default();
    sheet.field("model", answer.model.name());
    sheet.field("in force", answer.in_force.as_deref().unwrap_or("defaults"));
    sheet.field("before", answer.before.as_deref().unwrap_or("defaults"));
    sheet
}

/// A candidate that was judged, beside what is in force where something is, and refused.
#[derive(Serialize)]
pub(super) struct Contested {
    pub(super) adopted: bool,
    pub(super) in_force: Option<String>,
    pub(super) reasons: Vec<String>,
    pub(super) current: Option<Scores>,
    pub(super) candidate: Scores,
}

pub(super) fn contested(answer: &Contested) -> Sheet {
    let mut sheet = Sheet::default();
    sheet.field("decision", "refused");
    sheet.field("in force", answer.in_force.as_deref().unwrap_or("defaults"));
    for reason in &answer.reasons {
        sheet.field("because", reason);
    }
    let Contested { current, candidate, .. } = answer;
    sheet.field(
        "judged on",
        &format!("{} cases, of which it happened in {}", candidate.cases, candidate.happened),
    );
    let both = |of: fn(&Scores) -> String| {
        let before = current.as_ref().map(|current| format!("{} before, ", of(current)));
        format!("{}{} with the candidate", before.unwrap_or_default(), of(candidate))
    };
    sheet.field("missed", &both(|scores| scores.missed.to_string()));
    sheet.field("wrong", &both(|scores| scores.false_alarms.to_string()));
    sheet.field("Brier", &both(|scores| format!("{:.4}", scores.brier)));
    sheet
}
