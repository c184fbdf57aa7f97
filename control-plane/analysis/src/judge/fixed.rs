//! Fixed thresholds on the canary alone, the simplest rule that can be right: enough requests, over a window, for
//! long enough.
//!
//! Unlike the tools it stands beside, it never judges on too few requests: they hold.

use super::schedule::Schedule;
use super::traffic::Traffic;
use super::{Judge, JudgeDecision, SecondAggregate};
use crate::increment::ByArm;

/// The thresholds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FixedSettings {
    /// Largest share of failed requests, 0 to 1.
    pub failure_share: f64,
    /// Largest 99th percentile of latency in ms.
    pub p99_ms: f64,
    /// Seconds that a judgement looks back.
    pub window_s: u64,
    /// Seconds between judgements.
    pub interval_s: u64,
    /// Canary requests in the window below which it holds.
    pub least_requests: u64,
    /// Judgements in a row above a threshold that roll back; 0 counts as 1.
    pub breaches: u32,
    /// Seconds of exposure after which a judgement below the thresholds promotes.
    pub bake_s: u64,
}

impl Default for FixedSettings {
    fn default() -> Self {
        Self {
            failure_share: 0.01,
            p99_ms: 500.0,
            window_s: 60,
            interval_s: 10,
            least_requests: 100,
            breaches: 3,
            bake_s: 600,
        }
    }
}

/// The judge of fixed thresholds.
#[derive(Clone, Debug)]
pub struct Fixed {
    settings: FixedSettings,
    traffic: Traffic,
    schedule: Schedule,
    exposed_from: u64,
    breaches: u32,
}

impl Fixed {
    /// A judge that has seen nothing yet.
    pub fn new(settings: FixedSettings) -> Self {
        Self {
            settings,
            traffic: Traffic::new(settings.window_s),
            schedule: Schedule::new(settings.interval_s),
            exposed_from: 0,
            breaches: 0,
        }
    }

    fn look(&mut self, time: u64) -> JudgeDecision {
        let from = time.saturating_sub(self.settings.window_s);
        let canary = self.traffic.between(from, time).unwrap_or_default().canary;
        if canary.requests < self.settings.least_requests.max(1) {
            self.breaches = 0;
            return JudgeDecision::Hold;
        }
        let breach = canary.failure_share() > self.settings.failure_share
            || canary.quantile_ms(0.99) > self.settings.p99_ms;
        self.breaches = if breach { self.breaches.saturating_add(1) } else { 0 };
        let baked = time.saturating_sub(self.exposed_from) >= self.settings.bake_s;
        match (breach, baked) {
            (true, _) if self.breaches >= self.settings.breaches.max(1) => JudgeDecision::Rollback,
            (false, true) => JudgeDecision::Promote,
            (true, _) | (false, false) => JudgeDecision::Hold,
        }
    }
}

impl Judge for Fixed {
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
            self.exposed_from = second;
            self.schedule.begin(second.saturating_add(self.settings.interval_s));
        }
        self.traffic.push(second, arms);
        let mut decision = None;
        while let Some(look) = self.schedule.due(second.saturating_add(1)) {
            let now = self.look(look);
            decision = self.schedule.decided(now);
        }
        decision
    }
}
