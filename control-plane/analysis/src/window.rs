//! Seconds that are not closed yet: what has been reported about them, and who still has to report.
//!
//! Everything here is a sum of integers (or a maximum, or a mask), so the order of merging does not show. A second closes when
//! all sources that are alive have reported past it, else at the watermark. Requests that are still open count at
//! their age, so closing early waits until that age is at least one second, or nothing is open: a hanging canary
//! must not look fast because one closed too soon.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::config::Failures;
use crate::failures::FailureCounts;
use crate::histogram::LatencyHistogram;
use crate::increment::{ByArm, Increment};
use crate::summary::Tally;
use crate::users::UserMasks;

/// Increments for seconds older than this are dropped, in seconds.
pub(crate) const RETENTION_S: u64 = 120;
/// Increments for seconds further ahead than this are dropped, in seconds: a wrong clock.
pub(crate) const MAX_AHEAD_S: u64 = 60;
/// Seconds that wait to be closed at most.
const MAX_PENDING_SECONDS: usize = 180;
/// A source that was silent for longer is not waited for, in seconds.
const ALIVE_S: u64 = 5;
/// What has been merged is not older than this, in seconds. A source that lags more makes the same share of both
/// arms look open.
const REPORT_INTERVAL_S: u64 = 1;
/// Sources known at a time; with more, seconds close at the watermark only.
const MAX_SOURCES: usize = 65_536;

/// One arm of one component in one second.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct PendingArm {
    pub(crate) started: u64,
    pub(crate) finished: u64,
    pub(crate) failed: FailureCounts,
    pub(crate) latency: LatencyHistogram,
    #[serde(default)]
    pub(crate) users: UserMasks,
}

impl PendingArm {
    pub(crate) fn open(&self) -> u64 {
        self.started.saturating_sub(self.finished)
    }

    pub(crate) fn tally(&self) -> Tally<'_> {
        Tally { requests: self.started, errors: self.failed.total(), latency: &self.latency }
    }
}

/// A second that has just closed.
#[derive(Debug)]
pub(crate) struct ClosedSecond {
    pub(crate) second: u64,
    /// Least age of the requests that are still open, in µs.
    pub(crate) open_age_us: u64,
    /// By component.
    pub(crate) components: BTreeMap<usize, ByArm<PendingArm>>,
}

/// Where an increment went.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Placement {
    /// Into a second that is not closed.
    Pending,
    /// Its second has closed.
    Late,
    /// Too old, too far ahead, or too many seconds wait.
    Dropped,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
struct Source {
    complete_until: u64,
    seen_at: u64,
}

/// The open end of time.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Window {
    pending: BTreeMap<u64, BTreeMap<usize, ByArm<PendingArm>>>,
    sources: BTreeMap<u64, Source>,
    sources_overflowed: bool,
    /// The next second to close.
    next: Option<u64>,
    now: Option<u64>,
}

impl Window {
    pub(crate) fn merge(&mut self, increment: &Increment, failures: &Failures) -> Placement {
        let second = increment.start_second;
        if let Some(now) = self.now
            && (second > now.saturating_add(MAX_AHEAD_S) || second.saturating_add(RETENTION_S) < now)
        {
            return Placement::Dropped;
        }
        self.see_source(increment.source, 0, second);
        if self.next.is_some_and(|next| second < next) {
            return Placement::Late;
        }
        if self.pending.len() >= MAX_PENDING_SECONDS && !self.pending.contains_key(&second) {
            return Placement::Dropped;
        }
        let component = self.pending.entry(second).or_default().entry(increment.component.0).or_default();
        let arm = component.of_mut(increment.arm);
        arm.started = arm.started.saturating_add(increment.started);
        arm.finished = arm.finished.saturating_add(increment.outcomes.finished());
        let failed = failures.among(&increment.outcomes);
        arm.failed.add(&failed);
        arm.users.add(increment.users.with_failures(failed.total()));
        if let Some(latency) = &increment.latency {
            arm.latency.merge(latency);
        }
        Placement::Pending
    }

    pub(crate) fn source_progress(&mut self, source: u64, complete_until: u64, now: u64) {
        self.see_source(source, complete_until, now);
    }

    /// Moves to `now`; gives the requests of seconds that became too old to be judged, when time has jumped.
    pub(crate) fn move_to(&mut self, now: u64, watermark_s: u64) -> u64 {
        let now = self.now.map_or(now, |last| last.max(now));
        self.now = Some(now);
        self.sources.retain(|_, source| source.seen_at.saturating_add(ALIVE_S) >= now);
        if self.sources.len() < MAX_SOURCES {
            self.sources_overflowed = false;
        }
        let oldest = now.saturating_sub(RETENTION_S);
        let kept = self.pending.split_off(&oldest);
        let skipped = std::mem::replace(&mut self.pending, kept);
        let first = self.pending.first_key_value().map(|(second, _)| *second);
        let start = first.unwrap_or(u64::MAX).min(now.saturating_sub(watermark_s));
        let next = self.next.unwrap_or(start).max(oldest);
        self.next = Some(next);
        let arms =
            skipped.values().flat_map(BTreeMap::values).flat_map(|arms| [&arms.baseline, &arms.canary]);
        arms.fold(0, |sum, arm| sum.saturating_add(arm.started))
    }

    /// Closes the next second if it is time.
    pub(crate) fn close_next(&mut self, watermark_s: u64) -> Option<ClosedSecond> {
        let (now, second) = (self.now?, self.next?);
        let end = second.saturating_add(1);
        let complete_until = self.complete_until();
        let frontier = complete_until.unwrap_or(0).max(now.saturating_sub(REPORT_INTERVAL_S)).min(now);
        let reported = complete_until.is_some_and(|until| {
            until > end || (until == end && self.pending.get(&second).is_none_or(nothing_open))
        });
        if now < end || !(reported || now >= end.saturating_add(watermark_s)) {
            return None;
        }
        self.next = Some(end);
        let components = self.pending.remove(&second).unwrap_or_default();
        let open_age_us = frontier.saturating_sub(end).saturating_mul(1_000_000);
        Some(ClosedSecond { second, open_age_us, components })
    }

    /// The second before which every living source has reported all that finished.
    fn complete_until(&self) -> Option<u64> {
        if self.sources_overflowed {
            return None;
        }
        self.sources.values().map(|source| source.complete_until).min()
    }

    fn see_source(&mut self, id: u64, complete_until: u64, seen_at: u64) {
        if self.sources.len() >= MAX_SOURCES && !self.sources.contains_key(&id) {
            self.sources_overflowed = true;
            return;
        }
        let source = self.sources.entry(id).or_default();
        source.complete_until = source.complete_until.max(complete_until);
        source.seen_at = source.seen_at.max(seen_at);
    }
}

fn nothing_open(components: &BTreeMap<usize, ByArm<PendingArm>>) -> bool {
    components.values().all(|arms| arms.baseline.open() == 0 && arms.canary.open() == 0)
}
