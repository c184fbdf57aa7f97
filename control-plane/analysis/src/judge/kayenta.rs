//! Kayenta: each metric of the canary against the baseline as two samples of points, scored and compared with a
//! pass mark.
//!
//! Rules of `NetflixACAJudge.scala` and its classifier and scorer ([`classifier`], [`scorer`]): points are means of
//! one step; NaN points are dropped; a judgement is made at each interval over all points so far; a score at or
//! below the marginal one ends the analysis at once; the last score must reach the pass mark.

use std::collections::VecDeque;

use super::gathered::Gathered;
use super::schedule::Schedule;
use super::{Judge, JudgeDecision, SecondAggregate};
use crate::increment::ByArm;

pub mod classifier;
mod mann_whitney;
mod root;
pub mod scorer;

pub use classifier::{Classifier, Direction, EffectMeasure, Label, Missing};
pub use scorer::{Classified, score};

/// Most points kept for each arm; older ones are dropped.
const MAX_POINTS: usize = 2_048;

/// How the analysis is set up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KayentaSettings {
    /// Seconds of one point.
    pub step_s: u64,
    /// Seconds between judgements.
    pub interval_s: u64,
    /// Seconds after which the last judgement is made.
    pub lifetime_s: u64,
    /// Score that the last judgement must reach, 0 to 100.
    pub pass: f64,
    /// Score at or below which a judgement rolls back.
    pub marginal: f64,
    /// Whether a high error rate alone makes the score 0.
    pub critical_errors: bool,
    /// How a metric is classified.
    pub classifier: Classifier,
}

impl KayentaSettings {
    /// The documentation's starting values: three judgements in 3 h.
    pub fn recommended() -> Self {
        let classifier = Classifier { allowed: Some((1.0, 1.2)), ..Classifier::default() };
        Self {
            step_s: 60,
            interval_s: 3_600,
            lifetime_s: 10_800,
            pass: 95.0,
            marginal: 75.0,
            critical_errors: false,
            classifier,
        }
    }

    /// The shortest that can fail with reason: a judgement each 5 points of 1 min, errors critical.
    pub fn minimum() -> Self {
        Self {
            interval_s: 300,
            lifetime_s: 1_800,
            critical_errors: true,
            classifier: Classifier::default(),
            ..Self::recommended()
        }
    }

    /// Beyond what the product offers: points of 10 s, a judgement each minute.
    pub fn fast() -> Self {
        Self { step_s: 10, interval_s: 60, ..Self::minimum() }
    }
}

/// The points of one arm and step: failed requests in percent, then three quantiles of latency in ms.
type Points = [f64; METRICS];
const METRICS: usize = 4;

/// Kayenta's judge over error rate, median, 90th and 99th percentile of latency, each in its own group.
#[derive(Clone, Debug)]
pub struct Kayenta {
    settings: KayentaSettings,
    schedule: Schedule,
    exposed_from: u64,
    step: u64,
    gathered: ByArm<Gathered>,
    points: VecDeque<ByArm<Points>>,
}

impl Kayenta {
    /// A judge that has seen nothing yet.
    pub fn new(settings: KayentaSettings) -> Self {
        Self {
            settings,
            schedule: Schedule::new(settings.interval_s),
            exposed_from: 0,
            step: 0,
            gathered: ByArm::default(),
            points: VecDeque::new(),
        }
    }

    fn close_step(&mut self) {
        let gathered = std::mem::take(&mut self.gathered);
        if self.points.len() == MAX_POINTS {
            self.points.pop_front();
        }
        let points = |arm: &Gathered| {
            [100.0 * arm.failure_share(), arm.quantile_ms(0.5), arm.quantile_ms(0.9), arm.quantile_ms(0.99)]
        };
        self.points
            .push_back(ByArm { baseline: points(&gathered.baseline), canary: points(&gathered.canary) });
    }

    fn judge(&self, time: u64) -> JudgeDecision {
        let classified: Vec<Classified> = (0..METRICS).map(|metric| self.classify(metric)).collect();
        let score = score(&classified, &[]);
        let last = time.saturating_sub(self.exposed_from) >= self.settings.lifetime_s;
        if score <= self.settings.marginal || (last && score < self.settings.pass) {
            JudgeDecision::Rollback
        } else if last {
            JudgeDecision::Promote
        } else {
            JudgeDecision::Hold
        }
    }

    fn classify(&self, metric: usize) -> Classified {
        let series = |arm: fn(&ByArm<Points>) -> &Points| -> Vec<f64> {
            self.points.iter().filter_map(|point| arm(point).get(metric).copied()).collect()
        };
        let critical = metric == 0 && self.settings.critical_errors;
        let classifier = Classifier {
            direction: Direction::Increase,
            critical_metric: critical,
            ..self.settings.classifier
        };
        let result = classifier.classify(&series(|point| &point.baseline), &series(|point| &point.canary));
        Classified {
            groups: vec![format!("metric-{metric}")],
            label: result.label,
            critical: result.critical,
        }
    }
}

impl Judge for Kayenta {
    fn observe(
        &mut self,
        second: u64,
        arms: &ByArm<SecondAggregate>,
        weight_ppm: u32,
    ) -> Option<JudgeDecision> {
        if !self.schedule.accepts(second) {
            return None;
        }
        if !self.schedule.has_begun() {
            if weight_ppm == 0 {
                return None;
            }
            self.exposed_from = second;
            self.schedule.begin(second.saturating_add(self.settings.interval_s.max(1)));
        }
        let step = second.saturating_sub(self.exposed_from) / self.settings.step_s.max(1);
        if step > self.step {
            self.close_step();
            self.step = step;
        }
        self.gathered.baseline.add(&arms.baseline);
        self.gathered.canary.add(&arms.canary);
        // A step without a single second is a point without data, which is dropped later: it needs no entry.
        let end = second.saturating_add(1);
        if end.saturating_sub(self.exposed_from).is_multiple_of(self.settings.step_s.max(1)) {
            self.close_step();
            self.step = step.saturating_add(1);
        }
        let mut decision = None;
        while let Some(look) = self.schedule.due(end) {
            let now = self.judge(look);
            decision = self.schedule.decided(now);
        }
        decision
    }
}
