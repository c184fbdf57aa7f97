//! From flags and a context to answers.
//!
//! A key is the name of a block or feature, or `service/name`. Where several services have one of the same name, the context's
//! `service` or the longer key says which; nothing is guessed.

use std::collections::BTreeMap;

use serde_json::Value;

use super::context::Context;
use super::failure::{Failure, quoted};
use super::flag::{Flag, Reason};

/// Services that a message names.
const SERVICES_NAMED: usize = 8;

/// A version in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation<'a> {
    /// Version of the block or feature.
    pub version: &'a str,
    /// Its value.
    pub value: Value,
    /// Why it is in force.
    pub reason: Reason,
    /// Service.
    pub service: &'a str,
    /// Component.
    pub component: &'a str,
    /// Identifier of the rollout.
    pub rollout: &'a str,
    /// True after a rollback of the block, or where the feature is switched off.
    pub restored: bool,
}

/// A key and what it gives.
pub type Item<'a> = (String, Result<Evaluation<'a>, Failure>);

/// Evaluates the flag of `key`.
///
/// # Errors
/// When there is no such flag or more than one, or the context does not fit it.
pub fn one<'a>(flags: &[Flag<'a>], key: &str, context: &Context) -> Result<Evaluation<'a>, Failure> {
    evaluation(find(flags, key, context)?, context)
}

/// Evaluates all flags, or those of the service that the context names, by key. A name that several services use is told
/// as a failure, and each of its flags by its longer key.
#[must_use]
pub fn all<'a>(flags: &[Flag<'a>], context: &Context) -> Vec<Item<'a>> {
    let mut by_name: BTreeMap<&str, Vec<&Flag<'a>>> = BTreeMap::new();
    for flag in flags.iter().filter(|flag| context.service.as_deref().is_none_or(|name| name == flag.service))
    {
        by_name.entry(flag.name).or_default().push(flag);
    }
    let mut items = Vec::with_capacity(flags.len());
    for (name, flags) in by_name {
        if let [flag] = flags.as_slice() {
            items.push((name.to_owned(), evaluation(flag, context)));
            continue;
        }
        items.push((name.to_owned(), Err(ambiguous(name, &flags))));
        let longer = |flag: &&Flag<'a>| (format!("{}/{name}", flag.service), evaluation(flag, context));
        items.extend(flags.iter().map(longer));
    }
    items.sort_by(|(left, _), (right, _)| left.cmp(right));
    items
}

fn evaluation<'a>(flag: &Flag<'a>, context: &Context) -> Result<Evaluation<'a>, Failure> {
    let (version, reason) = flag.version(flag.place(context)?);
    Ok(Evaluation {
        version,
        value: flag.value(version),
        reason,
        service: flag.service,
        component: flag.component,
        rollout: flag.rollout,
        restored: flag.restored.is_some(),
    })
}

fn find<'s, 'a>(flags: &'s [Flag<'a>], key: &str, context: &Context) -> Result<&'s Flag<'a>, Failure> {
    let (by_key, name) = key.rsplit_once('/').map_or((None, key), |(service, name)| (Some(service), name));
    let by_context = context.service.as_deref();
    if let (Some(by_key), Some(by_context)) = (by_key, by_context)
        && by_key != by_context
    {
        let (by_key, by_context) = (quoted(by_key), quoted(by_context));
        return Err(Failure::invalid_context(format!(
            "context.service: is {by_context}, but the key says {by_key}"
        )));
    }
    let service = by_key.or(by_context);
    let meant = |flag: &&Flag<'_>| flag.name == name && service.is_none_or(|service| service == flag.service);
    let found: Vec<_> = flags.iter().filter(meant).collect();
    match found.as_slice() {
        [flag] => Ok(flag),
        [] => Err(not_found(name, service)),
        _ => Err(ambiguous(name, &found)),
    }
}

fn not_found(name: &str, service: Option<&str>) -> Failure {
    let of = service.map(|service| format!(" of service {}", quoted(service))).unwrap_or_default();
    let rule = "the plan of the service's newest rollout must name it as a block or feature of a component";
    Failure::flag_not_found(format!("key: no flag {}{of}; {rule}", quoted(name)))
}

fn ambiguous(name: &str, flags: &[&Flag<'_>]) -> Failure {
    let mut services: Vec<_> = flags.iter().map(|flag| quoted(flag.service)).collect();
    services.dedup();
    let more = services.len().saturating_sub(SERVICES_NAMED);
    services.truncate(SERVICES_NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    Failure::invalid_context(format!(
        "context.service: must say which service is meant, or the key be service/{name}: flag {} is one of {}{more}",
        quoted(name),
        services.join(", "),
    ))
}
