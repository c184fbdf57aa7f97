//! Why a train is refused.

use std::fmt;

/// A field, the rule that it breaks and where it is.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub struct TrainError {
    /// Path of the field, for example `members[2].after[0]`; empty for the whole text.
    pub field: String,
    /// The rule, in words.
    pub rule: String,
    /// Line, from 1. 0: the place is not known.
    pub line: u32,
    /// Column in characters, from 1. 0: the place is not known.
    pub column: u32,
}

impl fmt::Display for TrainError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line != 0 {
            write!(formatter, "{}:{}: ", self.line, self.column)?;
        }
        if !self.field.is_empty() {
            write!(formatter, "{}: ", self.field)?;
        }
        formatter.write_str(&self.rule)
    }
}

/// All that is wrong with a train; never empty.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub struct TrainErrors(pub(super) Vec<TrainError>);

impl TrainErrors {
    /// One by one.
    #[must_use]
    pub fn errors(&self) -> &[TrainError] {
        &self.0
    }
}

impl fmt::Display for TrainErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(index, error)| {
            let separator = if index == 0 { "" } else { "\n" };
            write!(formatter, "{separator}{error}")
        })
    }
}
