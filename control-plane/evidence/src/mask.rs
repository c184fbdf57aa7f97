//! Takes secrets out of text that came from outside: log records, error texts, header values, reasons.
//!
//! What is known by its form is replaced by `[masked:CLASS]`. In doubt more is taken than less: a reader misses a word, and
//! never a secret stays. Masking twice changes nothing. What has no form (a password in plain words) is not found; it is taken
//! only where a name such as `password` stands before it.

mod names;
mod numbers;
mod rules;

use std::borrow::Cow;
use std::collections::HashSet;

use regex::{Captures, Regex};
use serde_json::Value;

pub use names::is_secret_name;
pub use rules::Class;

use rules::Rule;

/// Bytes of a text that are looked at; what follows is cut off, because a secret might be in it.
pub const TEXT_BYTES: usize = 1024 * 1024;
/// Deepest nesting of a value that is looked at; what nests deeper is taken out.
const DEPTH_MAX: usize = 48;
const MARK: &str = "[masked:";

/// Masks secrets.
#[derive(Clone, Debug)]
pub struct Masker {
    rules: Vec<(Rule, Regex)>,
}

impl Masker {
    /// Of everything that is known; of email addresses too where that is asked for.
    ///
    /// # Errors
    /// Never for the rules as they are; a test compiles them all.
    pub fn new(emails: bool) -> Result<Self, regex::Error> {
        let rules = Rule::ALL.into_iter().filter(|rule| emails || rule.class() != Class::Email);
        let compiled = rules.map(|rule| Ok((rule, Regex::new(rule.pattern())?)));
        Ok(Self { rules: compiled.collect::<Result<_, regex::Error>>()? })
    }

    /// The text without secrets.
    #[must_use]
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if is_plain(text) {
            return Cow::Borrowed(text);
        }
        let end = text.floor_char_boundary(TEXT_BYTES);
        let mut masked = Cow::Borrowed(text.get(..end).unwrap_or_default());
        for (rule, regex) in &self.rules {
            let next = match regex.replace_all(&masked, |found: &Captures<'_>| replaced(*rule, found)) {
                Cow::Borrowed(_) => continue,
                Cow::Owned(next) => next,
            };
            masked = Cow::Owned(next);
        }
        masked
    }

    /// The same for every text in a value, and for what stands under a name such as `password`.
    pub fn mask_value(&self, value: &mut Value) {
        self.mask_nested(value, &mut Clean::default(), 0);
    }

    fn mask_nested(&self, value: &mut Value, clean: &mut Clean, depth: usize) {
        if depth > DEPTH_MAX {
            *value = Value::String(mark(Class::Pair));
            return;
        }
        match value {
            Value::String(text) if clean.0.contains(text) => {}
            Value::String(text) => {
                if let Cow::Owned(masked) = self.mask(text) {
                    *text = masked;
                } else {
                    text.truncate(text.floor_char_boundary(TEXT_BYTES));
                    clean.note(text);
                }
            }
            Value::Array(values) => {
                values.iter_mut().for_each(|value| self.mask_nested(value, clean, depth + 1))
            }
            Value::Object(members) => {
                for (name, value) in members.iter_mut() {
                    if is_secret_name(name) && names::may_be_secret(value) {
                        *value = Value::String(mark(Class::Pair));
                    } else {
                        self.mask_nested(value, clean, depth + 1);
                    }
                }
                self.mask_names(members, clean, depth);
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Names of members come from outside too: headers, cookies, blocks.
    fn mask_names(&self, members: &mut serde_json::Map<String, Value>, clean: &mut Clean, depth: usize) {
        let secret: Vec<_> =
            members.keys().filter(|name| matches!(self.mask(name), Cow::Owned(_))).cloned().collect();
        for name in secret {
            if let Some(mut value) = members.remove(&name) {
                self.mask_nested(&mut value, clean, depth + 1);
                members.insert(self.mask(&name).into_owned(), value);
            }
        }
    }
}

/// Short texts of one value that hold no secret: the same names come again and again.
#[derive(Debug, Default)]
struct Clean(HashSet<String>);

impl Clean {
    fn note(&mut self, text: &str) {
        if text.len() <= 64 && self.0.len() < 4_096 {
            self.0.insert(text.to_owned());
        }
    }
}

/// Whether a text is too short and too plain for any of the rules.
fn is_plain(text: &str) -> bool {
    text.len() < 11 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

fn mark(class: Class) -> String {
    format!("{MARK}{}]", class.name())
}

/// What stands in the place of a find: the words around the secret stay.
fn replaced(rule: Rule, found: &Captures<'_>) -> String {
    let group = |name: &str| found.name(name).map_or("", |group| group.as_str());
    let (whole, secret) = (group_or_whole(found), group("secret"));
    let is_masked = secret.trim_start_matches(['"', '\'', '\\']).starts_with(MARK);
    if is_masked || !rule.is_secret(if secret.is_empty() { whole } else { secret }) {
        return whole.to_owned();
    }
    format!("{}{}{}", group("before"), mark(rule.class()), group("after"))
}

fn group_or_whole<'a>(found: &Captures<'a>) -> &'a str {
    found.get(0).map_or("", |whole| whole.as_str())
}

#[cfg(test)]
mod tests;
