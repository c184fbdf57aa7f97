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

    /// 64 random bits.
    pub(crate) fn bits(&mut self) -> u64 {
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

    /// Uniform in 0 to `end`, which is excluded; 0 where `end` is 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX);
        let scaled = (u128::from(self.bits()) * u128::from(end)) >> 64;
        usize::try_from(scaled).unwrap_or(0)
    }

    /// True with probability `probability`.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Standard normal (Box and Muller, 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(self.unit())).sqrt();
        radius * libm::cos(TAU * self.unit())
    }

    /// Exponential of mean `mean`.
    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * libm::log(self.unit())
    }

    /// Log-normal with this median, and this deviation of its logarithm.
    pub(crate) fn log_normal(&mut self, median: f64, deviation: f64) -> f64 {
        median * libm::exp(deviation * self.normal())
    }

    /// Poisson of mean `mean`, by counting; means up to 30.
    pub(crate) fn poisson(&mut self, mean: f64) -> u32 {
        let bound = libm::exp(-mean.clamp(0.0, 30.0));
        let (mut product, mut count) = (self.unit(), 0);
        while product > bound {
            product *= self.unit();
            count += 1;
        }
        count
    }

    /// Puts `items` into a random order (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            let chosen = self.below(end + 1);
            items.swap(chosen, end);
        }
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
    fn draws_have_the_means_that_they_are_asked_for() {
        let mut random = Random::new(1, 2);
        let mut mean =
            |draw: fn(&mut Random) -> f64| (0..20_000).map(|_| draw(&mut random)).sum::<f64>() / 20_000.0;
        assert!((mean(Random::unit) - 0.5).abs() < 0.01);
        assert!(mean(Random::normal).abs() < 0.03);
        assert!((mean(|random| random.exponential(3.0)) - 3.0).abs() < 0.1);
        assert!((mean(|random| f64::from(random.poisson(2.5))) - 2.5).abs() < 0.05);
        assert!((mean(|random| random.below(5) as f64) - 2.0).abs() < 0.05);
    }

    #[test]
    fn streams_differ_and_repeat() {
        let draw = |stream| Random::new(7, stream).bits();
        assert_ne!(draw(0), draw(1));
        assert_eq!(draw(1), draw(1));
    }
}
