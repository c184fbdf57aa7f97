//! Log lines: how well they are grouped and classified, and how they are sent.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand, ValueEnum};

use super::value;

/// Commands on log lines.
#[derive(Debug, Subcommand)]
pub(crate) enum Logs {
    /// Measure on labelled logs how well lines are grouped by templates, and which are told to be anomalous. Needs no server.
    Evaluate {
        /// A folder with tables that end in _structured.csv, or with folders of them, as Loghub has.
        folder: PathBuf,
    },
    /// Train a classifier of anomalous lines on labelled history. Needs no server.
    Train {
        /// Labelled lines in the order of their time: a table of Loghub (.csv), or JSON, one object a line.
        #[arg(long, value_name = "FILE")]
        labelled: PathBuf,
        /// File to write the model to.
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Send lines of a file or of standard input to the control plane as OTLP log records, with secrets masked.
    #[command(disable_version_flag = true)]
    Ship(Ship),
}

/// What is sent, and where to.
#[derive(Args, Debug)]
pub(crate) struct Ship {
    /// The file; - reads standard input.
    #[arg(default_value = "-")]
    pub(crate) source: PathBuf,
    /// Service that writes the lines.
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) service: String,
    #[command(flatten)]
    pub(crate) writer: Writer,
    /// The control plane's OTLP listener, or any other one, as http:// or https:// address. Without a path, /v1/logs is added.
    #[arg(long, value_name = "URL")]
    pub(crate) to: String,
    /// Send what is written to the file from here on, until Ctrl-C; also after the file was replaced or cut.
    #[arg(long)]
    pub(crate) follow: bool,
    /// Give a batch up after this time, retries included.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = value::call_deadline)]
    pub(crate) deadline: Duration,
}

/// Who writes the lines.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub(crate) struct Writer {
    /// The arm that writes them.
    #[arg(long, value_enum, value_name = "ARM")]
    pub(crate) arm: Option<Arm>,
    /// The version that writes them: the plan's baseline or canary.
    #[arg(long, value_name = "VERSION", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) version: Option<String>,
}

/// An arm, as resources name it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Arm {
    /// The version that serves today.
    Baseline,
    /// The version that should replace it.
    Canary,
}

impl Arm {
    /// Its name in `serin.arm`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Canary => "canary",
        }
    }
}
