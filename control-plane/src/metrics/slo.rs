//! How well we do our own work: how fast what is bad is found and undone, how often that succeeds, and whether its evidence is
//! whole. The objectives and the queries for them are in `docs/operate.md`.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use serin_rollout::Mark;

use super::Label;

/// What became of a rollback.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RollbackOutcome {
    /// All living VMs apply it.
    Applied,
    /// Some VM did not apply it in time.
    Late,
    /// No VM lived that could tell.
    Unobserved,
}

impl RollbackOutcome {
    pub(super) const ALL: [Self; 3] = [Self::Applied, Self::Late, Self::Unobserved];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Late => "late",
            Self::Unobserved => "unobserved",
        }
    }
}

/// The metrics of our own objectives.
#[derive(Debug)]
pub struct SloMetrics {
    detection: Histogram,
    rollback: Histogram,
    rollbacks: Family<Label, Counter>,
    complete: Counter,
    incomplete: Counter,
    marked: Family<Label, Counter>,
}

impl Default for SloMetrics {
    fn default() -> Self {
        // From a quarter of a second to over two hours; from ten milliseconds to five minutes.
        let metrics = Self {
            detection: Histogram::new(exponential_buckets(0.25, 2.0, 16)),
            rollback: Histogram::new(exponential_buckets(0.01, 2.0, 16)),
            rollbacks: Family::default(),
            complete: Counter::default(),
            incomplete: Counter::default(),
            marked: Family::default(),
        };
        for mark in [Mark::Right, Mark::FalseAlarm] {
            let _from_zero_on = metrics.marked.get_or_create(&[("mark", mark.name())]);
        }
        for outcome in RollbackOutcome::ALL {
            let _from_zero_on = metrics.rollbacks.get_or_create(&[("outcome", outcome.name())]);
        }
        metrics
    }
}

impl SloMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "From the first second of the evidence that led to an automatic rollback to its decision";
        registry.register_with_unit("detection", help, Unit::Seconds, self.detection.clone());
        let help = "From the decision to roll back to the report of the last living VM that applies it";
        registry.register_with_unit("rollback", help, Unit::Seconds, self.rollback.clone());
        let help = "Decisions that undid something, by what became of them";
        registry.register("rollbacks", help, self.rollbacks.clone());
        let help = "Decisions whose evidence was written whole, in the transaction of the decision";
        registry.register("evidence_complete", help, self.complete.clone());
        let help = "Decisions whose evidence could not be written, or not all of it";
        registry.register("evidence_incomplete", help, self.incomplete.clone());
        let help = "What people said of decisions: that they were right, or false alarms";
        registry.register("decisions_marked", help, self.marked.clone());
    }

    /// Notes what a person says of a decision.
    pub fn marked(&self, mark: Mark) {
        self.marked.get_or_create(&[("mark", mark.name())]).inc();
    }

    /// Notes an automatic decision to undo something.
    pub fn detected(&self, since_onset: Duration) {
        self.detection.observe(since_onset.as_secs_f64());
    }

    /// Notes what became of a rollback, and when that was known.
    pub fn rolled_back(&self, outcome: RollbackOutcome, since_decision: Duration) {
        self.rollbacks.get_or_create(&[("outcome", outcome.name())]).inc();
        if outcome == RollbackOutcome::Applied {
            self.rollback.observe(since_decision.as_secs_f64());
        }
    }

    /// Notes whether the evidence of a decision is whole.
    pub fn evidence(&self, is_complete: bool) {
        if is_complete {
            self.complete.inc()
        } else {
            self.incomplete.inc()
        };
    }
}
