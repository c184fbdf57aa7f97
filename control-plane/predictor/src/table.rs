//! A table of deployments: typed columns, read strictly from CSV, JSON or Parquet.
//!
//! Four names have a role: the label, the time, the categories, and what is left out. Every other column is a measure if all that it holds
//! is numbers; one of words is named as not used. A missing value is NaN in a measure and `None` elsewhere, never a guess. What
//! breaks a rule is refused with its line and column.

mod builder;
mod cell;
mod csv;
mod error;
mod history;
mod json;
mod parquet;
mod raw;
mod schema;
mod time;

use bytes::Bytes;

pub use error::{Place, TableError};
pub use history::{History, HistoryError};
pub use schema::{Bounds, FACTS, Fact, Layout, Names, Stage, fact};

use builder::Builder;

/// Rows of a table.
pub const ROWS_MAX: usize = 200_000;
/// Columns of a table.
pub const COLUMNS_MAX: usize = 200;
/// Bytes of one cell, and of a column's name.
pub const CELL_BYTES_MAX: usize = 1_024;
/// Distinct words of one category.
pub const WORDS_MAX: usize = 10_000;
/// What no number is beyond, in either direction: squares and cubes of it are numbers still, and so is all that is learned from it. It
/// holds every whole number of 64 bits.
pub const NUMBER_MAX: f64 = 1e20;
/// Bytes of a table.
pub const BYTES_MAX: usize = 256 * 1024 * 1024;

/// The form of a table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// Comma-separated values with a header (RFC 4180).
    Csv,
    /// JSON objects one after the other, as in JSON Lines.
    Json,
}

impl Format {
    /// The form that the first letter tells: objects begin with a brace, and an array of them, which is refused, with a bracket.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let is_json = text.trim_start_matches('\u{feff}').trim_start().starts_with(['{', '[']);
        if is_json { Self::Json } else { Self::Csv }
    }
}

/// A column that a model can learn from.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Numbers; NaN where the value is missing.
    Measure(Vec<f64>),
    /// Words; `None` where the value is missing.
    Category(Vec<Option<String>>),
}

/// A table of deployments, in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub(crate) columns: Vec<(String, Column)>,
    pub(crate) times: Vec<Option<f64>>,
    pub(crate) labels: Vec<Option<bool>>,
    unused: Vec<String>,
    mixed: Vec<(String, Place)>,
    names: Names,
    rows: usize,
    sha256: String,
}

impl Table {
    /// Reads a table.
    ///
    /// # Errors
    /// The first rule that is broken, with its line and column.
    pub fn read(text: &str, format: Format, layout: &Layout) -> Result<Self, TableError> {
        if text.len() > BYTES_MAX {
            return Err(TableError::TooLarge);
        }
        layout.check()?;
        let mut builder = Builder::new(layout);
        match format {
            Format::Csv => csv::read(text, &mut builder)?,
            Format::Json => json::read(text, &mut builder)?,
        }
        builder.finish(text.as_bytes())
    }

    /// Whether these are the bytes of a Parquet file.
    #[must_use]
    pub fn is_parquet(bytes: &[u8]) -> bool {
        bytes.starts_with(parquet::MAGIC)
    }

    /// Reads a table from the bytes of a Parquet file.
    ///
    /// # Errors
    /// The first rule that is broken, with its row and column.
    pub fn read_parquet(bytes: Vec<u8>, layout: &Layout) -> Result<Self, TableError> {
        if bytes.len() > BYTES_MAX {
            return Err(TableError::TooLarge);
        }
        layout.check()?;
        let mut builder = Builder::new(layout);
        let bytes = Bytes::from(bytes);
        parquet::read(bytes.clone(), &mut builder)?;
        builder.finish(&bytes)
    }

    /// Number of deployments.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// The columns that a model can learn from, by name.
    pub fn columns(&self) -> impl Iterator<Item = (&str, &Column)> {
        self.columns.iter().map(|(name, column)| (name.as_str(), column))
    }

    /// A column by name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|(own, _)| own == name).map(|(_, column)| column)
    }

    /// Columns of words that no role names: they are not used.
    #[must_use]
    pub fn unused(&self) -> &[String] {
        &self.unused
    }

    /// Those of them that hold numbers, too, and where the first word is.
    #[must_use]
    pub fn mixed(&self) -> &[(String, Place)] {
        &self.mixed
    }

    /// Whether each deployment was rolled back, as far as it is known.
    #[must_use]
    pub fn labels(&self) -> &[Option<bool>] {
        &self.labels
    }

    /// When each deployment began, seconds since the Unix epoch, as far as it is known.
    #[must_use]
    pub fn times(&self) -> &[Option<f64>] {
        &self.times
    }

    /// The names of the columns that no model learns from.
    #[must_use]
    pub const fn names(&self) -> &Names {
        &self.names
    }

    /// SHA-256 of the text that was read, in hexadecimal digits.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The rows of these positions, in their order. Positions beyond the end are left out.
    #[must_use]
    pub(crate) fn picked(&self, positions: &[usize]) -> Self {
        let columns = self.columns.iter().map(|(name, column)| {
            let column = match column {
                Column::Measure(values) => Column::Measure(picked(values, positions)),
                Column::Category(words) => Column::Category(picked(words, positions)),
            };
            (name.clone(), column)
        });
        Self {
            columns: columns.collect(),
            times: picked(&self.times, positions),
            labels: picked(&self.labels, positions),
            unused: self.unused.clone(),
            mixed: self.mixed.clone(),
            names: self.names.clone(),
            rows: positions.iter().filter(|&&position| position < self.rows).count(),
            sha256: self.sha256.clone(),
        }
    }
}

fn picked<T: Clone>(values: &[T], positions: &[usize]) -> Vec<T> {
    positions.iter().filter_map(|&position| values.get(position).cloned()).collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
