//! Gaps in what is reported.

use serde::{Deserialize, Serialize};

use crate::increment::ByArm;

/// Seconds in which nothing was seen although requests should have come.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(super) struct Gaps {
    /// Requests a second, smoothed.
    rate: f64,
    silent_s: u64,
    /// Silence before a second with requests, smoothed: traces may hold one second of each minute.
    usual_s: f64,
    pub(super) ended: Option<u64>,
}

impl Gaps {
    const RATE_WEIGHT: f64 = 0.05;
    /// Silence of so many expected requests, and seconds, is no chance.
    const LEAST_EXPECTED: f64 = 20.0;
    const LEAST_S: u64 = 3;
    /// Nor is it a gap unless it is so many times longer than usual.
    const RATIO: f64 = 2.0;
    const SILENCE_WEIGHT: f64 = 0.3;

    pub(super) fn see(&mut self, second: u64, started: ByArm<u64>) {
        let requests = started.baseline as f64 + started.canary as f64;
        if requests > 0.0 {
            let silent_s = self.silent_s as f64;
            let is_long = self.silent_s >= Self::LEAST_S && silent_s > Self::RATIO * self.usual_s;
            if is_long && self.rate * silent_s >= Self::LEAST_EXPECTED {
                self.end_at(second);
            }
            self.usual_s += Self::SILENCE_WEIGHT * (silent_s - self.usual_s);
            self.silent_s = 0;
            self.rate += Self::RATE_WEIGHT * (requests - self.rate);
        } else {
            self.silent_s = self.silent_s.saturating_add(1);
        }
    }

    pub(super) fn end_at(&mut self, second: u64) {
        self.ended = Some(second);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(seconds: impl Iterator<Item = u64>) -> Option<u64> {
        let mut gaps = Gaps::default();
        let mut next = 0;
        for second in seconds {
            (next..second).for_each(|silent| gaps.see(silent, ByArm::default()));
            gaps.see(second, ByArm { baseline: 90, canary: 10 });
            next = second + 1;
        }
        gaps.ended
    }

    #[test]
    fn a_gap_is_a_silence_longer_than_usual() {
        assert_eq!(ended(0..300), None);
        assert_eq!(ended((0..100).chain(120..300)), Some(120));
        assert_eq!(ended((0..100).chain(102..300)), None);
        let coarse = (0..100).map(|interval| interval * 60);
        assert!(ended(coarse.clone()).is_none_or(|end| end <= 120), "{:?}", ended(coarse.clone()));
        assert_eq!(ended(coarse.chain([6_300])), Some(6_300));
    }
}
