//! `serin plan check`, and reading plans for `rollout create`.

mod detection;
mod explain;

use std::path::Path;

use serin_rollout::plan::{PlanError, PlanErrors, bounds};
use serin_rollout::{Plan, Traffic};

use crate::commands::snippet::snippet;
use crate::failure::{Failure, Kind, Problem};
use crate::input;
use crate::output::Output;

pub(super) fn check(file: &Path, traffic: Option<Traffic>, output: Output) -> Result<(), Failure> {
    let text = read(file)?;
    let plan = parse(file, &text)?;
    if traffic.is_some() && plan.experiment().is_some() {
        return Err(Failure::usage(format!(
            "{} is the plan of an experiment: --rps is for the steps of a rollout",
            input::name(file)
        )));
    }
    let detection = traffic.map(|traffic| detection::Detection::of(&plan, &traffic)).transpose();
    let detection = detection.map_err(|error| Failure::usage(format!("{}: {error}", input::name(file))))?;
    let explained = explain::Explained::of(&plan, detection);
    output.show(&explained, || explained.sheet(&input::name(file)))
}

pub(super) fn read(file: &Path) -> Result<String, Failure> {
    input::text(file, bounds::YAML_BYTES)
}

/// Parses a plan by the server's own rules.
pub(super) fn parse(file: &Path, text: &str) -> Result<Plan, Failure> {
    Plan::parse(text).map_err(|errors| invalid(file, text, &errors))
}

fn invalid(file: &Path, text: &str, errors: &PlanErrors) -> Failure {
    let name = input::name(file);
    let problems: Vec<_> = errors.errors().iter().map(|error| problem(&name, text, error)).collect();
    let number =
        if problems.len() == 1 { "1 problem".to_owned() } else { format!("{} problems", problems.len()) };
    Failure::new(Kind::PlanInvalid, format!("{name} is not a valid plan: {number}"))
        .because(problems)
        .advise("correct the plan and check it again")
}

pub(super) fn problem(file: &str, text: &str, error: &PlanError) -> Problem {
    let known = error.line != 0;
    Problem {
        file: file.to_owned(),
        line: known.then_some(error.line),
        column: known.then_some(error.column),
        field: error.field.clone(),
        message: error.rule.to_string(),
        snippet: if known { snippet(text, error.line, error.column) } else { String::new() },
    }
}
