//! Text that others wrote: names, reasons, log records. Every page shows such text by [`foreign`] or [`name`].
//!
//! Templates escape markup. Here is what remains: marks that turn the direction of text stay within their element (`bdi`), control
//! characters are made visible, what is very long is cut and says so.

use std::borrow::Cow;
use std::fmt::Write as _;

use maud::{Markup, html};

/// Characters of a name that are shown.
const NAME_CHARACTERS: usize = 300;
/// Characters of a text that are shown.
const TEXT_CHARACTERS: usize = 4_000;

/// A name that others gave.
pub(crate) fn name(text: &str) -> Markup {
    html! { bdi { (visible(text, NAME_CHARACTERS)) } }
}

/// A text that others wrote, or that has names in it.
pub(crate) fn foreign(text: &str) -> Markup {
    html! { bdi { (visible(text, TEXT_CHARACTERS)) } }
}

/// For attributes and titles, where there is no element around it.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    visible(text, NAME_CHARACTERS)
}

/// With control characters and marks of direction made visible, and cut after so many characters.
fn visible(text: &str, most: usize) -> Cow<'_, str> {
    let is_long = text.len() > most && text.chars().nth(most).is_some();
    if !is_long && !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::new();
    for character in text.chars().take(most) {
        match character {
            '\n' | '\t' => shown.push(' '),
            '\0'..='\u{1f}' => shown.push(char::from_u32(0x2400 + u32::from(character)).unwrap_or('�')),
            '\u{7f}' => shown.push('␡'),
            other if is_hidden(other) => {
                let _writing_to_a_string_cannot_fail = write!(shown, "‹U+{:04X}›", u32::from(other));
            }
            other => shown.push(other),
        }
    }
    if is_long {
        let all = text.chars().count();
        let _writing_to_a_string_cannot_fail =
            write!(shown, "… ({} characters)", crate::words::count(all as u64));
    }
    Cow::Owned(shown)
}

/// Controls, marks of direction, and characters without a width that make two names look alike.
const fn is_hidden(character: char) -> bool {
    matches!(
        character,
        '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
    )
}

/// A part of a path, with everything but letters, digits, `-`, `.`, `_` and `~` in percent form.
pub(crate) fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            let _writing_to_a_string_cannot_fail = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// A short identifier for a name, made of `a-f` and `0-9`: FNV-1a. It tells elements of one page apart and guards nothing.
pub(crate) fn key(text: &str) -> String {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", text.bytes().fold(0xcbf2_9ce4_8422_2325, fold))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_shown_whole_visible_and_bounded() {
        let shown = name("<script>\u{202e}a\u{0}").into_string();
        assert_eq!(shown, "<bdi>&lt;script&gt;‹U+202E›a␀</bdi>");
        let long = name(&"x".repeat(10_240)).into_string();
        assert!(long.len() < 400 && long.contains("… (10,240 characters)"), "{long}");
        assert_eq!(segment("a/b ü"), "a%2Fb%20%C3%BC");
        assert_eq!(key("a").len(), 16);
    }
}
