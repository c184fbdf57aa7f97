//! `cargo xtask`: what people and CI run.

use anyhow::Result;
use clap::{Parser, Subcommand};
use serin_e2e::workspace::Workspace;

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
}

#[tokio::main]
async fn main() -> Result<()> {
    let workspace = Workspace::locate()?;
    match Arguments::parse().command {
        Task::Build => {
            workspace.build_native()?;
            workspace.build_wasm()?;
            Ok(())
        }
    }
}
