//! Latencies of one record, as sparse cells of an HdrHistogram.
//!
//! A dense histogram of this range takes 13 to 27 KiB, and there are hundreds of records a second, most of which
//! see a few distinct latencies. A cell is one histogram bucket with its count in 4 bytes, sorted by bucket. The buckets
//! are those of HdrHistogram with lowest value 1 and 2 significant digits, so nothing is lost on the wire.

use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer, V2Serializer};

/// Highest latency that is told apart: one hour, in microseconds. Longer ones count as one hour.
pub const MAX_LATENCY_US: u32 = 3_600_000_000;
/// Significant decimal digits.
const DIGITS: u8 = 2;
/// Values below this have a bucket each; above, every doubling has half as many buckets.
const SUB_BUCKETS: u32 = 256;
const HALF: u32 = SUB_BUCKETS / 2;
const COUNT_BITS: u32 = 20;
const COUNT_MAX: u32 = (1 << COUNT_BITS) - 1;

/// Counted latencies.
#[derive(Debug, Default)]
pub(super) struct Latency(Vec<u32>);

impl Latency {
    /// Counts a latency in microseconds; whether a cell was added.
    pub(super) fn record(&mut self, latency_us: u64) -> bool {
        let value = u32::try_from(latency_us).unwrap_or(MAX_LATENCY_US).clamp(1, MAX_LATENCY_US);
        let bucket = bucket(value);
        // The first cell of the bucket that has room, or where it would be.
        let at = self.0.partition_point(|cell| *cell >> COUNT_BITS < bucket || *cell == full(bucket));
        match self.0.get_mut(at) {
            Some(cell) if *cell >> COUNT_BITS == bucket => {
                *cell += 1;
                false
            }
            Some(_) | None => {
                self.0.insert(at, bucket << COUNT_BITS | 1);
                true
            }
        }
    }

    pub(super) fn cells(&self) -> usize {
        self.0.len()
    }
}

const fn full(bucket: u32) -> u32 {
    bucket << COUNT_BITS | COUNT_MAX
}

/// The bucket of a value.
const fn bucket(value: u32) -> u32 {
    if value < SUB_BUCKETS {
        return value;
    }
    let shift = SUB_BUCKETS.leading_zeros() + 1 - value.leading_zeros();
    HALF * shift + (value >> shift)
}

/// The lowest value of a bucket.
const fn lowest(bucket: u32) -> u32 {
    if bucket < SUB_BUCKETS {
        return bucket;
    }
    let shift = bucket / HALF - 1;
    (bucket - HALF * shift) << shift
}

/// Writes latencies in the wire form: uncompressed HdrHistogram V2.
pub(super) struct Encoder {
    histogram: Option<Histogram<u64>>,
    serializer: V2Serializer,
}

impl Encoder {
    pub(super) fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, MAX_LATENCY_US.into(), DIGITS).ok();
        Self { histogram, serializer: V2Serializer::new() }
    }

    /// The wire form; empty if nothing was counted.
    pub(super) fn encode(&mut self, latency: &Latency) -> Vec<u8> {
        let mut bytes = Vec::new();
        let Some(histogram) = self.histogram.as_mut().filter(|_| !latency.0.is_empty()) else { return bytes };
        histogram.reset();
        for cell in &latency.0 {
            histogram.saturating_record_n(lowest(cell >> COUNT_BITS).into(), (cell & COUNT_MAX).into());
        }
        // Writing to memory does not fail, and counts are far below what the form can carry.
        match self.serializer.serialize(histogram, &mut bytes) {
            Ok(_) => bytes,
            Err(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hdrhistogram::serialization::Deserializer;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn buckets_are_those_of_hdrhistogram() {
        let reference = Histogram::<u64>::new_with_bounds(1, MAX_LATENCY_US.into(), DIGITS).unwrap();
        let powers = (0..32).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit, (1 << bit) + 1]);
        let spread = (0..20_000_u64).map(|step| step * step * 9);
        for value in powers.chain(spread).chain(1..5_000).filter(|value| (1..=3_600_000_000).contains(value))
        {
            let narrow = u32::try_from(value).unwrap();
            assert_eq!(u64::from(lowest(bucket(narrow))), reference.lowest_equivalent(value), "{value}");
        }
    }

    #[test]
    fn the_wire_form_is_read_by_the_library_with_every_count() {
        let mut latency = Latency::default();
        let mut reference = Histogram::<u64>::new_with_bounds(1, MAX_LATENCY_US.into(), DIGITS).unwrap();
        for value in (0..50_000_u64).map(|step| step * 131 % 7_000_003) {
            latency.record(value);
            reference.saturating_record(value.max(1));
        }
        latency.record(u64::MAX);
        reference.saturating_record(MAX_LATENCY_US.into());
        let bytes = Encoder::new().encode(&latency);
        let read: Histogram<u64> =
            hdrhistogram::serialization::Deserializer::new().deserialize(&mut &bytes[..]).unwrap();
        assert_eq!(read.len(), 50_001);
        assert_eq!(read, reference);
        let _: Deserializer = Deserializer::new();
    }

    #[test]
    fn a_full_cell_is_continued_in_another() {
        let mut latency = Latency(vec![5 << COUNT_BITS | (COUNT_MAX - 1), 9 << COUNT_BITS | 1]);
        for (added, cells) in [(false, 2), (true, 3), (false, 3)] {
            assert_eq!(latency.record(5), added);
            assert_eq!(latency.cells(), cells);
        }
        let bytes = Encoder::new().encode(&latency);
        let read: Histogram<u64> = Deserializer::new().deserialize(&mut &bytes[..]).unwrap();
        assert_eq!(read.count_at(5), u64::from(COUNT_MAX) + 2);
    }

    #[test]
    fn nothing_counted_is_nothing_sent() {
        assert!(Encoder::new().encode(&Latency::default()).is_empty());
    }
}
