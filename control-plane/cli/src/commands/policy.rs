//! `serin policy …`: what policies are and say, without a server.

use std::path::Path;

use serde::Serialize;
use serin_policy::{BUILT_IN, Policy, described};
use serin_rollout::plan::{bounds, parse_policies};

use crate::arguments::Policy as Command;
use crate::commands::plan;
use crate::failure::{Failure, Kind};
use crate::input;
use crate::output::{Output, Sheet};

/// The JSON form of `check`.
#[derive(Serialize)]
struct Checked {
    valid: bool,
    policies: Vec<Shown>,
}

#[derive(Serialize)]
struct Shown {
    name: String,
    when: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    then: Option<serin_policy::Decision>,
    reads: Vec<String>,
}

/// The JSON form of `context`.
#[derive(Serialize)]
struct Known {
    names: Vec<Name>,
    built_in: Vec<BuiltIn>,
}

#[derive(Serialize)]
struct Name {
    name: String,
    r#type: String,
    always: bool,
    meaning: &'static str,
}

#[derive(Clone, Serialize)]
struct BuiltIn {
    name: &'static str,
    meaning: &'static str,
    when: &'static str,
}

pub(super) fn run(command: &Command, output: Output) -> Result<(), Failure> {
    match command {
        Command::Check { file } => check(file, output),
        Command::Context => context(output),
    }
}

/// Reads a file of policies.
pub(super) fn read(file: &Path) -> Result<Vec<Policy>, Failure> {
    let text = input::text(file, bounds::YAML_BYTES)?;
    parse_policies(&text).map_err(|errors| {
        let name = input::name(file);
        let problems = errors.errors().iter().map(|error| plan::problem(&name, &text, error)).collect();
        Failure::new(Kind::PlanInvalid, format!("{name} holds no valid policies"))
            .because(problems)
            .advise("`serin policy context` lists what expressions can name")
    })
}

fn check(file: &Path, output: Output) -> Result<(), Failure> {
    let policies = read(file)?;
    let shown = policies.iter().map(|policy| Shown {
        name: policy.name().to_owned(),
        when: policy.expression().to_owned(),
        then: policy.then(),
        reads: policy.reads().collect(),
    });
    let checked = Checked { valid: true, policies: shown.collect() };
    output.show(&checked, || {
        let mut sheet = Sheet::default();
        for Shown { name, then, reads, .. } in &checked.policies {
            let then = then.map(|then| format!(" then {then}")).unwrap_or_default();
            let reads = if reads.is_empty() { "nothing".to_owned() } else { reads.join(", ") };
            sheet.line(&format!("{name}{then} is valid, reads {reads}"));
        }
        sheet
    })
}

fn context(output: Output) -> Result<(), Failure> {
    let names = described().into_iter();
    let names =
        names.map(|one| Name { name: one.name, r#type: one.of, always: one.always, meaning: one.meaning });
    let built_in = BUILT_IN.map(|one| BuiltIn { name: one.name, meaning: one.meaning, when: one.expression });
    let known = Known { names: names.collect(), built_in: built_in.to_vec() };
    output.show(&known, || {
        let mut sheet = Sheet::default();
        let rows = known.names.iter().map(|one| {
            let always = if one.always { "always" } else { "where known" };
            [one.name.clone(), one.r#type.clone(), always.to_owned(), one.meaning.to_owned()]
        });
        sheet.table(["NAME", "TYPE", "HAS A VALUE", "MEANING"], rows);
        for BuiltIn { name, meaning, when } in &known.built_in {
            sheet.blank();
            sheet.line(&format!("{name}: {meaning}"));
            when.lines().for_each(|line| sheet.line(&format!("  {line}")));
        }
        sheet
    })
}
