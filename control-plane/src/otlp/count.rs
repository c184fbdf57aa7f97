//! From log records to failures by block: what each record is about, and why one does not count. Pure: no clock, no socket.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc as Shared;

use serin_analysis::Arm;

use super::recent::Recent;
use super::record::{Attributes, Gathered, Record};
use super::{AHEAD_MAX_S, LoggedFailures, NS_PER_S};
use crate::snapshot::Snapshot;

/// Age of a record that still counts, in seconds: what the engine has forgotten by then.
const AGE_MAX_S: u64 = 120;
/// Distinct failures of one request, by block, arm and second.
const CELLS_MAX: usize = 4_096;

/// What becomes of a log record.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Fate {
    /// It counts as a failure.
    Counted,
    /// It is no error.
    NotError,
    /// It names no block, and its function is none.
    NoBlock,
    /// No rollout of its service runs.
    UnknownService,
    /// Its version is neither the baseline's nor the canary's, or not told.
    UnknownVersion,
    /// The plan has no block of the name in `serin.block`.
    UnknownBlock,
    /// The block is not of the component in `serin.component`.
    OtherComponent,
    /// `serin.arm` is neither `baseline` nor `canary`.
    UnknownArm,
    /// It was written too long ago, or is ahead of the clock.
    OutOfTime,
    /// A record of the same span and block was counted already.
    Repeated,
    /// More than one request may hold.
    Overflow,
}

impl Fate {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Counted,
        Self::NotError,
        Self::NoBlock,
        Self::UnknownService,
        Self::UnknownVersion,
        Self::UnknownBlock,
        Self::OtherComponent,
        Self::UnknownArm,
        Self::OutOfTime,
        Self::Repeated,
        Self::Overflow,
    ];

    /// Its name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counted => "counted",
            Self::NotError => "not_error",
            Self::NoBlock => "no_block",
            Self::UnknownService => "unknown_service",
            Self::UnknownVersion => "unknown_version",
            Self::UnknownBlock => "unknown_block",
            Self::OtherComponent => "other_component",
            Self::UnknownArm => "unknown_arm",
            Self::OutOfTime => "out_of_time",
            Self::Repeated => "repeated",
            Self::Overflow => "overflow",
        }
    }

    /// What the sender is told of records that were meant to count and do not. `None`: it is fine.
    pub(super) const fn complaint(self) -> Option<&'static str> {
        match self {
            Self::UnknownBlock => Some("name in serin.block what is no block in the plan of their service"),
            Self::OtherComponent => {
                Some("name in serin.component another component than that of their block")
            }
            Self::UnknownArm => Some("say in serin.arm neither baseline nor canary"),
            Self::OutOfTime => {
                Some("are older than 120 s or more than 60 s ahead: send sooner, set the clock")
            }
            Self::Overflow => Some("are more than one request may hold: send smaller batches"),
            Self::Counted
            | Self::NotError
            | Self::NoBlock
            | Self::UnknownService
            | Self::UnknownVersion
            | Self::Repeated => None,
        }
    }
}

/// What the records of a request add up to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Counted {
    pub(super) failures: Vec<LoggedFailures>,
    /// Records, by what became of them.
    pub(super) fates: BTreeMap<Fate, u64>,
}

/// The services whose rollouts run.
#[derive(Debug)]
pub(super) struct Services<'a>(BTreeMap<&'a str, Service<'a>>);

#[derive(Debug)]
struct Service<'a> {
    rollout: &'a Snapshot,
    /// Component by block; read when it is needed.
    blocks: OnceCell<BTreeMap<&'a str, &'a str>>,
}

impl<'a> Services<'a> {
    pub(super) fn of(rollouts: &'a [Shared<Snapshot>]) -> Self {
        let running = rollouts
            .iter()
            .filter(|rollout| rollout.current && (rollout.watched || !rollout.phase.is_terminal()));
        let of = |rollout: &'a Shared<Snapshot>| {
            (rollout.service.as_str(), Service { rollout, blocks: OnceCell::new() })
        };
        Self(running.map(of).collect())
    }
}

/// Where a record that is shown belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown<'s, 'r> {
    pub(super) service: &'s str,
    /// Empty: not known.
    pub(super) component: &'r str,
    /// Empty: not known.
    pub(super) arm: &'static str,
    pub(super) block: &'r str,
}

impl<'a> Services<'a> {
    /// Where a record belongs to, as far as it tells. `None`: to no rollout that runs.
    pub(super) fn shown<'r>(
        &self,
        record: &'r Record<'_>,
        resource: &'r Attributes<'_>,
    ) -> Option<Shown<'a, 'r>>
    where
        'a: 'r,
    {
        let own = &record.attributes;
        let name =
            own.service.as_deref().or(resource.service.as_deref()).or(resource.service_name.as_deref());
        let service = self.0.get(name?)?;
        let block = own.block.as_deref().or(own.function.as_deref());
        let known = block.and_then(|block| service.block_of_function(block));
        let told = own.component.as_deref().or(resource.component.as_deref());
        let version = resource.version.as_deref().and_then(|version| service.arm_of_version(version));
        let told_arm = own.arm.as_deref().or(resource.arm.as_deref());
        let arm = told_arm.and_then(arm_of_name);
        Some(Shown {
            service: service.rollout.service.as_str(),
            component: known.map(|(_, component)| component).or(told).unwrap_or_default(),
            arm: arm.or(version).map_or("", |arm| arm.name()),
            block: known.map(|(block, _)| block).or(own.block.as_deref()).unwrap_or_default(),
        })
    }
}

impl Services<'_> {
    /// Whether a rollout of the service that runs makes logs evidence.
    pub(super) fn looks_at_lines(&self, service: &str) -> bool {
        let sources = self.0.get(service).and_then(|service| service.rollout.sources.as_ref());
        sources.is_some_and(|sources| sources.by_source.logs.weight > 0.0)
    }

    /// The arm that wrote a line. `None`: it does not tell.
    pub(super) fn arm_of_line(
        &self,
        service: &str,
        told: Option<&str>,
        resource: &Attributes<'_>,
    ) -> Option<Arm> {
        let by_name = told.or(resource.arm.as_deref()).and_then(arm_of_name);
        let by_version = || self.0.get(service)?.arm_of_version(resource.version.as_deref()?);
        by_name.or_else(by_version)
    }
}

fn arm_of_name(name: &str) -> Option<Arm> {
    [Arm::Baseline, Arm::Canary].into_iter().find(|arm| arm.name() == name)
}

impl<'a> Service<'a> {
    /// The block of this name and its component.
    fn block(&self, name: &str) -> Option<(&'a str, &'a str)> {
        let rollout = self.rollout;
        let blocks = self.blocks.get_or_init(|| {
            let components = rollout.components.iter();
            let of = |component: &'a crate::snapshot::Component| {
                component.blocks.iter().map(|block| (block.name.as_str(), component.name.as_str()))
            };
            components.flat_map(of).collect()
        });
        blocks.get_key_value(name).map(|(block, component)| (*block, *component))
    }

    /// By the name of a function: the whole of it, or what follows its module or type.
    fn block_of_function(&self, function: &str) -> Option<(&'a str, &'a str)> {
        self.block(function).or_else(|| self.block(function.rsplit(['.', ':', '#']).next()?))
    }

    fn arm_of_version(&self, version: &str) -> Option<Arm> {
        [(&self.rollout.canary_version, Arm::Canary), (&self.rollout.baseline_version, Arm::Baseline)]
            .into_iter()
            .find_map(|(of, arm)| (of == version).then_some(arm))
    }
}

/// Failures of one service, component, block, arm and second.
type Cell<'a> = (&'a str, &'a str, &'a str, Arm, u64);

/// Counts the records of a request that came at `now`, in seconds.
pub(super) fn count(
    gathered: Gathered<'_>,
    services: &Services<'_>,
    recent: &mut Recent,
    now: u64,
) -> Counted {
    let mut cells = BTreeMap::<Cell<'_>, u64>::new();
    let mut fates = BTreeMap::new();
    for (fate, records) in gathered.left_out().into_iter().filter(|(_, records)| *records > 0) {
        *fates.entry(fate).or_default() += records;
    }
    for group in &gathered.groups {
        for record in &group.records {
            let fate = match locate(record, &group.resource, services, now) {
                Ok(cell) if cells.len() >= CELLS_MAX && !cells.contains_key(&cell) => Fate::Overflow,
                Ok(cell) if is_repeated(record, &cell, recent) => Fate::Repeated,
                Ok(cell) => {
                    *cells.entry(cell).or_default() += 1;
                    Fate::Counted
                }
                Err(fate) => fate,
            };
            *fates.entry(fate).or_default() += 1;
        }
    }
    let failures =
        cells.into_iter().map(|((service, component, block, arm, second), failed)| LoggedFailures {
            service: service.to_owned(),
            component: component.to_owned(),
            block: block.to_owned(),
            arm,
            second,
            failed,
        });
    Counted { failures: failures.collect(), fates }
}

fn is_repeated(record: &Record<'_>, cell: &Cell<'_>, recent: &mut Recent) -> bool {
    let (service, _, block, _, _) = cell;
    let has_span = record.trace != 0 && record.span != 0;
    has_span && !recent.is_first((record.trace, record.span, service, block))
}

fn locate<'s>(
    record: &Record<'_>,
    resource: &Attributes<'_>,
    services: &Services<'s>,
    now: u64,
) -> Result<Cell<'s>, Fate> {
    let own = &record.attributes;
    let name = own.service.as_deref().or(resource.service.as_deref()).or(resource.service_name.as_deref());
    let service = name.and_then(|name| services.0.get(name)).ok_or(Fate::UnknownService)?;
    let (block, component) = match (&own.block, &own.function) {
        (Some(block), _) => service.block(block).ok_or(Fate::UnknownBlock)?,
        (None, Some(function)) => service.block_of_function(function).ok_or(Fate::NoBlock)?,
        (None, None) => return Err(Fate::NoBlock),
    };
    let told = own.component.as_deref().or(resource.component.as_deref());
    if told.is_some_and(|told| told != component) {
        return Err(Fate::OtherComponent);
    }
    let arm = match own.arm.as_deref().or(resource.arm.as_deref()) {
        Some(name) => arm_of_name(name).ok_or(Fate::UnknownArm)?,
        None => {
            let version = resource.version.as_deref().and_then(|version| service.arm_of_version(version));
            version.ok_or(Fate::UnknownVersion)?
        }
    };
    Ok((service.rollout.service.as_str(), component, block, arm, second(record, now)?))
}

fn second(record: &Record<'_>, now: u64) -> Result<u64, Fate> {
    let told = [record.time_ns, record.observed_ns].into_iter().find(|ns| *ns > 0);
    let second = told.map_or(now, |ns| ns / NS_PER_S);
    let takes = now.saturating_sub(AGE_MAX_S)..=now.saturating_add(AHEAD_MAX_S);
    if takes.contains(&second) { Ok(second) } else { Err(Fate::OutOfTime) }
}

#[cfg(test)]
pub(super) mod tests;
