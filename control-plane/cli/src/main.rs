//! `serin`: the command line of Serin's control plane.
//!
//! It asks over gRPC and shows what the server says, as tables or with `--json`; what needs no server (`plan check`,
//! `replay`, `forecast evaluate`, `explain --assignment`, `completions`, `man`) runs the very code that server and filter run. It holds no state, decides
//! nothing and repeats no call that changes something.
//!
//! Exit codes: 0 done, 1 refused by the server, 2 usage, 3 not found, 4 server not reached, or no answer or end in time,
//! 5 plan or release not valid, 6 a rollout that was waited for (or replayed with `--exit-code`) ended rolled back or failed, 7 one
//! that was replayed was held, 10 and 20 the gate asks for an approval or blocks (10 also: what was learned is not better), 130 the live screen was left before the end, 141 the reader of the output went away. `--help` shows
//! them too.

mod arguments;
mod client;
mod commands;
mod failure;
mod file;
mod input;
mod model;
mod output;

use std::process::ExitCode;

use clap::Parser;

use arguments::Arguments;
use failure::{Failure, Kind};
use output::Output;

fn main() -> ExitCode {
    let (output, result) = match Arguments::try_parse() {
        Ok(arguments) => {
            let output = Output::new(arguments.json);
            (output, run(arguments, output))
        }
        Err(error) => {
            let output = Output::new(std::env::args_os().any(|argument| argument == "--json"));
            (output, not_parsed(&error, output))
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            failure.exit_code()
        }
    }
}

fn run(arguments: Arguments, output: Output) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Kind::Unreachable, format!("no runtime for network calls: {error}")))?;
    let result = runtime.block_on(commands::run(arguments, output));
    // A name look-up that never ends must not keep the program.
    runtime.shutdown_background();
    result
}

/// Help and version are answers; all else is a wrong command line.
fn not_parsed(error: &clap::Error, output: Output) -> Result<(), Failure> {
    if !error.use_stderr() {
        return output.verbatim(&error.render().to_string());
    }
    let text = error.render().to_string();
    let (said, _) = text.split_once("\n\nFor more information").unwrap_or((&text, ""));
    Err(Failure::usage(said.trim().trim_start_matches("error: ")).advise("`--help` shows how to write it"))
}
