//! Who is told what, with all secrets in memory.

pub(super) mod raw;
mod target;

use std::collections::BTreeSet;
use std::time::Duration;

use serin_notify::render::Context;
use serin_notify::{Glob, Grouping, Route, Routes, Target};
use serin_outside::Url;
use serin_rollout::Fact;
use serin_rollout::plan::duration;

use super::ConfigError;

/// Targets and routes that can be named.
const TARGETS_MAX: usize = 32;
const ROUTES_MAX: usize = 200;
/// Longest pattern, in bytes.
const PATTERN_BYTES: usize = 256;

/// Who is told what.
#[derive(Clone, Debug, Default)]
pub struct Notifications {
    /// What messages link to.
    pub context: Context,
    /// Who can be told. Empty: nobody.
    pub targets: Vec<Target>,
    /// Who is told what.
    pub routes: Routes,
    /// What is told together.
    pub grouping: Grouping,
    /// Bounds.
    pub limits: Limits,
}

/// Bounds of what is told.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Limits {
    /// Attempts within any minute, for each target.
    pub per_target_per_minute: u32,
    /// Attempts of one message.
    pub attempts: u32,
    /// Messages that were given up and are kept.
    pub keep_dead: u64,
}

impl Notifications {
    pub(super) fn new(raw: raw::Notifications, insecure: bool) -> Result<Self, ConfigError> {
        let raw::Notifications { public_url, targets, routes, group, limits } = raw;
        if targets.len() > TARGETS_MAX {
            return Err(value("targets", format!("exceeds {TARGETS_MAX} targets")));
        }
        if routes.len() > ROUTES_MAX {
            return Err(value("routes", format!("exceeds {ROUTES_MAX} routes")));
        }
        let public_url = public_url.map(|url| public(&url)).transpose()?;
        let source = public_url.clone().unwrap_or_else(|| "serin".to_owned());
        let targets = targets.into_iter().map(|(name, raw)| target::checked(name, raw, &source, insecure));
        let targets: Vec<Target> = targets.collect::<Result<_, _>>()?;
        let names: BTreeSet<&str> = targets.iter().map(|target| target.name.as_str()).collect();
        let routes = routes.into_iter().enumerate().map(|(index, raw)| route(index, raw, &names));
        let routes = Routes(routes.collect::<Result<_, _>>()?);
        let streams = targets.iter().filter(|target| target.kind.is_stream());
        let streams = streams.map(|target| target.name.clone()).collect();
        let grouping = Grouping { streams, ..grouping(&group)? };
        Ok(Self { context: Context { public_url }, targets, routes, grouping, limits: Limits::new(&limits)? })
    }
}

fn value(field: &str, rule: impl Into<String>) -> ConfigError {
    ConfigError::value(format!("notifications.{field}"), rule)
}

fn public(url: &str) -> Result<String, ConfigError> {
    let parsed: Url = url.parse().map_err(|error| value("public_url", format!("{error}")))?;
    let whole = parsed.as_str();
    if whole.contains('?') {
        return Err(value("public_url", "must not hold a query"));
    }
    Ok(whole.trim_end_matches('/').to_owned())
}

fn route(index: usize, raw: raw::Route, names: &BTreeSet<&str>) -> Result<Route, ConfigError> {
    let field = |name: &str| format!("routes[{index}].{name}");
    let raw::Route { severity, owner, service, kinds, to, goes_on } = raw;
    if let Some(unknown) = to.iter().find(|name| !names.contains(name.as_str())) {
        return Err(value(&field("to"), format!("there is no target named {unknown:?}")));
    }
    if let Some(words) = kinds.iter().find_map(|kind| unknown_kind(kind)) {
        return Err(value(&field("kinds"), words));
    }
    let glob = |name: &str, pattern: Option<String>| match pattern {
        Some(pattern) if pattern.is_empty() || pattern.len() > PATTERN_BYTES => {
            Err(value(&field(name), format!("must be 1 to {PATTERN_BYTES} bytes")))
        }
        pattern => Ok(pattern.map(Glob::new)),
    };
    let (owner, service) = (glob("owner", owner)?, glob("service", service)?);
    let (kinds, to) = (kinds.into_iter().collect(), to.into_iter().collect());
    Ok(Route { severity, owner, service, kinds, to, goes_on })
}

/// The words of refusal, which name the kinds that there are. The journal's own form knows them.
fn unknown_kind(kind: &str) -> Option<String> {
    let refused = serde_json::from_value::<Fact>(serde_json::json!({"kind": kind})).err()?.to_string();
    refused.starts_with("unknown variant").then_some(refused)
}

fn grouping(raw: &raw::Group) -> Result<Grouping, ConfigError> {
    let wait = duration(&raw.wait).filter(|wait| *wait <= Duration::from_mins(5));
    let wait = wait.ok_or_else(|| value("group.wait", "must be a duration of at most 5m, such as 5s"))?;
    let range = Duration::from_secs(10)..=Duration::from_hours(24);
    let interval = duration(&raw.interval).filter(|interval| range.contains(interval) && *interval >= wait);
    let rule = "must be a duration of 10s to 24h, such as 5m, and not below group.wait";
    let interval = interval.ok_or_else(|| value("group.interval", rule))?;
    Ok(Grouping { wait, interval, streams: BTreeSet::new() })
}

impl Limits {
    fn new(raw: &raw::Limits) -> Result<Self, ConfigError> {
        let raw::Limits { per_target_per_minute, attempts, keep_dead } = *raw;
        if !(1..=600).contains(&per_target_per_minute) {
            return Err(value("limits.per_target_per_minute", "must be between 1 and 600"));
        }
        if !(1..=50).contains(&attempts) {
            return Err(value("limits.attempts", "must be between 1 and 50"));
        }
        if keep_dead > 100_000 {
            return Err(value("limits.keep_dead", "must be at most 100000"));
        }
        Ok(Self { per_target_per_minute, attempts, keep_dead })
    }
}

#[cfg(test)]
mod tests;
