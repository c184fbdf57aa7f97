use proptest::prelude::*;

use super::*;
use crate::histogram::{LatencyHistogram, MOST_IN_BIN};

proptest! {
    #[test]
    fn packing_loses_nothing_but_which_bin_of_a_group(
        runs in prop::collection::vec(prop::collection::vec((any::<u64>(), 0..u64::from(u32::MAX) / 1024), 0..40), 0..16),
    ) {
        let (mut packed, mut sum) = (PackedHistogram::default(), LatencyHistogram::new());
        for values in runs {
            let mut run = LatencyHistogram::new();
            values.iter().for_each(|(us, count)| {
                run.add(Bin::last_of(Bin::of(*us >> (us % 64)).group()), *count);
            });
            packed.add(run.bins());
            sum.merge(&run);
        }
        let read = |packed: &PackedHistogram| {
            let mut histogram = LatencyHistogram::new();
            packed.bins().for_each(|(bin, count)| histogram.record_n(bin.highest_us(), count));
            histogram
        };
        prop_assert_eq!(read(&packed), sum.clone());
        packed.join();
        prop_assert_eq!(read(&packed), sum);
        prop_assert!(packed.runs <= 1);
    }
}

#[test]
fn the_largest_counts_survive() {
    let mut histogram = LatencyHistogram::new();
    histogram.record_n(3_000_000_000, u64::MAX);
    let mut packed = PackedHistogram::default();
    packed.add(histogram.bins());
    assert_eq!(packed.bins().map(|(_, count)| count).collect::<Vec<_>>(), vec![MOST_IN_BIN]);
}

/// As earlier versions stored it: a run of (groups since the previous one, count).
#[test]
fn runs_of_plain_numbers_are_read_beside_others() {
    let mut bytes = Vec::new();
    [0, 0, 200, 3, 7, 1_000, 0, 0, 150, 2].iter().for_each(|number| write_number(&mut bytes, *number));
    let mut packed = PackedHistogram { bytes, runs: 2 };
    let mut added = LatencyHistogram::new();
    added.record_n(Bin::last_of(207).highest_us(), 5);
    packed.add(added.bins());
    let bins = [(200, 3), (207, 1_000), (150, 2), (207, 5)];
    let bins = bins.map(|(group, count)| (Bin::last_of(group), count));
    assert_eq!(packed.bins().collect::<Vec<_>>(), bins);
    packed.join();
    let bins = [(150, 2), (200, 3), (207, 1_005)].map(|(group, count)| (Bin::last_of(group), count));
    assert_eq!(packed.bins().collect::<Vec<_>>(), bins);
}

#[test]
fn many_small_additions_stay_small() {
    let mut packed = PackedHistogram::default();
    for at in 0..10_000_u64 {
        let mut added = LatencyHistogram::new();
        added.record(1_000 + 7_919 * at % 50_000);
        packed.add(added.bins());
        assert!(packed.bytes.len() < 2_000, "{}", packed.bytes.len());
    }
    assert_eq!(packed.bins().map(|(_, count)| count).sum::<u64>(), 10_000);
}
