//! How early, and how rightly, Serin and its peers decide: the release build of the simulator, with its own options and
//! output.

use anyhow::{Context, Result, ensure};

use crate::workspace::Workspace;

/// Runs the bench with the simulator's options.
///
/// # Errors
/// When the simulator cannot be built, or refuses the options.
pub fn run(workspace: &Workspace, options: &[String]) -> Result<()> {
    // Without it the build needs nothing of the control plane, which takes minutes.
    let features = if options.iter().any(|option| option == "--fleet") { "fleet" } else { "" };
    let status = workspace
        .cargo()
        .args(["run", "--release", "-q", "-p", "serin-sim", "--bin", "serin-detect"])
        .args(["--no-default-features", "--features", features, "--"])
        .args(options)
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "the simulator ended with {status}");
    Ok(())
}
