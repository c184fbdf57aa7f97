//! Rollbacks, service by service: how many and why, how fast they were decided and applied, and what became of them.
//!
//! Everything about a service is there from zero on as soon as a rollout of it is known, because whoever asks what was added since
//! needs the value from before. So a rollback four seconds after the start of a rollout is seen by whoever scrapes twice a minute.
//! Services are those of plans; beyond [`SERVICES_MAX`] of them in the life of one process, further ones count as `other`.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use serin_rollout::{Cause, Event, Fact, Stage, StageOutcome};

use super::RollbackOutcome;
use crate::words;

type Labels = Vec<(&'static str, String)>;
type Histograms = Family<Labels, Histogram, fn() -> Histogram>;

/// Services that are counted apart: as many as rollouts are kept.
const SERVICES_MAX: usize = crate::snapshot::ROLLOUTS_MAX;
/// Name of those beyond.
const OTHER: &str = "other";
/// What a rollback undoes: the version, a component, a block; or an arm of an experiment.
const GRANULARITIES: [&str; 4] = ["coarse", "medium", "fine", "arm"];
/// Bounds for a service. The metrics of all services together are finer.
const DETECTION_S: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0];
const ROLLBACK_S: [f64; 8] = [0.05, 0.2, 0.5, 1.0, 2.0, 10.0, 30.0, 120.0];

/// What was undone.
#[derive(Debug)]
pub(crate) struct RollbackMetrics {
    services: Mutex<BTreeSet<String>>,
    decisions: Family<Labels, Counter>,
    outcomes: Family<Labels, Counter>,
    detection: Histograms,
    applied: Histograms,
    stages: Family<Labels, Counter>,
    verified: Histogram,
}

impl Default for RollbackMetrics {
    fn default() -> Self {
        let metrics = Self {
            services: Mutex::default(),
            decisions: Family::default(),
            outcomes: Family::default(),
            detection: Family::new_with_constructor(|| Histogram::new(DETECTION_S)),
            applied: Family::new_with_constructor(|| Histogram::new(ROLLBACK_S)),
            stages: Family::default(),
            // From a quarter of a second to over an hour.
            verified: Histogram::new(exponential_buckets(0.25, 2.0, 15)),
        };
        for stage in Stage::ALL {
            for outcome in StageOutcome::ALL {
                drop(metrics.stages.get_or_create(&stage_labels(stage, outcome)));
            }
        }
        metrics
    }
}

fn stage_labels(stage: Stage, outcome: StageOutcome) -> Labels {
    vec![("stage", stage.name().to_owned()), ("outcome", outcome.name().to_owned())]
}

/// At which granularity a fact undoes something, and why. `None`: it does not.
const fn undone(fact: &Fact) -> Option<(&'static str, &Cause)> {
    if let Fact::RolledBack { cause, .. } = fact {
        Some(("coarse", cause))
    } else if let Fact::ComponentsRolledBack { cause, .. } = fact {
        Some(("medium", cause))
    } else if let Fact::BlocksRestored { cause, .. } = fact {
        Some(("fine", cause))
    } else if let Fact::ArmsStopped { cause, .. } = fact {
        Some(("arm", cause))
    } else {
        None
    }
}

fn of(service: &str) -> Labels {
    vec![("service", service.to_owned())]
}

fn with(service: &str, more: &[(&'static str, &str)]) -> Labels {
    let more = more.iter().map(|(name, value)| (*name, (*value).to_owned()));
    of(service).into_iter().chain(more).collect()
}

impl RollbackMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Decisions that undid something, by service, what they undo (granularity) and why";
        registry.register("service_rollbacks", help, self.decisions.clone());
        let help = "Decisions that undid something, by service and what became of them";
        registry.register("service_rollback_outcomes", help, self.outcomes.clone());
        let help = "By service: from the first second of the evidence that led to an automatic rollback to its decision";
        registry.register_with_unit("service_detection", help, Unit::Seconds, self.detection.clone());
        let help =
            "By service: from the decision to roll back to the report of the last living VM that applies it";
        registry.register_with_unit("service_rollback", help, Unit::Seconds, self.applied.clone());
        let help = "Stages of rollbacks that ended or are late, by stage and outcome";
        registry.register("rollback_stages", help, self.stages.clone());
        let help = "From the decision to roll back until the baseline was seen to carry the load";
        registry.register_with_unit("rollback_verified", help, Unit::Seconds, self.verified.clone());
    }

    /// A rollout of a service is known.
    pub(crate) fn known(&self, service: &str) {
        let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        if services.contains(service) || services.len() >= SERVICES_MAX {
            return;
        }
        services.insert(service.to_owned());
        drop(services);
        for granularity in GRANULARITIES {
            for cause in words::CAUSES {
                let labels = with(service, &[("granularity", granularity), ("cause", cause)]);
                drop(self.decisions.get_or_create(&labels));
            }
        }
        for outcome in RollbackOutcome::ALL {
            drop(self.outcomes.get_or_create(&with(service, &[("outcome", outcome.name())])));
        }
        drop(self.detection.get_or_create(&of(service)));
        drop(self.applied.get_or_create(&of(service)));
    }

    /// The name under which a service is counted.
    fn name<'a>(&self, service: &'a str) -> &'a str {
        self.known(service);
        let services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        if services.contains(service) { service } else { OTHER }
    }

    /// Notes what events of a rollout of `service` undid, and how far that was carried out.
    pub(crate) fn decided(&self, service: &str, events: &[Event]) {
        for event in events {
            if let Fact::RollbackStage { record, .. } = &event.fact {
                self.stages.get_or_create(&stage_labels(record.stage, record.outcome)).inc();
            }
            if let Some((granularity, cause)) = undone(&event.fact) {
                let labels = [("granularity", granularity), ("cause", words::cause(cause))];
                self.decisions.get_or_create(&with(self.name(service), &labels)).inc();
            }
        }
    }

    /// Notes when the baseline was seen to carry the load.
    pub(crate) fn verified(&self, since_decision: Duration) {
        self.verified.observe(since_decision.as_secs_f64());
    }

    /// Notes an automatic decision to undo something.
    pub(crate) fn detected(&self, service: &str, since_onset: Duration) {
        self.detection.get_or_create(&of(self.name(service))).observe(since_onset.as_secs_f64());
    }

    /// Notes what became of a rollback, and when that was known.
    pub(crate) fn rolled_back(&self, service: &str, outcome: RollbackOutcome, since_decision: Duration) {
        let service = self.name(service);
        self.outcomes.get_or_create(&with(service, &[("outcome", outcome.name())])).inc();
        if outcome == RollbackOutcome::Applied {
            self.applied.get_or_create(&of(service)).observe(since_decision.as_secs_f64());
        }
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text;

    use super::*;

    fn encoded(metrics: &RollbackMetrics) -> String {
        let mut registry = Registry::default();
        metrics.register(&mut registry);
        let mut encoded = String::new();
        text::encode(&mut encoded, &registry).unwrap();
        encoded
    }

    #[test]
    fn a_service_counts_from_zero_on_once_it_is_known() {
        let metrics = RollbackMetrics::default();
        assert!(!encoded(&metrics).contains("shop"));
        metrics.known("shop");
        let text = encoded(&metrics);
        let line = "service_rollbacks_total{service=\"shop\",granularity=\"medium\",cause=\"evidence\"} 0";
        assert!(text.lines().any(|found| found == line), "{text}");
        assert!(text.contains("service_detection_seconds_count{service=\"shop\"} 0"), "{text}");
        assert!(text.contains("rollback_stages_total{stage=\"verify\",outcome=\"failed\"} 0"), "{text}");
    }

    #[test]
    fn services_beyond_the_bound_count_as_other() {
        let metrics = RollbackMetrics::default();
        (0..SERVICES_MAX).for_each(|index| metrics.known(&format!("service-{index}")));
        metrics.rolled_back("one-more", RollbackOutcome::Late, Duration::ZERO);
        metrics.detected("and-another", Duration::from_secs(3));
        let text = encoded(&metrics);
        assert!(!text.contains("one-more") && !text.contains("and-another"));
        let line = "service_rollback_outcomes_total{service=\"other\",outcome=\"late\"} 1";
        assert!(text.lines().any(|found| found == line));
        assert!(text.contains("service_detection_seconds_count{service=\"other\"} 1"));
    }
}
