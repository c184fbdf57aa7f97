//! What became of requests with log records, spans or metrics, and of these.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::{Label, Metrics};
use crate::otlp::{Fate, LineFate, SpanFate};

/// How a request with log records, spans or metrics ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OtlpResult {
    /// It was read; what became of what it holds is counted beside.
    Taken,
    /// It could not be read.
    Malformed,
    /// It was too large, packed or not.
    TooLarge,
    /// Its content type or method is not served.
    Unsupported,
    /// There was no room; it comes again.
    Busy,
    /// It had no valid token.
    Denied,
    /// It did not arrive in time; it comes again.
    Slow,
}

impl OtlpResult {
    const ALL: [Self; 7] = [
        Self::Taken,
        Self::Malformed,
        Self::TooLarge,
        Self::Unsupported,
        Self::Busy,
        Self::Denied,
        Self::Slow,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::Unsupported => "unsupported",
            Self::Busy => "busy",
            Self::Denied => "denied",
            Self::Slow => "slow",
        }
    }
}

/// Counters of the intake of log records, spans and metrics.
#[derive(Debug, Default)]
pub(super) struct OtlpCounters {
    requests: Family<Label, Counter>,
    records: Family<Label, Counter>,
    lines: Family<Label, Counter>,
    spans: Family<Label, Counter>,
    points: Family<Label, Counter>,
    series: Gauge,
}

impl OtlpCounters {
    pub(super) fn register(&self, registry: &mut Registry) {
        // Each reason is there from the start, so that its absence cannot be taken for zero.
        OtlpResult::ALL
            .iter()
            .for_each(|result| drop(self.requests.get_or_create(&[("result", result.name())])));
        Fate::ALL.iter().for_each(|fate| drop(self.records.get_or_create(&[("result", fate.name())])));
        LineFate::ALL.iter().for_each(|fate| drop(self.lines.get_or_create(&[("result", fate.name())])));
        SpanFate::ALL.iter().for_each(|fate| drop(self.spans.get_or_create(&[("result", fate.name())])));
        serin_series::Fate::ALL
            .iter()
            .for_each(|fate| drop(self.points.get_or_create(&[("result", fate.name())])));
        let help = "OTLP requests with log records, spans or metrics, by what became of them";
        registry.register("otlp_requests", help, self.requests.clone());
        let help = "Log records, by what became of them";
        registry.register("otlp_log_records", help, self.records.clone());
        let help = "Log records as lines of templates, by what became of them";
        registry.register("otlp_log_lines", help, self.lines.clone());
        let help = "Spans, by what became of them";
        registry.register("otlp_spans", help, self.spans.clone());
        let help = "Points of metrics, by what became of them";
        registry.register("otlp_points", help, self.points.clone());
        registry.register("otlp_series", "Series of metrics that are kept", self.series.clone());
    }
}

impl Metrics {
    /// Notes how a request with log records, spans or metrics ended.
    pub(crate) fn otlp_request(&self, result: OtlpResult) {
        self.otlp.requests.get_or_create(&[("result", result.name())]).inc();
    }

    /// Notes what became of spans.
    pub(crate) fn otlp_spans(&self, fate: SpanFate, spans: u64) {
        self.otlp.spans.get_or_create(&[("result", fate.name())]).inc_by(spans);
    }

    /// Notes what became of points.
    pub(crate) fn otlp_points(&self, fate: serin_series::Fate, points: u64) {
        self.otlp.points.get_or_create(&[("result", fate.name())]).inc_by(points);
    }

    /// Notes how many series are kept.
    pub(crate) fn otlp_series(&self, kept: usize) {
        self.otlp.series.set(i64::try_from(kept).unwrap_or(i64::MAX));
    }

    /// Notes what became of log records as lines of templates.
    pub(crate) fn otlp_lines(&self, fate: LineFate, lines: u64) {
        self.otlp.lines.get_or_create(&[("result", fate.name())]).inc_by(lines);
    }

    /// Notes what became of log records.
    pub(crate) fn otlp_records(&self, fate: Fate, records: u64) {
        self.otlp.records.get_or_create(&[("result", fate.name())]).inc_by(records);
    }
}
