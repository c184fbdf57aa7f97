//! Random numbers by seed: the same seed gives the same numbers on every machine.

use std::f64::consts::TAU;

/// A stream of random numbers: splitmix64 (Steele, Lea, Flood, 2014).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// Stream `stream` of `seed`.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut mixed = Self(seed);
        let first = mixed.bits();
        let mut own = Self(first ^ stream.wrapping_mul(0xd134_2543_de82_ef95));
        own.bits();
        own
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    /// Uniform in 0 to 1, both excluded.
    pub(crate) fn unit(&mut self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Uniform between two numbers.
    pub(crate) fn between(&mut self, least: f64, most: f64) -> f64 {
        least + (most - least) * self.unit()
    }

    /// Between two numbers above 0, uniform in the logarithm.
    pub(crate) fn log_between(&mut self, least: f64, most: f64) -> f64 {
        libm::exp(self.between(libm::log(least), libm::log(most)))
    }

    /// Uniform in 0 to `end`, which is excluded; 0 where `end` is 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        ((self.unit() * end as f64) as usize).min(end.saturating_sub(1))
    }

    /// Standard normal (Box and Muller, 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(self.unit())).sqrt();
        radius * libm::cos(TAU * self.unit())
    }

    /// Events among `of`, each with probability `share`: Poisson by counting up to a mean of 30, the normal law beyond; at most `of`.
    pub(crate) fn events(&mut self, of: u64, share: f64) -> u64 {
        const COUNTED: f64 = 30.0;
        let mean = of as f64 * share.clamp(0.0, 1.0);
        let drawn = if mean <= COUNTED {
            let bound = libm::exp(-mean);
            let (mut product, mut count) = (self.unit(), 0);
            while product > bound {
                product *= self.unit();
                count += 1;
            }
            count
        } else {
            let variance = mean * (1.0 - share.clamp(0.0, 1.0));
            (mean + variance.sqrt() * self.normal()).round().max(0.0) as u64
        };
        drawn.min(of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_that_of_the_published_algorithm() {
        // Expected values: the reference implementation in C with state 1234567.
        let mut random = Random(1_234_567);
        let drawn: Vec<u64> = (0..3).map(|_| random.bits()).collect();
        assert_eq!(drawn, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn events_have_the_mean_and_the_spread_that_they_are_asked_for() {
        for (of, share) in [(1_000, 0.002), (1_000, 0.3)] {
            let mut random = Random::new(1, 2);
            let drawn: Vec<f64> = (0..20_000).map(|_| random.events(of, share) as f64).collect();
            let mean = drawn.iter().sum::<f64>() / 20_000.0;
            let variance = drawn.iter().map(|events| (events - mean).powi(2)).sum::<f64>() / 20_000.0;
            let (expected, spread) = (of as f64 * share, of as f64 * share * (1.0 - share));
            assert!((mean / expected - 1.0).abs() < 0.02, "{of}, {share}: {mean}");
            assert!((variance / spread - 1.0).abs() < 0.06, "{of}, {share}: {variance}");
        }
    }
}
