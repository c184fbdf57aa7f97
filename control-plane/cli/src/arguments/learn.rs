//! What finished rollouts teach.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand, ValueEnum};
use serin_learning::shelf;

/// Commands on learning.
#[derive(Debug, Subcommand)]
pub(crate) enum Learn {
    /// Draw a year of rollouts whose truth is known, and say what learning is worth in it: false rollbacks and missed faults by month.
    Simulate {
        /// Where random numbers begin: the same seed gives the same year.
        #[arg(long, value_name = "NUMBER", default_value_t = 1)]
        seed: u64,
        /// So many years with seeds that follow each other, 1 to 100; of more than one, a line each.
        #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
        years: u32,
        /// One of six people calls whatever is undone of their services a false alarm, and nobody notices what is missed there.
        #[arg(long)]
        poisoned: bool,
        /// Write the outcomes of the year to this file, one a line, as `learn retrain` reads them. Of one year only.
        #[arg(long, value_name = "FILE", conflicts_with = "years")]
        outcomes: Option<PathBuf>,
    },
    /// Ask the server for finished rollouts and what is true of them, one a line, as `learn retrain` reads them.
    Outcomes {
        /// Only this service.
        #[arg(value_name = "SERVICE")]
        service: Option<String>,
        /// Write to this file and not to standard output.
        #[arg(short, long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Learn a candidate from finished rollouts, judge it on later ones, and put it in force if it is better: exit 0 adopted, 10 refused.
    Retrain {
        /// Finished rollouts, JSON, one a line; - reads standard input.
        #[arg(long, value_name = "FILE")]
        outcomes: PathBuf,
        /// Learn as of this time, seconds since the Unix epoch: what was said later is not known. Default: now.
        #[arg(long, value_name = "SECONDS")]
        at: Option<u64>,
        #[command(flatten)]
        folder: Folder,
    },
    /// List the versions of models, and which are in force.
    Versions {
        #[command(flatten)]
        folder: Folder,
    },
    /// Put a version in force again: the one before, or the one named; `defaults` is what holds before anything is learned.
    #[command(disable_version_flag = true)]
    Restore {
        /// The version. Without it, what the version in force replaced.
        #[arg(value_name = "VERSION", value_parser = NonEmptyStringValueParser::new())]
        version: Option<String>,
        /// Of which model.
        #[arg(long, value_enum, value_name = "MODEL", default_value_t = Model::Tuning)]
        model: Model,
        #[command(flatten)]
        folder: Folder,
    },
    /// Print a plan with what is in force: a rollout of it begins with that, and keeps it.
    Plan {
        /// The plan as YAML; - reads standard input.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        folder: Folder,
    },
    /// Put a model that `predict train` or `logs train` wrote on its shelf and in force, with --later only if it is better than the one in
    /// force: exit 0 adopted, 10 refused.
    Adopt {
        /// The model.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Which model it is.
        #[arg(long, value_enum, value_name = "MODEL")]
        model: Trained,
        /// What became of later deployments (as `predict evaluate` reads them), or labelled later lines (as `logs train` does). Without
        /// it, the model is put in force as it is.
        #[arg(long, value_name = "FILE")]
        later: Option<PathBuf>,
        #[command(flatten)]
        folder: Folder,
    },
}

/// Where versions are kept.
#[derive(Args, Debug)]
pub(crate) struct Folder {
    /// Folder that keeps the versions.
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

/// What is kept in versions.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Model {
    /// Weights, margins and confidences.
    Tuning,
    /// The rollback predictor.
    Predictor,
    /// The classifier of log lines.
    Logs,
}

/// What other commands train.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Trained {
    /// The rollback predictor.
    Predictor,
    /// The classifier of log lines.
    Logs,
}

impl From<Model> for shelf::Model {
    fn from(model: Model) -> Self {
        match model {
            Model::Tuning => Self::Tuning,
            Model::Predictor => Self::Predictor,
            Model::Logs => Self::Logs,
        }
    }
}
