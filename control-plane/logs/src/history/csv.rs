//! Rows of a table with commas: RFC 4180, with line breaks of either kind.

use std::borrow::Cow;

/// Bytes of one row.
const ROW_BYTES_MAX: usize = 1024 * 1024;

/// A table that cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CsvError {
    /// A quotation that is not closed.
    #[error("line {line}: the quotation that begins here must be closed")]
    Open {
        /// From 1.
        line: usize,
    },
    /// Text between the end of a quotation and the comma.
    #[error("line {line}, column {column}: a comma or the end of the line must follow a quotation")]
    AfterQuote {
        /// From 1.
        line: usize,
        /// In bytes, from 1.
        column: usize,
    },
    /// A row that is longer than any.
    #[error("line {line}: a row may have at most {ROW_BYTES_MAX} bytes")]
    TooLong {
        /// From 1.
        line: usize,
    },
}

/// The rows of a table, each with the number of its first line. Empty ones are passed over.
#[derive(Clone, Debug)]
pub(super) struct Rows<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Rows<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { rest: text, line: 1 }
    }

    fn row(&mut self) -> Result<(usize, Vec<Cow<'a, str>>), CsvError> {
        let (line, begin) = (self.line, self.rest.len());
        let mut row = Vec::new();
        loop {
            let (field, is_last) = self.field(begin)?;
            row.push(field);
            if begin - self.rest.len() > ROW_BYTES_MAX {
                return Err(CsvError::TooLong { line });
            }
            if is_last {
                return Ok((line, row));
            }
        }
    }

    /// The next field, and whether it is the last of its row. `begin` is how much text was left where the row began.
    fn field(&mut self, begin: usize) -> Result<(Cow<'a, str>, bool), CsvError> {
        if let Some(quoted) = self.rest.strip_prefix('"') {
            return self.quoted(quoted, begin);
        }
        let end = self.rest.find([',', '\n']).unwrap_or(self.rest.len());
        let (field, rest) = self.rest.split_at(end);
        self.rest = rest;
        let is_last = self.end();
        Ok((Cow::Borrowed(if is_last { field.trim_end_matches('\r') } else { field }), is_last))
    }

    fn quoted(&mut self, mut rest: &'a str, begin: usize) -> Result<(Cow<'a, str>, bool), CsvError> {
        let first = self.line;
        let mut field = Cow::Borrowed("");
        loop {
            let (part, after) = rest.split_once('"').ok_or(CsvError::Open { line: first })?;
            self.line += part.matches('\n').count();
            field = if field.is_empty() { Cow::Borrowed(part) } else { field + part };
            let Some(more) = after.strip_prefix('"') else {
                self.rest = after;
                break;
            };
            field += "\"";
            rest = more;
        }
        let at = self.rest;
        self.rest =
            at.strip_prefix('\r').filter(|rest| rest.starts_with('\n') || rest.is_empty()).unwrap_or(at);
        if !self.rest.is_empty() && !self.rest.starts_with([',', '\n']) {
            let column = begin - self.rest.len() + 1;
            return Err(CsvError::AfterQuote { line: self.line, column });
        }
        Ok((field, self.end()))
    }

    /// Goes past what ends a field; whether it ends the row, too.
    fn end(&mut self) -> bool {
        if let Some(rest) = self.rest.strip_prefix(',') {
            self.rest = rest;
            return false;
        }
        if let Some(rest) = self.rest.strip_prefix('\n') {
            self.rest = rest;
            self.line += 1;
        }
        true
    }
}

impl<'a> Iterator for Rows<'a> {
    type Item = Result<(usize, Vec<Cow<'a, str>>), CsvError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let row = self.row();
            if row.is_err() {
                self.rest = "";
            }
            if !matches!(&row, Ok((_, fields)) if matches!(fields.as_slice(), [only] if only.is_empty())) {
                return Some(row);
            }
        }
    }
}
