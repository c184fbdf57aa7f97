//! Commands on plans and policies.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::value::{self, Weight};

/// Commands on plans.
#[derive(Debug, Subcommand)]
pub(crate) enum Plan {
    /// Check a plan, and say in words what it does. Needs a server for `--live` alone.
    Check {
        /// The plan as YAML; - reads standard input.
        file: PathBuf,
        #[command(flatten)]
        traffic: Traffic,
    },
}

/// The traffic at which harm is to be found.
#[derive(Args, Debug)]
pub(crate) struct Traffic {
    /// Requests a second of the service, or of the component that matters, 0.1 to 20000: tells how soon harm is expected to be
    /// found, by simulation.
    #[arg(long, value_name = "NUMBER", value_parser = value::rate, group = "asked")]
    rps: Option<f64>,
    /// Ask the server (`--server`) how many requests of the plan's service came in the last minute, how many of them failed, and
    /// how long they took, and tell for these how soon harm is expected to be found.
    #[arg(long, group = "asked")]
    pub(crate) live: bool,
    /// Part of its requests that fail today.
    #[arg(long, value_name = "PERCENT", default_value = "0.1%", requires = "rps", conflicts_with = "live")]
    error_rate: Weight,
    /// Its median latency, 1ms to 1m. With --live, where the server does not know it.
    #[arg(long, value_name = "DURATION", default_value = "50ms", requires = "asked", value_parser = value::latency)]
    pub(crate) latency: Duration,
}

impl Traffic {
    /// What was told. `None`: nothing.
    pub(crate) fn given(&self) -> Option<serin_rollout::Traffic> {
        Some(serin_rollout::Traffic {
            requests_per_second: self.rps?,
            error_rate: f64::from(self.error_rate.ppm) / 1e6,
            latency: self.latency,
        })
    }
}

/// Commands on policies.
#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Check a file of policies without a server.
    Check {
        /// `policies` as a plan has them, as YAML; - reads standard input.
        file: PathBuf,
    },
    /// What expressions can name, and the built-in policies.
    Context,
}
