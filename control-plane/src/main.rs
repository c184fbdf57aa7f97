//! The server's binary: reads the configuration, serves until it is asked to end.
//!
//! Standard output carries one line per listener; the log is JSON on standard error. Exit codes: 0 asked to end,
//! 1 cannot start or failed, 64 wrong command line or configuration.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serin_control_plane::{Addresses, Config, failpoint, shutdown, start};
use tracing_subscriber::EnvFilter;

const USAGE: u8 = 64;

/// Serin's control plane.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// YAML file. Without it: SQLite in ./serin-data, listeners on 127.0.0.1 ports 7440, 7441 and 7442.
    #[arg(long, value_name = "FILE", env = "SERIN_CONFIG")]
    config: Option<PathBuf>,
    /// Allows listeners that anyone on the network can reach, without TLS or tokens.
    #[arg(long)]
    insecure: bool,
    /// Written once all listeners are open: a JSON object with their addresses.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _nowhere_to_tell = error.print();
            return if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    let config = match configured(&arguments) {
        Ok(config) => config,
        Err(error) => {
            complain(&error);
            return ExitCode::from(USAGE);
        }
    };
    match serve(&arguments, &config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = words(&error), "the control plane ends");
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn configured(arguments: &Arguments) -> anyhow::Result<Config> {
    let config = Config::load(arguments.config.as_deref(), arguments.insecure)?;
    if let Ok(name) = std::env::var("SERIN_FAILPOINT") {
        failpoint::arm(name.parse()?);
    }
    let directives = std::env::var("RUST_LOG").unwrap_or_else(|_| config.log.clone());
    let filter = EnvFilter::try_new(directives).context("log")?;
    tracing_subscriber::fmt().json().with_writer(std::io::stderr).with_env_filter(filter).init();
    Ok(config)
}

/// Every Envoy holds connections, and the usual soft limit is 1,024 files. The hard limit is what the operator set.
fn allow_many_connections() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => tracing::info!(files = maximum, "open files allowed"),
        Err(error) => tracing::warn!(%error, "the limit of open files stays as it is"),
    }
}

fn serve(arguments: &Arguments, config: &Config) -> anyhow::Result<()> {
    allow_many_connections();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no threads")?;
    let outcome = runtime.block_on(async {
        let mut running = start(config).await?;
        announce(running.addresses, arguments.ready_file.as_deref())?;
        tracing::info!(data = %config.data.display(), "serving");
        let outcome = tokio::select! {
            asked = shutdown::asked() => asked.context("signals"),
            failed = running.failed() => failed.map_err(anyhow::Error::from),
        };
        tracing::info!("ending");
        running.stop().await;
        outcome
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    outcome
}

fn announce(addresses: Addresses, ready_file: Option<&Path>) -> anyhow::Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "fleet {}\nadmin {}\nhttp {}", addresses.fleet, addresses.admin, addresses.http)?;
    if let Some(otlp) = addresses.otlp {
        writeln!(output, "otlp {otlp}")?;
    }
    output.flush()?;
    let Some(path) = ready_file else { return Ok(()) };
    let unfinished = path.with_extension("unfinished");
    std::fs::write(&unfinished, serde_json::to_string(&addresses)?)
        .with_context(|| unfinished.display().to_string())?;
    std::fs::rename(&unfinished, path).with_context(|| path.display().to_string())
}

fn complain(error: &anyhow::Error) {
    let _nowhere_to_tell = writeln!(std::io::stderr(), "serin-control-plane: {}", words(error));
}

/// The error and its causes, leaving out a cause that the words before it end in already.
fn words(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |said, cause| match said.as_str() {
        "" => cause,
        said if said.ends_with(&cause) => said.to_owned(),
        said => format!("{said}: {cause}"),
    })
}
