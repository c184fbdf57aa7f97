//! What changed between two texts, line by line, in the unified form that `patch` reads.

use similar::TextDiff;

use crate::bounds::{DIFF_BYTES, DIFF_LINES};

/// Lines around a change that are shown with it.
const CONTEXT: usize = 3;

/// One side of a comparison.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// What it is called in the header.
    pub name: &'a str,
    /// Its content.
    pub content: &'a [u8],
}

/// What changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Diff {
    /// In the unified form. Empty: nothing.
    pub unified: String,
    /// Lines that only the newer side has.
    pub added: u64,
    /// Lines that only the older side has.
    pub removed: u64,
}

/// Why contents are not compared by line.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotCompared {
    /// Not text.
    #[error("the content is not UTF-8 text")]
    NotText,
    /// Too much of it.
    #[error("the content exceeds {DIFF_BYTES} bytes or {DIFF_LINES} lines")]
    TooLong,
}

/// Compares two texts. Takes time in proportion to their lines and how much they differ; the bounds keep it short.
///
/// # Errors
/// When a side is no text, or beyond the bounds.
pub fn lines(old: Side<'_>, new: Side<'_>) -> Result<Diff, NotCompared> {
    let (before, after) = (text(old.content)?, text(new.content)?);
    let diff = TextDiff::from_lines(before, after);
    let (mut added, mut removed) = (0, 0);
    for operation in diff.ops() {
        let (_, old, new) = operation.as_tag_tuple();
        if operation.tag() != similar::DiffTag::Equal {
            removed += old.len() as u64;
            added += new.len() as u64;
        }
    }
    let unified = diff.unified_diff().context_radius(CONTEXT).header(old.name, new.name).to_string();
    Ok(Diff { unified, added, removed })
}

fn text(content: &[u8]) -> Result<&str, NotCompared> {
    if content.len() > DIFF_BYTES {
        return Err(NotCompared::TooLong);
    }
    let text = std::str::from_utf8(content).map_err(|_| NotCompared::NotText)?;
    if text.contains('\0') {
        return Err(NotCompared::NotText);
    }
    if text.lines().count() > DIFF_LINES { Err(NotCompared::TooLong) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn diff(old: &str, new: &str) -> Diff {
        let (old, new) = (old.as_bytes(), new.as_bytes());
        lines(Side { name: "a", content: old }, Side { name: "b", content: new }).unwrap()
    }

    #[test]
    fn a_changed_line_is_shown_with_what_is_around_it() {
        let old = "one\ntwo\nthree\nfour\nfive\n";
        let diff = diff(old, "one\ntwo\n3\nfour\nfive\nsix\n");
        assert_eq!((diff.added, diff.removed), (2, 1));
        let unified = "--- a\n+++ b\n@@ -1,5 +1,6 @@\n one\n two\n-three\n+3\n four\n five\n+six\n";
        assert_eq!(diff.unified, unified);
    }

    #[test]
    fn equal_texts_have_no_difference() {
        assert_eq!(diff("a\nb", "a\nb"), Diff { unified: String::new(), added: 0, removed: 0 });
    }

    #[test]
    fn what_is_no_text_or_too_long_is_not_compared() {
        let compare = |content: &[u8]| {
            lines(Side { name: "a", content }, Side { name: "b", content: b"x" }).unwrap_err()
        };
        assert_eq!(compare(b"\xff\xfe"), NotCompared::NotText);
        assert_eq!(compare(b"\0asm"), NotCompared::NotText);
        assert_eq!(compare(&vec![b'a'; DIFF_BYTES + 1]), NotCompared::TooLong);
        assert_eq!(compare("\n".repeat(DIFF_LINES + 1).as_bytes()), NotCompared::TooLong);
    }

    #[test]
    fn the_largest_texts_are_compared_in_time() {
        let text = |word: &str| (0..DIFF_LINES).map(|line| format!("{word} {line}\n")).collect::<String>();
        let shuffled =
            (0..DIFF_LINES).map(|line| format!("old {}\n", line * 7_919 % DIFF_LINES)).collect::<String>();
        let began = std::time::Instant::now();
        for (old, new) in [(text("old"), text("new")), (text("old"), shuffled)] {
            diff(&old, &new);
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(10), "{:?}", began.elapsed());
    }

    /// Applies a difference as `patch` does: what is around a change and what is removed must be there.
    fn patched(old: &str, unified: &str) -> String {
        let (mut rest, mut new) = (old.split_inclusive('\n'), String::new());
        let mut at = 0;
        let body = unified.split_inclusive('\n').skip(2);
        let mut lines: Vec<String> = Vec::new();
        for line in body {
            match line.strip_prefix("\\ No newline at end of file") {
                Some(_) => _ = lines.last_mut().unwrap().pop(),
                None => lines.push(line.to_owned()),
            }
        }
        for line in lines {
            let (sign, text) = line.split_at(1);
            match sign {
                "@" => {
                    let range = line.split(' ').nth(1).unwrap().trim_start_matches('-');
                    let (start, length) = range.split_once(',').unwrap_or((range, "1"));
                    let start: usize = start.parse::<usize>().unwrap() - usize::from(length != "0");
                    new.extend(rest.by_ref().take(start - at));
                    at = start;
                }
                "+" => new.push_str(text),
                kept => {
                    assert_eq!(rest.next(), Some(text), "{unified}");
                    at += 1;
                    new.push_str(if kept == " " { text } else { "" });
                }
            }
        }
        new.extend(rest);
        new
    }

    proptest! {
        #[test]
        fn the_difference_turns_the_older_text_into_the_newer(old in "([a-d]{0,2}\n){0,12}[a-d]?", new in "([a-d]{0,2}\n){0,12}[a-d]?") {
            prop_assume!(old != new);
            prop_assert_eq!(patched(&old, &diff(&old, &new).unified), new);
        }
    }
}
