//! `serin predict`, `serin simulate`: the rollback predictor. Only `predict history` needs a server.

mod history;
mod view;

use std::path::Path;

use serde::Serialize;
use serin_learning::shelf::Model;
use serin_predictor::document::{DOCUMENT_BYTES_MAX, Document, DocumentError};
use serin_predictor::gaps;
use serin_predictor::metrics::Figures;
use serin_predictor::model::{ForestSettings, Settings};
use serin_predictor::report::{self, Judged};
use serin_predictor::simulate;
use serin_predictor::summary::Summary;
use serin_predictor::table::{BYTES_MAX, Format, History, Layout, Table, TableError};
use serin_predictor::training::{Costs, Evaluation, Training};

use super::learn;
use crate::arguments::{Columns, Form, Learning, Predict, Simulate};
use crate::client::Client;
use crate::failure::{Failure, Kind, Problem};
use crate::file;
use crate::input;
use crate::output::Output;

/// Draws deployments.
pub(super) fn simulate(command: &Simulate, output: Output) -> Result<(), Failure> {
    let Simulate::Deployments { count, seed, format, truth } = command;
    let drawn = simulate::deployments(usize::try_from(*count).unwrap_or(simulate::COUNT_MAX), *seed);
    let is_json = output.is_json() || matches!(format, Form::Jsonl);
    let text = if is_json { simulate::json_lines } else { simulate::csv };
    output.verbatim(&text(&drawn, *truth))
}

/// `connect`: to the server, which one command asks.
pub(super) async fn run(
    connect: impl FnOnce() -> Result<Client, Failure>,
    command: &Predict,
    output: Output,
) -> Result<(), Failure> {
    match command {
        Predict::History { service, since, before, out } => {
            file::apart(&[], out.as_deref().as_slice())?;
            let within = since.unwrap_or(0)..before.unwrap_or(u64::MAX);
            history::run(&connect()?, service.clone(), within, out.as_deref(), output).await
        }
        Predict::Train { table, output: out, learning, report } => {
            let outputs: Vec<&Path> = [out.as_path()].into_iter().chain(report.html.as_deref()).collect();
            file::apart(&[&table.file], &outputs)?;
            train(&self::known(&table.file, &table.columns)?, out, learning, report.html.as_deref(), output)
        }
        Predict::Evaluate { table, model, learning, report } => {
            let inputs: Vec<&Path> = [table.file.as_path()].into_iter().chain(model.as_deref()).collect();
            file::apart(&inputs, report.html.as_deref().as_slice())?;
            let html = report.html.as_deref();
            let Some(model) = model else {
                return evaluate(&self::known(&table.file, &table.columns)?, learning, html, output);
            };
            let model = self::model(model)?;
            let read = self::table(&table.file, &table.columns, Some(&model), true)?;
            evaluate_model(&table.file, &read, &model, html, output)
        }
        Predict::Explain { model, table, row, columns } => {
            explain(&self::model(model)?, table.as_deref(), *row, columns, output)
        }
        Predict::Score { table, model, columns } => score(table, &self::model(model)?, columns, output),
    }
}

/// Reads a table, which `model` is asked about.
fn table(file: &Path, columns: &Columns, model: Option<&Document>, labelled: bool) -> Result<Table, Failure> {
    parsed(file, &columns.layout(model, labelled))?.map_err(|error| refused(file, &error).advise(NAMES))
}

/// What a table that is refused can be told.
const NAMES: &str =
    "docs/predict.md describes the table; `--label`, `--time`, `--category` and `--ignore` name columns";

/// Reads a table with these columns. `None`: it holds no deployment.
pub(super) fn deployments(file: &Path, layout: &Layout) -> Result<Option<Table>, Failure> {
    match parsed(file, layout)? {
        Ok(table) => Ok(Some(table)),
        Err(TableError::Empty) => Ok(None),
        Err(error) => Err(refused(file, &error)),
    }
}

/// Reads a table that may break a rule.
pub(super) fn parsed(file: &Path, layout: &Layout) -> Result<Result<Table, TableError>, Failure> {
    let bytes = input::bytes(file, BYTES_MAX)?;
    if Table::is_parquet(&bytes) {
        return Ok(Table::read_parquet(bytes, layout));
    }
    let text = input::utf8(file, bytes)?;
    Ok(Table::read(&text, Format::of(&text), layout))
}

fn refused(file: &Path, error: &TableError) -> Failure {
    Failure::usage(format!("{} is not a table of deployments", input::name(file)))
        .because(vec![problem(file, error)])
        .advise("docs/predict.md describes the table")
}

/// What is wrong with a table, at its place.
pub(super) fn problem(file: &Path, error: &TableError) -> Problem {
    let whole = error.to_string();
    let place = error.place();
    let message = place.and_then(|place| whole.strip_prefix(&format!("{place}: "))).unwrap_or(&whole);
    Problem {
        file: input::name(file),
        line: place.and_then(|place| u32::try_from(place.line).ok()),
        column: place.and_then(|place| u32::try_from(place.column).ok()),
        field: String::new(),
        message: message.to_owned(),
        snippet: String::new(),
    }
}

fn known(file: &Path, columns: &Columns) -> Result<History, Failure> {
    History::try_from(&table(file, columns, None, true)?).map_err(|error| {
        Failure::usage(format!("{}: {error}", input::name(file)))
            .advise("give a history with deployments that were rolled back and deployments that were not")
    })
}

/// Reads a model: that in force, where a folder of `serin learn` is given.
pub(super) fn model(file: &Path) -> Result<Document, Failure> {
    let in_force = file.is_dir().then(|| learn::in_force(file, Model::Predictor)).transpose()?;
    let file = in_force.as_deref().unwrap_or(file);
    let text = input::text(file, DOCUMENT_BYTES_MAX)?;
    Document::read(&text).map_err(|error| {
        let advice = match error {
            DocumentError::Format { .. } => "give a model that `serin predict train` of this version wrote",
            DocumentError::Json { .. } | DocumentError::Damaged { .. } | DocumentError::Rule { .. } => {
                "take it from where it was kept, or write it again with `serin predict train`"
            }
        };
        Failure::usage(format!("{}: {error}", input::name(file))).advise(advice)
    })
}

fn training(learning: &Learning) -> Training {
    let forest = ForestSettings { trees: learning.trees, seed: learning.seed, ..ForestSettings::default() };
    Training {
        settings: Settings { forest, balance: learning.balance, ..Settings::default() },
        stage: learning.stage(),
        kind: learning.kind(),
        costs: Costs { missed: learning.missed_cost, ..Costs::default() },
    }
}

fn learned(history: &History, learning: &Learning) -> Result<(Document, Evaluation), Failure> {
    training(learning)
        .train(history)
        .map_err(|error| Failure::usage(error.to_string()).advise("give a longer history"))
}

fn train(
    history: &History,
    out: &Path,
    learning: &Learning,
    html: Option<&Path>,
    output: Output,
) -> Result<(), Failure> {
    let (document, evaluation) = learned(history, learning)?;
    let summary = Summary::of(history);
    let model = document.to_json();
    let report = html.map(|html| (html, page(&document, FOLDS, &evaluation.predictions, Some(&summary))));
    let report = report.as_ref().map(|(html, page)| (*html, page.as_bytes()));
    let files: Vec<(&Path, &[u8])> = [(out, model.as_bytes())].into_iter().chain(report).collect();
    file::write_all(&files)?;
    let written = view::Trained {
        file: out.display().to_string(),
        version: document.version(),
        card: document.card(),
        summary: &summary,
    };
    output.show(&written, || view::trained(&written, &evaluation))
}

/// Where the predictions of an evaluation come from.
const FOLDS: &str = "Each prediction is by a model that learned from earlier deployments alone (nested folds in the order of time).";

fn evaluate(
    history: &History,
    learning: &Learning,
    html: Option<&Path>,
    output: Output,
) -> Result<(), Failure> {
    let (document, evaluation) = learned(history, learning)?;
    let summary = Summary::of(history);
    write_report(html, &document, FOLDS, &evaluation.predictions, Some(&summary))?;
    let shown = view::Evaluated::new(&document, evaluation.figures, &evaluation.predictions, None);
    let whole = Whole { evaluated: &shown, evaluation: &evaluation, summary: &summary };
    output.show(&whole, || {
        let mut sheet = view::summarised(&summary);
        sheet.blank();
        view::evaluated(&mut sheet, &shown, Some(&evaluation));
        sheet
    })
}

/// The JSON form of an evaluation of training.
#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    evaluated: &'a view::Evaluated,
    evaluation: &'a Evaluation,
    summary: &'a Summary,
}

fn evaluate_model(
    file: &Path,
    table: &Table,
    document: &Document,
    html: Option<&Path>,
    output: Output,
) -> Result<(), Failure> {
    let said = document.predictor().probabilities(table);
    let known = said.into_iter().zip(table.labels()).filter_map(|(p, label)| Some((p, (*label)?)));
    let predictions: Vec<(f64, bool)> = known.collect();
    if predictions.is_empty() {
        return Err(Failure::usage(format!(
            "{}: says of no deployment what became of it",
            input::name(file)
        ))
        .advise("`serin predict score` needs no outcomes"));
    }
    let (said, labels): (Vec<f64>, Vec<bool>) = predictions.iter().copied().unzip();
    let source = "Predictions of the model for the deployments of the table.";
    write_report(html, document, source, &predictions, None)?;
    let drift = document.predictor().drift(table);
    let mut shown =
        view::Evaluated::new(document, Some(Figures::of(&labels, &said)), &predictions, Some(drift));
    shown.notes = gaps::familiar(document, table).into_iter().collect();
    shown.notes.extend(gaps::notes(document, table, "table"));
    output.show(&shown, || {
        let mut sheet = crate::output::Sheet::default();
        view::evaluated(&mut sheet, &shown, None);
        sheet
    })
}

fn write_report(
    html: Option<&Path>,
    document: &Document,
    source: &str,
    predictions: &[(f64, bool)],
    summary: Option<&Summary>,
) -> Result<(), Failure> {
    let Some(html) = html else { return Ok(()) };
    file::write(html, page(document, source, predictions, summary).as_bytes())
}

fn page(document: &Document, source: &str, predictions: &[(f64, bool)], summary: Option<&Summary>) -> String {
    report::page(document, Judged { source, predictions }, summary)
}

fn explain(
    document: &Document,
    file: Option<&Path>,
    row: u32,
    columns: &Columns,
    output: Output,
) -> Result<(), Failure> {
    let Some(file) = file else {
        return output.show(document.card(), || view::card(document));
    };
    let table = table(file, columns, Some(document), false)?;
    let position = usize::try_from(row).unwrap_or(usize::MAX).saturating_sub(1);
    let predictions = document.predictor().predict(&table);
    let Some(prediction) = predictions.get(position) else {
        return Err(Failure::new(
            Kind::Usage,
            format!("{} has {} deployments, none is number {row}", input::name(file), predictions.len()),
        ));
    };
    let explained = view::Explained::new(document, &table, position, prediction);
    output.show(&explained, || view::explained(&explained))
}

fn score(file: &Path, document: &Document, columns: &Columns, output: Output) -> Result<(), Failure> {
    let table = table(file, columns, Some(document), false)?;
    let scored = view::Scored {
        model: document.version(),
        threshold: document.card().costs.threshold(),
        predictions: document.predictor().predict(&table),
        drift: document.predictor().drift(&table),
        notes: gaps::notes(document, &table, "table"),
    };
    output.show(&scored, || view::scored(&scored))
}
