//! A histogram that is added to all the time: each chunk of bins that holds something has counters.
//!
//! Two bins share a counter, so what is read is rounded up by at most 1.6 %. Adding costs no search and no move. Counters
//! saturate, so it serves summaries and lessons, never a test.

use serde::{Deserialize, Serialize};

use super::{Bin, GROUP, LatencyHistogram};

/// Counters that share an allocation and a sum, so that a quantile is found without reading all.
const CHUNK: usize = 32;
const CHUNKS: usize = Bin::COUNT / GROUP / CHUNK;

/// Counts by bin.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct DenseHistogram {
    /// By number, up to the last one ever used.
    chunks: Vec<Option<Box<[u32; CHUNK]>>>,
    /// Sum of each chunk.
    sums: Vec<u64>,
    total: u64,
}

impl DenseHistogram {
    /// Adds `bins`.
    pub(crate) fn add(&mut self, bins: impl Iterator<Item = (Bin, u64)>) {
        let mut bins = bins.filter(|(_, count)| *count > 0).peekable();
        while let Some(&(first, _)) = bins.peek() {
            let chunk = first.group() / CHUNK;
            if chunk >= self.chunks.len() {
                self.chunks.resize(chunk + 1, None);
                self.sums.resize(chunk + 1, 0);
            }
            let (Some(counters), Some(sum)) = (self.chunks.get_mut(chunk), self.sums.get_mut(chunk)) else {
                return;
            };
            let counters = counters.get_or_insert_with(|| Box::new([0; CHUNK]));
            // Bins come in rising order, so those of a chunk follow each other.
            while let Some((bin, count)) = bins.next_if(|(bin, _)| bin.group() / CHUNK == chunk) {
                let Some(counter) = counters.get_mut(bin.group() % CHUNK) else { continue };
                let before = std::mem::replace(
                    counter,
                    counter.saturating_add(u32::try_from(count).unwrap_or(u32::MAX)),
                );
                let added = u64::from(*counter - before);
                *sum += added;
                self.total += added;
            }
        }
    }

    /// Takes back `bins` that were added before.
    pub(crate) fn subtract(&mut self, bins: impl Iterator<Item = (Bin, u64)>) {
        for (bin, count) in bins {
            let (chunk, at) = (bin.group() / CHUNK, bin.group() % CHUNK);
            let (Some(Some(counters)), Some(sum)) = (self.chunks.get_mut(chunk), self.sums.get_mut(chunk))
            else {
                continue;
            };
            let Some(counter) = counters.get_mut(at) else { continue };
            let taken = u32::try_from(count).unwrap_or(u32::MAX).min(*counter);
            *counter -= taken;
            *sum -= u64::from(taken);
            self.total -= u64::from(taken);
        }
        if self.total == 0 {
            *self = Self::default();
        }
        for (chunk, _) in self.chunks.iter_mut().zip(&self.sums).filter(|(_, sum)| **sum == 0) {
            *chunk = None;
        }
    }

    /// Halves every counter, rounding down.
    pub(crate) fn halve(&mut self) {
        for (counters, sum) in self.chunks.iter_mut().zip(&mut self.sums) {
            if let Some(counters) = counters {
                counters.iter_mut().for_each(|counter| *counter /= 2);
                *sum = counters.iter().map(|counter| u64::from(*counter)).sum();
            }
        }
        self.total = self.sums.iter().sum();
    }

    /// Requests counted.
    pub(crate) fn count(&self) -> u64 {
        self.total
    }

    /// Bins that hold something, in rising order.
    pub(crate) fn bins(&self) -> impl Iterator<Item = (Bin, u64)> + Clone + '_ {
        let chunks = self.chunks.iter().enumerate();
        let counters = chunks.flat_map(|(chunk, counters)| {
            counters
                .iter()
                .flat_map(|counters| counters.iter())
                .enumerate()
                .map(move |(at, count)| (chunk * CHUNK + at, count))
        });
        counters
            .filter(|(_, count)| **count > 0)
            .map(|(group, count)| (Bin::last_of(group), u64::from(*count)))
    }

    /// The same counts with the empty bins left out.
    pub(crate) fn to_sparse(&self) -> LatencyHistogram {
        LatencyHistogram { bins: self.bins().collect() }
    }

    fn chunk(&self, chunk: usize) -> Option<&[u32; CHUNK]> {
        self.chunks.get(chunk)?.as_deref()
    }
}

/// For each of `quantiles` the first bin at which that share of all the requests in `histograms` is reached; `None`
/// if there are none.
pub(crate) fn quantiles<'a, const N: usize>(
    histograms: impl Iterator<Item = &'a DenseHistogram> + Clone,
    quantiles: [f64; N],
) -> [Option<Bin>; N] {
    let mut sums = [0_u64; CHUNKS];
    for histogram in histograms.clone() {
        for (into, sum) in sums.iter_mut().zip(&histogram.sums) {
            *into = into.saturating_add(*sum);
        }
    }
    let total = sums.iter().fold(0_u64, |total, sum| total.saturating_add(*sum));
    quantiles.map(|quantile| {
        let rank = (quantile.clamp(0.0, 1.0) * total as f64).ceil().max(1.0);
        let mut below = 0_u64;
        let reaches = |sum: &u64| {
            let reached = below.saturating_add(*sum) as f64 >= rank;
            below = if reached { below } else { below.saturating_add(*sum) };
            reached
        };
        let chunk = sums.iter().position(reaches)?;
        let mut bins = [0_u64; CHUNK];
        for counts in histograms.clone().filter_map(|histogram| histogram.chunk(chunk)) {
            bins.iter_mut()
                .zip(counts)
                .for_each(|(into, count)| *into = into.saturating_add(u64::from(*count)));
        }
        let at = bins.iter().position(|count| {
            below = below.saturating_add(*count);
            below as f64 >= rank
        });
        at.map(|at| Bin::last_of(chunk * CHUNK + at))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn histogram(values: &[(u64, u64)]) -> LatencyHistogram {
        let mut histogram = LatencyHistogram::new();
        values.iter().for_each(|(us, count)| histogram.record_n(*us, *count));
        histogram
    }

    /// With both bins of a group counted in its last one.
    fn grouped(histogram: &LatencyHistogram) -> LatencyHistogram {
        let mut grouped = LatencyHistogram::new();
        histogram.bins().for_each(|(bin, count)| grouped.add(Bin::last_of(bin.group()), count));
        grouped
    }

    fn values() -> impl Strategy<Value = Vec<(u64, u64)>> {
        prop::collection::vec((0..10_000_000_u64, 0..1_000_u64), 0..60)
    }

    proptest! {
        #[test]
        fn it_holds_what_a_sparse_histogram_holds_by_group(first in values(), second in values(), quantile in 0.0..1.0_f64) {
            let (first, second) = (grouped(&histogram(&first)), histogram(&second));
            let mut dense = DenseHistogram::default();
            dense.add(first.bins());
            dense.add(second.bins());
            let mut sum = first.clone();
            sum.merge(&grouped(&second));
            prop_assert_eq!(dense.to_sparse(), sum.clone());
            prop_assert_eq!(dense.count(), sum.count());
            for quantile in [quantile, 0.0, 0.5, 0.99, 1.0] {
                let [bin] = quantiles([&dense].into_iter(), [quantile]);
                prop_assert_eq!(bin.map(Bin::highest_us), sum.quantile_us(quantile));
                let twice = [&dense, &dense].into_iter();
                prop_assert_eq!(quantiles(twice, [quantile, 0.5])[1].map(Bin::highest_us), sum.quantile_us(0.5));
            }
            dense.subtract(second.bins());
            prop_assert_eq!(dense.to_sparse(), first);
        }
    }

    #[test]
    fn counters_saturate() {
        let mut dense = DenseHistogram::default();
        dense.add(histogram(&[(5, u64::MAX), (7, 1)]).bins());
        dense.add(histogram(&[(5, 1)]).bins());
        assert_eq!(dense.count(), u64::from(u32::MAX) + 1);
        assert_eq!(quantiles([&dense].into_iter(), [0.5])[0].map(Bin::highest_us), Some(5));
    }
}
