//! Random numbers by seed: the same seed gives the same numbers, run by run.

use rand_distr::{Binomial, Distribution as _, Poisson, StandardNormal};
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng as _, SeedableRng as _};

/// Above this mean, or number of trials, a draw is made in constant time by `rand_distr`; below it by counting.
const FEW: f64 = 12.0;

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub struct Random(Pcg64Mcg);

impl Random {
    /// Stream `stream` of `seed`: streams of one seed are independent for all that matters here.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mixed = seed ^ stream.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self(Pcg64Mcg::seed_from_u64(mixed))
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in 0 to 1, both excluded.
    pub fn unit(&mut self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Uniform in 0 to `end`, which is excluded.
    pub fn below(&mut self, end: u64) -> u64 {
        u64::try_from((u128::from(self.bits()) * u128::from(end)) >> 64).unwrap_or(0)
    }

    /// True with probability `probability`.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Standard normal.
    pub fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }

    /// Exponential of mean `mean`.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * self.unit().ln()
    }

    /// Number of trials up to and with the first success, `mean` in the mean. At least 1.
    pub fn geometric(&mut self, mean: f64) -> u64 {
        if mean <= 1.0 {
            return 1;
        }
        1 + (self.unit().ln() / (1.0 - 1.0 / mean).ln()) as u64
    }

    /// Poisson of mean `mean`.
    pub fn poisson(&mut self, mean: f64) -> u64 {
        if mean <= 0.0 {
            return 0;
        }
        if mean > FEW {
            return Poisson::new(mean).map_or(0, |poisson| poisson.sample(&mut self.0) as u64);
        }
        let floor = (-mean).exp();
        let (mut product, mut count) = (self.unit(), 0);
        while product > floor {
            product *= self.unit();
            count += 1;
        }
        count
    }

    /// Successes among `trials` trials.
    pub fn binomial(&mut self, trials: u64, probability: f64) -> u64 {
        if trials == 0 || probability <= 0.0 {
            return 0;
        }
        if probability >= 1.0 {
            return trials;
        }
        if trials as f64 > FEW {
            return Binomial::new(trials, probability).map_or(0, |binomial| binomial.sample(&mut self.0));
        }
        (0..trials).map(|_| u64::from(self.chance(probability))).sum()
    }
}

/// A stationary autoregressive series of order 1.
#[derive(Clone, Debug)]
pub struct Autoregression {
    value: f64,
    correlation: f64,
    noise: f64,
}

impl Autoregression {
    /// A series of standard deviation `deviation` and correlation `correlation` from one value to the next.
    pub fn new(random: &mut Random, correlation: f64, deviation: f64) -> Self {
        let noise = deviation * (1.0 - correlation * correlation).sqrt();
        Self { value: deviation * random.normal(), correlation, noise }
    }

    /// The next value.
    pub fn next(&mut self, random: &mut Random) -> f64 {
        self.value = self.correlation * self.value + self.noise * random.normal();
        self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(draw: impl Fn(&mut Random) -> u64, mean: f64, variance: f64) {
        const DRAWS: u32 = 200_000;
        let mut random = Random::new(7, 0);
        let draws: Vec<f64> = (0..DRAWS).map(|_| draw(&mut random) as f64).collect();
        let seen = draws.iter().sum::<f64>() / f64::from(DRAWS);
        let spread = draws.iter().map(|draw| (draw - seen).powi(2)).sum::<f64>() / f64::from(DRAWS);
        let deviations = (seen - mean) / (variance / f64::from(DRAWS)).sqrt();
        assert!(deviations.abs() < 4.5, "mean {seen} is not {mean}: {deviations} standard errors");
        assert!((spread / variance - 1.0).abs() < 0.03, "variance {spread} is not {variance}");
    }

    #[test]
    fn counts_have_the_mean_and_the_variance_of_their_law() {
        for mean in [0.02, 0.7, 11.0, 13.0, 220.0] {
            check(|random| random.poisson(mean), mean, mean);
        }
        for (trials, p) in [(1, 0.3), (10, 0.06), (13, 0.5), (900, 0.001), (200, 0.9)] {
            let mean = trials as f64 * p;
            check(|random| random.binomial(trials, p), mean, mean * (1.0 - p));
        }
        check(|random| random.geometric(3.0), 3.0, 6.0);
        check(|random| random.below(10), 4.5, 8.25);
    }

    #[test]
    fn a_seed_gives_the_same_numbers_and_its_streams_differ() {
        let draws = |seed, stream| {
            let mut random = Random::new(seed, stream);
            [random.bits(), random.poisson(50.0), random.binomial(100, 0.3), random.below(1_000_000)]
        };
        assert_eq!(draws(1, 0), draws(1, 0));
        assert_ne!(draws(1, 0), draws(1, 1));
        assert_ne!(draws(1, 0), draws(2, 0));
    }

    #[test]
    fn an_autoregression_keeps_its_deviation_and_its_correlation() {
        let mut random = Random::new(3, 0);
        let mut series = Autoregression::new(&mut random, 0.95, 0.05);
        let values: Vec<f64> = (0..400_000).map(|_| series.next(&mut random)).collect();
        let variance = values.iter().map(|value| value * value).sum::<f64>() / values.len() as f64;
        let product = values.iter().zip(values.iter().skip(1)).map(|(a, b)| a * b).sum::<f64>();
        assert!((variance.sqrt() - 0.05).abs() < 0.001, "{}", variance.sqrt());
        assert!((product / values.len() as f64 / variance - 0.95).abs() < 0.005);
    }
}
