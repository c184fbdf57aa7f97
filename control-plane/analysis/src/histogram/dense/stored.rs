//! The form in which a dense histogram is stored: chunks of counters, those that hold nothing left out.

use serde::{Deserialize, Serialize};

use super::{Bin, CHUNK, DenseHistogram};

#[derive(Deserialize, Serialize)]
pub(super) struct Stored {
    /// By number, up to the last one that holds something.
    chunks: Vec<Option<[u32; CHUNK]>>,
    /// Sum of each chunk.
    sums: Vec<u64>,
    total: u64,
}

impl From<DenseHistogram> for Stored {
    fn from(histogram: DenseHistogram) -> Self {
        let used =
            histogram.sums.iter().rposition(|sum| *sum > 0).map_or(0, |last| histogram.first + last + 1);
        let of = |chunk: usize| chunk.checked_sub(histogram.first).and_then(|at| histogram.sums.get(at));
        let sums: Vec<u64> = (0..used).map(|chunk| of(chunk).map_or(0, |sum| u64::from(*sum))).collect();
        let chunks = sums.iter().enumerate();
        let chunks = chunks.map(|(chunk, sum)| (*sum > 0).then(|| histogram.chunk(chunk)));
        Self { chunks: chunks.collect(), total: histogram.total, sums }
    }
}

impl From<Stored> for DenseHistogram {
    fn from(stored: Stored) -> Self {
        let mut histogram = Self::default();
        let chunks = stored.chunks.iter().enumerate();
        let counters = chunks.flat_map(|(chunk, counters)| {
            counters.iter().flatten().enumerate().map(move |(at, count)| (chunk * CHUNK + at, *count))
        });
        let bins = counters.filter(|(_, count)| *count > 0);
        histogram.add(bins.map(|(group, count)| (Bin::last_of(group), u64::from(count))));
        histogram
    }
}
