//! The main row of `bench detect` through the real loop: Envoy, the filter, reports, the control plane, live requests.
//!
//! A service of ten routes at 100 requests a second each begins one rollout after the other at 5 %. Of all requests
//! 0.1 % fail, and of the canary's on one route 5 %, from the first second on: `errors_5pct_100rps_w5` of the simulator,
//! except that the load is even and no bursts strike. A second service, whose canary is as good as its baseline, is rolled
//! out beside each of them on the same Envoy: every rollback of it is false. Delays count from the creation of a rollout to
//! the decision in the journal, bad requests are the service's own count.

mod report;
mod stage;

use std::io::Write as _;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::Value;

use self::report::Report;
use self::stage::Stage;
use crate::workspace::Workspace;

/// The simulated scenario that is measured.
const SCENARIO: &str = "errors_5pct_100rps_w5";

/// How much is measured, and how it is shown.
#[derive(Args, Clone, Copy, Debug)]
pub struct Options {
    /// Prints one JSON object as the last line, and no table.
    #[arg(long)]
    json: bool,
    /// Rollouts of each of the two services.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rollouts: u32,
}

/// What became of one pair of rollouts.
#[derive(Clone, Debug, Default)]
struct Run {
    /// From creation to the rollback of the bad one. `None`: it was not rolled back.
    delay_s: Option<f64>,
    /// Canary requests that the fault struck until then.
    bad_requests: u64,
    /// What was rolled back is what was at fault, and nothing else.
    localised: bool,
    /// The good one was rolled back.
    false_rollback: bool,
}

/// Runs the bench. Dropping it ends all that it started.
///
/// # Errors
/// When a part cannot be built or started, or the control plane refuses what an operator would ask.
pub async fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    workspace.build_native()?;
    workspace.build_wasm()?;
    let simulated = simulated(workspace)?;
    let stage = Stage::set(workspace).await?;
    let mut runs = Vec::new();
    for number in 1..=options.rollouts {
        let run = stage.roll_out().await?;
        let told = run.delay_s.map_or_else(|| "not rolled back".to_owned(), |delay| format!("{delay:.1} s"));
        writeln!(std::io::stderr(), "rollout {number:>3} of {}: {told}", options.rollouts)?;
        runs.push(run);
    }
    stage.clear().await?;
    let report = Report::new(&runs, simulated);
    let mut out = std::io::stdout();
    if options.json {
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
    } else {
        writeln!(out, "{report}")?;
    }
    Ok(())
}

/// Serin's row of the same scenario, from the release build of the simulator.
fn simulated(workspace: &Workspace) -> Result<Value> {
    let output = workspace
        .cargo()
        .args(["run", "--release", "-q", "-p", "serin-sim", "--bin", "serin-detect", "--"])
        .args(["--json", "--scenario", SCENARIO])
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    ensure!(output.status.success(), "the simulator ended with {}", output.status);
    let text = String::from_utf8(output.stdout)?;
    let report: Value = serde_json::from_str(text.trim_end().lines().last().unwrap_or_default())?;
    let rows = report.get("rows").and_then(Value::as_array).context("the simulator gave no rows")?;
    let row = rows.iter().find(|row| row.get("method").is_some_and(|method| method == "serin"));
    row.cloned().context("the simulator gave no row of serin")
}
