//! `serin migrate check`: an SQL script as the server would read it.

use std::path::Path;

use serde::Serialize;
use serin_migrate::SCRIPT_BYTES;
use serin_migrate::sql::{Script, Statement};

use crate::commands::snippet::snippet;
use crate::failure::{Failure, Kind, Problem};
use crate::input;
use crate::output::{Output, Sheet};

/// What is known of a statement.
#[derive(Debug, Serialize)]
pub(super) struct Known {
    line: usize,
    statement: String,
    /// Why data may be lost. `None`: none is, as far as the words tell.
    data_loss: Option<String>,
    /// What the baseline's code may miss. `None`: nothing.
    breaks: Option<String>,
    /// True when it changes the type of a column, which is judged by the catalogue when it runs.
    changes_type: bool,
    outside_transaction: bool,
    /// True: Serin refuses it.
    refused: bool,
}

#[derive(Serialize)]
struct Checked {
    statements: Vec<Known>,
}

impl Known {
    pub(super) fn of(Statement { line, traits, .. }: &Statement) -> Self {
        Self {
            line: *line,
            statement: traits.verb.clone(),
            data_loss: traits.loss.as_ref().map(ToString::to_string),
            breaks: traits.breaks.as_ref().map(ToString::to_string),
            changes_type: traits.retypes,
            outside_transaction: traits.alone,
            refused: traits.takes_control,
        }
    }

    /// In one sentence without a full stop.
    pub(super) fn words(&self) -> String {
        let mut words = Vec::new();
        if self.refused {
            words.push(
                "refused: transactions, limits and the reading of strings are set by Serin alone".to_owned(),
            );
        }
        words.extend(self.data_loss.iter().map(|loss| format!("{loss}: needs an approval")));
        words.extend(self.breaks.iter().map(|breaks| format!("{breaks}: only when contracting")));
        if self.changes_type {
            words.push("a narrower type needs an approval; the catalogue tells when it runs".to_owned());
        }
        if self.outside_transaction {
            words.push("runs outside of a transaction, in a step of its own".to_owned());
        }
        if words.is_empty() { "keeps all data and breaks nothing".to_owned() } else { words.join("; ") }
    }
}

pub(super) fn check(file: &Path, output: Output) -> Result<(), Failure> {
    let text = input::text(file, SCRIPT_BYTES)?;
    let script = Script::parse(&text).map_err(|error| {
        let (name, line) = (input::name(file), u32::try_from(error.line).unwrap_or(u32::MAX));
        let problem = Problem {
            file: name.clone(),
            line: Some(line),
            column: Some(1),
            field: String::new(),
            message: error.cause.to_string(),
            snippet: snippet(&text, line, 1),
        };
        Failure::new(Kind::PlanInvalid, format!("{name} cannot be read as SQL"))
            .because(vec![problem])
            .advise("correct the script and check it again")
    })?;
    let checked = Checked { statements: script.statements().iter().map(Known::of).collect() };
    output.show(&checked, || sheet(&checked.statements))
}

fn sheet(statements: &[Known]) -> Sheet {
    let mut sheet = Sheet::default();
    let rows = statements.iter().map(|one| [one.line.to_string(), one.statement.clone(), one.words()]);
    sheet.table(["LINE", "STATEMENT", "WHAT IT DOES"], rows);
    sheet
}
