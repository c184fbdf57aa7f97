//! The filter's own metrics among Envoy's stats: a fixed set, never named from a request.

use serin_filter_core::filter::Totals;

use crate::hostcalls::{Call, Metric, MetricKind};

/// Metrics of the VM; those that the host refuses are left out.
#[derive(Debug)]
pub(crate) struct Stats {
    accepted: Option<Metric>,
    rejected: Option<Metric>,
    reports_sent: Option<Metric>,
    reports_failed: Option<Metric>,
    overflow: Option<Metric>,
    unseen: Option<Metric>,
    dropped_baggage: Option<Metric>,
    beacons: Option<Metric>,
    lost_beacons: Option<Metric>,
    generation: Option<Metric>,
    told: Totals,
}

impl Stats {
    pub(crate) fn new(call: &Call) -> Self {
        let counter = |name| call.define_metric(MetricKind::Counter, name);
        Self {
            accepted: counter("serin_assignments_accepted"),
            rejected: counter("serin_assignments_rejected"),
            reports_sent: counter("serin_reports_sent"),
            reports_failed: counter("serin_reports_failed"),
            overflow: counter("serin_overflow_requests"),
            unseen: counter("serin_unseen_requests"),
            dropped_baggage: counter("serin_dropped_baggage"),
            beacons: counter("serin_beacons"),
            lost_beacons: counter("serin_lost_beacons"),
            generation: call.define_metric(MetricKind::Gauge, "serin_generation"),
            told: Totals::default(),
        }
    }

    pub(crate) fn accepted(&self, call: &Call, generation: u64) {
        add(call, self.accepted, 1);
        if let Some(metric) = self.generation {
            call.record(metric, generation);
        }
    }

    pub(crate) fn rejected(&self, call: &Call) {
        add(call, self.rejected, 1);
    }

    /// Tells the host what changed since the last time.
    pub(crate) fn tell(&mut self, call: &Call, totals: Totals) {
        if totals == self.told {
            return;
        }
        let told = std::mem::replace(&mut self.told, totals);
        for (metric, now, before) in [
            (self.reports_sent, totals.reports_sent, told.reports_sent),
            (self.reports_failed, totals.reports_failed, told.reports_failed),
            (self.overflow, totals.overflow_requests, told.overflow_requests),
            (self.unseen, totals.unseen_requests, told.unseen_requests),
            (self.dropped_baggage, totals.dropped_baggage, told.dropped_baggage),
            (self.beacons, totals.beacons, told.beacons),
            (self.lost_beacons, totals.lost_beacons, told.lost_beacons),
        ] {
            add(call, metric, now.saturating_sub(before));
        }
    }
}

fn add(call: &Call, metric: Option<Metric>, by: u64) {
    if let Some(metric) = metric.filter(|_| by > 0) {
        call.increment(metric, by);
    }
}
