//! Latencies counted in the bins that the histograms have, cheaply.

use serin_analysis::LatencyHistogram;

/// Bits of an `f32` that lie below the bins: an octave has 128 of them.
const BELOW: u32 = 16;
/// Bin of 128 µs, the smallest latency that is told apart.
const FIRST: u32 = 128_f32.to_bits() >> BELOW;
const OCTAVES: usize = 25;
const PLACES: usize = OCTAVES * 128;

/// A latency's bin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place(usize);

impl Place {
    pub(super) fn of(us: f32) -> Self {
        Self(((us.to_bits() >> BELOW).saturating_sub(FIRST) as usize).min(PLACES - 1))
    }

    pub(super) fn lowest_us(self) -> u64 {
        f32::from_bits((FIRST + u32::try_from(self.0).unwrap_or(0)) << BELOW) as u64
    }
}

/// Latencies by bin.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    counts: Vec<u32>,
    /// A bit for each bin that holds something.
    used: [u64; PLACES / 64],
}

impl Default for Tally {
    fn default() -> Self {
        Self { counts: vec![0; PLACES], used: [0; PLACES / 64] }
    }
}

impl Tally {
    pub(super) fn add(&mut self, place: Place) {
        self.add_n(place, 1);
    }

    fn add_n(&mut self, place: Place, requests: u32) {
        if let (Some(count), Some(used)) = (self.counts.get_mut(place.0), self.used.get_mut(place.0 / 64)) {
            *count += requests;
            *used |= 1 << (place.0 % 64);
        }
    }

    /// Hands out what was counted, after adding it to `sum`, and begins anew.
    pub(super) fn take_into(&mut self, sum: &mut Self) -> LatencyHistogram {
        let mut histogram = LatencyHistogram::with_capacity(self.bins());
        self.empty(|place, requests| {
            sum.add_n(place, requests);
            histogram.record_n(place.lowest_us(), requests.into());
        });
        histogram
    }

    /// Hands out what was counted and begins anew.
    pub(super) fn take(&mut self) -> LatencyHistogram {
        let mut histogram = LatencyHistogram::with_capacity(self.bins());
        self.empty(|place, requests| histogram.record_n(place.lowest_us(), requests.into()));
        histogram
    }

    /// Bins that hold something.
    fn bins(&self) -> usize {
        self.used.iter().map(|used| used.count_ones() as usize).sum()
    }

    fn empty(&mut self, mut each: impl FnMut(Place, u32)) {
        for (word, used) in self.used.iter_mut().enumerate() {
            while *used != 0 {
                let place = word * 64 + used.trailing_zeros() as usize;
                *used &= *used - 1;
                if let Some(count) = self.counts.get_mut(place) {
                    each(Place(place), std::mem::take(count));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_gives_the_histogram_of_what_was_added() {
        let (mut tally, mut sum) = (Tally::default(), Tally::default());
        let mut all = LatencyHistogram::new();
        for round in 1..3_u32 {
            let mut expected = LatencyHistogram::new();
            for step in 0..5_000_u32 {
                let us = (300.0 * 1.003_f32.powi(step.try_into().unwrap())).floor().min(3e9) * round as f32;
                tally.add(Place::of(us));
                expected.record(us as u64);
            }
            assert_eq!(tally.take_into(&mut sum), expected);
            all.merge(&expected);
        }
        assert!(tally.take().is_empty());
        assert_eq!(sum.take(), all);
    }
}
