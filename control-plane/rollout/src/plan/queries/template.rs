//! Variables in queries: `$service`, `$baseline`, `$canary`, `$component`.
//!
//! In PromQL they stand inside of quoted strings alone, and what they stand for is written so that it can neither end the string
//! nor, in a regular expression, mean anything but itself. A `$` that names none of them stays what it is.

const PLACEHOLDERS: [&str; 4] = ["service", "baseline", "canary", "component"];

/// What the variables stand for.
#[derive(Clone, Copy)]
pub(in crate::plan) struct Names<'a> {
    pub(in crate::plan) service: &'a str,
    pub(in crate::plan) baseline: &'a str,
    pub(in crate::plan) canary: &'a str,
    pub(in crate::plan) component: Option<&'a str>,
}

impl Names<'_> {
    /// The value of the variable that `rest` begins with, after its `$`, and how long its name is.
    fn at(&self, rest: &str) -> Result<Option<(&str, usize)>, String> {
        let name_end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let name = rest.get(..name_end).unwrap_or_default();
        if !PLACEHOLDERS.contains(&name) {
            return Ok(None);
        }
        let value = match name {
            "service" => self.service,
            "baseline" => self.baseline,
            "canary" => self.canary,
            _ => self.component.ok_or("$component stands for nothing: give the query a `component`")?,
        };
        Ok(Some((value, name.len())))
    }
}

/// A PromQL text with its variables filled in.
pub(super) fn fill(text: &str, names: &Names<'_>) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let (mut quote, mut is_pattern, mut rest) = (None, false, text);
    while let Some(character) = rest.chars().next() {
        rest = rest.get(character.len_utf8()..).unwrap_or_default();
        match (character, quote) {
            ('$', open) => {
                let Some((value, length)) = names.at(rest)? else {
                    filled.push('$');
                    continue;
                };
                match open {
                    Some(quote @ ('"' | '\'')) => filled.push_str(&quoted(value, quote, is_pattern)),
                    Some(_) => return Err("a variable must not stand within backticks".to_owned()),
                    None => return Err("a variable must stand within quotes".to_owned()),
                }
                rest = rest.get(length..).unwrap_or_default();
                continue;
            }
            ('"' | '\'' | '`', None) => {
                let before = filled.trim_end();
                is_pattern = before.ends_with("=~") || before.ends_with("!~");
                quote = Some(character);
            }
            (_, Some(open)) if character == open => quote = None,
            ('\\', Some('"' | '\'')) => {
                filled.push(character);
                if let Some(escaped) = rest.chars().next() {
                    filled.push(escaped);
                    rest = rest.get(escaped.len_utf8()..).unwrap_or_default();
                }
                continue;
            }
            ('#', None) => {
                let end = rest.find('\n').unwrap_or(rest.len());
                rest = rest.get(end..).unwrap_or_default();
                continue;
            }
            _ => {}
        }
        filled.push(character);
    }
    Ok(filled)
}

/// A text that is no PromQL, with its variables filled in.
pub(super) fn plain(text: &str, names: &Names<'_>) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        filled.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 1..).unwrap_or_default();
        match names.at(rest)? {
            Some((value, length)) => {
                filled.push_str(value);
                rest = rest.get(length..).unwrap_or_default();
            }
            None => filled.push('$'),
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

/// As it is written inside of a quoted string; in a pattern it matches itself alone.
fn quoted(value: &str, quote: char, is_pattern: bool) -> String {
    let mut written = String::with_capacity(value.len());
    for character in value.chars() {
        if is_pattern && r"\.+*?()|[]{}^$-".contains(character) {
            // The backslash of the pattern, escaped for the string.
            written.push_str("\\\\");
        }
        match character {
            '\n' => written.push_str("\\n"),
            other if other == quote || other == '\\' => written.extend(['\\', other]),
            other => written.push(other),
        }
    }
    written
}
