//! How good forecasts, log templates and the predictor of rollbacks are, beside simple forecasts, published figures and
//! scikit-learn.
//!
//! Everything is seeded, so two runs give the same figures. Series and logs are generated with a truth that is known; the predictor's
//! table and scikit-learn's figures are the fixtures of its tests. With `--loghub FOLDER` logs are those of Loghub, too.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;
use serin_evidence::mask::Masker;
use serin_forecast::figures::{Figures, GroupFigures, MeasureSettings, measure};
use serin_logs::evaluate::{Evaluation, evaluate};
use serin_logs::generate::{Scenario, generate};
use serin_predictor::comparison::{Line, Means, Reference, beside};
use serin_predictor::model::Settings;
use serin_predictor::table::{Format, History, Layout, Table};

use crate::workspace::Workspace;

/// Grouping accuracy of Drain on the sixteen samples of Loghub with a rule for each system: mean of what was published.
const PUBLISHED_DRAIN: f64 = 0.865;
/// How far a coverage may be off, in points, on stationary and on trending series.
const COVERAGE_OFF: (f64, f64) = (3.0, 5.0);
/// How much worse than scikit-learn a figure of the predictor may be.
const WORSE_MAX: f64 = 0.01;

/// What is measured, and how it is shown.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Prints one JSON object as the last line, and no table.
    #[arg(long)]
    json: bool,
    /// Series of each shape.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    series: u64,
    /// A copy of Loghub: its systems' tables are evaluated, too.
    #[arg(long, value_name = "FOLDER")]
    loghub: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    /// Coverages are within their bounds, and the predictor is not worse than scikit-learn.
    ok: bool,
    forecasts: Figures,
    /// On generated logs.
    logs: Evaluation,
    /// By system.
    loghub: Vec<(String, Evaluation)>,
    published_grouping_accuracy: f64,
    predictor: Vec<Line>,
}

/// Measures.
///
/// # Errors
/// When a table cannot be read.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let masker = Masker::new(true).context("rules of the mask")?;
    let forecasts = measure(&MeasureSettings { series: options.series, ..MeasureSettings::default() });
    let logs = evaluate(&generate(&Scenario { lines: 20_000, ..Scenario::default() }), masker.clone());
    let loghub = options.loghub.as_deref().map(|folder| self::loghub(folder, &masker)).transpose()?;
    let predictor = predictor(workspace)?;
    let report = Report {
        ok: covers(&forecasts) && predictor.iter().all(|line| line.worst() <= WORSE_MAX),
        forecasts,
        logs,
        loghub: loghub.unwrap_or_default(),
        published_grouping_accuracy: PUBLISHED_DRAIN,
        predictor,
    };
    let mut out = std::io::stdout();
    if options.json {
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
    } else {
        report.lines().iter().try_for_each(|line| writeln!(out, "{line}"))?;
    }
    Ok(())
}

fn predictor(workspace: &Workspace) -> Result<Vec<Line>> {
    let fixtures = workspace.root().join("control-plane/predictor/tests/fixtures");
    let text = std::fs::read_to_string(fixtures.join("deployments.csv"))?;
    let history = History::try_from(&Table::read(&text, Format::Csv, &Layout::default())?)?;
    let reference: Reference =
        serde_json::from_str(&std::fs::read_to_string(fixtures.join("contenders.json"))?)?;
    Ok(beside(&history, &reference, &Settings::default()))
}

/// Every `*_2k.log_structured.csv` below `folder`.
fn loghub(folder: &Path, masker: &Masker) -> Result<Vec<(String, Evaluation)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let system = entry?.path();
        let Ok(files) = std::fs::read_dir(&system) else { continue };
        for file in files {
            let file = file?.path();
            let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let Some(system) = name.strip_suffix("_2k.log_structured.csv") else { continue };
            let lines = serin_logs::history::loghub(&std::fs::read(&file)?);
            let lines = lines.with_context(|| format!("cannot read {}", file.display()))?;
            found.push((system.to_owned(), evaluate(&lines, masker.clone())));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

fn covers(figures: &Figures) -> bool {
    let within = |group: &GroupFigures, points: f64| {
        (group.coverage_80 - 0.80).abs() * 100.0 <= points
            && (group.coverage_95 - 0.95).abs() * 100.0 <= points
    };
    within(&figures.stationary, COVERAGE_OFF.0) && within(&figures.trending, COVERAGE_OFF.1)
}

impl Report {
    fn lines(&self) -> Vec<String> {
        let mut lines =
            vec!["Forecasts        80 %     95 %     error / naive   error / seasonal naive".to_owned()];
        let groups = [
            ("stationary", &self.forecasts.stationary),
            ("trending", &self.forecasts.trending),
            ("seasonal", &self.forecasts.seasonal),
        ];
        for (name, group) in groups {
            lines.push(format!(
                "{name:<14} {:>5.1} %  {:>5.1} %  {:>14.3}  {:>23.3}",
                group.coverage_80 * 100.0,
                group.coverage_95 * 100.0,
                group.mae_to_naive,
                group.mae_to_seasonal_naive
            ));
        }
        lines.push(String::new());
        lines.push(format!(
            "Logs           grouping accuracy (published Drain: {:.3})   F1   average precision",
            self.published_grouping_accuracy
        ));
        lines.push(log_line("generated", &self.logs));
        lines.extend(self.loghub.iter().map(|(system, evaluation)| log_line(system, evaluation)));
        lines.push(String::new());
        lines.push(format!("{:<36}AUC     PR-AUC  Brier   calibration error", "Predictor"));
        for line in &self.predictor {
            lines.push(means_line(line.kind.word(), &line.ours));
            lines.push(means_line(&format!("  scikit-learn {}", line.theirs_name), &line.theirs));
        }
        lines.push(format!("\nwithin all bounds: {}", if self.ok { "yes" } else { "no" }));
        lines
    }
}

fn log_line(name: &str, evaluation: &Evaluation) -> String {
    let figure = |of: Option<f64>| of.map_or_else(|| "-".to_owned(), |of| format!("{of:.3}"));
    let classifier = evaluation.classifier.as_ref();
    format!(
        "{name:<14} {:>5} of {} lines   {:>5}   {:>5}",
        figure(evaluation.grouping_accuracy),
        evaluation.lines,
        figure(classifier.map(|scores| scores.f1)),
        figure(classifier.map(|scores| scores.average_precision))
    )
}

fn means_line(name: &str, means: &Means) -> String {
    let Means { roc_auc, average_precision, brier, calibration_error } = means;
    format!("{name:<36}{roc_auc:.4}  {average_precision:.4}  {brier:.4}  {calibration_error:.4}")
}
