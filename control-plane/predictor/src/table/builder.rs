//! From cells to typed columns.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::cell::Cell;
use super::raw::Raw;
use super::schema::{Layout, Role};
use super::{CELL_BYTES_MAX, COLUMNS_MAX, Column, Place, ROWS_MAX, Table, TableError, hex};

/// Builds a table cell by cell.
#[derive(Debug)]
pub(super) struct Builder<'a> {
    layout: &'a Layout,
    columns: Vec<Raw>,
    positions: BTreeMap<String, usize>,
    /// Columns that are not left out.
    used: usize,
    rows: usize,
}

impl<'a> Builder<'a> {
    pub(super) const fn new(layout: &'a Layout) -> Self {
        Self { layout, columns: Vec::new(), positions: BTreeMap::new(), used: 0, rows: 0 }
    }

    /// The position of the column of this name, if it is known.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.positions.get(name).copied()
    }

    /// Whether the column of this name is left out, whatever it holds.
    pub(super) fn ignores(&self, name: &str) -> bool {
        self.layout.role(name) == Role::Ignored
    }

    /// Whether the column at this position is left out.
    pub(super) fn is_ignored(&self, position: usize) -> bool {
        self.columns.get(position).is_some_and(|column| column.role == Role::Ignored)
    }

    /// A new column: rows that came before have no value in it.
    pub(super) fn column(&mut self, name: &str, place: Place) -> Result<usize, TableError> {
        if name.trim().is_empty() {
            return Err(TableError::Unnamed { place });
        }
        if name.len() > CELL_BYTES_MAX {
            return Err(TableError::Long { place });
        }
        let column = Raw::new(name, self.layout, self.rows);
        if column.role != Role::Ignored {
            if self.used >= COLUMNS_MAX {
                return Err(TableError::Columns { place });
            }
            self.used += 1;
        }
        let position = self.columns.len();
        if self.positions.insert(name.to_owned(), position).is_some() {
            return Err(TableError::Twice { place, column: name.to_owned() });
        }
        self.columns.push(column);
        Ok(position)
    }

    pub(super) fn put(
        &mut self,
        position: usize,
        cell: Cell<'_>,
        place: &dyn Fn() -> Place,
    ) -> Result<(), TableError> {
        if let Cell::Words(words) = cell
            && words.len() > CELL_BYTES_MAX
        {
            return Err(TableError::Long { place: place() });
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
            mixed: Vec::new(),
            names: self.layout.names(),
            rows: self.rows,
            sha256: hex(&Sha256::digest(source)),
        };
        for column in self.columns {
            column.check()?;
            match column.role {
                Role::Ignored => {}
                Role::Label => {
                    table.labels = known(&column.numbers).map(|label| label.map(|one| one > 0.5)).collect();
                }
                Role::Time => table.times = known(&column.numbers).collect(),
                Role::Category => table.columns.push((column.name, Column::Category(column.words))),
                Role::Measure | Role::Other if column.word.is_some() => {
                    let word = column.word.filter(|_| column.has_numbers);
                    table.mixed.extend(word.map(|place| (column.name.clone(), place)));
                    table.unused.push(column.name);
                }
                Role::Measure | Role::Other => {
                    table.columns.push((column.name, Column::Measure(column.numbers)))
                }
            }
        }
        Ok(table)
    }

    fn lacking(&self) -> Result<(), TableError> {
        let Layout { label, time, labelled, demanded, .. } = self.layout;
        let roles = [label, time].into_iter().filter(|_| *labelled);
        let lacking = roles.chain(demanded).find(|column| !self.positions.contains_key(*column));
        let Some(column) = lacking else { return Ok(()) };
        let role = self.layout.role(column).word();
        Err(TableError::Lacks { column: column.clone(), role })
    }
}

fn known(numbers: &[f64]) -> impl Iterator<Item = Option<f64>> {
    numbers.iter().map(|number| (!number.is_nan()).then_some(*number))
}
