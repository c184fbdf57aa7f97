//! `serin forecast evaluate`: what the models are worth on series in files. Needs no server.

mod files;

use std::path::Path;

use serde::Serialize;
use serin_forecast::{BacktestSettings, Evaluation, Kind, Summary, evaluate, summaries};

use crate::arguments;
use crate::failure::Failure;
use crate::output::{Output, Sheet, Unit};

/// One file's part of the answer.
#[derive(Debug, Serialize)]
struct Evaluated {
    /// Path below the folder that was given.
    file: String,
    #[serde(flatten)]
    evaluation: Evaluation,
}

/// A file that holds no series.
#[derive(Debug, Serialize)]
struct Skipped {
    file: String,
    why: String,
}

/// The answer.
#[derive(Debug, Serialize)]
struct Answer {
    horizon: u32,
    /// Each model over all series; `model` is null for the one that is chosen on each.
    models: Vec<Summary>,
    series: Vec<Evaluated>,
    skipped: Vec<Skipped>,
}

pub(super) fn run(command: &arguments::Forecast, output: Output) -> Result<(), Failure> {
    let arguments::Forecast::Evaluate { path, horizon, quick } = command;
    let answer = answer(path, *horizon, *quick, output)?;
    output.show(&answer, || sheet(&answer))
}

fn answer(path: &Path, horizon: u32, quick: bool, output: Output) -> Result<Answer, Failure> {
    let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| !quick || *kind != Kind::Lstm).collect();
    let settings = BacktestSettings { horizon, ..BacktestSettings::default() };
    let found = files::series(path)?;
    let progress = output.progress("evaluating", Some(found.len() as u64), Unit::Nothing);
    let (mut series, mut skipped) = (Vec::new(), Vec::new());
    for file in found {
        match evaluate(&file.read()?, &kinds, &settings) {
            Ok(evaluation) => series.push(Evaluated { file: file.name, evaluation }),
            Err(why) => skipped.push(Skipped { file: file.name, why: why.to_string() }),
        }
        progress.add(1);
    }
    drop(progress);
    if let ([], [Skipped { file, why }, rest @ ..]) = (series.as_slice(), skipped.as_slice()) {
        let others = if rest.is_empty() { String::new() } else { format!("; so are {} others", rest.len()) };
        return Err(Failure::usage(format!("{file} is no series: {why}{others}")));
    }
    let evaluations: Vec<Evaluation> = series.iter().map(|one| one.evaluation.clone()).collect();
    Ok(Answer { horizon, models: summaries(&evaluations), series, skipped })
}

fn sheet(answer: &Answer) -> Sheet {
    let mut sheet = Sheet::default();
    sheet.line(&format!(
        "{} steps ahead on the last third of {} series; the first two thirds chose the model",
        answer.horizon,
        answer.series.len()
    ));
    sheet.blank();
    let header = ["MODEL", "SERIES", "CHOSEN", "MAE/NAIVE", "MAE/SEASONAL", "IN 80%", "IN 95%"];
    sheet.table(header, answer.models.iter().map(line));
    sheet.blank();
    let header =
        ["FILE", "STEP", "STEPS", "MISSING", "CHOSEN", "MAE/NAIVE", "MAE/SEASONAL", "IN 80%", "IN 95%"];
    sheet.table(header, answer.series.iter().map(row));
    for Skipped { file, why } in &answer.skipped {
        sheet.line(&format!("left out {file}: {why}"));
    }
    sheet
}

fn line(summary: &Summary) -> [String; 7] {
    [
        summary.model.map_or("as chosen", Kind::name).to_owned(),
        summary.series.to_string(),
        summary.chosen.to_string(),
        ratio(summary.mae_to_naive),
        ratio(summary.mae_to_seasonal_naive),
        share(summary.coverage_80),
        share(summary.coverage_95),
    ]
}

fn row(Evaluated { file, evaluation }: &Evaluated) -> [String; 9] {
    let score = evaluation.choice.as_ref();
    [
        file.clone(),
        format!("{}s", evaluation.step_s),
        evaluation.steps.to_string(),
        evaluation.missing.to_string(),
        evaluation.chosen.map_or("-", Kind::name).to_owned(),
        ratio(score.and_then(|score| score.mae_to_naive)),
        ratio(score.and_then(|score| score.mae_to_seasonal_naive)),
        share(score.and_then(|score| score.coverage_80.value())),
        share(score.and_then(|score| score.coverage_95.value())),
    ]
}

fn ratio(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"))
}

fn share(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{:.1}%", 100.0 * value))
}
