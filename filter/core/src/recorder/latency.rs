//! Latencies of one record, as sparse cells of an HdrHistogram.
//!
//! A dense histogram of this range takes 13 to 27 KiB, and there are hundreds of records a second, most of which
//! see a few distinct latencies. A cell is one histogram bucket with its count in 4 bytes, sorted by bucket. The buckets
//! are those of HdrHistogram with lowest value 1 and 2 significant digits, so nothing is lost on the wire.

/// Highest latency that is told apart: one hour, in microseconds. Longer ones count as one hour.
pub const MAX_LATENCY_US: u32 = 3_600_000_000;
/// Significant decimal digits.
const DIGITS: u32 = 2;
/// Values below this have a bucket each; above, every doubling has half as many buckets.
const SUB_BUCKETS: u32 = 256;
const HALF: u32 = SUB_BUCKETS / 2;
const COUNT_BITS: u32 = 20;
const COUNT_MAX: u32 = (1 << COUNT_BITS) - 1;

/// Counted latencies.
#[derive(Debug, Default)]
pub(crate) struct Latency(Vec<u32>);

impl Latency {
    /// Counts a latency in microseconds; whether a cell was added.
    pub(crate) fn record(&mut self, latency_us: u64) -> bool {
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

/// First bytes of the wire form: HdrHistogram V2, not compressed.
const COOKIE: u32 = 0x1C84_9313;
/// Bytes before the counts.
const HEADER_BYTES: usize = 40;

impl Latency {
    /// The wire form; empty if nothing was counted. Written here because the library makes a dense histogram for it, and this is
    /// done for each record of each report: a header of big-endian numbers (cookie, bytes of counts, offset, digits, lowest and
    /// highest value, ratio), then one number for each bucket up to the last, or minus how many are empty in a row, as
    /// zigzag LEB128.
    pub(crate) fn encode(&self) -> Vec<u8> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let mut bytes = vec![0; HEADER_BYTES];
        let (mut next, mut cells) = (0, self.0.iter().peekable());
        while let Some(cell) = cells.next() {
            let bucket = cell >> COUNT_BITS;
            let mut count = i64::from(cell & COUNT_MAX);
            while let Some(more) = cells.next_if(|more| **more >> COUNT_BITS == bucket) {
                count += i64::from(more & COUNT_MAX);
            }
            match bucket - next {
                0 => {}
                1 => number(&mut bytes, 0),
                empty => number(&mut bytes, -i64::from(empty)),
            }
            number(&mut bytes, count);
            next = bucket + 1;
        }
        let counts = u32::try_from(bytes.len() - HEADER_BYTES).unwrap_or(u32::MAX);
        let header = [COOKIE, counts, 0, DIGITS, 0, 1, 0, MAX_LATENCY_US].map(u32::to_be_bytes);
        let ratio = 1_f64.to_be_bytes();
        for (place, byte) in bytes.iter_mut().zip(header.iter().flatten().chain(&ratio)) {
            *place = *byte;
        }
        bytes
    }
}

/// Writes a number: its sign in the lowest bit, then seven bits a byte, the lowest first.
fn number(bytes: &mut Vec<u8>, number: i64) {
    let mut rest = ((number << 1) ^ (number >> 63)).cast_unsigned();
    while rest > 0x7F {
        bytes.push((rest & 0x7F) as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push((rest & 0x7F) as u8);
}

#[cfg(test)]
mod tests {
    use hdrhistogram::Histogram;
    use hdrhistogram::serialization::{Deserializer, Serializer, V2Serializer};

    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const BOUND: u64 = MAX_LATENCY_US as u64;

    fn histogram() -> Histogram<u64> {
        Histogram::new_with_bounds(1, BOUND, 2).unwrap()
    }

    #[test]
    fn buckets_are_those_of_hdrhistogram() {
        let reference = histogram();
        let powers = (0..32).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit, (1 << bit) + 1]);
        let spread = (0..20_000_u64).map(|step| step * step * 9);
        for value in powers.chain(spread).chain(1..5_000).filter(|value| (1..=3_600_000_000).contains(value))
        {
            let narrow = u32::try_from(value).unwrap();
            let next = u32::try_from(reference.next_non_equivalent(value)).unwrap();
            let first = u32::try_from(reference.lowest_equivalent(value)).unwrap();
            assert_eq!(bucket(narrow), bucket(first), "{value}");
            assert_eq!(bucket(narrow) + 1, bucket(next), "{value}");
        }
    }

    #[test]
    fn the_wire_form_is_the_librarys_to_the_byte() {
        let spread = |step: u64| step * 131 % 7_000_003;
        let several: [Vec<u64>; 5] = [
            (0..50_000).map(spread).chain([u64::MAX]).collect(),
            vec![0],
            vec![MAX_LATENCY_US.into()],
            vec![1, 2, 4, 7, 7, 255, 256, 1_000_000],
            (0..300).collect(),
        ];
        for values in several {
            let (mut latency, mut reference) = (Latency::default(), histogram());
            for value in values {
                latency.record(value);
                reference.saturating_record(value.clamp(1, BOUND));
            }
            let mut expected = Vec::new();
            V2Serializer::new().serialize(&reference, &mut expected).unwrap();
            assert_eq!(latency.encode(), expected);
            let read: Histogram<u64> = Deserializer::new().deserialize(&mut &expected[..]).unwrap();
            assert_eq!(read, reference);
        }
    }

    #[test]
    fn a_full_cell_is_continued_in_another() {
        let mut latency = Latency(vec![5 << COUNT_BITS | (COUNT_MAX - 1), 9 << COUNT_BITS | 1]);
        for (added, cells) in [(false, 2), (true, 3), (false, 3)] {
            assert_eq!(latency.record(5), added);
            assert_eq!(latency.cells(), cells);
        }
        let bytes = latency.encode();
        let read: Histogram<u64> = Deserializer::new().deserialize(&mut &bytes[..]).unwrap();
        assert_eq!(read.count_at(5), u64::from(COUNT_MAX) + 2);
    }

    #[test]
    fn nothing_counted_is_nothing_sent() {
        assert!(Latency::default().encode().is_empty());
    }
}
