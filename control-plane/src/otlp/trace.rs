//! From spans to places: in which component each ran, and why one is not taken. Pure: no clock, no socket.

use std::collections::BTreeMap;
use std::sync::Arc as Shared;

use serin_analysis::Arm;

use super::record::Attributes;
use super::span::{Span, Spans};
use super::{AHEAD_MAX_S, NS_PER_S};
use crate::calls::{self, Places, Spot, Told};
use crate::snapshot::Snapshot;

/// Age of a span that is still taken, in seconds: time for collectors that wait for whole traces.
const AGE_MAX_S: u64 = 600;

/// What becomes of a span.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum SpanFate {
    /// It ran in a component.
    Placed,
    /// It ran in no component that is known, and may lie between two.
    Unplaced,
    /// The plan of its service has no component of the name in `serin.component`.
    UnknownComponent,
    /// It has no valid trace or span id.
    NoId,
    /// It ended too long ago, or is ahead of the clock.
    OutOfTime,
    /// It came already.
    Repeated,
    /// More than one request may hold.
    Overflow,
}

impl SpanFate {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Placed,
        Self::Unplaced,
        Self::UnknownComponent,
        Self::NoId,
        Self::OutOfTime,
        Self::Repeated,
        Self::Overflow,
    ];

    /// Its name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Unplaced => "unplaced",
            Self::UnknownComponent => "unknown_component",
            Self::NoId => "no_id",
            Self::OutOfTime => "out_of_time",
            Self::Repeated => "repeated",
            Self::Overflow => "overflow",
        }
    }

    /// What the sender is told of spans that are not taken as they were meant. `None`: it is fine.
    pub(super) const fn complaint(self) -> Option<&'static str> {
        match self {
            Self::UnknownComponent => {
                Some("name in serin.component what is no component in the plan of their service")
            }
            Self::NoId => Some("have no valid trace id and span id"),
            Self::OutOfTime => Some("ended more than 600 s ago or are more than 60 s ahead: set the clock"),
            Self::Overflow => Some("are more than one request may hold: send smaller batches"),
            Self::Placed | Self::Unplaced | Self::Repeated => None,
        }
    }
}

/// The spans of one request.
#[derive(Debug, Default)]
pub(super) struct Placed {
    /// Those that are taken, each with what becomes of it unless it came already.
    pub(super) spans: Vec<(SpanFate, calls::Span<Shared<Spot>>)>,
    /// Others, by what became of them.
    pub(super) fates: BTreeMap<SpanFate, u64>,
}

/// Which version is which arm, of the services whose rollouts run.
#[derive(Debug)]
pub(super) struct Versions<'a>(BTreeMap<&'a str, &'a Snapshot>);

impl<'a> Versions<'a> {
    pub(super) fn of(current: &'a [Shared<Snapshot>]) -> Self {
        let running = current.iter().filter(|rollout| !rollout.phase.is_terminal());
        Self(running.map(|rollout| (rollout.service.as_str(), rollout.as_ref())).collect())
    }

    fn arm(&self, service: &str, version: &str) -> Option<Arm> {
        let rollout = self.0.get(service)?;
        [(&rollout.canary_version, Arm::Canary), (&rollout.baseline_version, Arm::Baseline)]
            .into_iter()
            // An experiment has no canary.
            .filter(|(of, _)| !of.is_empty())
            .find_map(|(of, arm)| (of == version).then_some(arm))
    }
}

/// Places the spans of a request that came at `now`, in seconds.
pub(super) fn place(gathered: Spans<'_>, places: &Places<'_>, versions: &Versions<'_>, now: u64) -> Placed {
    let mut placed = Placed::default();
    for (fate, spans) in [(SpanFate::NoId, gathered.without_id), (SpanFate::Overflow, gathered.beyond_bound)]
    {
        if spans > 0 {
            *placed.fates.entry(fate).or_default() += spans;
        }
    }
    for group in &gathered.groups {
        for span in &group.spans {
            if !is_in_time(span.end_ns, now) {
                *placed.fates.entry(SpanFate::OutOfTime).or_default() += 1;
                continue;
            }
            let (place, fate) = locate(span, &group.resource, places);
            let span = calls::Span {
                trace: span.trace,
                span: span.span,
                parent: span.parent,
                serves: span.serves(),
                place,
                arm: arm(&span.attributes, &group.resource, versions),
            };
            placed.spans.push((fate, span));
        }
    }
    placed
}

fn is_in_time(end_ns: u64, now: u64) -> bool {
    let takes = now.saturating_sub(AGE_MAX_S)..=now.saturating_add(AHEAD_MAX_S);
    end_ns == 0 || takes.contains(&(end_ns / NS_PER_S))
}

/// `serin.service`, the resource's too, then its `service.name`.
fn service_of<'s>(own: &'s Attributes<'_>, resource: &'s Attributes<'_>) -> Option<&'s str> {
    own.service.as_deref().or(resource.service.as_deref()).or(resource.service_name.as_deref())
}

fn locate(
    span: &Span<'_>,
    resource: &Attributes<'_>,
    places: &Places<'_>,
) -> (Option<Shared<Spot>>, SpanFate) {
    let own = &span.attributes;
    let Some(service) = service_of(own, resource).and_then(|name| places.service(name)) else {
        return (None, SpanFate::Unplaced);
    };
    if let Some(name) = own.component.as_deref().or(resource.component.as_deref()) {
        let spot = service.named(name);
        let fate = if spot.is_some() { SpanFate::Placed } else { SpanFate::UnknownComponent };
        return (spot, fate);
    }
    let told = Told {
        route: own.route.as_deref(),
        path: own.path.as_deref().map(without_query),
        method: own.method.as_deref(),
    };
    match span.serves().then(|| service.serving(&told)).flatten() {
        Some(spot) => (Some(spot), SpanFate::Placed),
        None => (None, SpanFate::Unplaced),
    }
}

fn without_query(path: &str) -> &str {
    path.split_once('?').map_or(path, |(path, _)| path)
}

fn arm(own: &Attributes<'_>, resource: &Attributes<'_>, versions: &Versions<'_>) -> Option<Arm> {
    let said = own.arm.as_deref().or(own.arm_header.as_deref()).or(resource.arm.as_deref());
    if let Some(said) = said {
        return [Arm::Baseline, Arm::Canary].into_iter().find(|arm| arm.name() == said);
    }
    versions.arm(service_of(own, resource)?, resource.version.as_deref()?)
}

#[cfg(test)]
mod tests;
