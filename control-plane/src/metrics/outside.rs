//! What queries and health checks gave.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use serin_rollout::outside::{About, CheckAnswer, QueryAnswer, Told};

use super::Label;

/// Counters of what came from outside.
#[derive(Debug, Default)]
pub(crate) struct OutsideCounters {
    queries: Counter,
    query_failures: Counter,
    checks: Family<Label, Counter>,
    /// Answers that found no room.
    pub(crate) dropped: Counter,
}

impl OutsideCounters {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("queries", "Answers to queries of plans", self.queries.clone());
        let help = "Answers to queries of plans that give no value";
        registry.register("query_failures", help, self.query_failures.clone());
        let help = "Answers to health checks of plans, by what they say";
        registry.register("health_checks", help, self.checks.clone());
        let help = "Answers to queries and health checks that found no room";
        registry.register("answers_dropped", help, self.dropped.clone());
    }

    pub(crate) fn count(&self, told: &Told) {
        match &told.about {
            About::Query { answer, .. } => {
                self.queries.inc();
                if matches!(answer, QueryAnswer::Nothing { .. }) {
                    self.query_failures.inc();
                }
            }
            About::Check { answer, .. } => {
                let result = match answer {
                    CheckAnswer::Passed { .. } => "passed",
                    CheckAnswer::Failed { .. } => "failed",
                    CheckAnswer::NotAsked { .. } => "not_asked",
                };
                self.checks.get_or_create(&[("result", result)]).inc();
            }
        }
    }
}
