//! `serin rollback --all`.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::Reason;

/// Which rollouts return.
#[derive(Args, Debug)]
pub(crate) struct Rollback {
    /// All of them; for one, see `serin rollout rollback`.
    #[arg(long, required = true)]
    all: bool,
    /// Only those of which this owner answers for a component; may be given several times.
    #[arg(long, value_name = "OWNER", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) owner: Vec<String>,
    /// Only those whose service or identifier is like this, where * stands for any characters; may be given several times.
    #[arg(long = "match", value_name = "PATTERN", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) matches: Vec<String>,
    #[command(flatten)]
    pub(crate) reason: Reason,
}
