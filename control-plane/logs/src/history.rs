//! Labelled history: lines of which it is known what event they tell of, whether they are anomalous, or both.
//!
//! Two forms are read. Loghub's tables (`NAME_2k.log_structured.csv`, [`loghub`]) have the columns `Content` and `EventId`, and some of
//! them `Level` and `Label` ([`is_anomalous`]). Lines of JSON ([`json_lines`]) are one's own history.

mod csv;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::line::{LogLine, Severity};

pub use csv::CsvError;

/// Lines of one history.
pub const LINES_MAX: usize = 2_000_000;

/// A labelled line.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Labelled {
    /// What it says.
    pub body: String,
    /// How bad it is by its own account.
    #[serde(default, deserialize_with = "severity")]
    pub severity: Severity,
    /// The type of its exception.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<String>,
    /// Unix second in which it was written; 0: not known.
    #[serde(default)]
    pub second: u64,
    /// What event it tells of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Whether it is anomalous.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anomalous: Option<bool>,
}

impl Labelled {
    /// As it is observed.
    #[must_use]
    pub fn line(&self) -> LogLine<'_> {
        let Self { body, severity, exception, second, .. } = self;
        LogLine { body, severity: *severity, exception: exception.as_deref(), second: *second }
    }
}

/// A history that cannot be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum HistoryError {
    /// Not text.
    #[error("byte {at}: is not UTF-8 text")]
    NotText {
        /// From 0.
        at: usize,
    },
    /// No table.
    #[error(transparent)]
    Csv(#[from] CsvError),
    /// A column that must be there is not.
    #[error("line 1: the column {name} must be there")]
    NoColumn {
        /// Its name.
        name: &'static str,
    },
    /// A row that is shorter than the head.
    #[error("line {line}: the column {name} must have a value")]
    NoValue {
        /// From 1.
        line: usize,
        /// Of the column.
        name: &'static str,
    },
    /// A row that is longer than the head, so that its values are not under their names.
    #[error(
        "line {line}: has {found} values for {columns} columns; one with a comma must stand in quotation marks"
    )]
    TooLong {
        /// From 1.
        line: usize,
        /// Of the head.
        columns: usize,
        /// Of the row.
        found: usize,
    },
    /// A line that is not the JSON of a labelled line.
    #[error("line {line}, column {column}: {rule}")]
    Json {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong.
        rule: String,
    },
    /// More lines than are read.
    #[error("line {line}: at most {LINES_MAX} lines are read")]
    TooMany {
        /// From 1.
        line: usize,
    },
}

/// Reads a structured table of Loghub.
///
/// # Errors
/// It is no such table.
pub fn loghub(bytes: &[u8]) -> Result<Vec<Labelled>, HistoryError> {
    let mut rows = csv::Rows::of(text(bytes)?);
    let (_, head) = rows.next().transpose()?.unwrap_or_default();
    let column = |name: &str| head.iter().position(|column| column == name);
    let content = column("Content").ok_or(HistoryError::NoColumn { name: "Content" })?;
    let event = column("EventId").ok_or(HistoryError::NoColumn { name: "EventId" })?;
    let (level, label) = (column("Level"), column("Label"));
    let mut lines = Vec::new();
    for row in rows {
        let (line, row) = row?;
        if lines.len() >= LINES_MAX {
            return Err(HistoryError::TooMany { line });
        }
        let value = |column: usize, name| {
            row.get(column).map(ToString::to_string).ok_or(HistoryError::NoValue { line, name })
        };
        if row.len() > head.len() {
            return Err(HistoryError::TooLong { line, columns: head.len(), found: row.len() });
        }
        let of = |column: Option<usize>| column.and_then(|column| row.get(column));
        lines.push(Labelled {
            body: value(content, "Content")?,
            severity: of(level).map_or(Severity::Unspecified, |word| Severity::from_word(word)),
            exception: None,
            second: 0,
            event: Some(value(event, "EventId")?),
            anomalous: of(label).and_then(|label| is_anomalous(label)),
        });
    }
    Ok(lines)
}

/// Reads lines of JSON, one [`Labelled`] each; empty ones are passed over.
///
/// # Errors
/// A line is none.
pub fn json_lines(bytes: &[u8]) -> Result<Vec<Labelled>, HistoryError> {
    let mut lines = Vec::new();
    let bytes = text(bytes)?;
    if bytes.trim_start().starts_with('[') {
        let rule = "must be one object a line, and no list of them".to_owned();
        return Err(HistoryError::Json { line: 1, column: 1, rule });
    }
    for (line, text) in (1..).zip(bytes.lines()) {
        if text.trim().is_empty() {
            continue;
        }
        if lines.len() >= LINES_MAX {
            return Err(HistoryError::TooMany { line });
        }
        let labelled = serde_json::from_str(text).map_err(|error| HistoryError::Json {
            line,
            column: error.column(),
            rule: rule(&error),
        })?;
        lines.push(labelled);
    }
    Ok(lines)
}

/// As programs write it: a word in any case, a number of OpenTelemetry, or nothing.
fn severity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Severity, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Word(String),
        Number(i32),
        Nothing(()),
    }
    const RULE: &str = "severity must be trace, debug, info, warn, error or fatal, or a severity number of OpenTelemetry, 0 to 24";
    let (written, is_nothing) = match Written::deserialize(deserializer) {
        Ok(Written::Word(word)) => {
            (Severity::from_word(&word), word.eq_ignore_ascii_case(Severity::Unspecified.name()))
        }
        Ok(Written::Number(number)) => (Severity::from_number(number), number == 0),
        Ok(Written::Nothing(())) => (Severity::Unspecified, true),
        Err(_) => (Severity::Unspecified, false),
    };
    if written == Severity::Unspecified && !is_nothing {
        return Err(D::Error::custom(RULE));
    }
    Ok(written)
}

/// What is wrong, without the place, which is told beside it.
fn rule(error: &serde_json::Error) -> String {
    let words = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    words.strip_suffix(&place).unwrap_or(&words).to_owned()
}

/// What a label says: `-`, `0`, `false` and `normal`, in any case, are not anomalous, an empty one says nothing, and every other one,
/// such as the name of an alert, is.
fn is_anomalous(label: &str) -> Option<bool> {
    let label = label.trim().to_ascii_lowercase();
    (!label.is_empty()).then_some(!matches!(label.as_str(), "-" | "0" | "false" | "normal"))
}

fn text(bytes: &[u8]) -> Result<&str, HistoryError> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| HistoryError::NotText { at: error.valid_up_to() })
}

#[cfg(test)]
mod tests;
