//! `cargo xtask`: what people and CI run.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use serin_e2e::workspace::Workspace;
use serin_e2e::{bench, checks, demo, pictures};
use tokio::signal::unix::{SignalKind, signal};

#[derive(Parser)]
#[command(about = "Builds, checks and measures Serin")]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Builds the filter and all binaries.
    Build,
    /// Runs everything that CI runs.
    Test {
        /// Runs this gate alone.
        #[arg(long, value_name = "GATE")]
        only: Option<String>,
        /// Names the gates and runs none.
        #[arg(long)]
        list: bool,
    },
    /// Shows a good canary promoted and a bad route rolled back, on a real Envoy under load.
    Demo {
        /// Prints one JSON object as the last line of stdout, and everything else to stderr.
        #[arg(long)]
        json: bool,
        /// Keeps everything running after the acts, until Ctrl-C.
        #[arg(long)]
        hold: bool,
        /// What is played.
        #[arg(long, value_enum, default_value_t)]
        scenario: demo::Scenario,
    },
    /// Takes the pictures in `docs/pictures` anew.
    Pictures,
    /// Measures Serin beside its peers.
    #[command(subcommand)]
    Bench(Bench),
}

#[derive(Subcommand)]
enum Bench {
    /// How early and how rightly Serin and its peers decide, in simulated rollouts.
    #[command(disable_help_flag = true)]
    Detect {
        /// Options of the simulator; `--help` tells them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// The main row of `detect` through the real loop, beside the simulated one.
    Live(bench::live::Options),
    /// CPU time of Envoy per request: no filter, weighted_clusters, Lua, an empty WASM filter, Serin.
    Filter {
        /// Prints one JSON object as the last line.
        #[arg(long)]
        json: bool,
        /// Rounds.
        #[arg(long, default_value_t = 9)]
        rounds: usize,
        /// Requests of each variant in a round.
        #[arg(long, default_value_t = 20_000)]
        requests: u64,
    },
    /// How soon the dashboard is painted, and what those cost who look on.
    Dashboard(bench::dashboard::Options),
    /// How good forecasts, log templates and the predictor of rollbacks are, beside others.
    Learn(bench::learn::Options),
    /// What a fleet of simulated Envoys costs the control plane.
    Fleet(bench::fleet::Options),
}

#[tokio::main]
async fn main() -> ExitCode {
    let command = Arguments::parse().command;
    let outcome = tokio::select! {
        outcome = perform(command) => outcome,
        // Dropping the command ends all that it started.
        () = interruption() => return ExitCode::from(130),
    };
    outcome.unwrap_or_else(|error| {
        let _ = writeln!(std::io::stderr(), "error: {error:#}");
        ExitCode::FAILURE
    })
}

/// Returns when the user or the system wants the run to end.
async fn interruption() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

async fn perform(command: Task) -> Result<ExitCode> {
    let workspace = Workspace::locate()?;
    match command {
        Task::Build => {
            workspace.build_native()?;
            workspace.build_wasm()?;
        }
        Task::Test { list: true, .. } => {
            for (name, about) in checks::list() {
                writeln!(std::io::stdout(), "{name:<11} {about}")?;
            }
        }
        Task::Test { only, list: false } => {
            let tally = checks::run(&workspace, only.as_deref()).await?;
            writeln!(std::io::stdout(), "\n{tally}")?;
            return Ok(if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Task::Demo { json, hold, scenario } => {
            demo::run(&workspace, demo::Options { json, hold, scenario }).await?;
        }
        Task::Pictures => pictures::dashboard::run(&workspace).await?,
        Task::Bench(Bench::Detect { options }) => bench::detect::run(&workspace, &options)?,
        Task::Bench(Bench::Dashboard(options)) => bench::dashboard::run(&workspace, &options).await?,
        Task::Bench(Bench::Learn(options)) => bench::learn::run(&workspace, &options)?,
        Task::Bench(Bench::Fleet(options)) => bench::fleet::run(&workspace, &options).await?,
        Task::Bench(Bench::Live(options)) => bench::live::run(&workspace, &options).await?,
        Task::Bench(Bench::Filter { json, rounds, requests }) => {
            let report = bench::filter::run(&workspace, bench::filter::Effort { rounds, requests }).await?;
            let mut out = std::io::stdout();
            writeln!(out, "{report}")?;
            if json {
                writeln!(out, "{}", serde_json::to_string(&report)?)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
