//! A histogram that is added to all the time: a counter for each group of bins between the lowest and the highest used.
//!
//! Two bins share a counter, so what is read is rounded up by at most 1.6 %. Adding costs no search and no move. Counters
//! are as narrow as the largest count allows. The sum of a chunk saturates at 32 bits, so it serves summaries and lessons,
//! never a test.

mod counters;
mod stored;

use serde::{Deserialize, Serialize};

use super::{Bin, GROUP, LatencyHistogram};
use counters::Counters;
use stored::Stored;

/// Counters that share a sum, so that a quantile is found without reading all.
const CHUNK: usize = 32;
const CHUNKS: usize = Bin::COUNT / GROUP / CHUNK;
/// Chunks at the ends that may hold nothing.
const SPARE_CHUNKS: usize = 2;

/// Counts by bin.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(from = "Stored", into = "Stored")]
pub(crate) struct DenseHistogram {
    /// Number of the first chunk that has counters.
    first: usize,
    counters: Counters,
    /// Sum of each chunk from the first on.
    sums: Vec<u32>,
    total: u64,
}

impl PartialEq for DenseHistogram {
    fn eq(&self, other: &Self) -> bool {
        self.bins().eq(other.bins())
    }
}

impl DenseHistogram {
    /// Adds `bins`.
    pub(crate) fn add(&mut self, mut bins: impl Iterator<Item = (Bin, u64)>) {
        loop {
            let added = self.counters.add_all(self.first * CHUNK, &mut self.sums, &mut bins);
            self.total += added.sum;
            let Some((bin, count)) = added.missing else { return };
            self.add_one(bin.group(), u32::try_from(count).unwrap_or(u32::MAX));
        }
    }

    /// Adds all that `other` holds.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (chunk, sum) in (other.first..).zip(&other.sums).filter(|(_, sum)| **sum > 0) {
            self.cover(chunk);
            let Some(into) = self.sums.get_mut(chunk - self.first) else { continue };
            let room = u32::MAX - *into;
            if *sum <= room && self.counters.add_chunk(chunk - self.first, &other.chunk(chunk)) {
                *into += sum;
                self.total += u64::from(*sum);
            } else {
                let counts = (chunk * CHUNK..).zip(other.chunk(chunk)).filter(|(_, count)| *count > 0);
                counts.for_each(|(group, count)| self.add_one(group, count));
            }
        }
    }

    /// Takes back `bins` that were added before, and gives back memory.
    pub(crate) fn subtract(&mut self, bins: impl Iterator<Item = (Bin, u64)>) {
        self.total -= self.counters.take_all(self.first * CHUNK, &mut self.sums, bins);
        self.trim();
    }

    /// Sets all counts to zero; the memory of those that were not is kept for the next ones.
    pub(crate) fn clear(&mut self) {
        self.trim();
        self.counters.clear();
        self.sums.fill(0);
        self.total = 0;
    }

    /// Halves every counter, rounding down.
    pub(crate) fn halve(&mut self) {
        self.counters.halve();
        for chunk in 0..self.sums.len() {
            let sum = self.counters.chunk(chunk).iter().sum();
            if let Some(into) = self.sums.get_mut(chunk) {
                *into = sum;
            }
        }
        self.total = self.sums.iter().map(|sum| u64::from(*sum)).sum();
    }

    /// Requests counted.
    pub(crate) fn count(&self) -> u64 {
        self.total
    }

    /// Bins that hold something, in rising order.
    pub(crate) fn bins(&self) -> impl Iterator<Item = (Bin, u64)> + Clone + '_ {
        let chunks = (self.first..).zip(&self.sums).filter(|(_, sum)| **sum > 0);
        let counters = chunks.flat_map(|(chunk, _)| (chunk * CHUNK..).zip(self.chunk(chunk)));
        counters.filter(|(_, count)| *count > 0).map(|(group, count)| (Bin::last_of(group), u64::from(count)))
    }

    /// The same counts with the empty bins left out.
    pub(crate) fn to_sparse(&self) -> LatencyHistogram {
        let mut sparse = LatencyHistogram::with_capacity(self.bins().count());
        self.bins().for_each(|(bin, count)| sparse.add(bin, count));
        sparse
    }

    fn chunk(&self, chunk: usize) -> [u32; CHUNK] {
        chunk.checked_sub(self.first).map_or([0; CHUNK], |at| self.counters.chunk(at))
    }

    /// Adds to a group that has no counter yet, or one that is too narrow.
    fn add_one(&mut self, group: usize, count: u32) {
        self.cover(group / CHUNK);
        let at = group - self.first * CHUNK;
        let Some(sum) = self.sums.get_mut(at / CHUNK) else { return };
        let added = count.min(u32::MAX - *sum);
        self.counters.add(at, added);
        *sum += added;
        self.total += u64::from(added);
    }

    /// Makes room for the counters of `chunk`.
    fn cover(&mut self, chunk: usize) {
        if self.sums.is_empty() {
            self.first = chunk;
        }
        let before = self.first.saturating_sub(chunk);
        let after = (chunk + 1).saturating_sub(self.first + self.sums.len());
        if before == 0 && after == 0 {
            return;
        }
        self.first -= before;
        let mut sums = Vec::with_capacity(before + self.sums.len() + after);
        sums.resize(before, 0);
        sums.append(&mut self.sums);
        sums.resize(sums.len() + after, 0);
        self.sums = sums;
        self.counters.extend(before, after);
    }

    /// Gives back the memory of chunks at the ends that hold nothing.
    fn trim(&mut self) {
        if self.total == 0 {
            *self = Self::default();
            return;
        }
        let used = |sum: &u32| *sum > 0;
        let before = self.sums.iter().position(used).unwrap_or(0);
        let after = self.sums.iter().rev().position(used).unwrap_or(0);
        if before + after <= SPARE_CHUNKS {
            return;
        }
        let kept = before..self.sums.len() - after;
        self.counters.keep(kept.clone());
        self.sums = self.sums.get(kept).unwrap_or_default().to_vec();
        self.first += before;
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
        for (into, sum) in sums.iter_mut().skip(histogram.first).zip(&histogram.sums) {
            *into = into.saturating_add(u64::from(*sum));
        }
    }
    let total = sums.iter().fold(0_u64, |total, sum| total.saturating_add(*sum));
    quantiles.map(|quantile| {
        let rank = (quantile.clamp(0.0, 1.0) * total as f64).ceil() as u64;
        let (rank, mut below) = (rank.max(1), 0_u64);
        let chunk = sums.iter().position(|sum| {
            let is_reached = below.saturating_add(*sum) >= rank;
            below = if is_reached { below } else { below.saturating_add(*sum) };
            is_reached
        })?;
        let mut bins = [0_u64; CHUNK];
        for histogram in histograms.clone() {
            bins.iter_mut()
                .zip(histogram.chunk(chunk))
                .for_each(|(into, count)| *into = into.saturating_add(u64::from(count)));
        }
        let at = bins.iter().position(|count| {
            below = below.saturating_add(*count);
            below >= rank
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

    proptest! {
        #[test]
        fn what_is_stored_comes_back(values in values(), large in 0..u64::MAX) {
            let mut dense = DenseHistogram::default();
            dense.add(histogram(&values).bins());
            dense.add(histogram(&[(70_000, large)]).bins());
            let json = serde_json::to_string(&dense).unwrap();
            let stored: DenseHistogram = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(stored.count(), dense.count());
            prop_assert_eq!(&stored, &dense);
            prop_assert_eq!(serde_json::to_string(&stored).unwrap(), json);
        }

        #[test]
        fn merging_is_adding_whatever_the_widths(first in values(), second in values(), times in 1..100_u64) {
            let (first, second) = (histogram(&first), histogram(&second));
            let (mut added, mut merged, mut part) = <(DenseHistogram, DenseHistogram, DenseHistogram)>::default();
            added.add(first.bins());
            merged.add(first.bins());
            for _ in 0..times {
                added.add(second.bins());
                part.add(second.bins());
            }
            merged.merge(&part);
            prop_assert_eq!(merged.count(), added.count());
            prop_assert_eq!(merged, added);
        }
    }

    #[test]
    fn a_histogram_that_was_stored_with_all_its_chunks_is_read() {
        let mut counters = [0_u32; CHUNK];
        counters[3] = 7;
        let json = format!(r#"{{"chunks":[null,{counters:?},null],"sums":[0,7,0],"total":7}}"#);
        let dense: DenseHistogram = serde_json::from_str(&json).unwrap();
        assert_eq!(dense.bins().collect::<Vec<_>>(), [(Bin::last_of(CHUNK + 3), 7)]);
    }

    #[test]
    fn counters_saturate() {
        let mut dense = DenseHistogram::default();
        dense.add(histogram(&[(5, u64::MAX), (7, 1)]).bins());
        dense.add(histogram(&[(5, 1)]).bins());
        assert_eq!(dense.count(), u64::from(u32::MAX));
        assert_eq!(quantiles([&dense].into_iter(), [0.5])[0].map(Bin::highest_us), Some(5));
    }
}
