//! Why a command did not do what was asked, and the exit code that says so.
//!
//! One type serves the whole program: every failure carries a sentence for people, what to do next, and a kind
//! that fixes both the exit code and the word in JSON. It never prints; `output` does.

use std::fmt;
use std::process::ExitCode;

use serde::Serialize;

/// The exit codes, as `--help` shows them.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
    0  done; a rollout that was waited for is promoted
    1  the server refused (the message says why), or the output could not be written
    2  the command line, or a file that it names, cannot be used
    3  the rollout, service or version is not known
    4  the server was not reached, or could not answer now or in time, or --within passed
    5  the plan or the release is not valid
    6  a rollout that was waited for, or replayed with --exit-code, ended rolled back or failed
    7  a rollout that was replayed with --exit-code was held
   10  the release needs an approval, says `gate`; the candidate is not better, say `learn retrain` and `learn adopt`
   20  the release must not go out, says `gate`
  130  the live screen of `rollout watch` was left before the rollout ended
  141  the reader of the output went away";

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// The server understood and said no.
    Refused,
    /// The output could not be written.
    Output,
    /// The command line or a local file cannot be used.
    Usage,
    /// Not known to the server.
    NotFound,
    /// No connection, or no answer in time.
    Unreachable,
    /// What was waited for did not come in the time that was given.
    TimeIsUp,
    /// The plan breaks a rule.
    PlanInvalid,
    /// The release breaks a rule, or names a file that cannot be read.
    ReleaseInvalid,
    /// The rollout that was waited for ended rolled back.
    RolledBack,
    /// The rollout that was waited for ended failed.
    RolloutFailed,
    /// The rollout that was replayed was neither promoted nor rolled back.
    Held,
    /// The gate asks for an approval.
    NeedsApproval,
    /// The gate blocks.
    Blocked,
    /// What was learned does not replace what is in force.
    NotBetter,
    /// Nobody reads the output any more.
    OutputClosed,
    /// A person left the screen before the rollout ended.
    Left,
}

impl Kind {
    const fn code(self) -> u8 {
        match self {
            Self::Refused | Self::Output => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Unreachable | Self::TimeIsUp => 4,
            Self::PlanInvalid | Self::ReleaseInvalid => 5,
            Self::RolledBack | Self::RolloutFailed => 6,
            Self::Held => 7,
            Self::NeedsApproval | Self::NotBetter => 10,
            Self::Blocked => 20,
            Self::Left => 130,
            Self::OutputClosed => 141,
        }
    }

    /// What to do next, where nothing better is known. `None`: nobody reads it, or nothing is to be done.
    const fn next(self) -> Option<&'static str> {
        Some(match self {
            Self::Refused => {
                "look at how things stand, for example with `serin rollout status ID`; the server's log says more"
            }
            Self::Output => "make sure that the place exists, may be written and has room, and try again",
            Self::Usage => "correct what the message names; `--help` shows how to write it",
            Self::NotFound => "`serin rollout list` shows what there is",
            Self::Unreachable => {
                "check that serin-control-plane runs and that --server (or SERIN_SERVER) is its admin listener"
            }
            Self::TimeIsUp => "it goes on; look at it again, or give it more time",
            Self::PlanInvalid => {
                "correct what is named and check it again, for example with `serin plan check FILE`: that needs no server"
            }
            Self::ReleaseInvalid => "correct what is named, and register it again",
            Self::RolledBack | Self::RolloutFailed => {
                "`serin rollout status ID` and `serin events ID` say why"
            }
            Self::Held => {
                "give it more time or traffic, or change the plan; what was printed says what it waits for"
            }
            Self::NeedsApproval => "let a person agree, or do what was printed beside `do` and ask again",
            Self::Blocked => "do what was printed beside `do`, and ask again with the changed release",
            Self::NotBetter => "what is in force stays; learn again when more outcomes are known and marked",
            Self::OutputClosed | Self::Left => return None,
        })
    }
}

/// One fault of a file.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Problem {
    /// File, or `<stdin>`.
    pub(crate) file: String,
    /// Line, from 1; `None`: the file as a whole.
    pub(crate) line: Option<u32>,
    /// Column in characters, from 1.
    pub(crate) column: Option<u32>,
    /// Path of the field, for example `steps[2].weight`; empty for the whole.
    pub(crate) field: String,
    pub(crate) message: String,
    /// The piece of the file, with a mark below the place.
    #[serde(skip)]
    pub(crate) snippet: String,
}

/// A failure. Boxed inside, so that results stay small.
#[derive(Debug)]
pub(crate) struct Failure(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: Kind,
    message: String,
    advice: Option<String>,
    problems: Vec<Problem>,
}

/// The JSON form, one document on standard error.
#[derive(Serialize)]
pub(crate) struct Report<'a> {
    error: Body<'a>,
}

#[derive(Serialize)]
struct Body<'a> {
    kind: Kind,
    exit_code: u8,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'a str>,
    #[serde(skip_serializing_if = "<[Problem]>::is_empty")]
    problems: &'a [Problem],
}

impl Failure {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self(Box::new(Inner { kind, message, advice: None, problems: Vec::new() }))
    }

    /// A command line or local file that cannot be used.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// Says what to do next.
    pub(crate) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.0.advice = Some(advice.into());
        self
    }

    /// Says what to do next about a failure of this kind.
    pub(crate) fn advise_if(self, kind: Kind, advice: &str) -> Self {
        if self.0.kind == kind { self.advise(advice) } else { self }
    }

    /// Says what is wrong with a file, piece by piece.
    pub(crate) fn because(mut self, problems: Vec<Problem>) -> Self {
        self.0.problems = problems;
        self
    }

    /// What happened and what to do next, on one line.
    pub(crate) fn in_words(&self) -> String {
        match self.advice() {
            Some(advice) => format!("{self}. Next: {advice}"),
            None => self.to_string(),
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        self.0.kind
    }

    /// What to do next: what was said of this failure, or of all of its kind.
    pub(crate) fn advice(&self) -> Option<&str> {
        self.0.advice.as_deref().or_else(|| self.0.kind.next())
    }

    pub(crate) fn problems(&self) -> &[Problem] {
        &self.0.problems
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.0.kind.code())
    }

    pub(crate) fn report(&self) -> Report<'_> {
        Report {
            error: Body {
                kind: self.0.kind,
                exit_code: self.0.kind.code(),
                message: &self.0.message,
                advice: self.advice(),
                problems: &self.0.problems,
            },
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.message)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.file)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(formatter, ":{line}:{column}")?;
        }
        formatter.write_str(": ")?;
        if !self.field.is_empty() {
            write!(formatter, "{}: ", self.field)?;
        }
        formatter.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_that_somebody_reads_says_what_to_do_next() {
        use Kind::{
            Blocked, Held, NeedsApproval, NotBetter, NotFound, Output, PlanInvalid, Refused, ReleaseInvalid,
            RolledBack, RolloutFailed, TimeIsUp, Unreachable, Usage,
        };
        let read = [
            Refused,
            Output,
            Usage,
            NotFound,
            Unreachable,
            TimeIsUp,
            PlanInvalid,
            ReleaseInvalid,
            RolledBack,
            RolloutFailed,
            Held,
            NeedsApproval,
            Blocked,
            NotBetter,
        ];
        for kind in read {
            let failure = Failure::new(kind, "it failed");
            assert!(failure.advice().is_some_and(|advice| advice.len() > 20), "{kind:?}");
            let better = failure.advise("do this");
            assert_eq!(better.advice(), Some("do this"));
            assert!(better.in_words().ends_with("Next: do this"));
        }
        for kind in [Kind::OutputClosed, Kind::Left] {
            assert_eq!(Failure::new(kind, "").advice(), None, "{kind:?}");
        }
    }
}
