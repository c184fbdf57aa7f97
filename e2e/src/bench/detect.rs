//! How early, and how rightly, Serin and its peers decide: the release build of the simulator, with its own options and
//! output.

use anyhow::{Context, Result, ensure};

use crate::workspace::Workspace;

/// Runs the bench with the simulator's options.
///
/// # Errors
/// When the simulator cannot be built, or refuses the options.
pub fn run(workspace: &Workspace, options: &[String]) -> Result<()> {
    let status = workspace
        .cargo()
        .args(["run", "--release", "-q", "-p", "serin-sim", "--bin", "serin-detect", "--"])
        .args(options)
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "the simulator ended with {status}");
    Ok(())
}
