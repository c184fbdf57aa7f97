use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2Serializer};
use proptest::prelude::*;

use super::v2::HEADER_BYTES;
use super::*;

fn reference(values: &[u64]) -> Histogram<u64> {
    let mut histogram = Histogram::new_with_bounds(1, MAX_LATENCY_US, 2).unwrap();
    values.iter().for_each(|value| histogram.saturating_record(*value));
    histogram
}

fn encode(histogram: &Histogram<u64>) -> Vec<u8> {
    let mut bytes = Vec::new();
    V2Serializer::new().serialize(histogram, &mut bytes).unwrap();
    bytes
}

proptest! {
    #[test]
    fn a_payload_of_the_reference_implementation_is_read_to_the_count(
        values in prop::collection::vec(prop_oneof![0..2_000_u64, 0..10_000_000_u64, 0..MAX_LATENCY_US], 0..200),
    ) {
        let reference = reference(&values);
        let decoded = LatencyHistogram::from_v2_bytes(&encode(&reference)).unwrap();
        let mut recorded = LatencyHistogram::new();
        values.iter().for_each(|value| recorded.record(*value));
        prop_assert_eq!(&decoded, &recorded);
        let written = recorded.to_v2_bytes();
        prop_assert_eq!(&LatencyHistogram::from_v2_bytes(&written).unwrap(), &recorded);
        let read: Histogram<u64> = Deserializer::new().deserialize(&mut written.as_slice()).unwrap();
        prop_assert_eq!(read, reference.clone());
        prop_assert_eq!(decoded.count(), reference.len());
        for quantile in [0.01, 0.5, 0.9, 0.99, 1.0] {
            if let Some(us) = decoded.quantile_us(quantile) {
                prop_assert!(reference.equivalent(us, reference.value_at_quantile(quantile)));
            }
        }
    }

    #[test]
    fn any_bytes_give_a_histogram_or_an_error(
        mut bytes in prop::collection::vec(any::<u8>(), 0..200),
        valid_header: bool,
    ) {
        if valid_header && bytes.len() >= HEADER_BYTES {
            let mut header = encode(&reference(&[]));
            header.truncate(HEADER_BYTES);
            header[4..8].copy_from_slice(&((bytes.len() - HEADER_BYTES) as u32).to_be_bytes());
            bytes[..HEADER_BYTES].copy_from_slice(&header);
        }
        if let Ok(histogram) = LatencyHistogram::from_v2_bytes(&bytes) {
            prop_assert!(histogram.bins().all(|(bin, _)| bin.index() < Bin::COUNT));
        }
    }

    #[test]
    fn a_bin_holds_its_highest_value_and_nothing_above(us in 0..MAX_LATENCY_US) {
        let bin = Bin::of(us);
        prop_assert!(bin.highest_us() >= us);
        prop_assert!((bin.highest_us() - us) as f64 <= us as f64 / 128.0);
        prop_assert_eq!(Bin::of(bin.highest_us()), bin);
        prop_assert!(Bin::of(bin.highest_us() + 1) > bin || bin == Bin::of(MAX_LATENCY_US));
    }

    #[test]
    fn merging_gives_what_recording_everything_gives(
        first in prop::collection::vec(0..100_000_u64, 0..50),
        second in prop::collection::vec(0..100_000_u64, 0..50),
    ) {
        let record = |values: &[u64]| {
            let mut histogram = LatencyHistogram::new();
            values.iter().for_each(|value| histogram.record(*value));
            histogram
        };
        let mut merged = record(&first);
        merged.merge(&record(&second));
        prop_assert_eq!(merged, record(&[first, second].concat()));
    }
}

#[test]
fn hostile_payloads_are_refused_by_name() {
    let good = encode(&reference(&[5, 80_000]));
    let check = |change: &dyn Fn(&mut Vec<u8>), expected: DecodeError| {
        let mut bytes = good.clone();
        change(&mut bytes);
        assert_eq!(LatencyHistogram::from_v2_bytes(&bytes), Err(expected));
    };
    check(&|bytes| bytes.truncate(39), DecodeError::Truncated);
    check(&|bytes| bytes[3] = 0x12, DecodeError::Cookie(0x1c84_9312));
    check(&|bytes| bytes[15] = 5, DecodeError::Layout);
    check(&|bytes| bytes[23] = 2, DecodeError::Layout);
    check(&|bytes| bytes.resize(MAX_PAYLOAD_BYTES + 1, 0), DecodeError::TooLong(MAX_PAYLOAD_BYTES + 1));
    let length = DecodeError::Length { claimed: (good.len() - 40) as u32, actual: good.len() - 39 };
    check(&|bytes| bytes.push(0), length);
    let with_counts = |counts: &[u8]| {
        let mut bytes = good[..40].to_vec();
        bytes[4..8].copy_from_slice(&(counts.len() as u32).to_be_bytes());
        bytes.extend_from_slice(counts);
        LatencyHistogram::from_v2_bytes(&bytes)
    };
    assert_eq!(with_counts(&[0x80]), Err(DecodeError::Truncated));
    assert_eq!(with_counts(&[0xff; 9]), Err(DecodeError::TooManyBins));
    assert_eq!(with_counts(&[0xff, 0xff, 0x7f, 2]), Err(DecodeError::TooManyBins));
}

#[test]
fn counts_saturate_instead_of_wrapping() {
    let mut histogram = LatencyHistogram::new();
    histogram.record_n(7, u64::MAX);
    histogram.record_n(7, 5);
    histogram.record_n(9, u64::MAX);
    assert_eq!(histogram.count(), 2 * MOST_IN_BIN);
    assert_eq!(histogram.quantile_us(0.5), Some(7));
}

#[test]
fn values_beyond_an_hour_count_as_an_hour() {
    let mut histogram = LatencyHistogram::new();
    histogram.record(u64::MAX);
    assert_eq!(Bin::of(histogram.quantile_us(1.0).unwrap()), Bin::of(MAX_LATENCY_US));
}
