//! Strings from outside, made harmless to a terminal.

use std::borrow::Cow;

/// One line of text: what could move the cursor, colour, hide or reorder the text around it becomes visible as
/// `\u{1b}`. Line breaks too.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len());
    for character in text.chars() {
        if is_harmful(character) {
            cleaned.extend(character.escape_unicode());
        } else {
            cleaned.push(character);
        }
    }
    Cow::Owned(cleaned)
}

/// JSON text with the same characters as JSON escapes. Outside of strings JSON has none of them when it is compact.
pub(super) fn json(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for character in text.chars() {
        if is_harmful(character) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                cleaned.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            cleaned.push(character);
        }
    }
    cleaned
}

/// Control characters, line separators, and marks that reorder or hide text.
pub(crate) fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_and_reordering_marks_become_visible() {
        assert_eq!(clean("\u{1b}[2Jx\ry\nz"), "\\u{1b}[2Jx\\u{d}y\\u{a}z");
        assert_eq!(clean("a\u{9b}31mb\u{202e}c\u{7f}"), "a\\u{9b}31mb\\u{202e}c\\u{7f}");
        assert!(matches!(clean("naïve 日本 → ✓"), Cow::Borrowed(_)));
    }

    #[test]
    fn json_keeps_its_meaning() {
        let text = "a\u{9b}b\u{202e}c\u{1b}d\u{e0041}\"";
        let json = json(&serde_json::to_string(text).unwrap());
        assert!(!json.contains(is_harmful), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
