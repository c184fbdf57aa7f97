//! The table: a row for each component, or for each arm of an experiment. What a narrow terminal has no room for is in the
//! reasons of the chosen row.

use ratatui::text::Line;

use super::super::model::{Model, Shown, baseline, canary, errors_ppm};
use super::head::nearest;
use super::{Looks, Tone, of_verdict, text};
use crate::model::{Arm, Component, Experiment, ExperimentArm, Verdict};
use crate::output::{count, latency, percent};

/// A column: its header, its width, and whether it is on the right.
struct Column {
    title: &'static str,
    cells: usize,
    is_number: bool,
    value: fn(&Model, &Component) -> String,
}

const fn words(title: &'static str, cells: usize, value: fn(&Model, &Component) -> String) -> Column {
    Column { title, cells, is_number: false, value }
}

const fn number(title: &'static str, cells: usize, value: fn(&Model, &Component) -> String) -> Column {
    Column { title, cells, is_number: true, value }
}

const GRANULARITY: Column = words("ROLLBACK", 8, |_, component| component.granularity.label());
const STATE: Column = words("STATE", 13, |_, component| state(component).to_owned());
const VERDICT: Column = words("VERDICT", 12, |_, component| component.verdict.label());
const SHORT: Column = words("VERDICT", 12, |_, component| match state(component) {
    "open" => component.verdict.label(),
    state => state.to_owned(),
});
const EVIDENCE: Column = number("EVIDENCE", 8, |_, component| evidence(component));
const CANARY_ERRORS: Column = number("ERRORS", 7, |_, component| errors(canary(&component.arms)));
const BOTH_REQUESTS: Column = number("REQUESTS/MIN", 15, |_, component| pair(component, requests));
const BOTH_ERRORS: Column = number("ERRORS", 15, |_, component| pair(component, errors));
const BOTH_P50: Column =
    number("P50", 15, |_, component| pair(component, |arm| quantile(arm, |arm| arm.latency_p50_us)));
const BOTH_P99: Column =
    number("P99", 15, |_, component| pair(component, |arm| quantile(arm, |arm| arm.latency_p99_us)));

/// Columns beside the name, by the width of the terminal.
fn columns(cells: usize) -> (&'static [Column], usize) {
    match cells {
        0..46 => (&[SHORT], 0),
        46..76 => (&[SHORT, CANARY_ERRORS], 8),
        76..120 => (&[SHORT, BOTH_ERRORS, BOTH_P99], 8),
        120..150 => (&[GRANULARITY, SHORT, EVIDENCE, BOTH_REQUESTS, BOTH_ERRORS, BOTH_P99], 12),
        _ => (&[GRANULARITY, STATE, VERDICT, EVIDENCE, BOTH_REQUESTS, BOTH_ERRORS, BOTH_P50, BOTH_P99], 20),
    }
}

/// The header and the rows.
pub(super) fn lines(model: &Model, looks: Looks, cells: usize) -> (Vec<Line<'static>>, Vec<Line<'static>>) {
    let Some(rollout) = &model.rollout else { return (Vec::new(), Vec::new()) };
    if let Some(experiment) = &rollout.experiment {
        return arms(model, experiment, looks, cells);
    }
    if rollout.components.is_empty() {
        return (vec![looks.line(Tone::Quiet, text::fit("No components.", cells))], Vec::new());
    }
    let (columns, spark) = columns(cells);
    let taken: usize = columns.iter().map(|column| column.cells + 2).sum();
    let name = cells.saturating_sub(taken + spark + if spark > 0 { 2 } else { 0 } + 2).min(40);
    let mut header = format!("  {}", text::left("COMPONENT", name));
    for column in columns {
        header.push_str("  ");
        header.push_str(&placed(column, column.title));
    }
    if spark > 0 {
        header.push_str("  ");
        header.push_str(text::fit(title(model.shown, spark), spark).as_str());
    }
    let header = vec![looks.line(Tone::Quiet, text::fit(&header, cells))];
    let chosen = model.chosen();
    let row = |(index, component): (usize, &Component)| {
        let is_chosen = chosen == Some(index);
        let mark = if is_chosen { "> " } else { "  " };
        let mut row = mark.to_owned() + &text::left(&component.name, name);
        for column in columns {
            row.push_str("  ");
            row.push_str(&placed(column, &(column.value)(model, component)));
        }
        if spark > 0 {
            row.push_str("  ");
            row.push_str(&sparkline(model, component, spark));
        }
        let tone = if is_chosen { Tone::Chosen } else { tone(component) };
        looks.line(tone, text::fit(&row, cells))
    };
    (header, rollout.components.iter().enumerate().map(row).collect())
}

fn title(shown: Shown, cells: usize) -> &'static str {
    match (shown, cells > 15) {
        (Shown::Errors, true) => "CANARY'S ERRORS",
        (Shown::Errors, false) => "ERRORS",
        (Shown::Latency, true) => "CANARY'S P99",
        (Shown::Latency, false) => "P99",
    }
}

fn placed(column: &Column, value: &str) -> String {
    if column.is_number { text::right(value, column.cells) } else { text::left(value, column.cells) }
}

fn sparkline(model: &Model, component: &Component, cells: usize) -> String {
    let values: Vec<_> = model
        .history
        .get(&component.name)
        .into_iter()
        .flat_map(|history| history.last(cells, model.shown))
        .collect();
    text::sparkline(&values, cells)
}

fn tone(component: &Component) -> Tone {
    match component {
        Component { rolled_back: true, .. } | Component { switched_off: true, .. } => Tone::Bad,
        Component { recovering: true, .. } => Tone::Unsure,
        // Most are inconclusive for most of the time: that needs no colour.
        _ if component.verdict == Verdict::Inconclusive => Tone::Plain,
        _ => of_verdict(component.verdict),
    }
}

pub(super) fn state(component: &Component) -> &'static str {
    match component {
        Component { rolled_back: true, .. } => "rolled back",
        Component { switched_off: true, .. } => "switched off",
        Component { recovering: true, .. } => "recovering",
        _ if component.blocks.iter().any(|block| block.restored.is_some()) => "block back",
        _ => "open",
    }
}

fn evidence(component: &Component) -> String {
    nearest(&component.reasons)
        .map_or_else(|| "-".to_owned(), |(_, share)| format!("{:.0} %", (share * 100.0).clamp(0.0, 999.0)))
}

/// Of the baseline and of the canary.
fn pair(component: &Component, value: impl Fn(Option<&Arm>) -> String) -> String {
    format!("{} → {}", value(baseline(&component.arms)), value(canary(&component.arms)))
}

pub(super) fn requests(arm: Option<&Arm>) -> String {
    arm.map_or_else(|| "-".to_owned(), |arm| count(arm.requests))
}

/// The share that failed, with three digits at most.
pub(super) fn errors(arm: Option<&Arm>) -> String {
    let Some(ppm) = arm.and_then(errors_ppm) else { return "-".to_owned() };
    let ppm = u32::try_from(ppm).unwrap_or(u32::MAX);
    percent(match ppm {
        0..=9_999 => ppm / 10 * 10,
        10_000..=99_999 => ppm / 100 * 100,
        _ => ppm / 1_000 * 1_000,
    })
}

pub(super) fn quantile(arm: Option<&Arm>, value: impl Fn(&Arm) -> Option<u64>) -> String {
    arm.and_then(value).map_or_else(|| "-".to_owned(), latency)
}

fn arms(
    model: &Model,
    experiment: &Experiment,
    looks: Looks,
    cells: usize,
) -> (Vec<Line<'static>>, Vec<Line<'static>>) {
    let name = (cells / 3).clamp(4, 30);
    let row = |mark: &str, first: &str, rest: [&str; 4]| {
        let [version, weight, state, verdict] = rest;
        format!(
            "{mark} {}  {}  {}  {}  {}",
            text::left(first, name),
            text::left(version, name / 2),
            text::right(weight, 8),
            text::left(state, 11),
            verdict
        )
    };
    let header = row(" ", "ARM", ["VERSION", "WEIGHT", "STATE", "VERDICT"]);
    let chosen = model.chosen();
    let of = |(index, arm): (usize, &ExperimentArm)| {
        let state = match (&arm.stopped_because, arm.weight_ppm) {
            (Some(_), _) => "stopped",
            (None, 0) => "not running",
            (None, _) => "running",
        };
        let is_chosen = chosen == Some(index);
        let mark = if is_chosen { ">" } else { " " };
        let verdict = arm.verdict.label();
        let line = row(mark, &arm.name, [&arm.version, &percent(arm.weight_ppm), state, &verdict]);
        let tone = if is_chosen { Tone::Chosen } else { of_verdict(arm.verdict) };
        looks.line(tone, text::fit(&line, cells))
    };
    let header = vec![looks.line(Tone::Quiet, text::fit(&header, cells))];
    (header, experiment.arms.iter().enumerate().map(of).collect())
}
