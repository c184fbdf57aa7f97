//! `serin logs evaluate`: grouping accuracy and classification on a folder of labelled logs.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serin_logs::evaluate::{Evaluation, evaluate};

use super::{masker, read};
use crate::failure::Failure;
use crate::output::{Output, Sheet, count};

/// How the tables of Loghub end.
const ENDING: &str = "_structured.csv";
/// Tables of one folder.
const TABLES_MAX: usize = 1_000;

/// Grouping accuracy of Drain with a setting for each system, and their mean: Zhu et al., Tools and Benchmarks for Automated Log
/// Parsing (ICSE-SEIP 2019), table III, on samples of 2,000 lines.
const PUBLISHED: [(&str, f64); 16] = [
    ("Android", 0.911),
    ("Apache", 1.0),
    ("BGL", 0.963),
    ("HDFS", 0.998),
    ("HPC", 0.887),
    ("Hadoop", 0.948),
    ("HealthApp", 0.780),
    ("Linux", 0.690),
    ("Mac", 0.787),
    ("OpenSSH", 0.788),
    ("OpenStack", 0.733),
    ("Proxifier", 0.527),
    ("Spark", 0.920),
    ("Thunderbird", 0.955),
    ("Windows", 0.997),
    ("Zookeeper", 0.967),
];
const PUBLISHED_MEAN: f64 = 0.865;

/// The answer.
#[derive(Serialize)]
struct Report {
    systems: Vec<System>,
    /// Mean over the systems that name events.
    grouping_accuracy: Option<f64>,
    published_grouping_accuracy: f64,
}

/// What was measured on one system.
#[derive(Serialize)]
struct System {
    system: String,
    #[serde(flatten)]
    measured: Evaluation,
    #[serde(skip_serializing_if = "Option::is_none")]
    published_grouping_accuracy: Option<f64>,
}

pub(super) fn run(folder: &Path, output: Output) -> Result<(), Failure> {
    let tables = tables(folder)?;
    if tables.is_empty() {
        return Err(Failure::usage(format!("{}: holds no table that ends in {ENDING}", folder.display()))
            .advise("name the folder that holds the systems of Loghub, or one of them"));
    }
    let mut systems = Vec::new();
    for table in tables {
        let system = name(&table);
        let measured = evaluate(&read(&table)?.1, masker()?);
        let published = PUBLISHED.iter().find(|(name, _)| *name == system).map(|(_, accuracy)| *accuracy);
        systems.push(System { system, measured, published_grouping_accuracy: published });
    }
    let accuracies: Vec<f64> =
        systems.iter().filter_map(|system| system.measured.grouping_accuracy).collect();
    let mean = accuracies.iter().sum::<f64>() / accuracies.len() as f64;
    let grouping_accuracy = (!accuracies.is_empty()).then_some(mean);
    let report = Report { systems, grouping_accuracy, published_grouping_accuracy: PUBLISHED_MEAN };
    output.show(&report, || sheet(&report))
}

/// A table, or those in a folder and in the folders in it, by name.
fn tables(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    if folder.is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in entries(folder)? {
        if entry.is_dir() {
            found.extend(entries(&entry)?.into_iter().filter(|path| is_table(path)));
        } else if is_table(&entry) {
            found.push(entry);
        }
        if found.len() > TABLES_MAX {
            return Err(Failure::usage(format!("{}: holds more than {TABLES_MAX} tables", folder.display())));
        }
    }
    found.sort();
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error| {
        Failure::usage(format!("{}: cannot be read: {error}", folder.display())).advise("check the path")
    };
    let entries = fs::read_dir(folder).map_err(unreadable)?;
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(unreadable)).collect()
}

fn is_table(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(ENDING))
}

/// The system of a table: what stands before the first `_` of its name.
fn name(table: &Path) -> String {
    let file = table.file_name().unwrap_or_default().to_string_lossy();
    file.split_once('_').map_or(file.as_ref(), |(system, _)| system).to_owned()
}

fn sheet(report: &Report) -> Sheet {
    let share = |share: Option<f64>| share.map_or_else(String::new, |share| format!("{share:.3}"));
    let mut sheet = Sheet::default();
    let head =
        ["SYSTEM", "LINES", "EVENTS", "TEMPLATES", "ACCURACY", "PUBLISHED", "F1", "BEST F1", "AP", "ECE"];
    let rows = report.systems.iter().map(|System { system, measured, published_grouping_accuracy }| {
        let scores = measured.classifier.as_ref();
        [
            system.clone(),
            count(measured.lines),
            count(measured.events),
            count(measured.templates),
            share(measured.grouping_accuracy),
            share(*published_grouping_accuracy),
            share(scores.map(|scores| scores.f1)),
            share(scores.map(|scores| scores.best_f1)),
            share(scores.map(|scores| scores.average_precision)),
            share(scores.map(|scores| scores.calibration_error)),
        ]
    });
    sheet.table(head, rows);
    if let Some(mean) = report.grouping_accuracy {
        sheet.blank();
        sheet.line(&format!(
            "grouping accuracy {mean:.3} on average; published for Drain, with a setting for each system: {PUBLISHED_MEAN:.3}"
        ));
    }
    sheet
}
