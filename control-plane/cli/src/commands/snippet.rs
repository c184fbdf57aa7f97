//! A line of a file with a mark below the place that is meant.

use crate::output::is_harmful;

/// Characters shown of a line.
const WIDTH: usize = 100;
/// Characters shown before the mark, when the line is longer.
const BEFORE: usize = 40;

/// `line` and `column` count from 1, columns in characters. Empty when the text has no such line. Characters that a
/// terminal could obey are shown as `�`, so that the mark stays in its place.
pub(super) fn snippet(text: &str, line: u32, column: u32) -> String {
    let index = |number: u32| usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1);
    let Some(content) = text.lines().nth(index(line)) else { return String::new() };
    let length = content.chars().count();
    let column = index(column).min(length);
    let start = if length > WIDTH { column.saturating_sub(BEFORE) } else { 0 };
    let shown: String = content.chars().skip(start).take(WIDTH).map(visible).collect();
    let number = line.to_string();
    let gutter = " ".repeat(number.len());
    let marked = " ".repeat(column - start);
    format!(" {number} | {}\n {gutter} | {marked}^\n", shown.trim_end())
}

/// Exactly one column on a terminal, as far as a simple rule can tell.
fn visible(character: char) -> char {
    match character {
        '\t' => ' ',
        other if is_harmful(other) => '\u{fffd}',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_below_the_column() {
        assert_eq!(snippet("a: 1\nb: two\n", 2, 4), " 2 | b: two\n   |    ^\n");
        assert_eq!(snippet("\tx: \u{1b}[31m", 1, 5), " 1 |  x: \u{fffd}[31m\n   |     ^\n");
    }

    #[test]
    fn a_long_line_is_cut_around_the_mark() {
        let text = format!("{}X{}", "a".repeat(500), "b".repeat(500));
        let snippet = snippet(&text, 1, 501);
        let (content, mark) = snippet.trim_end().split_once('\n').unwrap();
        assert_eq!(content.chars().nth(mark.chars().count() - 1), Some('X'));
        assert!(content.len() < 120);
    }

    #[test]
    fn a_place_beyond_the_text_is_no_panic() {
        assert_eq!(snippet("a", 9, 1), "");
        assert_eq!(snippet("ab", 1, 99), " 1 | ab\n   |   ^\n");
        assert_eq!(snippet("", 1, 1), "");
    }
}
