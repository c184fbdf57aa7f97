//! Gaps in what is reported, of the whole service and of the canary.

use serde::{Deserialize, Serialize};

use crate::increment::ByArm;

/// Seconds in which nothing was seen although requests should have come.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(super) struct Gaps {
    service: Silence,
    canary: Silence,
    pub(super) ended: Option<u64>,
}

/// How long there has been no request, beside how long there usually is none.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
struct Silence {
    /// Requests a second, smoothed, until the last one.
    rate: f64,
    last: Option<u64>,
    silent_s: u64,
    /// Silence before a second with requests, smoothed: traces may hold one second of each minute.
    usual_s: f64,
}

impl Silence {
    const RATE_WEIGHT: f64 = 0.05;
    /// Silence of so many expected requests, and seconds, is no chance.
    const LEAST_EXPECTED: f64 = 20.0;
    const LEAST_S: u64 = 3;
    /// Nor is it a gap unless it is so many times longer than usual.
    const RATIO: f64 = 2.0;
    const SILENCE_WEIGHT: f64 = 0.3;

    /// Whether so many seconds without a request are no chance.
    fn is_gap(self, silent_s: u64) -> bool {
        let seconds = silent_s as f64;
        let is_long = silent_s >= Self::LEAST_S && seconds > Self::RATIO * self.usual_s;
        is_long && self.rate * seconds >= Self::LEAST_EXPECTED
    }

    fn see(&mut self, second: u64, requests: u64) {
        if requests == 0 {
            self.silent_s = self.silent_s.saturating_add(1);
            return;
        }
        // As if it had been smoothed in every silent second too.
        let kept = (1.0 - Self::RATE_WEIGHT).powf(self.silent_s as f64 + 1.0);
        self.rate = kept * self.rate + Self::RATE_WEIGHT * requests as f64;
        self.usual_s += Self::SILENCE_WEIGHT * (self.silent_s as f64 - self.usual_s);
        (self.last, self.silent_s) = (Some(second), 0);
    }
}

impl Gaps {
    pub(super) fn see(&mut self, second: u64, started: ByArm<u64>) {
        let requests = started.baseline.saturating_add(started.canary);
        if requests > 0 && self.service.is_gap(self.service.silent_s) {
            self.end_at(second);
        }
        self.service.see(second, requests);
        self.canary.see(second, started.canary);
    }

    /// Other requests count from now on.
    pub(super) fn forget(&mut self) {
        (self.service, self.canary) = (Silence::default(), Silence::default());
    }

    pub(super) fn end_at(&mut self, second: u64) {
        self.ended = Some(second);
    }

    /// The last second in which the canary had a request, if it is no chance that it had none since while the service had: what
    /// it had before says nothing any more.
    pub(super) fn canary_missing_since(&self) -> Option<u64> {
        let alone_s = self.canary.silent_s.saturating_sub(self.service.silent_s);
        self.canary.last.filter(|_| self.canary.is_gap(alone_s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Noise;

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

    #[test]
    fn a_canary_that_stops_is_missing_within_seconds_and_until_it_is_back() {
        let mut gaps = Gaps::default();
        (0..200).for_each(|second| gaps.see(second, ByArm { baseline: 90, canary: 10 }));
        assert_eq!(gaps.canary_missing_since(), None);
        let missing = (200..300).find(|second| {
            gaps.see(*second, ByArm { baseline: 100, canary: 0 });
            gaps.canary_missing_since().is_some()
        });
        assert!(missing.is_some_and(|second| second < 205), "{missing:?}");
        assert_eq!(gaps.canary_missing_since(), Some(199));
        gaps.see(300, ByArm { baseline: 90, canary: 10 });
        assert_eq!((gaps.canary_missing_since(), gaps.ended), (None, None));
    }

    #[test]
    fn a_thin_canary_is_not_missing_between_its_requests() {
        for (seed, rate) in [(1, 0.05), (2, 0.2), (3, 1.0), (4, 5.0)] {
            let (mut gaps, mut noise) = (Gaps::default(), Noise::new(seed));
            let missing = (0..50_000).filter(|second| {
                let canary = u64::from(noise.uniform() < rate) * (1.0_f64.max(rate) as u64);
                gaps.see(*second, ByArm { baseline: 100, canary });
                gaps.canary_missing_since().is_some()
            });
            assert_eq!(missing.count(), 0, "{rate} a second");
        }
    }
}
