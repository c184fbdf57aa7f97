//! Why a release is refused.

use std::fmt;

use crate::artifact::NotAnImage;
use crate::name::NameRule;

/// A field, the rule that it breaks and where it is.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub struct ReleaseError {
    /// Path of the field, for example `components[2].version`; empty for the whole text.
    pub field: String,
    /// The rule.
    pub rule: ReleaseRule,
    /// Line, from 1. 0: the place is not known.
    pub line: u32,
    /// Column in characters, from 1. 0: the place is not known.
    pub column: u32,
}

/// What a field must be.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReleaseRule {
    /// Not YAML, a wrong type, a missing or an unknown field.
    #[error("{message}")]
    Syntax {
        /// The parser's words.
        message: String,
    },
    /// Too many bytes or versions.
    #[error("exceeds the limit of {limit}")]
    TooLong {
        /// The bound.
        limit: usize,
    },
    /// Empty where something is needed.
    #[error("must not be empty")]
    Empty,
    /// Two of one name.
    #[error("{name:?} is named twice")]
    Twice {
        /// The name.
        name: String,
    },
    /// A name or label of the wrong form.
    #[error("{0}")]
    Name(#[from] NameRule),
    /// An image reference of the wrong form.
    #[error("{0}")]
    Image(#[from] NotAnImage),
}

/// All that is wrong with a release; at least one error, in the order of the text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReleaseErrors(pub(super) Vec<ReleaseError>);

impl ReleaseErrors {
    /// The errors, in the order of the text.
    #[must_use]
    pub fn errors(&self) -> &[ReleaseError] {
        &self.0
    }
}

impl std::error::Error for ReleaseErrors {}

impl fmt::Display for ReleaseErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                formatter.write_str("\n")?;
            }
            write!(formatter, "{error}")?;
        }
        Ok(())
    }
}

impl fmt::Display for ReleaseError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(formatter, "line {}, column {}: ", self.line, self.column)?;
        }
        if !self.field.is_empty() {
            write!(formatter, "{}: ", self.field)?;
        }
        write!(formatter, "{}", self.rule)
    }
}
