//! Numbers that look random, from a seed.

use std::time::Duration;

/// Latencies of which one is drawn at a time.
const LATENCIES: usize = 4_096;
/// Deviation of the logarithm of a latency.
const DEVIATION: f64 = 0.6;

/// SplitMix64.
#[derive(Clone, Debug)]
pub(super) struct Draws(u64);

impl Draws {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Within (0, 1).
    fn unit(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().ln()).sqrt() * (2.0 * std::f64::consts::PI * self.unit()).cos()
    }

    /// Rounded, and within what is possible.
    fn near(&mut self, mean: f64, variance: f64, most: f64) -> u64 {
        (mean + variance.sqrt() * self.normal()).round().clamp(0.0, most) as u64
    }

    pub(super) fn poisson(&mut self, mean: f64) -> u64 {
        if mean > 50.0 {
            return self.near(mean, mean, 1e9);
        }
        let (floor, mut product, mut count) = ((-mean).exp(), self.unit(), 0);
        while product > floor {
            product *= self.unit();
            count += 1;
        }
        count
    }

    pub(super) fn binomial(&mut self, trials: u64, chance: f64) -> u64 {
        let (mean, variance) = (trials as f64 * chance, trials as f64 * chance * (1.0 - chance));
        if variance > 25.0 {
            return self.near(mean, variance, trials as f64);
        }
        if trials > 256 && chance < 0.1 {
            return self.poisson(mean).min(trials);
        }
        (0..trials).map(|_| u64::from(self.unit() < chance)).sum()
    }
}

/// Latencies around a median, log-normal.
#[derive(Debug)]
pub(super) struct Latencies(Vec<f64>);

impl Latencies {
    pub(super) fn new(draws: &mut Draws, median: Duration) -> Self {
        let median_us = median.as_secs_f64() * 1e6;
        Self((0..LATENCIES).map(|_| median_us * (DEVIATION * draws.normal()).exp()).collect())
    }

    /// In µs, so many times as long.
    pub(super) fn draw(&self, draws: &mut Draws, slower: f64) -> u64 {
        let index = draws.next() as usize % LATENCIES;
        (self.0.get(index).copied().unwrap_or_default() * slower) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_mean_and_spread_that_is_asked_for() {
        let mut draws = Draws::new(1);
        let mut moments = |draw: &mut dyn FnMut(&mut Draws) -> u64| {
            let all: Vec<f64> = (0..20_000).map(|_| draw(&mut draws) as f64).collect();
            let mean = all.iter().sum::<f64>() / all.len() as f64;
            (mean, all.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / all.len() as f64)
        };
        let near = |found: f64, expected: f64| (found - expected).abs() < 0.05 * expected;
        for mean in [0.5, 20.0, 500.0] {
            let (found, variance) = moments(&mut |draws| draws.poisson(mean));
            assert!(near(found, mean) && near(variance, mean), "poisson {mean}: {found}, {variance}");
        }
        for (trials, chance) in [(20, 0.3), (1_000, 0.001), (1_000, 0.3), (90, 0.02)] {
            let (found, variance) = moments(&mut |draws| draws.binomial(trials, chance));
            let mean = trials as f64 * chance;
            let spread = mean * (1.0 - chance);
            assert!(
                near(found, mean) && near(variance, spread),
                "binomial {trials}, {chance}: {found}, {variance}"
            );
        }
    }
}
