//! Control charts as a judge: the canary, ten seconds at a time, on charts whose centre line is the baseline.
//!
//! Failures are a p-chart (Shewhart 1931): the share to expect is the baseline's of the last five minutes, its spread that of
//! so many independent requests. Latency is the logarithm of the 90th percentile, around the median of the baseline's last
//! points with their median absolute deviation, wider as the canary has fewer requests. A signal on the upper side rolls back.
//! Requests of one host or one retry are not independent, and each chart signals by chance at its own rate, so good versions
//! are rolled back: how often is what a replay shows.

use std::collections::VecDeque;

use super::gathered::Gathered;
use super::schedule::Schedule;
use super::traffic::Traffic;
use super::{Judge, JudgeDecision, SecondAggregate};
use crate::chart::{Chart, Reading, Reference, RuleSet, Side};
use crate::increment::ByArm;

/// Seconds of a point.
const INTERVAL_S: u64 = 10;
/// Seconds of the baseline that say what share of failures is to be expected.
const WINDOW_S: u64 = 300;
/// Requests of an arm below which a point is a gap.
const LEAST_REQUESTS: u64 = 30;
/// Points of the baseline without which latency is not charted.
const LEAST_POINTS: usize = 12;
/// Points of the baseline that are remembered.
const MOST_POINTS: usize = 60;
/// Seconds of exposure after which a canary without a signal is promoted.
const BAKE_S: u64 = 600;

/// The judge of control charts.
#[derive(Clone, Debug)]
pub struct Charts {
    traffic: Traffic,
    schedule: Schedule,
    exposed_from: Option<u64>,
    /// Logarithms of the baseline's 90th percentile, the latest last.
    latencies: VecDeque<f64>,
    rules: RuleSet,
    failure_chart: Chart,
    latency_chart: Chart,
}

impl Charts {
    /// A judge that has seen nothing yet: EWMA and CUSUM charts, and the run rules that are named.
    pub fn new(rules: RuleSet) -> Self {
        Self {
            traffic: Traffic::new(WINDOW_S + INTERVAL_S),
            schedule: Schedule::new(INTERVAL_S),
            exposed_from: None,
            latencies: VecDeque::new(),
            rules,
            failure_chart: Chart::default(),
            latency_chart: Chart::default(),
        }
    }

    fn look(&mut self, time: u64) -> Option<JudgeDecision> {
        let from = time.saturating_sub(INTERVAL_S);
        let ByArm { baseline, canary } = self.traffic.between(from, time).unwrap_or_default();
        let before = self.traffic.between(from.saturating_sub(WINDOW_S), from);
        let latency = self.usual_latency(&baseline, &canary);
        self.learn(&baseline);
        let exposed_from = self.exposed_from?;
        if canary.requests < LEAST_REQUESTS {
            return Some(JudgeDecision::Hold);
        }
        let failures = usual_failures(&before.unwrap_or_default().baseline, &canary);
        let signals = [
            failures.and_then(|usual| self.failure_chart.observe(canary.failure_share(), usual, self.rules)),
            latency.and_then(|usual| {
                self.latency_chart.observe(canary.quantile_ms(0.9).ln(), usual, self.rules)
            }),
        ];
        let rises = signals.iter().flatten().any(rises);
        let has_baked = time.saturating_sub(exposed_from) >= BAKE_S && failures.is_some();
        Some(match (rises, has_baked) {
            (true, _) => JudgeDecision::Rollback,
            (false, true) => JudgeDecision::Promote,
            (false, false) => JudgeDecision::Hold,
        })
    }

    fn learn(&mut self, baseline: &Gathered) {
        let latency = baseline.quantile_ms(0.9).ln();
        if baseline.requests >= LEAST_REQUESTS && latency.is_finite() {
            self.latencies.push_back(latency);
            if self.latencies.len() > MOST_POINTS {
                self.latencies.pop_front();
            }
        }
    }

    fn usual_latency(&self, baseline: &Gathered, canary: &Gathered) -> Option<Reference> {
        let points: Vec<f64> = self.latencies.iter().copied().collect();
        let usual = Reference::of(&points).filter(|_| points.len() >= LEAST_POINTS)?;
        Some(usual.of_requests(canary.requests as f64, baseline.requests as f64))
    }
}

/// One failure more than there were, so that none at all is not thought certain.
fn usual_failures(baseline: &Gathered, canary: &Gathered) -> Option<Reference> {
    let share = (baseline.failures() as f64 + 1.0) / (baseline.requests as f64 + 2.0);
    let spread = (share * (1.0 - share) / canary.requests as f64).sqrt();
    (baseline.requests >= LEAST_REQUESTS).then_some(Reference { centre: share, spread })
}

/// Whether a chart signals on the upper side.
fn rises(reading: &Reading) -> bool {
    let high = Some(Side::High);
    let is_ruled = reading.distance > 0.0 && reading.rules.iter().any(|rule| rule.is_one_sided());
    reading.ewma_signal == high || reading.cusum_signal == high || is_ruled
}

impl Judge for Charts {
    fn observe(
        &mut self,
        second: u64,
        arms: &ByArm<SecondAggregate>,
        weight_ppm: u32,
    ) -> Option<JudgeDecision> {
        if !self.schedule.accepts(second) {
            return None;
        }
        self.schedule.begin(second.saturating_add(INTERVAL_S));
        if weight_ppm > 0 {
            self.exposed_from.get_or_insert(second);
        }
        self.traffic.push(second, arms);
        let mut decision = None;
        while let Some(look) = self.schedule.due(second.saturating_add(1)) {
            if let Some(now) = self.look(look) {
                decision = self.schedule.decided(now);
            }
        }
        decision
    }
}
