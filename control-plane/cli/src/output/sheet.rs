//! Text for people: lines, named values and tables. Every string that enters is cleaned, so that a sheet is
//! harmless whatever the server sent.

use comfy_table::{Table, presets};

use super::clean;

/// Width of the names of values.
const NAME_WIDTH: usize = 10;
/// Characters of a table's cell; longer ones are cut.
const CELL_CHARACTERS: usize = 120;

/// A page of text.
#[derive(Debug, Default)]
pub(crate) struct Sheet {
    text: String,
}

impl Sheet {
    /// A sheet of one line.
    pub(crate) fn of(line: &str) -> Self {
        let mut sheet = Self::default();
        sheet.line(line);
        sheet
    }

    pub(crate) fn line(&mut self, text: &str) {
        self.text.push_str(&clean(text));
        self.text.push('\n');
    }

    /// A line of a file: its tabs stay.
    pub(crate) fn source(&mut self, text: &str) {
        let pieces: Vec<_> = text.split('\t').map(clean).collect();
        self.text.push_str(&pieces.join("\t"));
        self.text.push('\n');
    }

    pub(crate) fn blank(&mut self) {
        self.text.push('\n');
    }

    /// A name and its value on one line.
    pub(crate) fn field(&mut self, name: &str, value: &str) {
        self.line(&format!("{name:<NAME_WIDTH$} {value}"));
    }

    /// Columns without borders, easy for `grep` and `awk`.
    pub(crate) fn table<const COLUMNS: usize>(
        &mut self,
        header: [&str; COLUMNS],
        rows: impl IntoIterator<Item = [String; COLUMNS]>,
    ) {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header(header);
        for row in rows {
            table.add_row(row.map(|cell| cut(&clean(&cell))));
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        for line in table.lines() {
            self.text.push_str(line.trim_end());
            self.text.push('\n');
        }
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

/// A shortened cell; an empty one is a dash, so that every row has all columns.
fn cut(cell: &str) -> String {
    if cell.is_empty() {
        return "-".to_owned();
    }
    match cell.char_indices().nth(CELL_CHARACTERS) {
        Some((end, _)) => format!("{}…", cell.get(..end).unwrap_or_default()),
        None => cell.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_cannot_begin_a_row_or_reach_the_terminal() {
        let mut sheet = Sheet::default();
        sheet.table(["NAME", "TEXT"], [["a\nb".to_owned(), "\u{1b}]0;owned\u{7}".to_owned()]]);
        let text = sheet.into_text();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text:?}");
    }

    #[test]
    fn an_empty_cell_keeps_its_column() {
        let mut sheet = Sheet::default();
        sheet.table(["A", "B", "C"], [["1".to_owned(), String::new(), "3".to_owned()]]);
        let text = sheet.into_text();
        assert_eq!(text.lines().last().unwrap().split_whitespace().collect::<Vec<_>>(), ["1", "-", "3"]);
    }

    #[test]
    fn a_long_cell_is_cut() {
        let mut sheet = Sheet::default();
        sheet.table(["TEXT"], [["é".repeat(1_000)]]);
        assert!(sheet.into_text().lines().all(|line| line.chars().count() <= CELL_CHARACTERS + 1));
    }
}
