//! The sample service as a process of its own.

use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use serin_e2e::sample::{Sample, Settings};

/// A small shop whose faults are switched by POST /_faults and whose counts are told by GET /_stats.
#[derive(Parser)]
struct Arguments {
    /// Version, told in the response header x-version.
    #[arg(long, default_value = "v1")]
    version_label: String,
    /// Address to listen on; port 0 takes any free one.
    #[arg(long, default_value = "127.0.0.1:8081")]
    listen: SocketAddr,
    /// Median latency in microseconds.
    #[arg(long, default_value_t = 2_000)]
    median_latency_us: u64,
    /// Makes two runs alike.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let settings = Settings {
        version: arguments.version_label,
        seed: arguments.seed,
        median_latency: Duration::from_micros(arguments.median_latency_us),
    };
    let sample = Sample::start(settings, arguments.listen).await?;
    writeln!(std::io::stdout(), "listening on {}", sample.address())?;
    sample.serve().await
}
