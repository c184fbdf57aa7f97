//! What the control plane says about itself and its rollouts in OpenMetrics text.
//!
//! Counters and histograms of events live here; what is a matter of state (rollouts, nodes, counts of requests) is
//! read at each scrape from the same snapshots that everyone else sees (`observed`). Labels come from plans, never
//! from requests; their number is bounded by the bounds of the assignment and of the accounts.

mod classic;
mod notifications;
mod observed;
mod otlp;
mod outside;
mod rollbacks;
mod slo;

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::assignment::Board;
use crate::fleet::Fleet;
use crate::snapshot::Directory;
use notifications::NotificationMetrics;
use observed::Observed;
use otlp::OtlpCounters;
pub use otlp::OtlpResult;
use outside::OutsideCounters;
use rollbacks::RollbackMetrics;
pub use slo::{RollbackOutcome, SloMetrics};

/// Finer where a late tick begins to matter.
const TICK_LAGS_S: [f64; 13] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];

type Label = [(&'static str, &'static str); 1];

/// A form of the text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// OpenMetrics 1.0, for whoever asks for it.
    OpenMetrics,
    /// The older text format 0.0.4, for everyone else.
    Classic,
}

impl Form {
    /// What an `accept` value asks for.
    #[must_use]
    pub fn accepted(accept: Option<&str>) -> Self {
        if accept.is_some_and(|accept| accept.contains("application/openmetrics-text")) {
            Self::OpenMetrics
        } else {
            Self::Classic
        }
    }

    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// What became of a report.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ReportResult {
    /// It was counted.
    Merged,
    /// It had been counted before.
    Repeated,
    /// It can never be counted.
    Refused,
    /// There was no room or time; it comes again.
    Postponed,
}

/// Everything that is counted as it happens.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    reports: Family<Label, Counter>,
    /// Assignments that Envoys refused.
    pub rejected: Counter,
    /// Journal entries written.
    pub events: Counter,
    acknowledged: Histogram,
    published: Histogram,
    applied: Histogram,
    tick_lag: Histogram,
    evaluation: Histogram,
    otlp: OtlpCounters,
    /// Queries and health checks.
    pub(crate) outside: OutsideCounters,
    /// What becomes of notifications.
    pub(crate) notifications: NotificationMetrics,
    /// Rollbacks of each service.
    pub(crate) rollbacks: RollbackMetrics,
    /// How well we do our own work.
    pub slo: SloMetrics,
}

impl Metrics {
    /// Reads state from `fleet`, `directory` and `board` at each scrape.
    #[must_use]
    pub fn new(fleet: Arc<Fleet>, directory: Arc<Directory>, board: Arc<Board>) -> Self {
        let from_millisecond = || Histogram::new(exponential_buckets(0.001, 2.0, 16));
        let metrics = Self {
            registry: Registry::default(),
            reports: Family::default(),
            rejected: Counter::default(),
            events: Counter::default(),
            acknowledged: from_millisecond(),
            published: from_millisecond(),
            applied: from_millisecond(),
            tick_lag: Histogram::new(TICK_LAGS_S),
            evaluation: Histogram::new(exponential_buckets(0.000_05, 2.0, 16)),
            otlp: OtlpCounters::default(),
            outside: OutsideCounters::default(),
            notifications: NotificationMetrics::default(),
            rollbacks: RollbackMetrics::default(),
            slo: SloMetrics::default(),
        };
        metrics.registered(Observed { fleet, directory, board })
    }

    fn registered(mut self, observed: Observed) -> Self {
        let mut registry = Registry::with_prefix("serin");
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The control plane's build", build);
        registry.register("reports", "Reports of VMs, by what became of them", self.reports.clone());
        registry.register("assignments_rejected", "Assignments that Envoys refused", self.rejected.clone());
        registry.register("journal_events", "Journal entries written", self.events.clone());
        for (name, help, histogram) in [
            ("decision_to_published", "From a decision to its assignment on offer", &self.published),
            (
                "decision_to_acknowledged",
                "From a decision to an Envoy's acknowledgement, each Envoy",
                &self.acknowledged,
            ),
            (
                "decision_to_applied",
                "From a decision to the report of the last living VM that applies it",
                &self.applied,
            ),
            ("tick_lag", "How late the rollouts' task began a tick", &self.tick_lag),
            ("evaluation", "Time to judge all running rollouts once", &self.evaluation),
        ] {
            registry.register_with_unit(name, help, Unit::Seconds, histogram.clone());
        }
        self.otlp.register(&mut registry);
        self.outside.register(&mut registry);
        self.notifications.register(&mut registry);
        self.rollbacks.register(&mut registry);
        self.slo.register(&mut registry);
        registry.register_collector(Box::new(observed));
        self.registry = registry;
        self
    }

    /// Notes what became of a report.
    pub fn report(&self, result: ReportResult) {
        let name = match result {
            ReportResult::Merged => "merged",
            ReportResult::Repeated => "repeated",
            ReportResult::Refused => "refused",
            ReportResult::Postponed => "postponed",
        };
        self.reports.get_or_create(&[("result", name)]).inc();
    }

    /// Notes how long an Envoy took to acknowledge a decision.
    pub fn acknowledged(&self, since_decision: Duration) {
        self.acknowledged.observe(since_decision.as_secs_f64());
    }

    /// Notes how long a decision took to be on offer.
    pub fn published(&self, since_decision: Duration) {
        self.published.observe(since_decision.as_secs_f64());
    }

    /// Notes how long the last living VM took to report that it applies a decision.
    pub fn applied(&self, since_decision: Duration) {
        self.applied.observe(since_decision.as_secs_f64());
    }

    /// Notes a tick: how late it began and how long it took.
    pub fn tick(&self, lag: Duration, took: Duration) {
        self.tick_lag.observe(lag.as_secs_f64());
        self.evaluation.observe(took.as_secs_f64());
    }

    /// All metrics as text.
    #[must_use]
    pub fn encode(&self, form: Form) -> String {
        let mut text = String::new();
        if let Err(error) = text::encode(&mut text, &self.registry) {
            tracing::error!(%error, "metrics cannot be encoded");
        }
        match form {
            Form::OpenMetrics => text,
            Form::Classic => classic::from_openmetrics(&text),
        }
    }
}
