//! What CI runs, and nothing else runs it: `cargo xtask test`.
//!
//! Gates run one after the other, cheapest first, each in one line; the output of one that fails is shown whole. All run,
//! also after a failure. The last line counts every test of every runner, and every gate as one more.

mod gates;
mod module;
mod tally;

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use self::gates::GATES;
pub use self::tally::Tally;
use crate::process::Process;
use crate::workspace::Workspace;

/// How long one command of a gate may take: a cold build on a slow machine.
const COMMAND_DEADLINE: Duration = Duration::from_secs(3_600);

/// Names of all gates in the order in which they run, with what each checks.
pub fn list() -> impl Iterator<Item = (&'static str, &'static str)> {
    GATES.iter().map(|gate| (gate.name, gate.about))
}

/// Runs all gates, or the one named `only`, and prints a line for each.
///
/// # Errors
/// When no gate has that name, or nothing can be printed.
pub async fn run(workspace: &Workspace, only: Option<&str>) -> Result<Tally> {
    let checks = Checks { workspace: workspace.clone(), log: workspace.scratch("test")?.join("gate.log") };
    let mut out = std::io::stdout();
    let mut total = Tally::default();
    let mut ran = false;
    for gate in GATES.iter().filter(|gate| only.is_none_or(|only| gate.name == only)) {
        ran = true;
        write!(out, "{:<11} ", gate.name)?;
        out.flush()?;
        let start = Instant::now();
        let outcome = (gate.run)(&checks).await;
        let seconds = start.elapsed().as_secs_f64();
        match outcome {
            Ok(Outcome::Passed(tests)) => {
                let counts = if tests == Tally::default() { String::new() } else { format!("  {tests}") };
                writeln!(out, "ok      {seconds:>6.1} s{counts}")?;
                total += tests + Tally::PASSED;
            }
            Ok(Outcome::Skipped(why)) => {
                writeln!(out, "skipped {seconds:>6.1} s  {why}")?;
                total += Tally::SKIPPED;
            }
            Err(failure) => {
                writeln!(out, "FAILED  {seconds:>6.1} s  {}", gate.about)?;
                writeln!(out, "{failure:#}\n")?;
                let tests =
                    failure.downcast_ref::<Failure>().map_or_else(Tally::default, |failure| failure.tests);
                total += tests + Tally::FAILED;
            }
        }
    }
    if !ran {
        bail!("no gate is named {:?}; --list names them", only.unwrap_or_default());
    }
    Ok(total)
}

/// How a gate ended, if it did not fail.
enum Outcome {
    /// All is well; these are the tests of its runners.
    Passed(Tally),
    /// It could not run here.
    Skipped(String),
}

/// A command that failed.
#[derive(Debug)]
struct Failure {
    command: String,
    output: String,
    tests: Tally,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}\n{} failed", self.output.trim_end(), self.command)
    }
}

impl std::error::Error for Failure {}

/// What the gates work with.
struct Checks {
    workspace: Workspace,
    log: PathBuf,
}

impl Checks {
    /// A `cargo` command with plain output.
    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = self.workspace.cargo();
        command.args(arguments).env("CARGO_TERM_COLOR", "never").env("CARGO_TERM_PROGRESS_WHEN", "never");
        command
    }

    /// Runs a command to its end and returns the tests that it ran.
    async fn run(&self, command: Command) -> Result<Tally> {
        let told = tell(&command);
        let mut process = Process::start(&told, command, &self.log)?;
        let status = process.wait(COMMAND_DEADLINE).await?;
        let output = std::fs::read(&self.log).context("the log of the gate is gone")?;
        let output = String::from_utf8_lossy(&output).into_owned();
        let tests = Tally::of_runners(&output);
        if status.success() { Ok(tests) } else { Err(Failure { command: told, output, tests }.into()) }
    }

    /// Runs a command whose success is all that matters.
    async fn check(&self, command: Command) -> Result<Outcome> {
        self.run(command).await.map(Outcome::Passed)
    }
}

/// A command as a person would type it.
fn tell(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let mut words = vec![program.file_name().unwrap_or_default().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

/// Whether `program` can be started here.
fn exists(program: &str, argument: &str) -> bool {
    let Ok(silence) = File::options().write(true).open("/dev/null") else { return false };
    let Ok(errors) = silence.try_clone() else { return false };
    Command::new(program)
        .arg(argument)
        .stdout(silence)
        .stderr(errors)
        .status()
        .is_ok_and(|status| status.success())
}
