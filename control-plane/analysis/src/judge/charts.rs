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
use crate::chart::{Chart, ChartSettings, Reference, Rule, Side, StartUp};
use crate::increment::ByArm;

/// When it looks, and at what.
#[derive(Clone, Debug, PartialEq)]
pub struct ChartsSettings {
    /// The charts.
    pub chart: ChartSettings,
    /// Seconds of a point.
    pub interval_s: u64,
    /// Seconds of the baseline that say what share of failures is to be expected.
    pub window_s: u64,
    /// Requests of an arm below which a point is a gap.
    pub least_requests: u64,
    /// Points of the baseline without which latency is not charted.
    pub least_points: usize,
    /// Seconds of exposure after which a canary without a signal is promoted.
    pub bake_s: u64,
}

impl ChartsSettings {
    /// EWMA and CUSUM charts, and the run rules that are named.
    pub fn with_rules(rules: &[Rule]) -> Self {
        Self {
            chart: ChartSettings { rules: rules.to_vec(), ..ChartSettings::default() },
            interval_s: 10,
            window_s: 300,
            least_requests: 30,
            least_points: 12,
            bake_s: 600,
        }
    }
}

/// The judge of control charts.
#[derive(Clone, Debug)]
pub struct Charts {
    settings: ChartsSettings,
    traffic: Traffic,
    schedule: Schedule,
    exposed_from: Option<u64>,
    /// Logarithms of the baseline's 90th percentile, the latest last.
    latencies: VecDeque<f64>,
    failure_chart: Chart,
    latency_chart: Chart,
    /// Whether anything was charted.
    has_charted: bool,
}

impl Charts {
    /// A judge that has seen nothing yet.
    pub fn new(settings: ChartsSettings) -> Self {
        Self {
            traffic: Traffic::new(settings.window_s.saturating_add(settings.interval_s)),
            schedule: Schedule::new(settings.interval_s),
            exposed_from: None,
            latencies: VecDeque::new(),
            failure_chart: Chart::new(&settings.chart),
            latency_chart: Chart::new(&settings.chart),
            has_charted: false,
            settings,
        }
    }

    fn look(&mut self, time: u64) -> Option<JudgeDecision> {
        let from = time.saturating_sub(self.settings.interval_s);
        let ByArm { baseline, canary } = self.traffic.between(from, time).unwrap_or_default();
        let before = self.traffic.between(from.saturating_sub(self.settings.window_s), from);
        let latency = self.usual_latency(&baseline, &canary);
        self.learn(&baseline);
        let exposed_from = self.exposed_from?;
        if canary.requests < self.settings.least_requests.max(1) {
            return Some(JudgeDecision::Hold);
        }
        let failures = self.usual_failures(&before.unwrap_or_default().baseline, &canary);
        let signals = [
            failures.is_some_and(|usual| rises(&mut self.failure_chart, canary.failure_share(), usual)),
            latency.is_some_and(|usual| rises(&mut self.latency_chart, canary.quantile_ms(0.9).ln(), usual)),
        ];
        self.has_charted |= failures.is_some();
        let has_baked = time.saturating_sub(exposed_from) >= self.settings.bake_s && self.has_charted;
        Some(match (signals.contains(&true), has_baked) {
            (true, _) => JudgeDecision::Rollback,
            (false, true) => JudgeDecision::Promote,
            (false, false) => JudgeDecision::Hold,
        })
    }

    fn learn(&mut self, baseline: &Gathered) {
        let latency = baseline.quantile_ms(0.9).ln();
        if baseline.requests >= self.settings.least_requests && latency.is_finite() {
            self.latencies.push_back(latency);
            if self.latencies.len() > StartUp::VALUES {
                self.latencies.pop_front();
            }
        }
    }

    /// One failure more than there were, so that none at all is not thought certain.
    fn usual_failures(&self, baseline: &Gathered, canary: &Gathered) -> Option<Reference> {
        let requests = baseline.requests as f64;
        let share = (baseline.failure_share() * requests + 1.0) / (requests + 2.0);
        let spread = (share * (1.0 - share) / canary.requests as f64).sqrt();
        (baseline.requests >= self.settings.least_requests.max(1))
            .then_some(Reference { centre: share, spread })
    }

    fn usual_latency(&self, baseline: &Gathered, canary: &Gathered) -> Option<Reference> {
        let points: Vec<f64> = self.latencies.iter().copied().collect();
        let usual = Reference::of(&points).filter(|_| points.len() >= self.settings.least_points)?;
        let fewer = (baseline.requests as f64 / canary.requests.max(1) as f64).max(1.0);
        Some(Reference { spread: usual.spread * fewer.sqrt(), ..usual })
    }
}

/// Whether a chart signals on the upper side.
fn rises(chart: &mut Chart, value: f64, usual: Reference) -> bool {
    chart.observe(value, Some(usual)).is_some_and(|reading| {
        let high = Some(Side::High);
        let is_ruled = reading.distance > 0.0 && reading.rules.iter().any(|rule| rule.is_one_sided());
        reading.ewma_signal == high || reading.cusum_signal == high || is_ruled
    })
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
        self.schedule.begin(second.saturating_add(self.settings.interval_s));
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
