//! The command line as types. Values are checked while they are parsed, so that a command never starts with a
//! weight, duration or header that cannot be meant.

mod decision;
mod emergency;
mod evidence;
mod forecast;
mod learn;
mod logs;
mod migrate;
mod notifications;
mod plan;
mod predict;
mod record;
mod registry;
mod rollout;
mod train;
mod value;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::failure::{EXIT_CODES, Failure};

pub(crate) use decision::{Decision, MarkDecision};
pub(crate) use emergency::Rollback;
pub(crate) use evidence::{Audit, Evidence, Postmortem, Verify};
pub(crate) use forecast::Forecast;
pub(crate) use learn::{Learn, Trained};
pub(crate) use logs::{Logs, Ship};
pub(crate) use migrate::Migrate;
pub(crate) use notifications::{Ask as NotificationsAsk, Notifications};
pub(crate) use plan::{Plan, Policy, Traffic};
pub(crate) use predict::{Columns, Form, Gate, Learning, Predict, Simulate};
pub(crate) use record::{Record, Replay};
pub(crate) use registry::{Artifact, Block, BlockPath, Release};
pub(crate) use rollout::{Reason, Rollout, Wait};
pub(crate) use train::Train;
pub(crate) use value::{Header, Weight, reason};

/// Canary releases on Envoy: create, watch and steer rollouts.
#[derive(Debug, Parser)]
#[command(name = "serin", version, after_help = EXIT_CODES, propagate_version = true)]
pub(crate) struct Arguments {
    /// Print JSON: one document, or one a line for `rollout watch`, `--wait`, `events` and `replay`. Errors are JSON on
    /// standard error.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) connection: Connection,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How the server is reached.
#[derive(Args, Debug)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Connection {
    /// Admin listener of the control plane.
    #[arg(
        long,
        global = true,
        env = "SERIN_SERVER",
        value_name = "URL",
        default_value = "http://127.0.0.1:7441"
    )]
    pub(crate) server: String,
    /// File that holds the bearer token. Without it, the environment variable SERIN_TOKEN counts.
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Certificate authority (PEM) that the server's certificate must come from. Without it, those of the machine.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Client certificate (PEM), for servers that ask for one.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) cert: Option<PathBuf>,
    /// Private key of the client certificate (PEM).
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// Name of the person or pipeline that asks, for the journal. Default: the user's login name.
    #[arg(long, global = true, env = "SERIN_ACTOR", value_name = "NAME", value_parser = value::actor)]
    actor: Option<String>,
    /// Send the token without TLS to another machine.
    #[arg(long, global = true)]
    pub(crate) insecure: bool,
    /// Longest time one call may take, connecting included.
    #[arg(long, global = true, value_name = "DURATION", default_value = "10s", value_parser = value::call_deadline)]
    pub(crate) timeout: Duration,
}

impl Connection {
    /// Who asks, where it is known and the server would take the name.
    pub(crate) fn actor(&self) -> Option<String> {
        let login = || ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
        self.actor.clone().or_else(|| value::actor(&login()?).ok())
    }

    /// The token, if one is given. An empty variable counts as none; an empty file is an error.
    pub(crate) fn token(&self) -> Result<Option<String>, Failure> {
        let Some(path) = &self.token_file else {
            return Ok(std::env::var("SERIN_TOKEN")
                .ok()
                .map(|token| token.trim().to_owned())
                .filter(|t| !t.is_empty()));
        };
        let bytes = crate::input::small_file(path)?;
        match String::from_utf8(bytes) {
            Ok(text) if !text.trim().is_empty() => Ok(Some(text.trim().to_owned())),
            Ok(_) | Err(_) => Err(Failure::usage(format!("{}: holds no token", path.display()))),
        }
    }
}

/// What is asked for.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create, look at and steer rollouts.
    #[command(subcommand)]
    Rollout(Rollout),
    /// Check decision policies without a server, and list what they can ask about.
    #[command(subcommand)]
    Policy(Policy),
    /// Let several rollouts go out as one release.
    #[command(subcommand)]
    Train(Train),
    /// Emergency: return every rollout under way to the baseline, and every promoted one that is still watched.
    Rollback(Rollback),
    /// The Envoys that report or subscribe.
    Nodes,
    /// The components that plans and routes name, with where each tag is from.
    Components {
        /// Only of this service.
        #[arg(long, value_name = "NAME")]
        service: Option<String>,
    },
    /// The journal, oldest first.
    Events(Events),
    /// Which arm a request would get, and why.
    Explain(Explain),
    /// Work on plans.
    #[command(subcommand)]
    Plan(Plan),
    /// Work on schema changes.
    #[command(subcommand)]
    Migrate(Migrate),
    /// Capture what a live rollout is judged by, to be replayed.
    Record(Record),
    /// What would have been decided on recorded traffic. Needs no server.
    Replay(Replay),
    /// Measure what forecasts are worth.
    #[command(subcommand)]
    Forecast(Forecast),
    /// Draw histories by a known law. Needs no server.
    #[command(subcommand)]
    Simulate(Simulate),
    /// Learn from past deployments how likely the next one is rolled back. Needs no server.
    #[command(subcommand)]
    Predict(Predict),
    /// Learn weights, margins and confidences from finished rollouts, and keep versions of models.
    #[command(subcommand)]
    Learn(Learn),
    /// Say whether a release may go out, for pipelines: exit 0 allow, 10 needs an approval, 20 block. Needs no server.
    Gate(Gate),
    /// Register releases and look at them.
    #[command(subcommand)]
    Release(Release),
    /// Look at the versions of blocks of code.
    #[command(subcommand)]
    Block(Block),
    /// Get what a version carries, verified.
    Artifact(Artifact),
    /// Which versions carry requests now.
    Live {
        /// Only this application, with its components and blocks.
        #[arg(value_name = "APPLICATION", value_parser = registry::application)]
        application: Option<String>,
    },
    /// Measure and train on labelled log lines, and send lines to the control plane.
    #[command(subcommand)]
    Logs(Logs),
    /// Who is told what happens, how these targets stand, and what did not arrive.
    Notifications(Notifications),
    /// What was decided, and whether people say that it was right.
    #[command(subcommand)]
    Decision(Decision),
    /// What was known when decisions were made: list, show, export and check it.
    #[command(subcommand)]
    Evidence(Evidence),
    /// Write the report of a rollout that was undone, from its evidence.
    Postmortem(Postmortem),
    /// Who asked for what: list and check the log.
    #[command(subcommand)]
    Audit(Audit),
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the manual page, or write one for every command.
    Man {
        /// Write serin.1 and a page for every command into this folder.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

/// Which events.
#[derive(Args, Debug)]
pub(crate) struct Events {
    /// Only this rollout, the newest one of this service, or this train (`train:…`). Without it: all.
    #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) id: Option<String>,
    /// Only events after this number.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) after: u64,
    /// At most so many, 1 to 10,000.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) limit: u32,
}

/// A request to explain.
#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// Method.
    #[arg(long, default_value = "GET", value_parser = value::method)]
    pub(crate) method: String,
    /// Path, with or without a query.
    #[arg(long, value_parser = value::path)]
    pub(crate) path: String,
    /// Host (`:authority`).
    #[arg(long, default_value = "localhost", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) host: String,
    /// A request header; may be given several times.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub(crate) headers: Vec<Header>,
    /// A cookie; may be given several times.
    #[arg(long = "cookie", value_name = "NAME=VALUE", value_parser = value::cookie)]
    pub(crate) cookies: Vec<String>,
    /// Name of the route that Envoy chose, for components that are matched by it.
    #[arg(long, value_name = "NAME")]
    pub(crate) route_name: Option<String>,
    /// Read the assignment (JSON) from this file instead of the server; - reads standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) assignment: Option<PathBuf>,
}
