//! The command line of notifications.

use clap::{Args, Subcommand};

/// Who is told, and what became of it. Without a command: `list`.
#[derive(Args, Debug)]
pub(crate) struct Notifications {
    #[command(subcommand)]
    pub(crate) command: Option<Ask>,
}

/// Commands on notifications.
#[derive(Debug, Subcommand)]
pub(crate) enum Ask {
    /// The targets and how they stand, and what was given up.
    List,
    /// Send again what was given up.
    Retry {
        /// A target: all of its messages; a number: the message with this id.
        #[arg(value_name = "TARGET|ID")]
        what: String,
    },
    /// Send a message to a target that tells of nothing, and say whether it arrived.
    Test {
        /// Name of the target.
        target: String,
    },
}
