//! Recording a rollout, and replaying what was recorded.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serin_trace::Packing;

use super::value;
use crate::client::Wanted;

/// A live rollout to record.
#[derive(Args, Debug)]
pub(crate) struct Record {
    #[command(flatten)]
    target: Recorded,
    /// How long at most, 1s to 24h. The recording ends with the rollout.
    #[arg(long = "for", value_name = "DURATION", default_value = "24h", value_parser = value::recording)]
    pub(crate) lasting: Duration,
    /// File to write; one that ends in .gz or .zst is compressed. Without it, standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Compress so, whatever the file is called.
    #[arg(long = "compress", value_name = "HOW", value_parser = value::packing)]
    pub(crate) packing: Option<Packing>,
}

/// What is recorded.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Recorded {
    /// Identifier of an active rollout.
    #[arg(long, value_name = "ID", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    rollout: Option<String>,
    /// The active rollout of this service; without one, its next rollout is waited for.
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    service: Option<String>,
}

impl Record {
    /// What is to be recorded.
    pub(crate) fn wanted(&self) -> Wanted {
        match (&self.target.rollout, &self.target.service) {
            (Some(id), _) => Wanted::Rollout(id.clone()),
            (None, service) => Wanted::Service(service.clone().unwrap_or_default()),
        }
    }
}

/// A trace to replay.
#[derive(Args, Debug)]
pub(crate) struct Replay {
    /// The plan as YAML; - reads standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: PathBuf,
    /// Policies in the place of the plan's: what they say, and what follows from it.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// The trace, one JSON object a line, plain, gzip or zstd; - reads standard input.
    pub(crate) trace: PathBuf,
    /// Who judges: serin, or the rules of another tool.
    #[arg(long, value_name = "NAME", default_value = "serin", value_parser = value::judge())]
    pub(crate) judge: String,
    /// Exit with 6 if the canary would have been rolled back, 7 if held. Without it, every decision exits with 0.
    #[arg(long)]
    pub(crate) exit_code: bool,
}
