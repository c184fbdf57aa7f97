//! Strings and small pictures for cells of a terminal: cut, wrapped, and as bars. Every string from outside is cleaned
//! here, and its width counted as terminals do.

use ratatui::style::Style;
use ratatui::text::Span;

use crate::output::clean;

/// Characters of a text that are looked at for each cell that it may fill.
const CHARACTERS_PER_CELL: usize = 4;
/// Characters that one place of the terminal may hold; more are marks that would cover what stands around it.
const CHARACTERS_PER_PLACE: usize = 6;
/// Eighths of a cell, from below.
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Cells that a text takes.
pub(super) fn width(text: &str) -> usize {
    Span::raw(text).width()
}

/// A text as a line of at most `cells` cells, harmless; one that is cut ends with `…`.
pub(super) fn fit(text: &str, cells: usize) -> String {
    let most = cells.saturating_add(1).saturating_mul(CHARACTERS_PER_CELL);
    let part: String = text.chars().take(most).collect();
    let whole = part.len() == text.len();
    let part = clean(&part);
    if whole && width(&part) <= cells && is_plain(&part) {
        return part.into_owned();
    }
    let (mut kept, mut used, mut cut) = (String::new(), 0, !whole);
    for place in places(&part) {
        let wide = width(&place);
        if used + wide > cells {
            cut = true;
            break;
        }
        used += wide;
        kept.push_str(&place);
    }
    if cut && cells > 0 {
        while used + 1 > cells {
            let Some(last) = places(&kept).pop() else { break };
            used -= width(&last).min(used);
            kept.truncate(kept.len() - last.len());
        }
        kept.push('…');
    }
    kept
}

/// A text that fills exactly `cells` cells, on the left of them.
pub(super) fn left(text: &str, cells: usize) -> String {
    let text = fit(text, cells);
    let gap = cells.saturating_sub(width(&text));
    text + &" ".repeat(gap)
}

/// The same on the right.
pub(super) fn right(text: &str, cells: usize) -> String {
    let text = fit(text, cells);
    " ".repeat(cells.saturating_sub(width(&text))) + &text
}

/// A text in lines of at most `cells` cells, broken between words where that is possible. At most `lines`; what is left out
/// is told by `…`.
pub(super) fn wrap(text: &str, cells: usize, lines: usize) -> Vec<String> {
    if cells == 0 || lines == 0 {
        return Vec::new();
    }
    let bound = cells.saturating_mul(lines).saturating_mul(CHARACTERS_PER_CELL);
    let part: String = text.chars().take(bound).collect();
    let mut wrapped: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in clean(&part).split(' ').filter(|word| !word.is_empty()) {
        let mut word = word.to_owned();
        while width(&word) > cells {
            if !line.is_empty() {
                wrapped.push(std::mem::take(&mut line));
            }
            let head = head(&word, cells);
            word = word.split_off(head.len().max(1).min(word.len()));
            wrapped.push(head);
            if wrapped.len() > lines {
                break;
            }
        }
        let gap = usize::from(!line.is_empty());
        if width(&line) + gap + width(&word) > cells {
            wrapped.push(std::mem::take(&mut line));
        } else if gap == 1 {
            line.push(' ');
        }
        line.push_str(&word);
        if wrapped.len() > lines {
            break;
        }
    }
    if !line.is_empty() {
        wrapped.push(line);
    }
    let is_cut = wrapped.len() > lines || part.len() < text.len();
    wrapped.truncate(lines);
    if let Some(last) = wrapped.last_mut().filter(|_| is_cut) {
        *last = fit(&format!("{last} …"), cells);
    }
    wrapped.iter().map(|line| fit(line, cells)).collect()
}

/// The beginning of a word that fits, at least one place of it.
fn head(word: &str, cells: usize) -> String {
    let (mut kept, mut used) = (String::new(), 0);
    for place in raw_places(word) {
        let wide = width(&place);
        if used + wide > cells && !kept.is_empty() {
            break;
        }
        used += wide;
        kept.push_str(&place);
    }
    kept
}

fn raw_places(text: &str) -> Vec<String> {
    Span::raw(text).styled_graphemes(Style::new()).map(|grapheme| grapheme.symbol.to_owned()).collect()
}

/// What a person sees as one character, each.
fn places(text: &str) -> Vec<String> {
    let bounded = |place: String| {
        if place.chars().count() > CHARACTERS_PER_PLACE { "\u{fffd}".to_owned() } else { place }
    };
    raw_places(text).into_iter().map(bounded).collect()
}

/// No mark stands on another.
fn is_plain(text: &str) -> bool {
    text.is_ascii() || raw_places(text).iter().all(|place| place.chars().count() <= CHARACTERS_PER_PLACE)
}

/// A share as a bar: `████░░░░`. What is no number counts as nothing.
pub(super) fn bar(share: f64, cells: usize) -> String {
    let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
    let full = whole(share * cells as f64).min(cells);
    // Something that is more than nothing shows.
    let full = if full == 0 && share > 0.0 { cells.min(1) } else { full };
    "█".repeat(full) + &"░".repeat(cells - full)
}

/// Values as bars beside each other, the largest of them full, in `cells` cells, the newest on the right. A value that is not
/// known is a space.
pub(super) fn sparkline(values: &[Option<u64>], cells: usize) -> String {
    let values = values.get(values.len().saturating_sub(cells)..).unwrap_or_default();
    let highest = values.iter().flatten().max().copied().unwrap_or(0);
    let bars: String = values.iter().map(|value| value.map_or(' ', |value| level(value, highest))).collect();
    " ".repeat(cells.saturating_sub(values.len())) + &bars
}

fn level(value: u64, highest: u64) -> char {
    let at = u128::from(value).saturating_mul(7).checked_div(u128::from(highest)).unwrap_or(0);
    usize::try_from(at).ok().and_then(|at| LEVELS.get(at)).copied().unwrap_or('█')
}

/// The nearest whole number of a small one that is not negative.
fn whole(number: f64) -> usize {
    (0_u32..4_096).find(|whole| number < f64::from(*whole) + 0.5).map_or(4_096, |whole| whole as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_never_takes_more_cells_than_it_is_given() {
        let texts = [
            "",
            "a",
            "checkout",
            "日本語の名前",
            "e\u{301}e\u{301}e\u{301}",
            "a\u{1b}[2Jb\u{202e}c",
            "👩‍👩‍👧‍👦 family",
        ];
        let zalgo = format!("z{}", "\u{301}".repeat(500));
        let long = "x".repeat(10_000);
        for text in texts.into_iter().chain([zalgo.as_str(), long.as_str()]) {
            for cells in 0..40 {
                assert!(width(&fit(text, cells)) <= cells, "{text:?} in {cells}");
                assert_eq!(width(&left(text, cells)), cells, "{text:?} in {cells}");
                assert_eq!(width(&right(text, cells)), cells, "{text:?} in {cells}");
                let lines = wrap(text, cells, 3);
                assert!(lines.len() <= 3 && lines.iter().all(|line| width(line) <= cells), "{lines:?}");
            }
            assert!(!fit(text, 80).contains(crate::output::is_harmful));
            assert!(fit(text, 80).len() < 800);
        }
    }

    #[test]
    fn words_stay_whole_where_they_can_and_what_is_left_out_is_told() {
        assert_eq!(wrap("one two three", 7, 3), ["one two", "three"]);
        assert_eq!(wrap("one two three four", 7, 2), ["one two", "three …"]);
        assert_eq!(wrap("abcdefgh", 3, 3), ["abc", "def", "gh"]);
        assert_eq!(fit("checkout", 6), "check…");
        assert_eq!(fit("日本語", 4), "日…");
    }

    #[test]
    fn bars_show_shares_and_anything_above_nothing_shows() {
        assert_eq!(bar(0.5, 4), "██░░");
        assert_eq!(bar(0.0001, 4), "█░░░");
        assert_eq!((bar(f64::NAN, 2), bar(9.0, 2), bar(-1.0, 2)), ("░░".into(), "██".into(), "░░".into()));
        assert_eq!(sparkline(&[Some(0), None, Some(7), Some(14)], 6), "  ▁ ▄█");
        assert_eq!(sparkline(&[Some(0), Some(0)], 2), "▁▁");
        assert_eq!(sparkline(&[Some(u64::MAX)], 1), "█");
    }
}
