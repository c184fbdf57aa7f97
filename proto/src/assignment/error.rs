//! Why an assignment is refused.

use std::fmt;

/// A field and the rule that it breaks.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("assignment: {}{rule}", Prefix(field))]
pub struct AssignmentError {
    /// Path of the field, for example `services[0].split[1].weight_ppm`; empty for the whole text.
    pub field: String,
    /// The rule.
    pub rule: Rule,
}

/// What a field must be.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Rule {
    /// Not JSON, a wrong type, a missing or an unknown field.
    #[error("{message}")]
    Syntax {
        /// The parser's words, with line and column.
        message: String,
    },
    /// Another version of the form.
    #[error("version {found} is not supported, this filter reads version {supported}")]
    Version {
        /// What was found.
        found: u32,
        /// What is read.
        supported: u32,
    },
    /// Too many entries or bytes.
    #[error("exceeds the limit of {limit}")]
    TooLong {
        /// The bound.
        limit: usize,
    },
    /// Empty where something is needed.
    #[error("must not be empty")]
    Empty,
    /// A number outside its range.
    #[error("must be between {min} and {max}")]
    Range {
        /// Lowest value.
        min: u64,
        /// Highest value.
        max: u64,
    },
    /// A text of the wrong form.
    #[error("{found:?} is not {expected}")]
    Form {
        /// What was found, shortened.
        found: String,
        /// What is expected.
        expected: &'static str,
    },
    /// Given twice.
    #[error("{name:?} is given twice")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// Names an arm that the service does not have.
    #[error("{name:?} is not an arm of this service")]
    UnknownArm {
        /// The name.
        name: String,
    },
    /// The shares exceed the whole.
    #[error("the weights add up to {total} ppm, more than 1000000")]
    Overweight {
        /// Sum in parts per million.
        total: u64,
    },
    /// A reserved word.
    #[error("{name:?} is reserved")]
    Reserved {
        /// The name.
        name: String,
    },
    /// Exactly one of several fields must be given.
    #[error("exactly one of {fields} must be given")]
    ExactlyOne {
        /// The fields.
        fields: &'static str,
    },
    /// The issued cookie would not be read back.
    #[error("the issued cookie {name:?} must also be a session source")]
    CookieNotRead {
        /// The cookie.
        name: String,
    },
}

impl AssignmentError {
    pub(super) fn new(field: impl Into<String>, rule: Rule) -> Self {
        Self { field: field.into(), rule }
    }

    pub(super) fn syntax(field: &str, error: &serde_json::Error) -> Self {
        let field = if field == "." { "" } else { field };
        Self::new(field, Rule::Syntax { message: error.to_string() })
    }
}

struct Prefix<'a>(&'a str);

impl fmt::Display for Prefix<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(formatter, "{}: ", self.0) }
    }
}
