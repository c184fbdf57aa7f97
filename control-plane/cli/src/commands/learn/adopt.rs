//! `serin learn adopt`: a model that another command trained, put in force if it is better.

use std::path::Path;

use serin_learning::contest::{Scores, judge};
use serin_learning::shelf::{Model, Shelf, Stored};
use serin_logs::classify;
use serin_logs::evaluate::replay;
use serin_logs::history::Labelled;
use serin_predictor::document::Document;
use serin_predictor::table::{Layout, Table};

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

    /// The time of the last deployment that it learned from. `None`: it does not say.
    fn learned_to(&self) -> Option<f64> {
        match self {
            Self::Predictor(document) => Some(document.card().data.to),
            Self::Logs(_) => None,
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

/// What became of later cases.
enum Later {
    /// `None`: it holds no deployment, as after a quiet month.
    Deployments(Option<Table>),
    Lines(Vec<Labelled>),
}

impl Later {
    /// Of a file that these are asked about. Its columns are called as the first one's are.
    fn file(model: Trained, file: &Path, asked: &[&Read]) -> Result<Self, Failure> {
        match model {
            Trained::Predictor => predict::deployments(file, &layout(asked)).map(Self::Deployments),
            Trained::Logs => logs::read(file).map(|(_, lines)| Self::Lines(lines)),
        }
    }

    /// How right each of these is on what came after all that they learned from.
    fn scores(&self, asked: &[&Read], threshold: f64) -> Result<Vec<Scores>, Failure> {
        let learned_to = asked.iter().filter_map(|read| read.learned_to()).fold(f64::NEG_INFINITY, f64::max);
        let cases: Vec<Vec<(f64, bool)>> = match self {
            Self::Deployments(None) => vec![Vec::new(); asked.len()],
            Self::Deployments(Some(table)) => {
                asked.iter().map(|read| deployments(read, table, learned_to)).collect()
            }
            Self::Lines(lines) => {
                let (_, examples) = replay(lines, logs::masker()?);
                let said = |read: &&Read| match read {
                    Read::Predictor(_) => Vec::new(),
                    Read::Logs(model) => examples
                        .iter()
                        .map(|line| (model.probability(&line.features), line.is_anomalous))
                        .collect(),
                };
                asked.iter().map(said).collect()
            }
        };
        Ok(cases.iter().map(|cases| Scores::of(cases, threshold)).collect())
    }
}

fn layout(asked: &[&Read]) -> Layout {
    let mut layouts = asked.iter().filter_map(|read| match read {
        Read::Predictor(document) => Some(document.layout(true)),
        Read::Logs(_) => None,
    });
    let mut layout = layouts.next().unwrap_or_default();
    for other in layouts {
        let is_free = |name: &String| ![&layout.label, &layout.time].contains(&name);
        let categories: Vec<String> = other.categories.into_iter().filter(is_free).collect();
        layout.categories.extend(categories);
        layout.measures.extend(other.measures);
        layout.ignored.retain(|name| !layout.categories.contains(name) && !layout.measures.contains(name));
    }
    layout
}

/// What a predictor says of the deployments that began after this, and what became of them.
fn deployments(read: &Read, table: &Table, after: f64) -> Vec<(f64, bool)> {
    let Read::Predictor(document) = read else { return Vec::new() };
    let said = document.predictor().probabilities(table).into_iter();
    let known = said.zip(table.times().iter().zip(table.labels()));
    let later = known.filter(|(_, (time, _))| time.is_some_and(|time| time > after));
    later.filter_map(|(said, (_, label))| Some((said, (*label)?))).collect()
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
    if let Some(later) = later {
        let current = in_force(&folder, &shelf, model)?;
        let asked: Vec<&Read> = [&read].into_iter().chain(&current).collect();
        let mut scores = Later::file(model, later, &asked)?.scores(&asked, read.threshold())?.into_iter();
        let (candidate, current) = (scores.next().unwrap_or_default(), scores.next());
        let reasons = judge(current.as_ref(), &candidate);
        let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
        if !reasons.is_empty() {
            let answer = view::Contested { adopted: false, in_force: before, reasons, current, candidate };
            output.show(&answer, || view::contested(&answer))?;
            return Err(Failure::new(Kind::NotBetter, "the candidate does not replace what is in force")
                .advise("what is in force stays; judge it again when more is known of what came later"));
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
