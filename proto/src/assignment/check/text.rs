//! Rules about single values.

use std::collections::BTreeSet;

use super::{AssignmentError, Checked, Rule, bounds};
use crate::assignment::types::{HeaderValue, HostPattern, Weight};
use crate::assignment::{OVERFLOW, UNMATCHED, raw};

pub(super) fn join(field: &str, name: &str) -> String {
    if field.is_empty() { name.to_owned() } else { format!("{field}.{name}") }
}

pub(super) fn at_most(field: &str, length: usize, limit: usize) -> Checked<()> {
    if length > limit { Err(AssignmentError::new(field, Rule::TooLong { limit })) } else { Ok(()) }
}

pub(super) fn in_range(field: &str, value: u64, min: u64, max: u64) -> Checked<()> {
    if (min..=max).contains(&value) {
        Ok(())
    } else {
        Err(AssignmentError::new(field, Rule::Range { min, max }))
    }
}

pub(super) fn form(field: &str, found: &str, expected: &'static str) -> AssignmentError {
    AssignmentError::new(field, Rule::Form { found: found.chars().take(64).collect(), expected })
}

/// Not empty, bounded, visible ASCII and inner spaces.
pub(super) fn printable(field: &str, value: &str) -> Checked<()> {
    if value.is_empty() {
        return Err(AssignmentError::new(field, Rule::Empty));
    }
    at_most(field, value.len(), bounds::TEXT_BYTES)?;
    let fits = value.bytes().all(|byte| (0x20..0x7f).contains(&byte)) && value.trim() == value;
    if fits { Ok(()) } else { Err(form(field, value, "visible ASCII without spaces at its ends")) }
}

/// Name of a service, arm, rollout or component.
pub(super) fn name(field: &str, value: &str) -> Checked<()> {
    if value.is_empty() {
        return Err(AssignmentError::new(field, Rule::Empty));
    }
    at_most(field, value.len(), bounds::NAME_BYTES)?;
    let fits = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    if fits { Ok(()) } else { Err(form(field, value, "made of letters, digits, '.', '_' and '-'")) }
}

/// Label of a version.
pub(super) fn version(field: &str, value: &str) -> Checked<()> {
    if value.is_empty() {
        return Err(AssignmentError::new(field, Rule::Empty));
    }
    at_most(field, value.len(), bounds::VERSION_BYTES)?;
    let fits = value.bytes().all(|byte| (0x21..0x7f).contains(&byte));
    if fits { Ok(()) } else { Err(form(field, value, "visible ASCII without spaces")) }
}

/// A name that is not one of the filter's own components.
pub(super) fn component_name(field: &str, value: &str) -> Checked<()> {
    name(field, value)?;
    if value == UNMATCHED || value == OVERFLOW {
        return Err(AssignmentError::new(field, Rule::Reserved { name: value.to_owned() }));
    }
    Ok(())
}

fn is_token(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// A header name, in lower case.
pub(super) fn header_name(field: &str, value: &str) -> Checked<String> {
    printable(field, value)?;
    let bare = value.strip_prefix(':').unwrap_or(value);
    if bare.is_empty() || !is_token(bare) {
        return Err(form(field, value, "a header name"));
    }
    Ok(value.to_ascii_lowercase())
}

/// A cookie name.
pub(super) fn cookie_name(field: &str, value: &str) -> Checked<String> {
    printable(field, value)?;
    if is_token(value) { Ok(value.to_owned()) } else { Err(form(field, value, "a cookie name")) }
}

/// A method, in upper case.
pub(super) fn method(field: &str, value: String) -> Checked<String> {
    printable(field, &value)?;
    if is_token(&value) && !value.bytes().any(|byte| byte.is_ascii_lowercase()) {
        Ok(value)
    } else {
        Err(form(field, &value, "a method in upper case"))
    }
}

pub(super) fn weight(field: &str, ppm: u32) -> Checked<Weight> {
    Weight::from_ppm(ppm)
        .ok_or_else(|| AssignmentError::new(field, Rule::Range { min: 0, max: Weight::FULL.ppm().into() }))
}

pub(super) fn host(field: &str, value: &str) -> Checked<HostPattern> {
    printable(field, value)?;
    let (suffix, bare) = match value.strip_prefix("*.") {
        Some(bare) => (true, bare),
        None => (false, value),
    };
    let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let literal = !suffix && bare.starts_with('[') && bare.ends_with(']');
    let fits = if literal {
        bare.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.' | b'[' | b']'))
    } else {
        !bare.is_empty() && bare.bytes().all(name) && !bare.starts_with('.') && !bare.contains("..")
    };
    if !fits {
        return Err(form(field, value, "a host name without port, or '*.' and a domain"));
    }
    let bare = bare.to_ascii_lowercase();
    Ok(if suffix { HostPattern::Suffix(format!(".{bare}")) } else { HostPattern::Exact(bare) })
}

pub(super) fn hosts(field: &str, values: &[String]) -> Checked<Vec<HostPattern>> {
    at_most(field, values.len(), bounds::LIST)?;
    let mut hosts = BTreeSet::new();
    for (index, value) in values.iter().enumerate() {
        if !hosts.insert(host(&format!("{field}[{index}]"), value)?) {
            let rule = Rule::Duplicate { name: value.clone() };
            return Err(AssignmentError::new(format!("{field}[{index}]"), rule));
        }
    }
    Ok(hosts.into_iter().collect())
}

/// The values in order, each once. One by one: sorting a slice, as collecting does, takes kilobytes of code for each type.
pub(super) fn sorted<T: Ord>(values: impl Iterator<Item = Checked<T>>) -> Checked<Vec<T>> {
    let mut set = BTreeSet::new();
    for value in values {
        set.insert(value?);
    }
    Ok(set.into_iter().collect())
}

pub(super) fn header_value(field: &str, raw: &raw::HeaderMatch) -> Checked<HeaderValue> {
    match (&raw.exact, &raw.prefix, raw.present) {
        (Some(exact), None, None) => {
            printable(&join(field, "exact"), exact)?;
            Ok(HeaderValue::Exact(exact.clone()))
        }
        (None, Some(prefix), None) => {
            printable(&join(field, "prefix"), prefix)?;
            Ok(HeaderValue::Prefix(prefix.clone()))
        }
        (None, None, Some(true)) => Ok(HeaderValue::Present),
        (None, None, Some(false)) => Err(form(&join(field, "present"), "false", "true")),
        (None, None, None) | (Some(_), _, _) | (None, Some(_), Some(_)) => {
            Err(AssignmentError::new(field, Rule::ExactlyOne { fields: "exact, prefix, present" }))
        }
    }
}
