//! Several seconds of one arm summed up, as a query over a window gives them.

use super::SecondAggregate;
use crate::histogram::{Bin, quantile_bin};

/// The sum of several seconds. Each bin of latency has a counter, so adding a second costs that second's own bins.
#[derive(Clone, Debug, Default)]
pub(super) struct Gathered {
    pub(super) requests: u64,
    failures: u64,
    /// Empty while there is no latency.
    latencies: Vec<u64>,
}

impl Gathered {
    pub(super) fn add(&mut self, second: &SecondAggregate) {
        self.requests = self.requests.saturating_add(second.requests);
        self.failures = self.failures.saturating_add(second.failures);
        if self.latencies.is_empty() && !second.latency.is_empty() {
            self.latencies.resize(Bin::COUNT, 0);
        }
        for (bin, count) in second.latency.bins() {
            if let Some(sum) = self.latencies.get_mut(bin.index()) {
                *sum = sum.saturating_add(count);
            }
        }
    }

    /// Requests that failed: at most all.
    pub(super) fn failures(&self) -> u64 {
        self.failures.min(self.requests)
    }

    /// Share of failed requests, NaN without requests: zero divided by zero, as in a query.
    pub(super) fn failure_share(&self) -> f64 {
        self.failures() as f64 / self.requests as f64
    }

    /// Quantile of latency in ms, NaN without requests.
    pub(super) fn quantile_ms(&self, quantile: f64) -> f64 {
        let count = self.latencies.iter().fold(0_u64, |sum, count| sum.saturating_add(*count));
        let counters = self.latencies.iter().enumerate().filter(|(_, count)| **count > 0);
        let bins = counters.map(|(index, count)| (Bin::from_index(index), *count));
        quantile_bin(bins, count, quantile).map_or(f64::NAN, |bin| bin.highest_us() as f64 / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::LatencyHistogram;

    #[test]
    fn a_sum_has_the_quantiles_of_the_merged_histograms() {
        let (mut sum, mut merged) = (Gathered::default(), LatencyHistogram::new());
        assert!(sum.quantile_ms(0.5).is_nan() && sum.failure_share().is_nan());
        for second in 1..40_u64 {
            let mut latency = LatencyHistogram::new();
            (0..second).for_each(|at| latency.record_n(at * at * 9_973 * second, at + 1));
            merged.merge(&latency);
            sum.add(&SecondAggregate { requests: second, failures: 1, latency });
        }
        for quantile in [0.0, 0.1, 0.5, 0.9, 0.99, 1.0] {
            let expected = merged.quantile_us(quantile).unwrap() as f64 / 1000.0;
            assert!(sum.quantile_ms(quantile) == expected, "{quantile}");
        }
        assert!(sum.failure_share() == 39.0 / 780.0);
    }
}
