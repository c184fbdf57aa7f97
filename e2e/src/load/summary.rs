//! What came back.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::seen::Seen;

/// Kind of answer.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Key {
    /// Name of the target.
    pub route: String,
    /// What the answer said in `x-version`. None: no sample service answered.
    pub version: Option<String>,
    /// How it ended.
    pub status: Status,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// A whole answer with this HTTP status, not gRPC or without a gRPC status.
    Http(u16),
    /// A whole answer with this gRPC status.
    Grpc(u16),
    /// No whole answer: connection refused, reset, or ended in the middle of the answer.
    Broken,
    /// No whole answer before the deadline.
    TimedOut,
}

impl Status {
    /// Whether the answer is one that a user would call good.
    #[must_use]
    pub fn is_ok(self) -> bool {
        match self {
            Self::Http(status) => (100..400).contains(&status),
            Self::Grpc(status) => status == 0,
            Self::Broken | Self::TimedOut => false,
        }
    }

    /// Whether the service, not the client, is to blame.
    #[must_use]
    pub fn is_failure(self) -> bool {
        match self {
            Self::Http(status) => status >= 500,
            Self::Grpc(status) => status != 0,
            Self::Broken | Self::TimedOut => true,
        }
    }
}

/// All answers so far.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Requests that ended, by kind.
    pub counts: BTreeMap<Key, u64>,
    /// Requests that found no room and were not sent.
    pub not_sent: u64,
    /// When they came, by kind.
    pub seen: BTreeMap<Key, Seen>,
    /// Requests by route whose user had got another version there the last time.
    pub moved: BTreeMap<String, u64>,
    latencies: BTreeMap<(String, Option<String>), Latencies>,
}

impl Summary {
    pub(super) fn add(&mut self, key: Key, moved: bool, latency: Duration) {
        if moved {
            *self.moved.entry(key.route.clone()).or_default() += 1;
        }
        self.latencies.entry((key.route.clone(), key.version.clone())).or_default().record(latency);
        self.seen.entry(key.clone()).and_modify(Seen::again).or_insert_with(Seen::now);
        *self.counts.entry(key).or_default() += 1;
    }

    /// Requests that fit `wanted`, added up.
    #[must_use]
    pub fn total(&self, mut wanted: impl FnMut(&Key) -> bool) -> u64 {
        self.counts.iter().filter(|(key, _)| wanted(key)).map(|(_, count)| count).sum()
    }

    /// Requests that no sample service answered, although the target was not `expected` to break.
    #[must_use]
    pub fn unanswered(&self, mut expected: impl FnMut(&Key) -> bool) -> u64 {
        self.total(|key| key.version.is_none() && !expected(key))
    }

    /// Latency that the fraction `quantile` (0 to 1) of the requests of one route and version stayed below. None: there
    /// were none.
    #[must_use]
    pub fn latency(&self, route: &str, version: Option<&str>, quantile: f64) -> Option<Duration> {
        let latencies = self.latencies.get(&(route.to_owned(), version.map(str::to_owned)))?;
        Some(latencies.quantile(quantile))
    }

    /// As [`Self::latency`], of all requests.
    #[must_use]
    pub fn latency_of_all(&self, quantile: f64) -> Option<Duration> {
        let mut all = Latencies::default();
        self.latencies.values().for_each(|some| all.merge(some));
        (!self.latencies.is_empty()).then(|| all.quantile(quantile))
    }
}

/// Latencies in microseconds, with two significant digits, up to [`Latencies::LONGEST_US`].
#[derive(Clone, Debug)]
struct Latencies(Histogram<u64>);

impl Latencies {
    const LONGEST_US: u64 = 100_000_000;

    fn record(&mut self, latency: Duration) {
        self.0.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
    }

    fn quantile(&self, quantile: f64) -> Duration {
        Duration::from_micros(self.0.value_at_quantile(quantile))
    }

    fn merge(&mut self, other: &Self) {
        // Both have the same bounds, so nothing can be out of range.
        let _ = self.0.add(&other.0);
    }
}

impl Default for Latencies {
    #[expect(clippy::expect_used, reason = "constant bounds that HdrHistogram accepts")]
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, Self::LONGEST_US, 2).expect("valid bounds"))
    }
}
