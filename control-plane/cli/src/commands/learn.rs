//! `serin learn`: what finished rollouts teach, and the versions of what was learned. Only `learn outcomes` needs a server.

mod adopt;
mod folder;
mod outcomes;
mod plan;
mod view;

use std::path::Path;

use serin_learning::document::{DOCUMENT_BYTES_MAX, Document};
use serin_learning::outcome::{BYTES_MAX, OutcomeError, Outcomes};
use serin_learning::retrain::{self, Verdict};
use serin_learning::shelf::{Model, Shelf, Stored, Way};
use serin_learning::simulate;
use serin_learning::tuning::Tuning;

use super::finished;
use crate::arguments::Learn;
use crate::client::Client;
use crate::failure::{Failure, Kind, Problem};
use crate::file;
use crate::input;
use crate::output::{Output, Unit};

use folder::Folder;
pub(super) use folder::in_force;

/// Bytes of a model of log lines.
const LOGS_BYTES_MAX: usize = 16 * 1024 * 1024;

/// `connect`: to the server, which one command asks.
pub(super) async fn run(
    connect: impl FnOnce() -> Result<Client, Failure>,
    command: &Learn,
    output: Output,
) -> Result<(), Failure> {
    match command {
        Learn::Outcomes { service, out } => {
            file::apart(&[], out.as_deref().as_slice())?;
            outcomes::run(&connect()?, service.clone(), out.as_deref(), output).await
        }
        Learn::Simulate { seed, years, poisoned, outcomes } => {
            let play = if *poisoned { simulate::poisoned } else { simulate::year };
            simulate(*seed, *years, play, outcomes.as_deref(), output)
        }
        Learn::Retrain { outcomes, at, folder } => {
            retrain(outcomes, &folder.folder, at.unwrap_or_else(finished::now), output)
        }
        Learn::Versions { folder } => versions(&folder.folder, output),
        Learn::Restore { version, model, folder } => {
            restore(version.as_deref(), (*model).into(), &folder.folder, output)
        }
        Learn::Plan { file, folder } => plan::run(file, &folder.folder, output),
        Learn::Adopt { file, model, later, folder } => {
            adopt::run(file, *model, later.as_deref(), &folder.folder, output)
        }
    }
}

fn simulate(
    seed: u64,
    years: u32,
    play: fn(u64) -> simulate::Year,
    outcomes: Option<&Path>,
    output: Output,
) -> Result<(), Failure> {
    file::apart(&[], outcomes.as_slice())?;
    let progress = output.progress("playing rollouts", None, Unit::Nothing);
    let mut played: Vec<simulate::Year> =
        (0..u64::from(years)).map(|number| play(seed.wrapping_add(number))).collect();
    drop(progress);
    if let Some(out) = outcomes {
        let lines = played.iter().map(|year| year.outcomes.to_lines()).collect::<String>();
        file::write(out, lines.as_bytes())?;
    }
    if let [year] = played.as_mut_slice() {
        return output.show(year, || view::year(year));
    }
    let years: Vec<view::Row> = played.iter().map(view::Row::of).collect();
    output.show(&years, || view::years(&years))
}

/// Reads finished rollouts.
fn read(file: &Path) -> Result<Outcomes, Failure> {
    let text = input::text(file, BYTES_MAX)?;
    Outcomes::read(&text).map_err(|error| {
        let (line, field, message) = match &error {
            OutcomeError::Line { line, field, rule } => (Some(*line), field.clone(), rule.clone()),
            OutcomeError::TooMany => (None, String::new(), error.to_string()),
        };
        let problem = Problem {
            file: input::name(file),
            line: line.and_then(|line| u32::try_from(line).ok()),
            column: line.map(|_| 1),
            field,
            message,
            snippet: String::new(),
        };
        Failure::usage(format!("{} does not hold finished rollouts", input::name(file)))
            .because(vec![problem])
            .advise("docs/learning.md describes a line; `serin learn simulate --outcomes FILE` writes some")
    })
}

/// The tuning in force, with its version.
fn current(folder: &Folder, shelf: &Shelf) -> Result<(Tuning, Option<String>), Failure> {
    let Some(version) = shelf.in_force() else { return Ok((Tuning::default(), None)) };
    let file = shelf.file(&version.version);
    let text = folder.read(&file, DOCUMENT_BYTES_MAX)?;
    let text = String::from_utf8_lossy(&text);
    let document = Document::read(&text).map_err(|error| {
        Failure::usage(format!("{}: {error}", folder.path(&file)))
            .advise("put another version in force: `serin learn restore VERSION --folder DIR`")
    })?;
    Ok((document.tuning().clone(), Some(version.version.clone())))
}

fn retrain(file: &Path, folder: &Path, at: u64, output: Output) -> Result<(), Failure> {
    let outcomes = read(file)?;
    let folder = Folder::open(folder)?;
    let shelf = folder.shelf(Model::Tuning)?;
    let (current, version) = current(&folder, &shelf)?;
    match retrain::retrain(&outcomes, &current, version.as_deref(), at) {
        Verdict::Adopt(document) => {
            let (bytes, card) = (document.to_json(), view::json(document.card())?);
            let stored = Stored { version: document.version(), card, bytes: bytes.as_bytes() };
            let change = shelf.adopt(stored, at).map_err(refused)?;
            folder.perform(&change.operations)?;
            let answer = view::Retrained::adopted(&document, version.as_deref())?;
            output.show(&answer, || view::retrained(&answer, Some(document.tuning())))
        }
        Verdict::Refuse { reasons, compared } => {
            let answer = view::Retrained::refused(&reasons, compared.as_deref(), version.as_deref());
            output.show(&answer, || view::retrained(&answer, None))?;
            Err(Failure::new(Kind::NotBetter, "the candidate does not replace what is in force"))
        }
    }
}

fn versions(folder: &Path, output: Output) -> Result<(), Failure> {
    let folder = Folder::open(folder)?;
    let shelves = Model::ALL.into_iter().map(|model| folder.shelf(model)).collect::<Result<Vec<_>, _>>()?;
    let shelves: Vec<view::Versions<'_>> = shelves.iter().map(view::Versions::of).collect();
    output.show(&shelves, || view::versions(&shelves))
}

fn restore(version: Option<&str>, model: Model, folder: &Path, output: Output) -> Result<(), Failure> {
    let folder = Folder::open(folder)?;
    let shelf = folder.shelf(model)?;
    let before = shelf.in_force().map(|version| version.version.clone());
    let change = match shelf.way_back(version).map_err(refused)? {
        Way::Defaults => shelf.restore_defaults(),
        Way::Version(found) => {
            let bytes = folder.read(&shelf.file(&found.version), bytes_max(model))?;
            shelf.restore(&found.version, &bytes).map_err(refused)?
        }
    };
    folder.perform(&change.operations)?;
    let answer = view::Restored::of(model, before, &change.shelf);
    output.show(&answer, || view::restored(&answer))
}

const fn bytes_max(model: Model) -> usize {
    match model {
        Model::Tuning => DOCUMENT_BYTES_MAX,
        Model::Predictor => serin_predictor::document::DOCUMENT_BYTES_MAX,
        Model::Logs => LOGS_BYTES_MAX,
    }
}

fn refused(error: serin_learning::shelf::ShelfError) -> Failure {
    Failure::usage(error.to_string()).advise("`serin learn versions --folder DIR` shows what is kept")
}
