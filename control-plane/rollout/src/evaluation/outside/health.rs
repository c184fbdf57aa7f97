//! What a health check says, of both arms.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serin_analysis::{Arm, ByArm};

use crate::UnixMillis;
use crate::outside::{CheckAnswer, HealthReading, HealthState, reason};
use crate::plan::{Check, Health};

/// Answers that the confidence looks at.
const RECENT: usize = 10;
/// An answer older than so many intervals, and the time for one answer, is none.
const STALE_INTERVALS: u32 = 3;

/// The answers of one check.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub(super) struct Checked(ByArm<ArmAnswers>);

/// The answers of one arm.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct ArmAnswers {
    /// The newest, the oldest first; `None`: it could not be asked.
    recent: VecDeque<Option<bool>>,
    failures: u32,
    passes: u32,
    state: HealthState,
    since: Option<UnixMillis>,
    /// When the last answer came that says something.
    at: Option<UnixMillis>,
    /// What the last answer said, in words.
    text: String,
}

impl Checked {
    pub(super) fn hear(&mut self, health: &Health, arm: Arm, at: UnixMillis, answer: &CheckAnswer) {
        self.0.of_mut(arm).hear(health, at, answer);
    }

    pub(super) fn read(
        &self,
        health: &Health,
        check: &Check,
        began: UnixMillis,
        now: UnixMillis,
    ) -> HealthReading {
        let ByArm { baseline, canary } = &self.0;
        let fresh = canary.fresh(health, now);
        // As bad: its last answer was a failure, or it says nothing of itself.
        let is_shared =
            fresh == HealthState::Unhealthy && check.baseline.is_some() && !baseline.is_well(health, now);
        let state = if is_shared { HealthState::Shared } else { fresh };
        let text = match (state, canary.text.as_str()) {
            (_, "") => "no answer yet".to_owned(),
            (HealthState::Shared, text) if baseline.text.is_empty() => {
                format!("{text}; the baseline says nothing")
            }
            (HealthState::Shared, text) => format!("{text}; the baseline: {}", baseline.text),
            (_, text) => text.to_owned(),
        };
        let last = canary.at.unwrap_or(began);
        let required = check.component.as_ref().is_some_and(|name| health.required.contains(name));
        HealthReading {
            check: check.name.clone(),
            component: check.component.clone(),
            confidence: canary.confidence(fresh),
            state,
            since: canary.since.unwrap_or(began),
            action: check.action,
            severity: check.severity,
            age_s: canary.at.map(|at| now.since(at).as_secs()),
            text,
            required,
            silent: fresh == HealthState::Unknown && now.since(last) >= health.alert_after,
        }
    }
}

impl ArmAnswers {
    fn hear(&mut self, health: &Health, at: UnixMillis, answer: &CheckAnswer) {
        let (passed, text) = match answer {
            CheckAnswer::Passed { latency_ms } => (Some(true), format!("answered within {latency_ms} ms")),
            CheckAnswer::Failed { reason: why } => (Some(false), reason(why)),
            CheckAnswer::NotAsked { reason: why } => (None, format!("cannot be asked: {}", reason(why))),
        };
        self.text = text;
        self.recent.push_back(passed);
        while self.recent.len() > RECENT {
            self.recent.pop_front();
        }
        let Some(passed) = passed else { return };
        // After a long silence, answers begin anew.
        if self.at.is_some_and(|before| at.since(before) > stale_after(health)) {
            (self.failures, self.passes, self.state) = (0, 0, HealthState::Unknown);
        }
        self.at = Some(at);
        (self.failures, self.passes) =
            if passed { (0, self.passes.saturating_add(1)) } else { (self.failures.saturating_add(1), 0) };
        let state = if self.failures >= health.unhealthy_after {
            HealthState::Unhealthy
        } else if self.passes >= health.healthy_after {
            HealthState::Healthy
        } else {
            self.state
        };
        if state != self.state || self.since.is_none() {
            (self.state, self.since) = (state, Some(at));
        }
    }

    /// What it says now: nothing when its last answer is too old.
    fn fresh(&self, health: &Health, now: UnixMillis) -> HealthState {
        if self.at.is_some_and(|at| now.since(at) <= stale_after(health)) {
            self.state
        } else {
            HealthState::Unknown
        }
    }

    fn is_well(&self, health: &Health, now: UnixMillis) -> bool {
        self.fresh(health, now) == HealthState::Healthy && self.failures == 0
    }

    /// The part of the last questions whose answer says the same.
    fn confidence(&self, state: HealthState) -> f64 {
        let said = match state {
            HealthState::Healthy => Some(true),
            HealthState::Unhealthy | HealthState::Shared => Some(false),
            HealthState::Unknown => return 0.0,
        };
        let agree = self.recent.iter().filter(|one| **one == said).count();
        agree as f64 / RECENT as f64
    }
}

fn stale_after(health: &Health) -> std::time::Duration {
    health.interval * STALE_INTERVALS + health.timeout
}
