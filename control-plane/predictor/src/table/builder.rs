//! From cells to typed columns.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use super::schema::{Layout, Role};
use super::{CELL_BYTES_MAX, COLUMNS_MAX, Column, Place, ROWS_MAX, Table, TableError, WORDS_MAX, hex};

/// Words that say that a value is missing.
const MISSING: [&str; 7] = ["", "NA", "N/A", "NaN", "nan", "null", "None"];

/// One value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cell<'a> {
    Missing,
    Number(f64),
    Yes(bool),
    Words(&'a str),
}

impl<'a> Cell<'a> {
    /// The value that a cell of CSV means.
    pub(super) fn of(text: &'a str) -> Self {
        let text = text.trim();
        if MISSING.contains(&text) {
            return Self::Missing;
        }
        match text.to_ascii_lowercase().as_str() {
            "true" => return Self::Yes(true),
            "false" => return Self::Yes(false),
            _ => {}
        }
        match text.parse::<f64>() {
            Ok(number) => Self::Number(number),
            Err(_) => Self::Words(text),
        }
    }

    fn number(self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(number),
            Self::Yes(yes) => Some(f64::from(u8::from(yes))),
            Self::Missing | Self::Words(_) => None,
        }
    }
}

/// A column while it is read.
#[derive(Debug)]
struct Raw {
    name: String,
    role: Role,
    numbers: Vec<f64>,
    words: Vec<Option<String>>,
    /// Different words so far.
    different: BTreeSet<String>,
    is_words: bool,
    has_numbers: bool,
}

impl Raw {
    fn refuse(&self, place: Place, rule: &'static str) -> TableError {
        TableError::Value { place, column: self.name.clone(), rule }
    }

    fn put(&mut self, cell: Cell<'_>, place: Place) -> Result<(), TableError> {
        match self.role {
            Role::Ignored => {}
            Role::Category => self.put_words(cell, place)?,
            Role::Label => {
                let label = label(cell).map_err(|rule| self.refuse(place, rule))?;
                self.numbers.push(label);
            }
            Role::Time => {
                let time = time(cell).map_err(|rule| self.refuse(place, rule))?;
                self.numbers.push(time);
            }
            Role::Fact | Role::Other => self.put_number(cell, place)?,
        }
        Ok(())
    }

    fn put_words(&mut self, cell: Cell<'_>, place: Place) -> Result<(), TableError> {
        let word = match cell {
            Cell::Missing => None,
            Cell::Number(number) => Some(number.to_string()),
            Cell::Yes(yes) => Some(yes.to_string()),
            Cell::Words(words) => Some(words.to_owned()),
        };
        if let Some(word) = &word
            && !self.different.contains(word)
        {
            if self.different.len() >= WORDS_MAX {
                return Err(TableError::Words { place, column: self.name.clone() });
            }
            self.different.insert(word.clone());
        }
        self.words.push(word);
        Ok(())
    }

    /// Words where a number was before, or in a fact, are an error; a column that begins with words is one of words.
    fn put_number(&mut self, cell: Cell<'_>, place: Place) -> Result<(), TableError> {
        match cell {
            Cell::Missing => self.numbers.push(f64::NAN),
            Cell::Words(_) if self.role == Role::Fact || self.has_numbers => {
                return Err(self.refuse(place, "is not a number"));
            }
            Cell::Words(_) => self.is_words = true,
            Cell::Number(_) | Cell::Yes(_) => {
                let number = cell.number().unwrap_or(f64::NAN);
                if !number.is_finite() {
                    return Err(self.refuse(place, "is not a finite number"));
                }
                self.has_numbers = true;
                self.numbers.push(number);
            }
        }
        Ok(())
    }
}

/// NaN: not known.
fn label(cell: Cell<'_>) -> Result<f64, &'static str> {
    const RULE: &str = "is neither true nor false, 1 nor 0, yes nor no";
    let yes = |yes: bool| f64::from(u8::from(yes));
    match cell {
        Cell::Missing => Ok(f64::NAN),
        Cell::Yes(said) => Ok(yes(said)),
        Cell::Number(number) if number == 0.0 || number == 1.0 => Ok(number),
        Cell::Number(_) => Err(RULE),
        Cell::Words(words) => match words.to_ascii_lowercase().as_str() {
            "yes" | "y" | "t" | "rolled_back" => Ok(1.0),
            "no" | "n" | "f" | "promoted" => Ok(0.0),
            _ => Err(RULE),
        },
    }
}

/// Seconds since the Unix epoch; NaN: not known.
fn time(cell: Cell<'_>) -> Result<f64, &'static str> {
    /// The end of the year 9999.
    const LAST: f64 = 253_402_300_799.0;
    match cell {
        Cell::Missing => Ok(f64::NAN),
        Cell::Number(seconds) if (0.0..=LAST).contains(&seconds) => Ok(seconds),
        Cell::Number(_) => Err("is no time from 1970 to 9999 in seconds since the Unix epoch"),
        Cell::Yes(_) => Err("is not a time"),
        Cell::Words(words) => words
            .parse::<Timestamp>()
            .ok()
            .or_else(|| TimeZone::UTC.to_timestamp(words.parse::<DateTime>().ok()?).ok())
            .map(|at| at.as_second() as f64)
            .ok_or("is no date of RFC 3339, as 2026-01-31T12:00:00Z"),
    }
}

/// Builds a table cell by cell.
#[derive(Debug)]
pub(super) struct Builder<'a> {
    layout: &'a Layout,
    columns: Vec<Raw>,
    positions: BTreeMap<String, usize>,
    rows: usize,
}

impl<'a> Builder<'a> {
    pub(super) const fn new(layout: &'a Layout) -> Self {
        Self { layout, columns: Vec::new(), positions: BTreeMap::new(), rows: 0 }
    }

    /// The position of the column of this name, if it is known.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.positions.get(name).copied()
    }

    /// A new column: rows that came before have no value in it.
    pub(super) fn column(&mut self, name: &str, place: Place) -> Result<usize, TableError> {
        if name.trim().is_empty() {
            return Err(TableError::Unnamed { place });
        }
        if name.len() > CELL_BYTES_MAX {
            return Err(TableError::Long { place });
        }
        if self.columns.len() >= COLUMNS_MAX {
            return Err(TableError::Columns { place });
        }
        let position = self.columns.len();
        if self.positions.insert(name.to_owned(), position).is_some() {
            return Err(TableError::Twice { place, column: name.to_owned() });
        }
        self.columns.push(Raw {
            name: name.to_owned(),
            role: self.layout.role(name),
            numbers: vec![f64::NAN; self.rows],
            words: vec![None; self.rows],
            different: BTreeSet::new(),
            is_words: false,
            has_numbers: false,
        });
        Ok(position)
    }

    pub(super) fn put(&mut self, position: usize, cell: Cell<'_>, place: Place) -> Result<(), TableError> {
        if let Cell::Words(words) = cell
            && words.len() > CELL_BYTES_MAX
        {
            return Err(TableError::Long { place });
        }
        self.columns.get_mut(position).map_or(Ok(()), |column| column.put(cell, place))
    }

    /// Ends a row: columns without a value in it have none.
    pub(super) fn end_row(&mut self, place: Place) -> Result<(), TableError> {
        if self.rows >= ROWS_MAX {
            return Err(TableError::Rows { place });
        }
        self.end_rows(1);
        Ok(())
    }

    /// Ends so many rows whose values were put column by column. That there may be so many is for the caller to check.
    pub(super) fn end_rows(&mut self, rows: usize) {
        self.rows += rows;
        for column in &mut self.columns {
            column.numbers.resize(self.rows, f64::NAN);
            column.words.resize(self.rows, None);
        }
    }

    /// The table, of `source`.
    pub(super) fn finish(self, source: &[u8]) -> Result<Table, TableError> {
        if !self.columns.is_empty() {
            self.lacking()?;
        }
        if self.rows == 0 {
            return Err(TableError::Empty);
        }
        let mut table = Table {
            columns: Vec::new(),
            times: vec![None; self.rows],
            labels: vec![None; self.rows],
            unused: Vec::new(),
            rows: self.rows,
            sha256: hex(&Sha256::digest(source)),
        };
        for column in self.columns {
            match column.role {
                Role::Ignored => {}
                Role::Label => {
                    table.labels = known(&column.numbers).map(|label| label.map(|one| one > 0.5)).collect();
                }
                Role::Time => table.times = known(&column.numbers).collect(),
                Role::Category => table.columns.push((column.name, Column::Category(column.words))),
                Role::Fact | Role::Other if column.is_words => table.unused.push(column.name),
                Role::Fact | Role::Other => {
                    table.columns.push((column.name, Column::Measure(column.numbers)))
                }
            }
        }
        Ok(table)
    }

    fn lacking(&self) -> Result<(), TableError> {
        let Layout { label, time, labelled, .. } = self.layout;
        for (column, role) in [(label, "the label"), (time, "the time")] {
            if *labelled && !self.positions.contains_key(column) {
                return Err(TableError::Lacks { column: column.clone(), role });
            }
        }
        Ok(())
    }
}

fn known(numbers: &[f64]) -> impl Iterator<Item = Option<f64>> {
    numbers.iter().map(|number| (!number.is_nan()).then_some(*number))
}
