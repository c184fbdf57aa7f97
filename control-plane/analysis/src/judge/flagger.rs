//! Flagger: two thresholds on one sample per interval, failed checks counted and never forgotten.
//!
//! Rules of `pkg/controller/scheduler.go` and `scheduler_metrics.go`: at each tick a rollback falls due if enough
//! checks have failed *before* it, so one interval is always lost; a check that gets no data, or NaN, has failed;
//! a failed check holds the weight; a passed one raises it by a step until the largest weight, after which the
//! next passed check promotes. The first tick only sets the first weight.

use super::schedule::Schedule;
use super::traffic::{Query, Traffic};
use super::{Judge, JudgeDecision, SecondAggregate};
use crate::increment::ByArm;

/// How Flagger is set up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FlaggerSettings {
    /// Seconds between checks; below 10 counts as 10.
    pub interval_s: u64,
    /// Failed checks that roll back; 0 counts as 1.
    pub threshold: u32,
    /// Percent of traffic at which a passed check promotes.
    pub max_weight: u32,
    /// Percent of traffic added by a passed check; 0 counts as 1.
    pub step_weight: u32,
    /// Least percentage of requests that succeed.
    pub success_percent: f64,
    /// Largest 99th percentile of latency in ms.
    pub p99_ms: f64,
    /// Range of the queries in seconds.
    pub window_s: u64,
    /// Seconds between samples of the monitor.
    pub scrape_s: u64,
}

impl FlaggerSettings {
    /// What the code fills in where a canary says nothing, with the weights of the documentation.
    pub fn code_default() -> Self {
        Self {
            interval_s: 60,
            threshold: 1,
            max_weight: 50,
            step_weight: 5,
            success_percent: 99.0,
            p99_ms: 500.0,
            window_s: 60,
            scrape_s: 15,
        }
    }

    /// The example of the documentation.
    pub fn docs() -> Self {
        Self { threshold: 10, ..Self::code_default() }
    }

    /// As fast as the code allows without failing at each blip: 10 s, 3 failures, small steps.
    pub fn tuned() -> Self {
        Self {
            interval_s: 10,
            threshold: 3,
            step_weight: 2,
            window_s: 30,
            scrape_s: 5,
            ..Self::code_default()
        }
    }
}

/// Flagger's judge.
#[derive(Clone, Debug)]
pub struct Flagger {
    settings: FlaggerSettings,
    traffic: Traffic,
    schedule: Schedule,
    failed: u32,
    weight: u32,
}

impl Flagger {
    /// A judge that has seen nothing yet.
    pub fn new(settings: FlaggerSettings) -> Self {
        Self {
            settings,
            traffic: Traffic::new(settings.window_s),
            schedule: Schedule::new(settings.interval_s.max(10)),
            failed: 0,
            weight: 0,
        }
    }

    fn tick(&mut self, time: u64, weight_ppm: u32) -> JudgeDecision {
        if self.failed >= self.settings.threshold.max(1) {
            return JudgeDecision::Rollback;
        }
        let first = self.weight == 0;
        if !first && weight_ppm > 0 && !self.check(time) {
            self.failed = self.failed.saturating_add(1);
            return JudgeDecision::Hold;
        }
        if self.weight < self.settings.max_weight {
            self.weight = self.weight.saturating_add(self.settings.step_weight.max(1));
            return JudgeDecision::Hold;
        }
        JudgeDecision::Promote
    }

    /// Comparisons with NaN are false, so missing data fails the check.
    fn check(&self, time: u64) -> bool {
        let FlaggerSettings { scrape_s, window_s, success_percent, p99_ms, .. } = self.settings;
        let Some(arms) = self.traffic.increase(time, Query { scrape_s, window_s, instant: false }) else {
            return false;
        };
        100.0 * (1.0 - arms.canary.failure_share()) >= success_percent
            && arms.canary.quantile_ms(0.99) <= p99_ms
    }

    fn looks_until(&mut self, time: u64, weight_ppm: u32, decision: &mut Option<JudgeDecision>) {
        while let Some(look) = self.schedule.due(time) {
            let now = self.tick(look, weight_ppm);
            *decision = self.schedule.decided(now);
        }
    }
}

impl Judge for Flagger {
    fn observe(
        &mut self,
        second: u64,
        arms: &ByArm<SecondAggregate>,
        weight_ppm: u32,
    ) -> Option<JudgeDecision> {
        if !self.schedule.accepts(second) {
            return None;
        }
        if weight_ppm > 0 {
            self.schedule.begin(second);
        }
        let mut decision = None;
        self.looks_until(second, weight_ppm, &mut decision);
        self.traffic.push(second, arms);
        self.looks_until(second.saturating_add(1), weight_ppm, &mut decision);
        decision
    }
}
