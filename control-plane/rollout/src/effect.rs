//! What the shell has to do, in this order: persist, publish, notify. Each effect may be performed again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Event, Fact};

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Append these events, whose evidence is inside them, to the journal in one transaction. Always the first effect; when it
    /// fails, the transition did not happen.
    Persist(Vec<Event>),
    /// The assignment of the service changed: publish it under a new generation.
    Publish,
    /// Tell people.
    Notify(Notice),
}

/// Something that people should know.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Notice {
    /// How urgent it is.
    pub severity: Severity,
    /// One or two sentences.
    pub text: String,
}

/// How urgent a notice is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Somebody should look.
    Warning,
    /// Users were affected.
    Critical,
}

impl Severity {
    /// How urgent it is to tell people of a fact.
    #[must_use]
    pub fn of(fact: &Fact) -> Self {
        crate::step::severity(fact)
    }

    /// In lower case, for logs and payloads.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}
