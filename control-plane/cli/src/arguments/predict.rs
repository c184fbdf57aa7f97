//! Simulated deployments, the rollback predictor, and the gate.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand, ValueEnum};
use serin_predictor::document::Document;
use serin_predictor::model::Kind;
use serin_predictor::table::{Layout, Stage};

/// What is drawn.
#[derive(Debug, Subcommand)]
pub(crate) enum Simulate {
    /// Draw a labelled history of deployments by a known law, for demonstrations and tests.
    Deployments {
        /// Deployments, 1 to 100,000.
        #[arg(long, value_name = "NUMBER", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        count: u32,
        /// Where random numbers begin: the same seed gives the same history.
        #[arg(long, value_name = "NUMBER", default_value_t = 1)]
        seed: u64,
        /// The form; with --json always JSON Lines.
        #[arg(long, value_enum, default_value_t = Form::Csv)]
        format: Form,
        /// Add the true probability of each as `true_probability`. No model learns from it.
        #[arg(long)]
        truth: bool,
    },
}

/// The form of a table.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Form {
    /// Comma-separated values.
    Csv,
    /// A JSON object a line.
    Jsonl,
}

/// Commands on the rollback predictor.
#[derive(Debug, Subcommand)]
pub(crate) enum Predict {
    /// Ask the server for finished rollouts, as a history that `predict train` reads: JSON, one a line.
    History {
        /// Only this service.
        #[arg(value_name = "SERVICE")]
        service: Option<String>,
        /// Only rollouts that began then or later, seconds since the Unix epoch.
        #[arg(long, value_name = "SECONDS")]
        since: Option<u64>,
        /// Only rollouts that began earlier, seconds since the Unix epoch.
        #[arg(long, value_name = "SECONDS")]
        before: Option<u64>,
        /// Write to this file and not to standard output.
        #[arg(short, long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Learn from a history of deployments, and write the model.
    Train {
        /// File to write the model to.
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        #[command(flatten)]
        table: History,
        #[command(flatten)]
        learning: Learning,
        #[command(flatten)]
        report: Report,
    },
    /// Say how right predictions are: those of a model on deployments that came later, or those of training as such, in the order of time.
    Evaluate {
        /// The model, or the folder of `serin learn`, whose predictor in force is judged. Without it, training is judged by nested folds in the
        /// order of time.
        #[arg(long, value_name = "FILE")]
        model: Option<PathBuf>,
        #[command(flatten)]
        table: History,
        #[command(flatten)]
        learning: Learning,
        #[command(flatten)]
        report: Report,
    },
    /// Say what a model looks at, and what led to its prediction for one deployment.
    Explain {
        /// The model, or the folder of `serin learn`, whose predictor in force is asked.
        #[arg(long, value_name = "FILE")]
        model: PathBuf,
        /// Deployments, CSV, JSON or Parquet; - reads standard input. Without it, what the model looks at in general.
        #[arg(value_name = "TABLE")]
        table: Option<PathBuf>,
        /// Which deployment of the table, from 1.
        #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
        row: u32,
        #[command(flatten)]
        columns: Columns,
    },
    /// Say how likely each deployment of a table is rolled back, and whether the model still fits.
    Score {
        /// Deployments, CSV, JSON or Parquet; - reads standard input.
        #[arg(value_name = "TABLE")]
        table: PathBuf,
        /// The model, or the folder of `serin learn`, whose predictor in force is asked.
        #[arg(long, value_name = "FILE")]
        model: PathBuf,
        #[command(flatten)]
        columns: Columns,
    },
}

/// A table of past deployments.
#[derive(Args, Debug)]
pub(crate) struct History {
    /// Past deployments, CSV, JSON Lines or Parquet; - reads standard input.
    #[arg(value_name = "TABLE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) columns: Columns,
}

/// What columns of a table mean.
#[derive(Args, Debug)]
#[command(next_help_heading = "Columns")]
pub(crate) struct Columns {
    /// The column that says whether it was rolled back: true or false, 1 or 0. Without it, that of the model, else `rolled_back`.
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) label: Option<String>,
    /// The column of its time: seconds since the Unix epoch, or a date. Without it, that of the model, else `at`.
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) time: Option<String>,
    /// A column of words to learn from; may be given several times. Without it, those of the model, else `service`.
    #[arg(long = "category", value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) categories: Vec<String>,
    /// A column to leave out, such as one that is known only afterwards; may be given several times.
    #[arg(long = "ignore", value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) ignored: Vec<String>,
}

impl Columns {
    /// The layout of a table, by the names of the model that is asked where nothing else is named. A column that was named must be there.
    pub(crate) fn layout(&self, model: Option<&Document>, labelled: bool) -> Layout {
        let Self { label, time, categories, ignored } = self;
        let usual = || Layout { labelled, ..Layout::default() };
        let mut layout = model.map_or_else(usual, |model| model.layout(labelled));
        layout.demanded = ignored.iter().chain(categories).cloned().collect();
        layout.ignored.extend(ignored.iter().cloned());
        if !categories.is_empty() {
            layout.categories.clone_from(categories);
        }
        if let Some(label) = label {
            layout.label.clone_from(label);
        }
        if let Some(time) = time {
            layout.time.clone_from(time);
        }
        // What has another role now is a category only if it was named as one.
        let Layout { label, time, ignored, categories: words, .. } = &mut layout;
        let is_free = |name: &String| name != label && name != time && !ignored.contains(name);
        words.retain(|name| categories.contains(name) || is_free(name));
        layout
    }
}

/// How to learn.
#[derive(Args, Debug)]
#[command(next_help_heading = "Learning")]
pub(crate) struct Learning {
    /// Which facts may be used: those known before the rollout, or also those of the canary's first minutes.
    #[arg(long, value_enum, default_value_t = Known::Before)]
    known: Known,
    /// Only this kind of model. Without it, the best in folds in the order of time.
    #[arg(long, value_enum, value_name = "KIND")]
    kind: Option<Kinds>,
    /// Trees of the random forest, 10 to 5,000.
    #[arg(long, value_name = "NUMBER", default_value_t = 500, value_parser = clap::value_parser!(u16).range(10..=5_000))]
    pub(crate) trees: u16,
    /// Where random numbers begin: the same seed and table give the same model.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Let the rarer outcome weigh as much as the other while learning.
    #[arg(long)]
    pub(crate) balance: bool,
    /// What a bad deployment that goes out costs, beside a good one that is held up, 0.01 to 1000.
    #[arg(long, value_name = "NUMBER", default_value_t = 4.0, value_parser = cost)]
    pub(crate) missed_cost: f64,
}

impl Learning {
    pub(crate) const fn stage(&self) -> Stage {
        match self.known {
            Known::Before => Stage::Before,
            Known::Canary => Stage::Canary,
        }
    }

    pub(crate) const fn kind(&self) -> Option<Kind> {
        match self.kind {
            None => None,
            Some(Kinds::Forest) => Some(Kind::Forest),
            Some(Kinds::Boosting) => Some(Kind::Boosting),
            Some(Kinds::Logistic) => Some(Kind::Logistic),
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Known {
    /// Before the rollout.
    Before,
    /// After the canary's first minutes.
    Canary,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kinds {
    /// Random forest.
    Forest,
    /// Gradient boosting.
    Boosting,
    /// Logistic regression.
    Logistic,
}

/// A report to write.
#[derive(Args, Debug)]
#[command(next_help_heading = "Report")]
pub(crate) struct Report {
    /// Write a report with plots to this file: one HTML page that needs nothing else.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}

/// A release to be judged before its rollout.
#[derive(Args, Debug)]
pub(crate) struct Gate {
    /// The facts of the release: a JSON object, or CSV with one row; - reads standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) release: PathBuf,
    /// The model, as `serin predict train` writes it, or the folder of `serin learn`, whose predictor in force is asked.
    #[arg(long, value_name = "FILE")]
    pub(crate) model: PathBuf,
    /// A probability of a rollback from which on an approval is needed, 0 to 1. Without it, that from which on holding up costs less, by
    /// the costs of the model.
    #[arg(long, value_name = "PROBABILITY", value_parser = probability)]
    pub(crate) approval: Option<f64>,
    /// Block if the probability is above this with 95 % certainty, 0 to 1.
    #[arg(long, value_name = "PROBABILITY", default_value_t = 0.6, value_parser = probability)]
    pub(crate) block: f64,
    /// A plan that is given the prediction, so that its first step is smaller and its steps bake longer; - reads standard input.
    #[arg(long, value_name = "FILE", requires = "plan_out")]
    pub(crate) plan: Option<PathBuf>,
    /// Where that plan is written to, whatever the gate says.
    #[arg(long, value_name = "FILE", requires = "plan")]
    pub(crate) plan_out: Option<PathBuf>,
}

fn probability(text: &str) -> Result<f64, String> {
    text.parse::<f64>()
        .ok()
        .filter(|p| (0.0..=1.0).contains(p))
        .ok_or_else(|| "is not from 0 to 1".to_owned())
}

fn cost(text: &str) -> Result<f64, String> {
    let cost = text.parse::<f64>().ok().filter(|cost| (0.01..=1_000.0).contains(cost));
    cost.ok_or_else(|| "is not from 0.01 to 1000".to_owned())
}
