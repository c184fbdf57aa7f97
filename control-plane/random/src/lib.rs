//! Random numbers by seed, for models and simulations: the same seed gives the same numbers on every machine.
//!
//! The bits are those of SplitMix64 (Steele, Lea, Flood 2014), and the laws are computed by `libm` alone, because documents, cards and
//! pages show what came of a seed. It is never for secrets: who knows a few numbers knows the others.

#![forbid(unsafe_code)]

use std::f64::consts::TAU;

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::SplitMix64;

/// Mean up to which events are counted one by one.
const COUNTED: f64 = 30.0;

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub struct Random(SplitMix64);

impl Random {
    /// The numbers of `seed`.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(SplitMix64::from_seed(seed.to_le_bytes()))
    }

    /// Stream `stream` of `seed`; different streams are unlike each other.
    #[must_use]
    pub fn new(seed: u64, stream: u64) -> Self {
        let first = Self::seeded(seed).bits();
        let mut own = Self::seeded(first ^ stream.wrapping_mul(0xd134_2543_de82_ef95));
        own.bits();
        own
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in 0 to 1, both excluded.
    pub fn unit(&mut self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Uniform between two numbers.
    pub fn between(&mut self, least: f64, most: f64) -> f64 {
        least + (most - least) * self.unit()
    }

    /// Between two numbers above 0, uniform in the logarithm.
    pub fn log_between(&mut self, least: f64, most: f64) -> f64 {
        libm::exp(self.between(libm::log(least), libm::log(most)))
    }

    /// Uniform in 0 to `end`, which is excluded; 0 where `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        let scaled = (u128::from(self.bits()) * u128::from(end)) >> 64;
        u64::try_from(scaled).unwrap_or_default()
    }

    /// A place in a list of so many entries; 0 in an empty one.
    pub fn index(&mut self, entries: usize) -> usize {
        let entries = u64::try_from(entries).unwrap_or(u64::MAX);
        usize::try_from(self.below(entries)).unwrap_or_default()
    }

    /// True with probability `probability`.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Standard normal (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(self.unit())).sqrt();
        radius * libm::cos(TAU * self.unit())
    }

    /// Exponential of mean `mean`.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * libm::log(self.unit())
    }

    /// Log-normal with this median, and this deviation of its logarithm.
    pub fn log_normal(&mut self, median: f64, deviation: f64) -> f64 {
        median * libm::exp(deviation * self.normal())
    }

    /// Poisson of mean `mean`, by counting; a mean above 30 counts as 30.
    pub fn poisson(&mut self, mean: f64) -> u32 {
        let bound = libm::exp(-mean.clamp(0.0, COUNTED));
        let (mut product, mut count) = (self.unit(), 0);
        while product > bound {
            product *= self.unit();
            count += 1;
        }
        count
    }

    /// Events among `of`, each with probability `share`: Poisson up to a mean of 30, the normal law beyond; at most `of`.
    pub fn events(&mut self, of: u64, share: f64) -> u64 {
        let share = share.clamp(0.0, 1.0);
        let mean = of as f64 * share;
        let drawn = if mean <= COUNTED {
            u64::from(self.poisson(mean))
        } else {
            let variance = mean * (1.0 - share);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is not below 0")]
            let drawn = (mean + variance.sqrt() * self.normal()).round().max(0.0) as u64;
            drawn
        };
        drawn.min(of)
    }

    /// Puts `items` into a random order (Fisher and Yates 1938).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            let chosen = self.index(end + 1);
            items.swap(chosen, end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bits_are_those_of_the_published_algorithm() {
        // Expected values: the reference implementation in C with state 1234567.
        let mut random = Random::seeded(1_234_567);
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
        assert!((mean(|random| random.index(5) as f64) - 2.0).abs() < 0.05);
        assert!((mean(|random| random.between(2.0, 4.0)) - 3.0).abs() < 0.03);
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

    #[test]
    fn streams_differ_and_repeat_and_nothing_is_drawn_beyond_an_end() {
        let draw = |stream| Random::new(7, stream).bits();
        assert_ne!(draw(0), draw(1));
        assert_eq!(draw(1), draw(1));
        let mut random = Random::new(7, 0);
        assert_eq!((random.below(0), random.index(0), random.below(1)), (0, 0, 0));
        let mut items: Vec<u32> = (0..50).collect();
        random.shuffle(&mut items);
        assert_ne!(items, (0..50).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<_>>());
    }
}
