//! How long requests take: most of them log-normal, a few with a heavy tail.
//!
//! 97 % are log-normal with a median of 50 ms and a logarithmic deviation of 0.6; 3 % are Pareto from 150 ms on with
//! exponent 1.8, so the mean exists and the variance does not. Requests are drawn from tables of quantiles, one for
//! all and a finer one for the slowest 1/256, so a draw is two look-ups; what is beyond the last quantile of the
//! fine table (2^-22 of the requests) is drawn as that quantile.

use crate::random::Random;

const MEDIAN_US: f64 = 50_000.0;
const DEVIATION: f64 = 0.6;
const TAIL_SHARE: f64 = 0.03;
const TAIL_FROM_US: f64 = 150_000.0;
const TAIL_EXPONENT: f64 = 1.8;
const TABLE_BITS: u32 = 14;
/// Share of the requests that is drawn from the fine table.
const SLOWEST: f64 = 1.0 / 256.0;

/// Part of the requests that takes longer than `us`.
pub fn survival(us: f64) -> f64 {
    let normal = 0.5 * libm::erfc((us / MEDIAN_US).ln() / (DEVIATION * std::f64::consts::SQRT_2));
    let tail = (us / TAIL_FROM_US).powf(-TAIL_EXPONENT).min(1.0);
    (1.0 - TAIL_SHARE) * normal + TAIL_SHARE * tail
}

/// The latency in µs that the part `beyond` of the requests exceeds.
pub fn quantile_us(beyond: f64) -> f64 {
    let (mut low, mut high) = (1.0_f64.ln(), 1e13_f64.ln());
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if survival(middle.exp()) > beyond { low = middle } else { high = middle }
    }
    high.exp()
}

/// A slow path that doubles the 99th percentile: `fraction` of the requests take `factor` times as long.
///
/// The factor solves `survival of the mixture (2 x p99) = 1 %`.
pub fn doubling_p99(fraction: f64) -> f64 {
    let at = 2.0 * quantile_us(0.01);
    let (mut low, mut high) = (1.0, 1e4);
    for _ in 0..80 {
        let factor = f64::midpoint(low, high);
        let beyond = (1.0 - fraction) * survival(at) + fraction * survival(at / factor);
        if beyond < 0.01 { low = factor } else { high = factor }
    }
    high
}

/// Tables from which latencies are drawn.
#[derive(Clone, Debug)]
pub struct Latencies {
    all: Vec<f32>,
    slowest: Vec<f32>,
}

impl Default for Latencies {
    fn default() -> Self {
        let size = 1_u32 << TABLE_BITS;
        let table = |share: f64| {
            let beyond = move |place: u32| share * (f64::from(place) + 0.5) / f64::from(size);
            (0..size).map(|place| quantile_us(beyond(place)) as f32).collect()
        };
        Self { all: table(1.0), slowest: table(SLOWEST) }
    }
}

impl Latencies {
    /// A latency in µs.
    pub fn draw(&self, random: &mut Random) -> f32 {
        let bits = random.bits();
        let mask = (1_u64 << TABLE_BITS) - 1;
        let place = usize::try_from(bits & mask).unwrap_or(0);
        let coarse = self.all.get(place);
        if place < self.all.len() / 256 {
            let place = usize::try_from((bits >> TABLE_BITS) & mask).unwrap_or(0);
            return self.slowest.get(place).or(coarse).copied().unwrap_or(0.0);
        }
        coarse.copied().unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of another implementation of the same mixture (Python's `math.erfc`, bisection).
    #[test]
    fn quantiles_are_those_of_the_mixture() {
        for (beyond, ms) in [(0.5, 51.1768), (0.1, 120.0533), (0.01, 299.8032), (0.001, 992.6322)] {
            assert!(
                (quantile_us(beyond) / 1000.0 / ms - 1.0).abs() < 1e-5,
                "{beyond}: {}",
                quantile_us(beyond)
            );
        }
    }

    #[test]
    fn drawn_latencies_follow_the_law_far_into_the_tail() {
        const DRAWS: u64 = 4_000_000;
        let (latencies, mut random) = (Latencies::default(), Random::new(11, 0));
        let beyond = [0.9, 0.5, 0.1, 0.02, 0.003, 0.0003, 0.00002];
        let limits = beyond.map(quantile_us);
        let mut exceed = [0_u64; 7];
        for _ in 0..DRAWS {
            let us = f64::from(latencies.draw(&mut random));
            exceed.iter_mut().zip(limits).for_each(|(count, limit)| *count += u64::from(us > limit));
        }
        for (count, p) in exceed.into_iter().zip(beyond) {
            let expected = DRAWS as f64 * p;
            let deviations = (count as f64 - expected) / (expected * (1.0 - p)).sqrt();
            assert!(deviations.abs() < 4.5, "{p}: {count} of {expected}");
        }
    }

    #[test]
    fn the_slow_path_doubles_the_99th_percentile() {
        let factor = doubling_p99(0.03);
        let at = 2.0 * quantile_us(0.01);
        assert!((0.97 * survival(at) + 0.03 * survival(at / factor) - 0.01).abs() < 1e-9);
        assert!((factor - 7.691_586_771).abs() < 1e-6, "{factor}");
    }
}
