//! One schema change with its way back, and the rules that it keeps.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::sql::{Break, Loss, Script, Statement, Unreadable};

/// Bytes of a name.
pub const NAME_BYTES: usize = 128;
/// Bytes of a script.
pub const SCRIPT_BYTES: usize = 64 * 1024;
/// Statements of a script.
pub const STATEMENTS: usize = 200;
/// Steps of one rollout.
pub const STEPS: usize = 64;

/// When a step runs, and so what it may take from the baseline's code.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Before the canary gets requests: the baseline's code has to work with what it leaves.
    #[default]
    Expand,
    /// After the promotion, when the baseline's code is not needed any more.
    Contract,
}

/// Which of the two scripts.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The change.
    Up,
    /// The way back.
    Down,
}

/// A step as it is written.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// Name, unique in the database.
    pub name: &'a str,
    /// The change.
    pub up: &'a str,
    /// The way back.
    pub down: &'a str,
    /// When it runs.
    pub stage: Stage,
    /// False: its one statement per direction runs outside of a transaction.
    pub transaction: bool,
}

/// A step that keeps all rules.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Step {
    name: String,
    up: Script,
    down: Script,
    stage: Stage,
    transaction: bool,
}

/// Why a step is refused: the field and the rule.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{field}: {rule}")]
pub struct Refusal {
    /// `name`, `up` or `down`.
    pub field: &'static str,
    /// What it breaks.
    pub rule: Rule,
}

/// A rule of steps.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Rule {
    /// The form of a name.
    #[error("must be 1 to {NAME_BYTES} letters, digits, '.', '_' or '-'")]
    Name,
    /// The length of a script.
    #[error("exceeds {SCRIPT_BYTES} bytes")]
    TooLong,
    /// The number of statements.
    #[error("has more than {STATEMENTS} statements")]
    TooMany,
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(#[from] Unreadable),
    /// Serin begins and ends transactions and sets limits.
    #[error("line {line}: {verb}: transactions, limits and the reading of strings are set by Serin alone")]
    TakesControl {
        /// Where.
        line: usize,
        /// What.
        verb: String,
    },
    /// The server refuses it in a transaction.
    #[error(
        "line {line}: {verb} cannot run in a transaction: give it a step of its own with `transaction: false`"
    )]
    Alone {
        /// Where.
        line: usize,
        /// What.
        verb: String,
    },
    /// Between two statements without a transaction there is no named state.
    #[error("must be one statement, because it runs outside of a transaction")]
    OneStatement,
    /// The baseline's code has to go on working.
    #[error("line {line}: {verb} {breaks}: only a step of `phase: contract` may do that")]
    Expand {
        /// Where.
        line: usize,
        /// What.
        verb: String,
        /// Why.
        breaks: Break,
    },
}

impl Step {
    /// Checks all rules.
    ///
    /// # Errors
    /// All that is wrong.
    pub fn new(written: Written<'_>) -> Result<Self, Vec<Refusal>> {
        let mut refusals = Vec::new();
        if !is_name(written.name) {
            refusals.push(Refusal { field: "name", rule: Rule::Name });
        }
        let up = script("up", written.up, written.transaction, &mut refusals);
        let down = script("down", written.down, written.transaction, &mut refusals);
        if let Some(up) = up.as_ref().filter(|_| written.stage == Stage::Expand) {
            refusals.extend(breaking(up).map(|rule| Refusal { field: "up", rule }));
        }
        match (up, down, refusals.is_empty()) {
            (Some(up), Some(down), true) => Ok(Self {
                name: written.name.to_owned(),
                up,
                down,
                stage: written.stage,
                transaction: written.transaction,
            }),
            _ => Err(refusals),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When it runs.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// False: its one statement per direction runs outside of a transaction.
    #[must_use]
    pub const fn transaction(&self) -> bool {
        self.transaction
    }

    /// One of its scripts.
    #[must_use]
    pub const fn script(&self, direction: Direction) -> &Script {
        match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        }
    }

    /// The first statement that may lose data, as far as its words tell.
    #[must_use]
    pub fn loss(&self, direction: Direction) -> Option<(&Statement, &Loss)> {
        self.script(direction).loss()
    }

    /// What the database remembers it by: of both scripts, so that neither can change unseen.
    #[must_use]
    pub fn checksum(&self) -> String {
        let mut hash = Sha256::new();
        for part in [self.up.text(), self.down.text()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Up => "up",
            Self::Down => "down",
        })
    }
}

fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=NAME_BYTES).contains(&name.len()) && name.bytes().all(plain)
}

fn script(field: &'static str, text: &str, transaction: bool, refusals: &mut Vec<Refusal>) -> Option<Script> {
    let mut refuse = |rule| refusals.push(Refusal { field, rule });
    if text.len() > SCRIPT_BYTES {
        refuse(Rule::TooLong);
        return None;
    }
    let script = match Script::parse(text) {
        Ok(script) => script,
        Err(error) => {
            refuse(error.into());
            return None;
        }
    };
    if script.statements().len() > STATEMENTS {
        refuse(Rule::TooMany);
    }
    if !transaction && script.statements().len() > 1 {
        refuse(Rule::OneStatement);
    }
    for Statement { line, traits, .. } in script.statements() {
        let (line, verb) = (*line, traits.verb.clone());
        if traits.takes_control {
            refuse(Rule::TakesControl { line, verb });
        } else if traits.alone && transaction {
            refuse(Rule::Alone { line, verb });
        }
    }
    Some(script)
}

/// What the baseline's code may miss. It knows nothing of a table that the script itself makes.
fn breaking(script: &Script) -> impl Iterator<Item = Rule> {
    let mut made = Vec::new();
    script.statements().iter().filter_map(move |Statement { line, traits, .. }| {
        if traits.makes_table {
            made.extend(traits.table.clone());
        }
        let is_new = traits.table.as_ref().is_some_and(|table| made.contains(table));
        let breaks = traits.breaks.filter(|_| !is_new)?;
        Some(Rule::Expand { line: *line, verb: traits.verb.clone(), breaks })
    })
}

#[cfg(test)]
mod tests;
