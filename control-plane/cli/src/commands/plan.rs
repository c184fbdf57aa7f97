//! `serin plan check`, and reading plans for `rollout create`.

mod detection;
mod explain;
mod measured;

use std::path::Path;

use serin_rollout::Plan;
use serin_rollout::plan::{PlanError, PlanErrors, bounds};

use crate::arguments;
use crate::client::Client;
use crate::commands::snippet::snippet;
use crate::failure::{Failure, Kind, Problem};
use crate::input;
use crate::output::Output;

/// `client`: where the traffic is asked for, if it is.
pub(super) async fn check(
    file: &Path,
    told: &arguments::Traffic,
    client: Option<&Client>,
    output: Output,
) -> Result<(), Failure> {
    let text = read(file)?;
    let plan = parse(file, &text)?;
    let is_asked = client.is_some() || told.given().is_some();
    if is_asked && plan.experiment().is_some() {
        return Err(Failure::usage(format!(
            "{} is the plan of an experiment: --rps and --live are for the steps of a rollout",
            input::name(file)
        )));
    }
    let measured = match client {
        Some(client) => Some(client.traffic(plan.service()).await?),
        None => None,
    };
    let measured = measured.map(|measured| measured::Measured::of(plan.service(), &measured, told.latency));
    let measured = measured.transpose()?;
    let traffic = measured.as_ref().map(measured::Measured::traffic).or_else(|| told.given());
    let detection = traffic.map(|traffic| detection::Detection::of(&plan, &traffic, measured)).transpose();
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

/// The text of a plan with one section more, as JSON, which is YAML.
pub(super) fn with_section(text: &str, name: &str, section: &serde_json::Value) -> Result<String, Failure> {
    let trimmed = text.trim_end();
    let with = match trimmed.strip_suffix('}').filter(|_| trimmed.trim_start().starts_with('{')) {
        Some(open) => format!("{}, \"{name}\": {section}}}\n", open.trim_end().trim_end_matches(',')),
        None => format!("{trimmed}\n{name}: {section}\n"),
    };
    match Plan::parse(&with) {
        Ok(_) => Ok(with),
        Err(errors) => {
            let failure = Failure::usage(format!("`{name}` cannot be written into this plan: {errors}"));
            Err(failure.advise("write the plan as a YAML mapping, with a key at the start of each line"))
        }
    }
}

fn invalid(file: &Path, text: &str, errors: &PlanErrors) -> Failure {
    let name = input::name(file);
    let problems: Vec<_> = errors.errors().iter().map(|error| problem(&name, text, error)).collect();
    let number =
        if problems.len() == 1 { "1 problem".to_owned() } else { format!("{} problems", problems.len()) };
    Failure::new(Kind::PlanInvalid, format!("{name} is not a valid plan: {number}"))
        .because(problems)
        .advise("correct the plan and check it again: `serin plan check FILE` needs no server")
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
