//! The only place that prints: JSON or text on standard output, failures and notes on standard error.
//!
//! Text is made by [`Sheet`], which makes every string from outside harmless to a terminal. JSON keeps strings as they
//! are, but writes control characters as escapes. A reader that goes away ends the program quietly, with the exit
//! code of a program that a closed pipe killed.

mod clean;
mod human;
mod progress;
mod sheet;

use std::io::{self, ErrorKind, Write};

use serde::Serialize;

use crate::failure::{Failure, Kind};

pub(crate) use clean::{clean, is_harmful};
pub(crate) use human::{age, count, duration, latency, percent, utc};
pub(crate) use progress::{Progress, Unit};
pub(crate) use sheet::Sheet;

/// Where a command's answer goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    pub(crate) const fn is_json(self) -> bool {
        self.json
    }

    /// Prints `value` as one line of JSON, or the text that `sheet` makes of it.
    pub(crate) fn show<T: Serialize>(self, value: &T, sheet: impl FnOnce() -> Sheet) -> Result<(), Failure> {
        if self.json { write_out(&json_line(value)?) } else { write_out(&sheet().into_text()) }
    }

    /// Prints text as it is, whatever the form: a completion script, or help.
    pub(crate) fn verbatim(self, text: &str) -> Result<(), Failure> {
        write_out(text)
    }

    /// Says something beside the answer, to people only.
    pub(crate) fn note(self, text: &str) {
        if !self.json {
            write_error(&format!("{}\n", clean(text)));
        }
    }

    /// Says why the command failed, and what to do next.
    pub(crate) fn failure(self, failure: &Failure) {
        if matches!(failure.kind(), Kind::OutputClosed | Kind::Left) {
            return;
        }
        if self.json {
            write_error(&json_line(&failure.report()).unwrap_or_default());
            return;
        }
        let mut sheet = Sheet::default();
        format!("error: {failure}").lines().for_each(|line| sheet.line(line));
        for problem in failure.problems() {
            problem.to_string().lines().chain(problem.snippet.lines()).for_each(|line| sheet.line(line));
        }
        if let Some(advice) = failure.advice() {
            sheet.line(&format!("next: {advice}"));
        }
        write_error(&sheet.into_text());
    }
}

fn json_line<T: Serialize>(value: &T) -> Result<String, Failure> {
    let json = serde_json::to_string(value).map_err(|error| {
        Failure::new(Kind::Output, format!("the answer cannot be written as JSON: {error}"))
    })?;
    Ok(clean::json(&json) + "\n")
}

fn write_out(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|error| {
        if error.kind() == ErrorKind::BrokenPipe {
            Failure::new(Kind::OutputClosed, "the reader of the output went away")
        } else {
            Failure::new(Kind::Output, format!("standard output: {error}"))
        }
    })
}

/// A failure to report a failure has nobody left to tell.
fn write_error(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}
