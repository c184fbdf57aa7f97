//! `cargo xtask`: what people and CI run.

use std::io::Write as _;

use anyhow::Result;
use clap::{Parser, Subcommand};
use serin_e2e::bench;
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
    /// Measures Serin beside its peers.
    #[command(subcommand)]
    Bench(Bench),
}

#[derive(Subcommand)]
enum Bench {
    /// CPU time of Envoy per request: no filter, weighted_clusters, Lua, an empty WASM filter, Serin.
    Filter {
        /// Prints one JSON object as the last line.
        #[arg(long)]
        json: bool,
        /// Slices of each variant.
        #[arg(long, default_value_t = 11)]
        rounds: usize,
        /// Requests of each slice.
        #[arg(long, default_value_t = 20_000)]
        requests: u64,
    },
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
        Task::Bench(Bench::Filter { json, rounds, requests }) => {
            let report = bench::filter::run(&workspace, bench::filter::Effort { rounds, requests }).await?;
            let mut out = std::io::stdout();
            writeln!(out, "{report}")?;
            if json {
                writeln!(out, "{}", serde_json::to_string(&report)?)?;
            }
            Ok(())
        }
    }
}
