//! The command line of decisions.

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};

use super::Reason;

/// Commands on decisions.
#[derive(Debug, Subcommand)]
pub(crate) enum Decision {
    /// What undid something or promoted, newest first, and what people say of it.
    List {
        /// Only of this service.
        #[arg(value_name = "SERVICE")]
        service: Option<String>,
        /// At most so many, 1 to 1,000.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
        /// Only those before this number of the journal.
        #[arg(long, value_name = "NUMBER")]
        before: Option<u64>,
    },
    /// Say that a decision was right, or a false alarm. It changes no rollout; the newest mark holds.
    Mark(MarkDecision),
}

/// What is said of which decision.
#[derive(Args, Debug)]
pub(crate) struct MarkDecision {
    /// Its name, as `serin decision list` shows it.
    #[arg(value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) id: String,
    /// It was right.
    #[arg(long, required_unless_present = "false_alarm", conflicts_with = "false_alarm")]
    right: bool,
    /// What was undone was not worse.
    #[arg(long)]
    pub(crate) false_alarm: bool,
    #[command(flatten)]
    pub(crate) reason: Reason,
}
