//! `serin train …`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use serin_rollout::plan::bounds::YAML_BYTES;
use serin_rollout::train::{Gate, Member, TrainErrors, TrainPlan, bounds};

use crate::arguments::Train as Command;
use crate::client::Client;
use crate::commands::snippet::snippet;
use crate::failure::{Failure, Kind, Problem};
use crate::input;
use crate::model::{Moment, Train};
use crate::output::{Output, Sheet, percent};

/// The JSON form of `list`.
#[derive(Serialize)]
struct Trains {
    trains: Vec<Train>,
}

/// The JSON form of `check`.
#[derive(Serialize)]
struct Explained {
    name: String,
    members: Vec<ExplainedMember>,
    gates: Vec<ExplainedGate>,
    rollback: &'static str,
    together: bool,
}

#[derive(Serialize)]
struct ExplainedMember {
    service: String,
    region: Option<String>,
    after: Vec<String>,
}

#[derive(Serialize)]
struct ExplainedGate {
    before: String,
    when: &'static str,
}

pub(super) async fn run(client: &Client, command: Command, output: Output) -> Result<(), Failure> {
    match command {
        Command::Check { file } => check(&file, output),
        Command::Create { file } => {
            let (plan, text) = read(&file)?;
            let train = client.create_train(text, plan.files().clone()).await?;
            output.show(&train, || status(&train))
        }
        Command::List => {
            let answer = Trains { trains: client.trains().await? };
            output.show(&answer, || list(&answer.trains))
        }
        Command::Status { target } => {
            let train = client.train(target.id).await?;
            output.show(&train, || status(&train))
        }
        Command::Approve { target, before, reason } => {
            let train = client.approve_train(target.id, before, reason.reason).await?;
            output.show(&train, || status(&train))
        }
        Command::Rollback { target, reason } => {
            let train = client.rollback_train(target.id, reason.reason).await?;
            output.show(&train, || status(&train))
        }
    }
}

pub(super) fn check(file: &Path, output: Output) -> Result<(), Failure> {
    let (plan, _) = read(file)?;
    let member = |member: &Member| ExplainedMember {
        service: member.service().to_owned(),
        region: member.region.clone(),
        after: member.after.iter().map(|after| format!("{} {}", after.service, after.reaches)).collect(),
    };
    let gate = |gate: &Gate| ExplainedGate { before: gate.place().to_owned(), when: gate.when.name() };
    let explained = Explained {
        name: plan.name().to_owned(),
        members: plan.members().iter().map(member).collect(),
        gates: plan.gates().iter().map(gate).collect(),
        rollback: plan.reach().name(),
        together: plan.together(),
    };
    output.show(&explained, || explain(&explained))
}

/// Reads a train and the plans that it names, by the server's own rules.
fn read(file: &Path) -> Result<(TrainPlan, String), Failure> {
    let text = input::text(file, bounds::YAML_BYTES)?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let names = TrainPlan::files_of(&text).map_err(|errors| invalid(file, &text, &errors))?;
    let mut files = BTreeMap::new();
    for name in names {
        let plan = input::text(&folder.join(&name), YAML_BYTES).map_err(|failure| {
            Failure::usage(format!("{} names a plan that cannot be used: {failure}", input::name(file)))
                .advise("plans lie beside the train: correct `plan`, or write the plan itself there")
        })?;
        files.insert(name, plan);
    }
    let plan = TrainPlan::parse(&text, &files).map_err(|errors| invalid(file, &text, &errors))?;
    Ok((plan, text))
}

fn invalid(file: &Path, text: &str, errors: &TrainErrors) -> Failure {
    let name = input::name(file);
    let problem = |error: &serin_rollout::train::TrainError| Problem {
        file: name.clone(),
        line: (error.line != 0).then_some(error.line),
        column: (error.line != 0).then_some(error.column),
        field: error.field.clone(),
        message: error.rule.clone(),
        snippet: if error.line != 0 { snippet(text, error.line, error.column) } else { String::new() },
    };
    let problems: Vec<_> = errors.errors().iter().map(problem).collect();
    let count =
        if problems.len() == 1 { "1 problem".to_owned() } else { format!("{} problems", problems.len()) };
    Failure::new(Kind::PlanInvalid, format!("{name} is not a valid train: {count}"))
        .because(problems)
        .advise("correct the train, or the plan that is named, and check it again")
}

fn explain(train: &Explained) -> Sheet {
    let mut sheet = Sheet::default();
    let count = match train.members.len() {
        1 => "1 rollout goes".to_owned(),
        more => format!("{more} rollouts go"),
    };
    sheet.line(&format!("{}: {count} out as one release.", train.name));
    for member in &train.members {
        let region = member.region.as_ref().map(|region| format!(" ({region})")).unwrap_or_default();
        let gates = train.gates.iter().filter(|gate| gate.before == member.service);
        let gates = gates.map(|gate| opens(gate.when).to_owned());
        let waits: Vec<String> = member.after.iter().cloned().chain(gates).collect();
        let begins = if waits.is_empty() {
            "begins at once".to_owned()
        } else {
            format!("begins once {}", waits.join(" and "))
        };
        sheet.line(&format!(
            "{}{region} {begins}; from then on its own plan says how it goes.",
            member.service
        ));
    }
    if train.together {
        let gates = train.gates.iter().filter(|gate| gate.before == serin_rollout::train::PROMOTION);
        let gates: Vec<_> = gates.map(|gate| opens(gate.when)).collect();
        let when = if gates.is_empty() { String::new() } else { format!(" and {}", gates.join(" and ")) };
        sheet.line(&format!("All are promoted together, once each has passed its plan{when}."));
    }
    sheet.line(match train.rollback {
        "all" => "When one returns to the baseline, all do, those that began last first.",
        "dependents" => "When one returns to the baseline, those that come after it or need one of its components do too, those that began last first.",
        _ => "When one returns to the baseline, the others stay.",
    });
    sheet
}

fn opens(when: &str) -> &'static str {
    if when == "approval" { "a person approves" } else { "all that began are healthy" }
}

fn list(trains: &[Train]) -> Sheet {
    if trains.is_empty() {
        return Sheet::of(
            "No train yet. Create one with `serin train create -f train.yaml`: see docs/trains.md.",
        );
    }
    let mut sheet = Sheet::default();
    let row = |train: &Train| {
        let members: Vec<_> = train.members.iter().map(|member| member.service.as_str()).collect();
        let created = train.created_at.as_ref().map_or_else(String::new, Moment::to_seconds);
        [train.name.clone(), train.id.clone(), train.phase.replace('_', " "), members.join(", "), created]
    };
    sheet.table(["NAME", "TRAIN", "STATE", "MEMBERS", "CREATED"], trains.iter().map(row));
    sheet
}

fn status(train: &Train) -> Sheet {
    let mut sheet = Sheet::default();
    sheet.field("Train", &train.id);
    sheet.field("State", &train.phase.replace('_', " "));
    if let Some(because) = &train.waits_because {
        sheet.field("Waiting", because);
    }
    let reach = match train.rollback.as_str() {
        "all" => "one takes all along",
        "dependents" => "one takes along what depends on it",
        _ => "one returns alone",
    };
    sheet.field("Rollback", reach);
    if train.together {
        sheet.field("Promotion", "all together");
    }
    if !train.returning.is_empty() {
        sheet.field("Returning", &train.returning.join(", then "));
    }
    sheet.blank();
    let row = |member: &crate::model::TrainMember| {
        let waits = if member.begun { String::new() } else { member.after.join(" and ") };
        [
            member.service.clone(),
            member.region.clone().unwrap_or_default(),
            member.phase.label(),
            percent(member.weight_ppm),
            member.rollout_id.clone(),
            waits,
            member.summary.clone(),
        ]
    };
    let header = ["SERVICE", "REGION", "PHASE", "WEIGHT", "ROLLOUT", "BEGINS ONCE", "WHAT HAPPENS"];
    sheet.table(header, train.members.iter().map(row));
    if !train.gates.is_empty() {
        sheet.blank();
        let row = |gate: &crate::model::TrainGate| {
            let open = if gate.open { "open" } else { "closed" };
            [
                gate.before.clone(),
                gate.when.replace('_', " "),
                open.to_owned(),
                gate.opened_because.clone().unwrap_or_default(),
            ]
        };
        sheet.table(["GATE BEFORE", "OPENS WHEN", "STATE", "OPENED"], train.gates.iter().map(row));
    }
    sheet
}
