//! Why a table is refused.

use std::fmt;

use thiserror::Error;

use super::{BYTES_MAX, CELL_BYTES_MAX, COLUMNS_MAX, ROWS_MAX, WORDS_MAX};

/// A place in a text: line and column, both from 1, the column in characters. In Parquet, the row and the number of the column.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}, column {}", self.line, self.column)
    }
}

/// The first rule that a table breaks.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum TableError {
    /// The text as a whole.
    #[error("is larger than {BYTES_MAX} bytes")]
    TooLarge,
    /// No header, or no object.
    #[error("holds no deployment")]
    Empty,
    /// Rows beyond the bound.
    #[error("{place}: has more than {ROWS_MAX} rows")]
    Rows {
        /// Where.
        place: Place,
    },
    /// Columns beyond the bound.
    #[error("{place}: has more than {COLUMNS_MAX} columns")]
    Columns {
        /// Where.
        place: Place,
    },
    /// A cell or name beyond the bound.
    #[error("{place}: is longer than {CELL_BYTES_MAX} bytes")]
    Long {
        /// Where.
        place: Place,
    },
    /// Words of a category beyond the bound.
    #[error("{place}: {column} has more than {WORDS_MAX} different words")]
    Words {
        /// Where.
        place: Place,
        /// The column.
        column: String,
    },
    /// Two columns of one name.
    #[error("{place}: the column {column} is there twice")]
    Twice {
        /// Where.
        place: Place,
        /// The column.
        column: String,
    },
    /// A name without letters.
    #[error("{place}: a column has no name")]
    Unnamed {
        /// Where.
        place: Place,
    },
    /// A row with another number of cells than the header.
    #[error("{place}: has {found} cells, the header has {expected}")]
    Cells {
        /// Where.
        place: Place,
        /// Cells of this row.
        found: usize,
        /// Cells of the header.
        expected: usize,
    },
    /// Quotes that do not follow RFC 4180.
    #[error("{place}: {rule}")]
    Quote {
        /// Where.
        place: Place,
        /// The rule.
        rule: &'static str,
    },
    /// Text that is no JSON object.
    #[error("{place}: is not a JSON object: {rule}")]
    Json {
        /// Where.
        place: Place,
        /// What the parser says.
        rule: String,
    },
    /// A file that is no Parquet, or a damaged one.
    #[error("cannot be read as Parquet: {rule}")]
    Parquet {
        /// What the reader says.
        rule: String,
    },
    /// A value that does not fit its column.
    #[error("{place}: {column}: {rule}")]
    Value {
        /// Where.
        place: Place,
        /// The column.
        column: String,
        /// The rule.
        rule: &'static str,
    },
    /// A header that other separators divide.
    #[error("{place}: the first line looks separated by {separator}, and must be by commas")]
    Separator {
        /// Where.
        place: Place,
        /// What divides it.
        separator: &'static str,
    },
    /// A column that is named as two things.
    #[error("{column} is named as {one} and as {other}")]
    TwoRoles {
        /// The column.
        column: String,
        /// What it is named as.
        one: &'static str,
        /// What else.
        other: &'static str,
    },
    /// A column that the layout names and the table has not.
    #[error("has no column {column}, which is named as {role}")]
    Lacks {
        /// The column.
        column: String,
        /// What it is named as.
        role: &'static str,
    },
}

impl TableError {
    /// Where it is, if it is at one place.
    #[must_use]
    pub const fn place(&self) -> Option<Place> {
        match self {
            Self::TooLarge
            | Self::Empty
            | Self::Parquet { .. }
            | Self::TwoRoles { .. }
            | Self::Lacks { .. } => None,
            Self::Rows { place }
            | Self::Columns { place }
            | Self::Long { place }
            | Self::Words { place, .. }
            | Self::Twice { place, .. }
            | Self::Unnamed { place }
            | Self::Cells { place, .. }
            | Self::Quote { place, .. }
            | Self::Json { place, .. }
            | Self::Separator { place, .. }
            | Self::Value { place, .. } => Some(*place),
        }
    }
}
