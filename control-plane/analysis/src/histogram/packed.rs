//! Histograms that wait to be taken back from a sum: about two bytes a group of bins.
//!
//! Runs of (groups since the previous one, count) as LEB128 numbers. Adding appends a run; [`PackedHistogram::compact`]
//! makes one run of many, unless they are small.

use serde::{Deserialize, Serialize};

use super::v2::{read_number, write_number};
use super::{Bin, GROUP, LatencyHistogram};

/// Runs that take less than this are not worth joining, in bytes.
const SMALL_BYTES: usize = 512;

/// Counts by bin, in as few bytes as reading them in order allows.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct PackedHistogram {
    bytes: Vec<u8>,
    runs: u32,
}

impl PackedHistogram {
    /// Appends `histogram`.
    pub(crate) fn add(&mut self, histogram: &LatencyHistogram) {
        self.append(histogram.bins());
    }

    /// Joins what was added into one run, and gives back memory.
    pub(crate) fn compact(&mut self) {
        if self.runs > 1 && self.bytes.len() > SMALL_BYTES {
            let mut groups = [0_u64; Bin::COUNT / GROUP];
            for (bin, count) in self.bins() {
                if let Some(sum) = groups.get_mut(bin.group()) {
                    *sum = sum.saturating_add(count);
                }
            }
            *self = Self::default();
            let counts = groups.into_iter().enumerate().filter(|(_, count)| *count > 0);
            self.append(counts.map(|(group, count)| (Bin::last_of(group), count)));
        }
        self.bytes.shrink_to_fit();
    }

    /// All counts; a bin shows once for each run that has it.
    pub(crate) fn bins(&self) -> impl Iterator<Item = (Bin, u64)> + '_ {
        let mut rest = self.bytes.as_slice();
        let mut group = 0_u64;
        std::iter::from_fn(move || {
            loop {
                let (step, count) = (take(&mut rest)?, take(&mut rest)?);
                if count == 0 {
                    group = 0;
                    continue;
                }
                group = group.saturating_add(step).min(Bin::COUNT as u64);
                return Some((Bin::last_of(usize::try_from(group).unwrap_or(0)), count));
            }
        })
    }

    /// A count of zero begins a run.
    fn append(&mut self, bins: impl Iterator<Item = (Bin, u64)>) {
        let mut groups = bins.map(|(bin, count)| (bin.group(), count)).peekable();
        if groups.peek().is_none() {
            return;
        }
        self.runs = self.runs.saturating_add(1);
        self.bytes.extend([0, 0]);
        let mut previous = 0;
        while let Some((group, mut count)) = groups.next() {
            while let Some((_, more)) = groups.next_if(|(next, _)| *next == group) {
                count = count.saturating_add(more);
            }
            write_number(&mut self.bytes, (group - previous) as u64);
            write_number(&mut self.bytes, count);
            previous = group;
        }
    }
}

fn take(rest: &mut &[u8]) -> Option<u64> {
    if let Some((&byte, after)) = rest.split_first()
        && byte < 0x80
    {
        *rest = after;
        return Some(u64::from(byte));
    }
    let (value, after) = read_number(rest).ok()?;
    *rest = after;
    Some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
                packed.add(&run);
                sum.merge(&run);
            }
            let read = |packed: &PackedHistogram| {
                let mut histogram = LatencyHistogram::new();
                packed.bins().for_each(|(bin, count)| histogram.record_n(bin.highest_us(), count));
                histogram
            };
            prop_assert_eq!(read(&packed), sum.clone());
            packed.compact();
            prop_assert_eq!(read(&packed), sum);
            prop_assert!(packed.runs <= 1 || packed.bytes.len() <= SMALL_BYTES);
        }
    }

    #[test]
    fn the_largest_counts_survive() {
        let mut histogram = LatencyHistogram::new();
        histogram.record_n(3_000_000_000, u64::MAX);
        let mut packed = PackedHistogram::default();
        packed.add(&histogram);
        assert_eq!(packed.bins().map(|(_, count)| count).collect::<Vec<_>>(), vec![u64::MAX]);
    }
}
