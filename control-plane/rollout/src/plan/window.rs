//! The rollback window: the time after a change in which a fault is expected, and automatic rollback is quickest.
//!
//! It opens with every start, step and promotion. Outside of it evidence must reach a multiple of the odds, and a limit must be
//! exceeded for a multiple of the time. So windows cost no false rollbacks: the plan's bound is what they may spend, and outside
//! less is spent. The window that opens with the promotion is watched, too: until it closes, the canary's version is judged as
//! before, and returns by itself.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::check::{Findings, minutes};
use super::quantity::Span;
use super::{bounds, raw};
use crate::{State, UnixMillis};

/// When automatic rollback is prioritised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RollbackWindow {
    /// How long it stays open. Zero: there are none, and all times are alike.
    pub duration: Duration,
    /// Outside, evidence must reach so many times the odds, and a limit must be exceeded so many times as long. At least 1.
    pub outside: f64,
}

/// As it is written.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "PlanRollbackWindow")]
pub(super) struct RawRollbackWindow {
    /// How long it stays open. 0s: there are no windows, all times are alike, and nothing is watched after the promotion.
    /// Default: 15m.
    duration: Option<Span>,
    /// Outside of it, evidence must reach so many times the odds, and a limit must be exceeded so many times as long, 1 to 100.
    /// Default: 2.
    outside: Option<f64>,
}

impl RollbackWindow {
    /// Whether there are any.
    #[must_use]
    pub const fn exists(&self) -> bool {
        !self.duration.is_zero()
    }

    /// Whether the one that opened at `changed_at` is still open at `now`.
    #[must_use]
    pub fn is_open(&self, changed_at: UnixMillis, now: UnixMillis) -> bool {
        now.since(changed_at) < self.duration
    }

    /// When the window that is open closes. `None`: none is open, or nothing is judged any more.
    #[must_use]
    pub fn until(&self, state: &State, now: UnixMillis) -> Option<UnixMillis> {
        let duration_ms = u64::try_from(self.duration.as_millis()).unwrap_or(u64::MAX);
        let until = UnixMillis(state.changed_at.0.saturating_add(duration_ms));
        (state.runs() && self.is_open(state.changed_at, now)).then_some(until)
    }

    /// How much more is demanded at `now`, after a change at `changed_at`: times the odds, and times as long.
    #[must_use]
    pub fn factor(&self, changed_at: UnixMillis, now: UnixMillis) -> f64 {
        if !self.exists() || self.is_open(changed_at, now) { 1.0 } else { self.outside }
    }
}

/// The weights of an experiment do not change, so it has none.
pub(super) fn check(raw: &raw::Plan, findings: &mut Findings) -> RollbackWindow {
    const FIELD: &str = "rollback_window.duration";
    let range = (Duration::ZERO, bounds::DURATION);
    let default = match raw.kind {
        raw::Kind::Rollout => minutes(15),
        raw::Kind::Experiment => Duration::ZERO,
    };
    let given = raw.rollback_window.as_ref();
    let outside = given.and_then(|given| given.outside).unwrap_or(2.0);
    RollbackWindow {
        duration: findings.duration(FIELD, given.and_then(|given| given.duration.as_ref()), default, range),
        outside: findings.range("rollback_window.outside", outside, 1.0, 100.0),
    }
}
