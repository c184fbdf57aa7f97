//! A column while it is read.
//!
//! A measure that has a name of its own, or that a model asks for, holds numbers, and anything else in it is refused at once. Of all
//! other columns it is known at the end only: one is a measure if every value that is there is a number, and else one of words.

use std::collections::BTreeSet;

use super::cell::Cell;
use super::schema::{Bounds, Layout, Role, fact};
use super::time::time;
use super::{NUMBER_MAX, Place, TableError, WORDS_MAX};

#[derive(Debug)]
pub(super) struct Raw {
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) numbers: Vec<f64>,
    pub(super) words: Vec<Option<String>>,
    /// What values it can have.
    bounds: Option<Bounds>,
    /// Different words so far.
    different: BTreeSet<String>,
    /// Where the first word is. `None`: there is none so far.
    pub(super) word: Option<Place>,
    pub(super) has_numbers: bool,
    /// The first number that no measure may hold. It is none in a column of words.
    fault: Option<(Place, &'static str)>,
}

impl Raw {
    /// With so many rows of which nothing is known.
    pub(super) fn new(name: &str, layout: &Layout, rows: usize) -> Self {
        Self {
            name: name.to_owned(),
            role: layout.role(name),
            numbers: vec![f64::NAN; rows],
            words: vec![None; rows],
            bounds: fact(name).map(|fact| fact.bounds),
            different: BTreeSet::new(),
            word: None,
            has_numbers: false,
            fault: None,
        }
    }

    fn refuse(&self, place: Place, rule: &'static str) -> TableError {
        TableError::Value { place, column: self.name.clone(), rule }
    }

    /// `place` is asked for only where something is told of it.
    pub(super) fn put(&mut self, cell: Cell<'_>, place: &dyn Fn() -> Place) -> Result<(), TableError> {
        match self.role {
            Role::Ignored => {}
            Role::Category => self.put_words(cell, place)?,
            Role::Label => {
                let label = cell.label().map_err(|rule| self.refuse(place(), rule))?;
                self.numbers.push(label);
            }
            Role::Time => {
                let time = time(cell).map_err(|rule| self.refuse(place(), rule))?;
                self.numbers.push(time);
            }
            Role::Measure => {
                let number = self.number(cell).map_err(|rule| self.refuse(place(), rule))?;
                self.numbers.push(number);
            }
            Role::Other => match (cell, self.number(cell)) {
                (Cell::Words(_), _) => {
                    self.word.get_or_insert_with(place);
                }
                (Cell::Missing, _) => self.numbers.push(f64::NAN),
                (_, Ok(number)) => {
                    self.has_numbers = true;
                    self.numbers.push(number);
                }
                (_, Err(rule)) => {
                    self.fault.get_or_insert_with(|| (place(), rule));
                    self.numbers.push(f64::NAN);
                }
            },
        }
        Ok(())
    }

    fn put_words(&mut self, cell: Cell<'_>, place: &dyn Fn() -> Place) -> Result<(), TableError> {
        let word = cell.word();
        if let Some(word) = &word
            && !self.different.contains(word)
        {
            if self.different.len() >= WORDS_MAX {
                return Err(TableError::Words { place: place(), column: self.name.clone() });
            }
            self.different.insert(word.clone());
        }
        self.words.push(word);
        Ok(())
    }

    /// The number of a measure; NaN: missing. Yes and no are 1 and 0, but not in a measure that has a meaning of its own.
    fn number(&self, cell: Cell<'_>) -> Result<f64, &'static str> {
        let number = match cell {
            Cell::Missing => return Ok(f64::NAN),
            Cell::Yes(yes) if self.bounds.is_none() => f64::from(u8::from(yes)),
            Cell::Number(number) | Cell::Instant(number) => number,
            Cell::Yes(_) | Cell::Words(_) => return Err("is not a number"),
        };
        if !number.is_finite() {
            return Err("is not a finite number");
        }
        if number.abs() > NUMBER_MAX {
            return Err("is larger than 1e20, or below -1e20");
        }
        match self.bounds {
            Some(bounds) if !bounds.hold(number) => Err(bounds.rule),
            Some(_) | None => Ok(number),
        }
    }

    /// What is wrong with the column as a whole.
    pub(super) fn check(&self) -> Result<(), TableError> {
        match self.fault {
            Some((place, rule)) if self.word.is_none() => Err(self.refuse(place, rule)),
            Some(_) | None => Ok(()),
        }
    }
}
