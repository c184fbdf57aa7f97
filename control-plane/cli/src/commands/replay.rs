//! `serin replay`: what would have been decided on recorded traffic. Needs no server.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::Serialize;
use serin_analysis::judge::NamedJudge;
use serin_trace::{Decided, Decision, Entry, LineError, Lines, Replay, ReplayError, TraceError};

use super::{plan, policy};
use crate::arguments;
use crate::failure::{Failure, Kind, Problem};
use crate::input;
use crate::output::{self, Output, Sheet, Unit};

pub(super) fn run(request: &arguments::Replay, output: Output) -> Result<(), Failure> {
    if request.plan.as_os_str() == "-" && request.trace.as_os_str() == "-" {
        return Err(Failure::usage("plan and trace cannot both be read from standard input"));
    }
    let plan = plan::parse(&request.plan, &plan::read(&request.plan)?)?;
    let plan = match &request.policy {
        Some(file) => plan.with_policies(policy::read(file)?),
        None => plan,
    };
    if plan.experiment().is_some() {
        return Err(Failure::usage(format!(
            "{} is the plan of an experiment, which cannot be replayed",
            input::name(&request.plan)
        )));
    }
    let judge = match request.judge.as_str() {
        "serin" => None,
        name => NamedJudge::from_name(name),
    };
    let name = input::name(&request.trace);
    let lines = Lines::new(open(&request.trace)?).map_err(|error| unreadable(&name, error))?;
    let mut replay = Replay::new(plan, judge);
    let progress = output.progress_beside("replaying", Unit::Lines);
    for line in lines {
        progress.add(1);
        let (number, line) = line.map_err(|error| unreadable(&name, error))?;
        show(replay.push(line).map_err(|error| refused(&name, number, error))?, output)?;
    }
    drop(progress);
    let (entries, decision) = replay.end().map_err(|error| refused(&name, 0, error))?;
    show(entries, output)?;
    output.show(&decision, || table(&decision))?;
    if request.exit_code { exit(&decision) } else { Ok(()) }
}

fn open(path: &Path) -> Result<Box<dyn Read>, Failure> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::stdin()));
    }
    let file = File::open(path).map_err(|error| {
        Failure::usage(format!("{}: cannot be read: {error}", path.display()))
            .advise("check the path, or give - to read standard input")
    })?;
    Ok(Box::new(file))
}

fn show(entries: Vec<Entry>, output: Output) -> Result<(), Failure> {
    entries.into_iter().try_for_each(|entry| {
        output.show(&entry, || {
            let mut sheet = Sheet::default();
            sheet.line(&words(&entry));
            sheet
        })
    })
}

fn words(entry: &Entry) -> String {
    match entry {
        Entry::Verdict { t, verdict, component, text } => {
            let scope = component.as_deref().unwrap_or("version");
            let verdict = word(verdict);
            format!(
                "{}  {scope}: {verdict}{}{text}",
                output::utc(*t),
                if text.is_empty() { "" } else { ": " }
            )
        }
        Entry::Policy { t, policy, says, text } => {
            let gap = if text.is_empty() { "" } else { ": " };
            format!("{}  policy {policy}: {says}{gap}{text}", output::utc(*t))
        }
        Entry::Event { t, text, .. } => format!("{}  {text}", output::utc(*t)),
        Entry::Note { t, note } => format!("{}  note: {note}", output::utc(*t)),
    }
}

fn table(decision: &Decision) -> Sheet {
    let mut sheet = Sheet::default();
    let at = decision.t.map_or("-".to_owned(), output::utc);
    let mut facts = vec![("decision", word(&decision.decision)), ("at", at)];
    if let Some(level) = decision.level {
        facts.push(("level", word(&level)));
    }
    if !decision.components.is_empty() {
        facts.push(("components", decision.components.join(", ")));
    }
    if !decision.blocks.is_empty() {
        facts.push(("blocks", decision.blocks.join(", ")));
    }
    for reason in &decision.reasons {
        let scope = reason.component.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
        facts.push(("because", format!("{scope}{}", reason.text)));
    }
    if let Some(needed) = decision.needed {
        let requests = needed
            .canary_requests
            .map(|requests| format!("about {} canary requests", output::count(requests)));
        let time = needed
            .seconds
            .map(|seconds| format!("at least {}", output::duration(std::time::Duration::from_secs(seconds))));
        let said = requests.into_iter().chain(time).collect::<Vec<_>>().join(", ");
        facts.push(("needed", if said.is_empty() { "cannot be foreseen".to_owned() } else { said }));
    }
    for later in &decision.later {
        let at = later.t.map_or("-".to_owned(), output::utc);
        let names = later.components.join(", ");
        facts.push(("later", format!("{at} {} {names}", word(&later.decision)).trim_end().to_owned()));
    }
    sheet.blank();
    facts.iter().for_each(|(name, value)| sheet.field(name, value));
    sheet
}

fn exit(decision: &Decision) -> Result<(), Failure> {
    match decision.decision {
        Decided::Promote => Ok(()),
        Decided::Rollback => Err(Failure::new(Kind::RolledBack, "the canary would have been rolled back")),
        Decided::Hold => Err(Failure::new(Kind::Held, "the canary would not have been promoted yet")),
    }
}

/// As in JSON.
fn word(value: &impl Serialize) -> String {
    let json = serde_json::to_value(value).unwrap_or_default();
    json.as_str().unwrap_or_default().to_owned()
}

fn unreadable(name: &str, error: TraceError) -> Failure {
    match error {
        TraceError::Line { line, error } => broken(name, line, &error),
        TraceError::Io { line: 0, error } => Failure::usage(format!("{name}: cannot be read: {error}")),
        TraceError::Io { line, error } => {
            Failure::usage(format!("{name}: cannot be read beyond line {line}: {error}"))
        }
    }
}

fn refused(name: &str, line: u64, error: ReplayError) -> Failure {
    match error {
        ReplayError::Line(error) => broken(name, line, &error),
        ReplayError::Config(error) => Failure::usage(format!("{name}: {error}")),
    }
}

fn broken(name: &str, line: u64, error: &LineError) -> Failure {
    let problem = Problem {
        file: name.to_owned(),
        line: u32::try_from(line).ok(),
        column: u32::try_from(error.column).ok(),
        field: error.field.clone(),
        message: error.rule.to_string(),
        snippet: String::new(),
    };
    Failure::usage(format!("{name} is not a trace that can be replayed"))
        .because(vec![problem])
        .advise("docs/replay.md describes the format")
}
