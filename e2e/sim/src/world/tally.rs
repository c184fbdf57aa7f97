//! Latencies counted in the bins that the histograms have, cheaply.

use serin_analysis::LatencyHistogram;

/// Bits of an `f32` that lie below the bins: an octave has 128 of them.
const BELOW: u32 = 16;
/// Bin of 128 µs, the smallest latency that is told apart.
const FIRST: u32 = 128_f32.to_bits() >> BELOW;
const OCTAVES: usize = 25;

/// A latency's bin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place(usize);

impl Place {
    pub(super) fn of(us: f32) -> Self {
        Self(((us.to_bits() >> BELOW).saturating_sub(FIRST) as usize).min(OCTAVES * 128 - 1))
    }
}

/// Latencies by bin.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    counts: Vec<u32>,
    low: usize,
    high: usize,
}

impl Default for Tally {
    fn default() -> Self {
        Self { counts: vec![0; OCTAVES * 128], low: usize::MAX, high: 0 }
    }
}

impl Tally {
    pub(super) fn add(&mut self, place: Place) {
        if let Some(count) = self.counts.get_mut(place.0) {
            *count += 1;
            self.low = self.low.min(place.0);
            self.high = self.high.max(place.0);
        }
    }

    /// Hands out what was counted and begins anew.
    pub(super) fn take(&mut self) -> LatencyHistogram {
        let mut histogram = LatencyHistogram::new();
        if self.low <= self.high {
            for (place, count) in
                (self.low..).zip(self.counts.get_mut(self.low..=self.high).unwrap_or_default())
            {
                if *count > 0 {
                    histogram.record_n(lowest_us(place), u64::from(std::mem::take(count)));
                }
            }
        }
        (self.low, self.high) = (usize::MAX, 0);
        histogram
    }
}

fn lowest_us(place: usize) -> u64 {
    f32::from_bits((FIRST + u32::try_from(place).unwrap_or(0)) << BELOW) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_gives_the_histogram_of_what_was_added() {
        let mut tally = Tally::default();
        for round in 1..3_u32 {
            let mut expected = LatencyHistogram::new();
            for step in 0..5_000_u32 {
                let us = (300.0 * 1.003_f32.powi(step.try_into().unwrap())).floor().min(3e9) * round as f32;
                tally.add(Place::of(us));
                expected.record(us as u64);
            }
            assert_eq!(tally.take(), expected);
        }
        assert!(tally.take().is_empty());
    }
}
