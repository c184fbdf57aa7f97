//! Comma-separated values, strictly by RFC 4180: a header, as many cells in each row, quotes around what needs them.

use super::builder::Builder;
use super::cell::Cell;
use super::{CELL_BYTES_MAX, Place, TableError};

/// Reads the letters of a text, and knows where they are.
struct Reader<'a> {
    letters: std::iter::Peekable<std::str::Chars<'a>>,
    place: Place,
}

/// What comes after a cell.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum After {
    Cell,
    Row,
    Nothing,
}

impl Reader<'_> {
    fn take(&mut self) -> Option<char> {
        let letter = self.letters.next()?;
        if letter == '\n' {
            self.place = Place { line: self.place.line + 1, column: 1 };
        } else {
            self.place.column += 1;
        }
        Some(letter)
    }

    /// Reads one cell into `cell`, and says where it began and what follows. Of one that is not kept `cell` tells only whether it is
    /// empty.
    fn cell(&mut self, cell: &mut String, is_kept: bool) -> Result<(Place, After), TableError> {
        cell.clear();
        let began = self.place;
        if self.letters.peek() == Some(&'"') {
            self.take();
            self.quoted(cell, began, is_kept)?;
        }
        loop {
            let place = self.place;
            if cell.len() > CELL_BYTES_MAX {
                return Err(TableError::Long { place: began });
            }
            match self.take() {
                None => return Ok((began, After::Nothing)),
                Some(',') => return Ok((began, After::Cell)),
                Some('\n') => return Ok((began, After::Row)),
                Some('\r') if self.letters.peek() == Some(&'\n') => {}
                Some('"') => {
                    return Err(TableError::Quote {
                        place,
                        rule: "a quote stands inside a cell that does not begin with one",
                    });
                }
                Some(letter) if is_kept || cell.is_empty() => cell.push(letter),
                Some(_) => {}
            }
        }
    }

    fn quoted(&mut self, cell: &mut String, began: Place, is_kept: bool) -> Result<(), TableError> {
        loop {
            if cell.len() > CELL_BYTES_MAX {
                return Err(TableError::Long { place: began });
            }
            match self.take() {
                None => return Err(TableError::Quote { place: began, rule: "a quote is never closed" }),
                Some('"') if self.letters.peek() == Some(&'"') => {
                    self.take();
                    if is_kept || cell.is_empty() {
                        cell.push('"');
                    }
                }
                Some('"') => break,
                Some(letter) if is_kept || cell.is_empty() => cell.push(letter),
                Some(_) => {}
            }
        }
        match self.letters.peek() {
            None | Some(',' | '\n' | '\r') => Ok(()),
            Some(_) => {
                Err(TableError::Quote { place: self.place, rule: "something follows the closing quote" })
            }
        }
    }
}

pub(super) fn read(text: &str, builder: &mut Builder<'_>) -> Result<(), TableError> {
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = Reader { letters: text.chars().peekable(), place: Place { line: 1, column: 1 } };
    let mut cell = String::new();
    let width = header(&mut reader, &mut cell, builder)?;
    while reader.letters.peek().is_some() {
        row(&mut reader, &mut cell, builder, width)?;
    }
    Ok(())
}

/// The number of columns.
fn header(
    reader: &mut Reader<'_>,
    cell: &mut String,
    builder: &mut Builder<'_>,
) -> Result<usize, TableError> {
    if reader.letters.peek().is_none() {
        return Err(TableError::Empty);
    }
    let mut width = 0;
    loop {
        let (place, after) = reader.cell(cell, true)?;
        builder.column(cell.trim(), place)?;
        width += 1;
        if after == After::Cell {
            continue;
        }
        return match separator(cell).filter(|_| width == 1) {
            Some(separator) => Err(TableError::Separator { place, separator }),
            None => Ok(width),
        };
    }
}

/// What divides a header that commas do not.
fn separator(header: &str) -> Option<&'static str> {
    let names = [(';', "';'"), ('\t', "tabs"), ('|', "'|'")];
    names.into_iter().find(|(letter, _)| header.contains(*letter)).map(|(_, name)| name)
}

fn row(
    reader: &mut Reader<'_>,
    cell: &mut String,
    builder: &mut Builder<'_>,
    width: usize,
) -> Result<(), TableError> {
    let began = reader.place;
    let mut found = 0;
    loop {
        let (place, after) = reader.cell(cell, !builder.is_ignored(found))?;
        if found == 0 && after != After::Cell && cell.is_empty() && width > 1 {
            // An empty line.
            return Ok(());
        }
        if found < width {
            builder.put(found, Cell::of(cell), &|| place)?;
        }
        found += 1;
        if after != After::Cell {
            break;
        }
    }
    if found != width {
        return Err(TableError::Cells { place: began, found, expected: width });
    }
    builder.end_row(began)
}
