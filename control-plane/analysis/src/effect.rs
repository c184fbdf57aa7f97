//! How large an effect is: estimates with 95 % intervals, for people to read.
//!
//! These are intervals for one look, unlike the evidence, which may be looked at every second: they say how large, not
//! whether. Counts are divided by the overdispersion first, as in the evidence.

use crate::histogram::{Bin, DenseHistogram, quantiles};
use crate::increment::ByArm;
use crate::verdict::EffectSize;

/// 97.5 % point of the standard normal distribution.
pub(crate) const Z: f64 = 1.959_963_984_540_054;
/// The quantile that is told.
const SLOW: f64 = 0.99;

/// Wilson's score interval for a share (Wilson 1927), within 0 to 1.
pub(crate) fn wilson(events: f64, of: f64) -> (f64, f64) {
    let share = events / of;
    let middle = share + Z * Z / (2.0 * of);
    let half = Z * (share * (1.0 - share) / of + Z * Z / (4.0 * of * of)).max(0.0).sqrt();
    let scale = 1.0 + Z * Z / of;
    (((middle - half) / scale).clamp(0.0, 1.0), ((middle + half) / scale).clamp(0.0, 1.0))
}

/// Canary's share minus the baseline's, by Newcombe's hybrid score interval (Newcombe 1998, method 10). `None` without
/// requests in both arms.
pub(crate) fn difference(failed: &ByArm<u64>, requests: &ByArm<u64>, phi: f64) -> Option<EffectSize> {
    let arm = |failed: u64, requests: u64| {
        let (failed, requests) = (failed.min(requests) as f64 / phi, requests as f64 / phi);
        (requests > 0.0).then(|| (failed / requests, wilson(failed, requests)))
    };
    let (baseline, (baseline_low, baseline_high)) = arm(failed.baseline, requests.baseline)?;
    let (canary, (canary_low, canary_high)) = arm(failed.canary, requests.canary)?;
    let estimate = canary - baseline;
    Some(EffectSize {
        estimate,
        low: estimate - (canary - canary_low).hypot(baseline_high - baseline),
        high: estimate + (canary_high - canary).hypot(baseline - baseline_low),
    })
}

/// Canary's share minus `beside`, with Wilson's interval. `None` without requests.
pub(crate) fn excess(failed: u64, requests: u64, beside: f64, phi: f64) -> Option<EffectSize> {
    let (failed, requests) = (failed.min(requests) as f64 / phi, requests as f64 / phi);
    (requests > 0.0).then(|| {
        let (low, high) = wilson(failed, requests);
        EffectSize { estimate: failed / requests - beside, low: low - beside, high: high - beside }
    })
}

/// The canary's 99th percentile over `beside_us`. `None` without requests.
pub(crate) fn slow_beside<'a>(
    canary: impl Iterator<Item = &'a DenseHistogram> + Clone,
    beside_us: f64,
    phi: f64,
) -> Option<EffectSize> {
    let (estimate, low, high) = slow(canary, SLOW, phi)?;
    let ratio = |us: f64| us / beside_us.max(1.0);
    Some(EffectSize { estimate: ratio(estimate), low: ratio(low), high: ratio(high) })
}

/// The canary's share of the requests relative to `expected`, with Wilson's interval.
pub(crate) fn share_ratio(requests: &ByArm<u64>, expected: f64, phi: f64) -> Option<EffectSize> {
    let (canary, all) = (requests.canary as f64, requests.canary as f64 + requests.baseline as f64);
    if all <= 0.0 || expected <= 0.0 {
        return None;
    }
    let (low, high) = wilson(canary / phi, all / phi);
    Some(EffectSize { estimate: canary / all / expected, low: low / expected, high: high / expected })
}

/// The canary's 99th percentile over the baseline's. The interval joins the ends of both arms' intervals of order
/// statistics (David and Nagaraja 2003, section 7.1), so it covers at least 95 %. `None` without requests in both arms.
///
/// An arm may be given in several histograms.
pub(crate) fn slow_ratio<'a>(
    latency: ByArm<impl Iterator<Item = &'a DenseHistogram> + Clone>,
    phi: f64,
) -> Option<EffectSize> {
    let (baseline, baseline_low, baseline_high) = slow(latency.baseline, SLOW, phi)?;
    let (canary, canary_low, canary_high) = slow(latency.canary, SLOW, phi)?;
    Some(EffectSize {
        estimate: canary / baseline,
        low: canary_low / baseline_high,
        high: canary_high / baseline_low,
    })
}

/// The latency in µs below which the share `quantile` of the requests lies, with its interval.
pub(crate) fn slow<'a>(
    histograms: impl Iterator<Item = &'a DenseHistogram> + Clone,
    quantile: f64,
    phi: f64,
) -> Option<(f64, f64, f64)> {
    let count = histograms.clone().fold(0_u64, |sum, histogram| sum.saturating_add(histogram.count()));
    let deviation = (quantile * (1.0 - quantile) * phi / count.max(1) as f64).sqrt();
    let shares = [quantile, (quantile - Z * deviation).max(0.0), (quantile + Z * deviation).min(1.0)];
    let [estimate, low, high] = quantiles(histograms, shares);
    let us = |bin: Option<Bin>| bin.map(|bin| bin.highest_us().max(1) as f64);
    Some((us(estimate)?, us(low)?, us(high)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::LatencyHistogram;
    use crate::noise::Noise;

    fn both<'a>(
        baseline: &'a DenseHistogram,
        canary: &'a DenseHistogram,
    ) -> ByArm<std::iter::Once<&'a DenseHistogram>> {
        ByArm { baseline: std::iter::once(baseline), canary: std::iter::once(canary) }
    }

    fn close(actual: f64, expected: f64) {
        assert!((actual - expected).abs() < 1e-9, "{actual} instead of {expected}");
    }

    /// Expected values by `tests/fixtures/effects.py`.
    #[test]
    fn intervals_agree_with_scipy_and_with_newcombes_example() {
        let (low, high) = wilson(7.0, 50.0);
        close(low, WILSON.0);
        close(high, WILSON.1);
        let effect =
            difference(&ByArm { baseline: 48, canary: 56 }, &ByArm { baseline: 80, canary: 70 }, 1.0)
                .unwrap();
        close(effect.estimate, 0.2);
        // Newcombe 1998, table II, example (a): 0.0524 to 0.3339.
        assert!((effect.low - 0.0524).abs() < 5e-5 && (effect.high - 0.3339).abs() < 5e-5, "{effect:?}");
        close(effect.low, NEWCOMBE.0);
        close(effect.high, NEWCOMBE.1);
    }

    const WILSON: (f64, f64) = (0.069_508_334_270_162_92, 0.261_861_937_105_855_37);
    const NEWCOMBE: (f64, f64) = (0.052_431_472_402_364_84, 0.333_872_654_036_905_9);

    #[test]
    fn overdispersion_widens_an_interval() {
        let (failed, requests) =
            (ByArm { baseline: 10, canary: 30 }, ByArm { baseline: 1_000, canary: 1_000 });
        let width = |phi| difference(&failed, &requests, phi).map_or(0.0, |effect| effect.high - effect.low);
        assert!(width(4.0) > 1.8 * width(1.0));
    }

    #[test]
    fn without_requests_there_is_no_effect() {
        let none = ByArm { baseline: 10, canary: 0 };
        assert_eq!(difference(&ByArm::default(), &none, 1.0), None);
        assert_eq!(share_ratio(&ByArm::default(), 0.1, 1.0), None);
        let empty = DenseHistogram::default();
        assert_eq!(slow_ratio(both(&empty, &empty), 1.0), None);
    }

    #[test]
    fn the_interval_of_the_slow_ratio_covers_the_truth() {
        let mut noise = Noise::new(5);
        let mut arm = |factor: f64| {
            let mut latency = LatencyHistogram::new();
            (0..2_000)
                .for_each(|_| latency.record((50_000.0 * factor * (0.6 * noise.normal()).exp()) as u64));
            let mut dense = DenseHistogram::default();
            dense.add(latency.bins());
            dense
        };
        let covered = (0..100).filter(|_| {
            let (baseline, canary) = (arm(1.0), arm(1.3));
            let effect = slow_ratio(both(&baseline, &canary), 1.0).unwrap();
            assert!(effect.low <= effect.estimate && effect.estimate <= effect.high, "{effect:?}");
            (effect.low..effect.high).contains(&1.3)
        });
        assert!(covered.count() >= 95);
    }
}
