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
    /// Nobody reads the output any more.
    OutputClosed,
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
            Self::OutputClosed => 141,
        }
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

    pub(crate) fn kind(&self) -> Kind {
        self.0.kind
    }

    pub(crate) fn advice(&self) -> Option<&str> {
        self.0.advice.as_deref()
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
                advice: self.0.advice.as_deref(),
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
