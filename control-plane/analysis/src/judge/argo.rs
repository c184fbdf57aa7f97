//! Argo Rollouts: a condition on each measurement, counted against limits.
//!
//! Rules of `analysis/analysis.go` and `utils/evaluate/evaluate.go`: the first measurement is made at once, each
//! further one an interval after; no result is an error, measured again after 10 s, and the fifth error in a row
//! aborts; NaN is a result, which no comparison accepts, so it fails; failed and inconclusive measurements are
//! counted for the whole run and a success does not reset them; the limit itself is still allowed.

use super::schedule::Schedule;
use super::traffic::{Query, Traffic};
use super::{Judge, JudgeDecision, SecondAggregate};
use crate::increment::ByArm;

/// Seconds after which a measurement without result is repeated.
const ERROR_RETRY_S: u64 = 10;

/// How the analysis is set up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ArgoSettings {
    /// Seconds between measurements. `None`: one measurement only.
    pub interval_s: Option<u64>,
    /// Seconds before the first measurement.
    pub initial_delay_s: u64,
    /// Failed measurements that are allowed.
    pub failure_limit: u32,
    /// Inconclusive measurements that are allowed.
    pub inconclusive_limit: u32,
    /// Measurements in a row without result that are allowed.
    pub consecutive_error_limit: u32,
    /// A measurement succeeds if at least this share of requests does.
    pub success_at_least: Option<f64>,
    /// A measurement fails if less than this share of requests succeeds.
    pub failure_below: Option<f64>,
    /// Seconds the rollout's steps take; at their end it is promoted.
    pub steps_s: u64,
    /// Range of the query in seconds.
    pub window_s: u64,
    /// Whether only the last two samples count (`irate`).
    pub instant: bool,
    /// Seconds between samples of the monitor.
    pub scrape_s: u64,
}

impl ArgoSettings {
    /// The background analysis of the documentation: each 5 min, three failures allowed, four steps of 10 min.
    pub fn docs_background() -> Self {
        Self {
            interval_s: Some(300),
            initial_delay_s: 0,
            failure_limit: 3,
            inconclusive_limit: 0,
            consecutive_error_limit: 4,
            success_at_least: Some(0.95),
            failure_below: None,
            steps_s: 2_400,
            window_s: 300,
            instant: true,
            scrape_s: 15,
        }
    }

    /// The code's defaults, with a measurement each minute.
    pub fn defaults() -> Self {
        Self {
            interval_s: Some(60),
            failure_limit: 0,
            window_s: 60,
            instant: false,
            ..Self::docs_background()
        }
    }

    /// Each 10 s, two failures allowed, 99 % must succeed.
    pub fn tuned() -> Self {
        Self {
            interval_s: Some(10),
            failure_limit: 2,
            success_at_least: Some(0.99),
            window_s: 30,
            scrape_s: 5,
            ..Self::defaults()
        }
    }

    /// One measurement after a pause of 5 min.
    pub fn inline() -> Self {
        Self { interval_s: None, initial_delay_s: 300, ..Self::defaults() }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    Successful,
    Failed,
    Inconclusive,
    Error,
}

/// Argo's judge.
#[derive(Clone, Debug)]
pub struct Argo {
    settings: ArgoSettings,
    traffic: Traffic,
    schedule: Schedule,
    ends: Option<u64>,
    served: bool,
    failed: u32,
    inconclusive: u32,
    errors_in_a_row: u32,
}

impl Argo {
    /// A judge that has seen nothing yet.
    pub fn new(settings: ArgoSettings) -> Self {
        Self {
            settings,
            traffic: Traffic::new(settings.window_s),
            schedule: Schedule::new(settings.interval_s.unwrap_or(u64::MAX)),
            ends: None,
            served: false,
            failed: 0,
            inconclusive: 0,
            errors_in_a_row: 0,
        }
    }

    /// Share of successful canary requests. `None`: no series, as before the first request. NaN: no requests.
    fn measure(&self, time: u64) -> Option<f64> {
        let ArgoSettings { scrape_s, window_s, instant, .. } = self.settings;
        let arms = self.traffic.increase(time, Query { scrape_s, window_s, instant })?;
        self.served.then(|| 1.0 - arms.canary.failure_share())
    }

    fn phase(&self, measured: Option<f64>) -> Phase {
        let Some(value) = measured else { return Phase::Error };
        let succeeds = self.settings.success_at_least.map(|least| value >= least);
        let fails = self.settings.failure_below.map(|limit| value < limit);
        match (succeeds, fails) {
            (_, Some(true)) | (Some(false), None) => Phase::Failed,
            (Some(true) | None, Some(false) | None) => Phase::Successful,
            (Some(false), Some(false)) => Phase::Inconclusive,
        }
    }

    fn look(&mut self, time: u64) -> JudgeDecision {
        let phase = self.phase(self.measure(time));
        if phase == Phase::Error {
            self.errors_in_a_row = self.errors_in_a_row.saturating_add(1);
            self.schedule.next_after(time, ERROR_RETRY_S);
        } else {
            self.errors_in_a_row = 0;
            self.failed = self.failed.saturating_add(u32::from(phase == Phase::Failed));
            self.inconclusive = self.inconclusive.saturating_add(u32::from(phase == Phase::Inconclusive));
        }
        // An inconclusive run pauses for good even if it failed too; errors abort it nevertheless.
        let without_result = self.errors_in_a_row > self.settings.consecutive_error_limit;
        let failed = self.failed > self.settings.failure_limit && !self.paused();
        if without_result || failed { JudgeDecision::Rollback } else { JudgeDecision::Hold }
    }

    fn paused(&self) -> bool {
        self.inconclusive > self.settings.inconclusive_limit
    }

    fn looks_until(&mut self, time: u64, decision: &mut Option<JudgeDecision>) {
        while !self.schedule.has_ended() && !self.paused() {
            if self.ends.is_some_and(|ends| ends <= time) && self.nothing_due_before_end() {
                *decision = self.schedule.decided(JudgeDecision::Promote);
                return;
            }
            let Some(look) = self.schedule.due(time) else { return };
            let now = self.look(look);
            *decision = self.schedule.decided(now);
        }
    }

    fn nothing_due_before_end(&self) -> bool {
        let mut schedule = self.schedule.clone();
        self.ends.is_none_or(|ends| schedule.due(ends.saturating_sub(1)).is_none())
    }
}

impl Judge for Argo {
    fn observe(
        &mut self,
        second: u64,
        arms: &ByArm<SecondAggregate>,
        weight_ppm: u32,
    ) -> Option<JudgeDecision> {
        if !self.schedule.accepts(second) {
            return None;
        }
        if weight_ppm > 0 && !self.schedule.has_begun() {
            self.schedule.begin(second.saturating_add(self.settings.initial_delay_s));
            self.ends = Some(second.saturating_add(self.settings.steps_s));
        }
        let mut decision = None;
        self.looks_until(second, &mut decision);
        self.served |= arms.canary.requests > 0;
        self.traffic.push(second, arms);
        self.looks_until(second.saturating_add(1), &mut decision);
        decision
    }
}
