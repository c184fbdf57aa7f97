//! The commands, one module per noun. Each asks the client, and gives the answer to the output; none prints.

mod artifact;
mod audit;
mod block;
mod components;
mod decision;
mod emergency;
mod events;
mod evidence;
mod explain;
mod finished;
mod forecast;
mod gate;
mod learn;
mod live;
mod logs;
mod manual;
mod migrate;
mod nodes;
mod notifications;
mod plan;
mod policy;
mod postmortem;
mod predict;
mod record;
mod release;
mod replay;
mod rollout;
mod snippet;
mod train;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::arguments::{self, Arguments, Command, Connection};
use crate::client::Client;
use crate::failure::{Failure, Kind};
use crate::output::Output;

/// Does what the command line asks for. Must be called within a runtime.
pub(crate) async fn run(arguments: Arguments, output: Output) -> Result<(), Failure> {
    let Arguments { connection, command, .. } = arguments;
    match command {
        Command::Rollout(command) => rollout::run(&connect(&connection)?, command, output).await,
        Command::Train(arguments::Train::Check { file }) => train::check(&file, output),
        Command::Train(command) => train::run(&connect(&connection)?, command, output).await,
        Command::Rollback(request) => emergency::run(&connect(&connection)?, request, output).await,
        Command::Nodes => nodes::run(&connect(&connection)?, output).await,
        Command::Components { service } => {
            components::run(&connect(&connection)?, service.unwrap_or_default(), output).await
        }
        Command::Events(query) => events::run(&connect(&connection)?, query, output).await,
        Command::Explain(request) => explain::run(&connection, &request, output).await,
        Command::Plan(arguments::Plan::Check { file, traffic }) => {
            let client = traffic.live.then(|| connect(&connection)).transpose()?;
            plan::check(&file, &traffic, client.as_ref(), output).await
        }
        Command::Policy(command) => policy::run(&command, output),
        Command::Migrate(arguments::Migrate::Check { file }) => migrate::check(&file, output),
        Command::Record(request) => record::run(&connect(&connection)?, &request, output).await,
        Command::Replay(request) => replay::run(&request, output),
        Command::Forecast(command) => forecast::run(&command, output),
        Command::Simulate(command) => predict::simulate(&command, output),
        Command::Predict(command) => predict::run(|| connect(&connection), &command, output).await,
        Command::Learn(command) => learn::run(|| connect(&connection), &command, output).await,
        Command::Gate(request) => gate::run(&request, output),
        Command::Release(command) => release::run(&connect(&connection)?, command, output).await,
        Command::Block(command) => block::run(&connect(&connection)?, command, output).await,
        Command::Artifact(request) => artifact::run(&connect(&connection)?, &request, output).await,
        Command::Live { application } => live::run(&connect(&connection)?, application, output).await,
        Command::Logs(command) => logs::run(&connection, command, output).await,
        Command::Notifications(ask) => notifications::run(&connect(&connection)?, ask.command, output).await,
        Command::Decision(command) => decision::run(&connect(&connection)?, command, output).await,
        Command::Evidence(command) => evidence::run(|| connect(&connection), command, output).await,
        Command::Postmortem(request) => postmortem::run(|| connect(&connection), request, output).await,
        Command::Audit(command) => audit::run(|| connect(&connection), command, output).await,
        Command::Man { out } => manual::run(out.as_deref(), output),
        Command::Completions { shell } => completions(shell, output),
    }
}

fn connect(connection: &Connection) -> Result<Client, Failure> {
    Client::new(connection)
}

fn completions(shell: Shell, output: Output) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "serin", &mut script);
    let script = String::from_utf8(script)
        .map_err(|error| Failure::new(Kind::Output, format!("the completions are not text: {error}")))?;
    output.verbatim(&script)
}
