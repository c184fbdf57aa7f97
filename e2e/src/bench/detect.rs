//! How early, and how rightly, Serin and its peers decide: the release build of the simulator, with its own output.

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::workspace::Workspace;

/// What is simulated and how it is shown.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Prints one JSON object as the last line, and no table.
    #[arg(long)]
    json: bool,
    /// Prints the table as Markdown.
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// 2,000 rollouts of each scenario.
    #[arg(long, conflicts_with = "runs")]
    full: bool,
    /// Rollouts of each scenario [default: 200].
    #[arg(long, value_name = "N")]
    runs: Option<u64>,
    /// Seed of all draws [default: 1].
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// This scenario alone; may be repeated.
    #[arg(long, value_name = "ID")]
    scenario: Vec<String>,
}

/// Runs the bench.
///
/// # Errors
/// When the simulator cannot be built, or refuses the options.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let status = workspace
        .cargo()
        .args(["run", "--release", "-q", "-p", "serin-sim", "--bin", "serin-detect", "--"])
        .args(options.arguments())
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "the simulator ended with {status}");
    Ok(())
}

impl Options {
    fn arguments(&self) -> Vec<String> {
        let flags = [(self.json, "--json"), (self.markdown, "--markdown"), (self.full, "--full")];
        let mut arguments: Vec<String> =
            flags.into_iter().filter(|(given, _)| *given).map(|(_, flag)| flag.to_owned()).collect();
        let runs = self.runs.map(|runs| ("--runs", runs.to_string()));
        let seed = self.seed.map(|seed| ("--seed", seed.to_string()));
        let scenarios = self.scenario.iter().map(|id| ("--scenario", id.clone()));
        for (name, value) in runs.into_iter().chain(seed).chain(scenarios) {
            arguments.extend([name.to_owned(), value]);
        }
        arguments
    }
}
