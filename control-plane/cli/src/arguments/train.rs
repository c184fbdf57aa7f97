//! Commands on trains.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};

use super::Reason;

/// Commands on trains.
#[derive(Debug, Subcommand)]
pub(crate) enum Train {
    /// Check a train and the plans that it names without a server, and say in words what it does.
    Check {
        /// The train as YAML; its plans lie beside it.
        file: PathBuf,
    },
    /// Create a train and the rollouts of its members.
    Create {
        /// The train as YAML; its plans lie beside it.
        #[arg(short, long, value_name = "FILE")]
        file: PathBuf,
    },
    /// The trains, newest first.
    List,
    /// One train: where its members stand, and what they wait for.
    Status {
        #[command(flatten)]
        target: TrainTarget,
    },
    /// Open a gate that waits for a person.
    Approve {
        #[command(flatten)]
        target: TrainTarget,
        /// The service of the member that the gate stands before, or `promotion`. A member that waits for one that returned
        /// begins without it.
        #[arg(long, value_name = "SERVICE", value_parser = NonEmptyStringValueParser::new())]
        before: String,
        #[command(flatten)]
        reason: Reason,
    },
    /// Return all members to the baseline, in the reverse of the order in which they began.
    Rollback {
        #[command(flatten)]
        target: TrainTarget,
        #[command(flatten)]
        reason: Reason,
    },
}

/// Which train.
#[derive(Args, Debug)]
pub(crate) struct TrainTarget {
    /// Identifier of a train, or a name for the newest train of that name.
    #[arg(value_name = "TRAIN", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) id: String,
}
