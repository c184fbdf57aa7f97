//! `serin learn adopt`: a model that another command trained, put in force if it is better.

use std::path::Path;

use serin_learning::contest::{Scores, judge};
use serin_learning::shelf::{Model, Shelf, Stored};
use serin_logs::classify;
use serin_logs::evaluate::replay;
use serin_predictor::document::Document;
use serin_predictor::table::{History, Layout};

use super::folder::Folder;
use super::{bytes_max, refused, view};
use crate::arguments::Trained;
use crate::commands::{finished, logs, predict};
use crate::failure::{Failure, Kind};
use crate::input;
use crate::output::Output;

/// From which probability on a line counts as anomalous.
const ANOMALOUS: f64 = 0.5;

/// A model of either kind.
enum Read {
    Predictor(Box<Document>),
    Logs(Box<classify::Model>),
}

impl Read {
    fn file(model: Trained, file: &Path) -> Result<Self, Failure> {
        match model {
            Trained::Predictor => predict::model(file).map(|document| Self::Predictor(Box::new(document))),
            Trained::Logs => {
                let text = input::text(file, bytes_max(Model::Logs))?;
                let trained = classify::Model::from_json(&text).map_err(|error| {
                    Failure::usage(format!("{}: {error}", input::name(file)))
                        .advise("give a model that `serin logs train` of this version wrote")
                })?;
                Ok(Self::Logs(Box::new(trained)))
            }
        }
    }

    const fn model(&self) -> Model {
        match self {
            Self::Predictor(_) => Model::Predictor,
            Self::Logs(_) => Model::Logs,
        }
    }

    fn version(&self) -> &str {
        match self {
            Self::Predictor(document) => document.version(),
            Self::Logs(trained) => &trained.card().version,
        }
    }

    fn card(&self) -> Result<serde_json::Value, Failure> {
        match self {
            Self::Predictor(document) => view::json(document.card()),
            Self::Logs(trained) => view::json(trained.card()),
        }
    }

    /// From which probability on it is told.
    fn threshold(&self) -> f64 {
        match self {
            Self::Predictor(document) => document.card().costs.threshold(),
            Self::Logs(_) => ANOMALOUS,
        }
    }
}

pub(super) fn run(
    file: &Path,
    model: Trained,
    later: Option<&Path>,
    folder: &Path,
    output: Output,
) -> Result<(), Failure> {
    let read = Read::file(model, file)?;
    let bytes = input::bytes(file, bytes_max(read.model()))?;
    let folder = Folder::open(folder)?;
    let shelf = folder.shelf(read.model())?;
    let before = shelf.in_force().map(|version| version.version.clone());
    if let Some(later) = later
        && let Some(current) = in_force(&folder, &shelf, model)?
    {
        let (current, candidate) = compared(later, &current, &read)?;
        let reasons: Vec<String> = judge(&current, &candidate).iter().map(ToString::to_string).collect();
        if !reasons.is_empty() {
            let answer = view::Contested { adopted: false, in_force: before, reasons, current, candidate };
            output.show(&answer, || view::contested(&answer))?;
            return Err(Failure::new(Kind::NotBetter, "the candidate does not replace what is in force"));
        }
    }
    let stored = Stored { version: read.version(), card: read.card()?, bytes: &bytes };
    let change = shelf.adopt(stored, finished::now()).map_err(refused)?;
    folder.perform(&change.operations)?;
    let answer = view::Restored::of(read.model(), before, &change.shelf);
    output.show(&answer, || view::restored(&answer))
}

fn in_force(folder: &Folder, shelf: &Shelf, model: Trained) -> Result<Option<Read>, Failure> {
    let version = shelf.in_force();
    version
        .map(|version| Read::file(model, Path::new(&folder.path(&shelf.file(&version.version)))))
        .transpose()
}

/// How right both are on what came after all that they learned from.
fn compared(later: &Path, current: &Read, candidate: &Read) -> Result<(Scores, Scores), Failure> {
    let threshold = candidate.threshold();
    let cases: [Vec<(f64, bool)>; 2] = match (current, candidate) {
        (Read::Predictor(current), Read::Predictor(candidate)) => {
            let layout = Layout { labelled: true, ..Layout::default() };
            let table = predict::read(later, &layout)?;
            let history = History::try_from(&table)
                .map_err(|error| Failure::usage(format!("{}: {error}", input::name(later))))?;
            let learned_to = candidate.card().data.to.max(current.card().data.to);
            let first = history.times().partition_point(|time| *time <= learned_to);
            let history = history.part(first, history.rows());
            let said = |of: &Document| {
                of.predictor()
                    .probabilities(history.table())
                    .into_iter()
                    .zip(history.labels().iter().copied())
            };
            [said(current).collect(), said(candidate).collect()]
        }
        (Read::Logs(current), Read::Logs(candidate)) => {
            let (_, lines) = logs::read(later)?;
            let (_, examples) = replay(&lines, logs::masker()?);
            let said = |of: &classify::Model| {
                let each = examples.iter().map(|line| (of.probability(&line.features), line.is_anomalous));
                each.collect()
            };
            [said(current), said(candidate)]
        }
        (Read::Predictor(_) | Read::Logs(_), _) => [Vec::new(), Vec::new()],
    };
    let [current, candidate] = cases;
    Ok((Scores::of(&current, threshold), Scores::of(&candidate, threshold)))
}
